namespace SysmonWatch.Daemon.Intake;

/// <summary>
/// Says whether files changed since it was asked last: the slow poll behind notifications that may be lost, on network file systems for example. It only
/// looks; whoever reads finds out what the change was. The paths may be changed by one thread while another asks.
/// </summary>
/// <remarks>
/// It compares with the time before and not with what the reader knows, so that the two need not wait for each other. A change lies between two looks,
/// and is told at the second of them; one that the reader knows by then rings for nothing once.
/// </remarks>
sealed class PollingFallback
{
    volatile string[] _paths = [];
    volatile bool _isRestless = true;
    // Used only by who asks.
    string[] _looked = [];
    (int Error, FileFacts Facts)[] _seen = [];

    /// <summary>True where something is going on that no look at paths shows: then every look says that something changed.</summary>
    public bool IsRestless
    {
        get => _isRestless;
        set => _isRestless = value;
    }

    /// <summary>What to look at from the next time on.</summary>
    public void Use(IEnumerable<string> paths) => _paths = [.. paths];

    /// <summary>Looks. One thread at a time.</summary>
    /// <returns>True where something is another than the last time, or was not looked at then.</returns>
    public bool HasChanged()
    {
        string[] paths = _paths;
        bool changed = _isRestless;
        if (!ReferenceEquals(paths, _looked))
        {
            changed |= !paths.AsSpan().SequenceEqual(_looked);
            if (changed) _seen = new (int, FileFacts)[paths.Length];
            _looked = paths;
        }
        for (int i = 0; i < paths.Length; i++)
        {
            int error = FileCalls.Look(paths[i], out FileFacts facts);
            changed |= _seen[i] != (error, facts);
            _seen[i] = (error, facts);
        }
        return changed;
    }
}
