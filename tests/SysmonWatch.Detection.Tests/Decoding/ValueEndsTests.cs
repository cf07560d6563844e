using CsCheck;
using SysmonWatch.Detection.Decoding;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>The places of all ends at once are those that one search after the other finds.</summary>
public sealed class ValueEndsTests
{
    [Fact]
    public void Finds_each_opening_bracket_that_is_not_seven_behind_another()
    {
        // Few kinds of pieces, so that brackets stand at every distance from each other and from the edges of the blocks.
        Gen<byte> piece = Gen.Int[0, 4].Select(i => (byte)"<aaa>"[i]);
        Gen.Select(piece.Array[0, 150], Gen.Int[0, 20]).Sample((text, from) =>
        {
            from = Math.Min(from, text.Length);
            byte[] room = [.. text, .. Enumerable.Repeat((byte)'<', ValueEnds.Overrun)];

            int[] found = new ValueEnds().Find(room, from, text.Length).ToArray();

            int[] expected = [.. Enumerable.Range(from, text.Length - from).Where(i => text[i] == '<' && !(i - 7 >= from && text[i - 7] == '<'))];
            Assert.Equal(expected.Take(found.Length), found);
            if (found.Length < expected.Length) Assert.True(found.Length >= 64);
        }, iter: 20_000);
    }

    [Fact]
    public void Wants_room_behind_the_text() => Assert.Throws<ArgumentOutOfRangeException>(() => new ValueEnds().Find(new byte[100], 0, 100 - ValueEnds.Overrun + 1).Length);
}
