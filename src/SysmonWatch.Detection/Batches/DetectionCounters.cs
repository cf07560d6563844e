namespace SysmonWatch.Detection.Batches;

/// <summary>What became of everything that was read. Written by the stage that counts; reads from other threads may lag a little.</summary>
public sealed class DetectionCounters
{
    /// <summary>Records: lines or journal entries.</summary>
    public long Records { get; internal set; }

    /// <summary>Events that were evaluated.</summary>
    public long Events { get; internal set; }

    /// <summary>Lines of other programs.</summary>
    public long NotSysmon { get; internal set; }

    /// <summary>Plain-text lines of Sysmon's.</summary>
    public long Notices { get; internal set; }

    /// <summary>Lines of Sysmon's that hold the start of an event but not even its id.</summary>
    public long Unreadable { get; internal set; }

    /// <summary>Lines beyond the longest that is taken.</summary>
    public long TooLong { get; internal set; }

    /// <summary>Journal records without a MESSAGE.</summary>
    public long WithoutMessage { get; internal set; }

    /// <summary>Pieces of input that are no record of its format.</summary>
    public long Malformed { get; internal set; }

    /// <summary>Events that were cut and evaluated as far as they go.</summary>
    public long Truncated { get; internal set; }

    /// <summary>Copies of an event that came through two paths; not evaluated again.</summary>
    public long Copies { get; internal set; }

    /// <summary>Events of a file that are read from the journal too; not evaluated twice.</summary>
    public long Covered { get; internal set; }

    /// <summary>Events that the source proves not to be Sysmon's.</summary>
    public long Forged { get; internal set; }

    /// <summary>Events with the identity of an earlier one and other content; both are evaluated.</summary>
    public long Conflicts { get; internal set; }

    /// <summary>Events of a file that look as if Sysmon had not written them; evaluated all the same.</summary>
    public long Doubtful { get; internal set; }

    /// <summary>Lines that began within another line, where a write was torn; decoded and evaluated like others.</summary>
    public long Glued { get; internal set; }

    /// <summary>Lines with another event within, that nothing says Sysmon wrote; that event is not evaluated.</summary>
    public long Unbelieved { get; internal set; }

    /// <summary>Events dated too far ahead; evaluated, but they advance no window.</summary>
    public long FutureDated { get; internal set; }

    /// <summary>SysmonWatch's own connections and files; not evaluated.</summary>
    public long Own { get; internal set; }

    /// <summary>Events that are missing by their numbers.</summary>
    public long Missing { get; internal set; }

    /// <summary>How often a computer's numbers started anew.</summary>
    public long Resets { get; internal set; }

    /// <summary>Rule matches, repeats included.</summary>
    public long Findings { get; internal set; }

    /// <summary>Alerts raised.</summary>
    public long Alerts { get; internal set; }
}
