namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// Says when a checkpoint is due: some seconds after something moved, never while nothing does, and less often where writing one takes long, so that
/// saving state never costs more than a twentieth of the time. The first is due at once: until a position is saved, a crash makes the next start a
/// first start, which does not look into files that were rotated away meanwhile. Not thread-safe: the reader's.
/// </summary>
/// <param name="every">The shortest time between two checkpoints.</param>
/// <param name="time">The clock.</param>
sealed class CheckpointSchedule(TimeSpan every, TimeProvider time)
{
    const int ShareOfTime = 20;

    long? _last;
    long _costTicks;
    volatile bool _lastFailed;

    /// <summary>True where something moved since the last checkpoint.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>What the last checkpoint took to write; reported by the stage that writes it, from its own thread.</summary>
    public TimeSpan LastCost
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _costTicks));
        set => Interlocked.Exchange(ref _costTicks, value.Ticks);
    }

    /// <summary>True where the last checkpoint could not be written; reported by the stage that writes it, from its own thread.</summary>
    public bool LastFailed
    {
        get => _lastFailed;
        set => _lastFailed = value;
    }

    /// <summary>How long until one is due; zero where it is. Counts only while <see cref="IsDirty"/>.</summary>
    public TimeSpan Remaining
    {
        get
        {
            if (_last is not { } last) return TimeSpan.Zero;
            TimeSpan interval = every > LastCost * ShareOfTime ? every : LastCost * ShareOfTime;
            TimeSpan left = interval - time.GetElapsedTime(last);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Something moved.</summary>
    public void Moved() => IsDirty = true;

    /// <summary>A checkpoint is on its way.</summary>
    public void Taken()
    {
        IsDirty = false;
        _last = time.GetTimestamp();
    }
}
