using System.Runtime.Intrinsics;
using CsCheck;
using SysmonWatch.Detection.Decoding;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>The hash of a value is the same whichever way it is made, and depends on every byte, their order and their number.</summary>
public sealed class ValueHashTests
{
    readonly ValueHash _hash = new(0x0123456789abcdef, 0xfedcba9876543210);

    [Fact]
    public void Is_the_same_in_the_midst_of_a_line_as_alone()
    {
        Gen.Select(Gen.Byte.Array[0, ValueHash.Segment - 1], Gen.Int[0, 70], Gen.Byte.Array[64, 64]).Sample((value, start, behind) =>
        {
            byte[] room = [.. new byte[start], .. value, .. behind];

            ulong hash = ValueScan.Hash(room, start, value.Length, _hash, out Vector128<byte> special);

            Assert.Equal(_hash.Of(value), hash);
            Assert.Equal(value.Any(b => b is (byte)'&' or (byte)'#' or > 0x7F), special.ExtractMostSignificantBits() != 0);
        }, iter: 3000);
    }

    [Theory]
    [InlineData((byte)'&', true)]
    [InlineData((byte)'#', true)]
    [InlineData((byte)0x80, true)]
    [InlineData((byte)0xFF, true)]
    [InlineData((byte)'%', false)]
    [InlineData((byte)'"', false)]
    [InlineData((byte)'<', false)]
    [InlineData((byte)0x7F, false)]
    public void Says_where_a_value_has_a_byte_that_must_be_looked_at(byte odd, bool isSpecial)
    {
        for (int length = 1; length < 100; length++)
        {
            for (int at = 0; at < length; at++)
            {
                byte[] room = [.. Enumerable.Repeat((byte)'a', length), .. Enumerable.Repeat((byte)'&', 64)];
                room[at] = odd;

                ValueScan.Hash(room, 0, length, _hash, out Vector128<byte> special);

                Assert.Equal(isSpecial, special.ExtractMostSignificantBits() != 0);
            }
        }
    }

    [Fact]
    public void Differs_for_every_change_of_a_bit_a_byte_more_and_two_that_changed_places()
    {
        var seen = new HashSet<ulong>();
        int count = 0;
        var random = new Random(1);
        foreach (int length in (int[])[0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 1023, 1024, 1025, 2048, 3000])
        {
            byte[] value = new byte[length];
            random.NextBytes(value);
            Add(value);
            Add([.. value, 0]);
            for (int bit = 0; bit < length * 8; bit += length > 100 ? 37 : 1)
            {
                byte[] other = [.. value];
                other[bit / 8] ^= (byte)(1 << (bit % 8));
                Add(other);
            }
            for (int i = 0; i + 4 < length; i += length > 100 ? 13 : 1)
            {
                byte[] other = [.. value];
                (other[i], other[i + 4]) = (other[i + 4], other[i]);
                if (other[i] != value[i]) Add(other);
            }
        }
        Assert.Equal(count, seen.Count);

        void Add(byte[] value)
        {
            seen.Add(_hash.Of(value));
            count++;
        }
    }

    [Fact]
    public void Differs_by_its_keys()
    {
        Assert.NotEqual(_hash.Of("value"u8), new ValueHash(0x0123456789abcdee, 0xfedcba9876543210).Of("value"u8));
        Assert.NotEqual(_hash.Of("value"u8), new ValueHash(0x0123456789abcdef, 0xfedcba9876543211).Of("value"u8));
    }
}
