using System.Numerics;

namespace SysmonWatch.Detection.Events;

/// <summary>
/// The sizes that memory for a node's text comes in. There are few, so that one node's memory fits another's text, and they lie close, so that little is lost: up
/// to 512 bytes every 64, above that four between a power of two and the next.
/// </summary>
static class TextSize
{
    /// <summary>The largest that has a number; larger ones are as large as the text.</summary>
    public const int Largest = 16 * 1024;

    /// <summary>How many sizes have a number.</summary>
    public const int Count = 9 + (5 * 4);

    const int Step = 64, Fine = 512;

    /// <summary>The smallest size with room for a text.</summary>
    /// <param name="length">Bytes of text; 0 takes none.</param>
    public static int Rounded(int length)
    {
        if (length <= Fine) return (length + Step - 1) & ~(Step - 1);
        if (length > Largest) return length;
        int step = Fine / 4 << Doublings(length);
        return (length + step - 1) & ~(step - 1);
    }

    /// <summary>The number of a size, from 0; -1 where it has none.</summary>
    /// <param name="size">What <see cref="Rounded"/> gave.</param>
    public static int Number(int size)
    {
        if (size <= Fine) return size / Step;
        if (size > Largest) return -1;
        int doublings = Doublings(size);
        return 9 + (doublings * 4) + (size / (Fine / 4 << doublings)) - 5;
    }

    /// <summary>How often 512 must be doubled to be at least half of a length.</summary>
    static int Doublings(int length) => BitOperations.Log2((uint)length - 1) - 9;
}
