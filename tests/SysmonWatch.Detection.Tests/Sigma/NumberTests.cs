using System.Numerics;
using System.Text;
using CsCheck;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Tests.Sigma;

public sealed class NumberTests
{
    [Theory]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567891", -1)]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890.0", 0)]
    [InlineData("-123456789012345678901234567890", "-123456789012345678901234567891", 1)]
    [InlineData("79228162514264337593543950335", "79228162514264337593543950336", -1)]
    [InlineData("-79228162514264337593543950336", "-79228162514264337593543950335.5", -1)]
    [InlineData("1e30", "1000000000000000000000000000000", 0)]
    [InlineData("1e400", "1e399", 1)]
    [InlineData("-1e400", "0.5", -1)]
    public void Compares_numbers_of_any_size_exactly(string one, string other, int order)
    {
        Assert.Equal(order, Parse(one).CompareTo(Parse(other)));
        Assert.Equal(-order, Parse(other).CompareTo(Parse(one)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("1e")]
    [InlineData("1e99999")]
    [InlineData("1e99999999999999999999")]
    [InlineData("0x10")]
    [InlineData(" 1")]
    public void Knows_what_is_no_number(string text) => Assert.False(Number.TryParse(text, exponent: true, out _));

    [Fact]
    public void Whole_numbers_are_ordered_as_they_are() =>
        Gen.Select(Gen.Long, Gen.Long, Gen.Int[0, 3]).Sample(
            (a, b, power) =>
            {
                BigInteger one = a * BigInteger.Pow(ulong.MaxValue, power / 2);
                BigInteger other = (b % 3 == 0 ? a : b) * BigInteger.Pow(ulong.MaxValue, power - (power / 2));
                Assert.Equal(Math.Sign(one.CompareTo(other)), Math.Sign(Parse(one.ToString()).CompareTo(Parse(other.ToString()))));
            },
            iter: 2000,
            threads: 1);

    static Number Parse(string text)
    {
        Assert.True(Number.TryParse(Encoding.ASCII.GetBytes(text), exponent: true, out Number number), text);
        return number;
    }
}
