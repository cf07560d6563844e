namespace SysmonWatch.Daemon.State;

/// <summary>
/// The state of a stage, in numbered pages of bounded size: of a large state only the pages that changed since the last checkpoint need be written.
/// </summary>
/// <remarks>
/// Part of the pages may only be given after a checkpoint that was written: whoever gets a failure from <see cref="StateStore.Commit"/> gives all of
/// them next time, and until then the store refuses a part, so that pages of two different moments never come back as one state.
/// </remarks>
/// <param name="Count">How many pages the state has; what is stored beyond is removed.</param>
/// <param name="Pages">Those to be written, by number from 0; read back, all of them.</param>
sealed record Snapshot(int Count, IReadOnlyDictionary<int, byte[]> Pages)
{
    /// <summary>The largest page, in bytes.</summary>
    public const int LargestPage = 1 << 20;

    /// <summary>True where every page is in it.</summary>
    public bool IsWhole => Pages.Count == Count;

    /// <summary>A state that is written as a whole each time.</summary>
    public static Snapshot Whole(ReadOnlySpan<byte> state)
    {
        var pages = new Dictionary<int, byte[]>();
        do
        {
            ReadOnlySpan<byte> page = state[..Math.Min(state.Length, LargestPage)];
            pages.Add(pages.Count, page.ToArray());
            state = state[page.Length..];
        }
        while (state.Length > 0);
        return new Snapshot(pages.Count, pages);
    }

    /// <summary>The pages in their order, as one.</summary>
    public byte[] Joined()
    {
        byte[] state = new byte[Pages.Values.Sum(page => page.Length)];
        for (int page = 0, at = 0; page < Count; at += Pages[page++].Length) Pages[page].CopyTo(state, at);
        return state;
    }
}
