using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Tests.Events;

public sealed class TextSizeTests
{
    [Fact]
    public void A_text_of_any_length_fits_into_its_size_and_loses_little()
    {
        Dictionary<int, int> sizes = [];
        int last = -1;
        for (int length = 0; length <= TextSize.Largest; length++)
        {
            int size = TextSize.Rounded(length);
            int number = TextSize.Number(size);

            Assert.InRange(size - length, 0, Math.Max(63, length / 4));
            Assert.Equal(size, TextSize.Rounded(size));
            Assert.InRange(number, last, last + 1);
            Assert.Equal(size, sizes.TryAdd(number, size) ? size : sizes[number]);
            last = number;
        }
        Assert.Equal(TextSize.Count - 1, last);
    }

    [Fact]
    public void A_longer_text_has_a_size_of_its_own()
    {
        Assert.Equal((TextSize.Largest + 1, -1), (TextSize.Rounded(TextSize.Largest + 1), TextSize.Number(TextSize.Largest + 1)));
    }
}
