namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// Decides whether the daemon may be called alive: every stage that has work has moved since it was last asked. No clock and no task in it.
/// <see cref="Register"/> and <see cref="FindStuck"/> are thread-safe.
/// </summary>
sealed class Watchdog
{
    readonly Lock _lock = new();
    readonly List<Watched> _stages = [];

    /// <summary>Watches one more stage. It counts as resting until it says otherwise. A stage that ends rests for ever: dispose it.</summary>
    /// <param name="name">For people: "reader of /var/log/syslog", "worker 2".</param>
    public StageProgress Register(string name)
    {
        StageProgress stage = new(name, this);
        lock (_lock) _stages.Add(new Watched(stage));
        return stage;
    }

    /// <summary>
    /// The stages that had work at the last time of asking, still have it, and did nothing at all in between; none where the daemon is alive. A
    /// stage that took up its work only after the last time is never among them, however near the two are.
    /// </summary>
    public IReadOnlyList<string> FindStuck()
    {
        List<string>? stuck = null;
        lock (_lock)
        {
            foreach (Watched watched in _stages)
            {
                long now = watched.Stage.Mark;
                if (now == watched.LastMark && StageProgress.IsWorking(now)) (stuck ??= []).Add(watched.Stage.Name);
                watched.LastMark = now;
            }
        }
        return stuck ?? (IReadOnlyList<string>)[];
    }

    internal void Forget(StageProgress stage)
    {
        lock (_lock) _stages.RemoveAll(watched => ReferenceEquals(watched.Stage, stage));
    }

    sealed class Watched(StageProgress stage)
    {
        public StageProgress Stage { get; } = stage;

        public long LastMark { get; set; } = -1;
    }
}
