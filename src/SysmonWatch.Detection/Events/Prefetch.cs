using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SysmonWatch.Detection.Events;

/// <summary>Tells the processor what will be read soon, so that it is there by then. Where it knows no such instruction, nothing happens.</summary>
static class Prefetch
{
    /// <summary>Something in memory. It may have been moved or freed by the time it is fetched; a wrong address does no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Of<T>(ref T soon)
    {
        if (Sse.IsSupported) Sse.Prefetch0(Unsafe.AsPointer(ref soon));
    }

    /// <summary>The first bytes of an object. Asking for a reference to a field of it would read it, and wait.</summary>
    /// <param name="soon">The object; null where there is none.</param>
    /// <param name="bytes">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void OfObject(object? soon, int bytes)
    {
        if (!Sse.IsSupported) return;
        byte* at = *(byte**)Unsafe.AsPointer(ref soon);
        for (int i = 0; i < bytes; i += CacheLine) Sse.Prefetch0(at + i);
    }

    const int CacheLine = 64;
}
