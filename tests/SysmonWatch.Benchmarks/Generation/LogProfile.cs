namespace SysmonWatch.Benchmarks.Generation;

/// <summary>What logs are made of, as numbers: how often each kind of line comes, and how long values are.</summary>
/// <remarks>
/// Source of <see cref="Recorded"/> and of all lengths: counted over 16,021 lines of syslog of 18 recorded scenarios (Sysmon 1.5.2 with a configuration that keeps everything, rsyslog 8.2302,
/// Debian 12: package installs, builds, cron, git and pip, web server and backup, administration, attacks). Events that came once or thrice are left as
/// they are; nothing is smoothed. <see cref="ProcessHeavy"/> is what a host that builds, or whose jobs are shell scripts, adds to that.
/// </remarks>
/// <param name="Events">How many lines of each event id there are.</param>
/// <param name="OtherLines">How many lines of other programs there are.</param>
/// <param name="FewestAlive">How many processes run at least.</param>
/// <param name="MostAlive">How many run at most. Where that is more than at least, their number goes up and down between the two, and any of them may do
/// something, start another or end next; else those started last do the most.</param>
sealed record LogProfile((int EventId, int Lines)[] Events, int OtherLines, int FewestAlive, int MostAlive)
{
    /// <summary>The mix that was counted; its other lines have 104 bytes on average, here and there.</summary>
    public static readonly LogProfile Recorded = new(
        [(11, 4003), (3, 3297), (23, 3281), (5, 2471), (1, 2203), (100, 54), (4, 3), (10, 3), (16, 3), (9, 1)], OtherLines: 701, FewestAlive: 48, MostAlive: 48);

    /// <summary>Mostly processes that start and end soon: of a thousand events 390 and 370, in a log of which 18 % is other programs'.</summary>
    public static readonly LogProfile ProcessHeavy = new([(1, 3198), (5, 3034), (11, 1230), (3, 574), (23, 164)], OtherLines: 1800, FewestAlive: 300, MostAlive: 4000);

    /// <summary>The percentiles (times ten) at which the lengths below are given; between two of them lengths are taken as evenly spread.</summary>
    public static readonly int[] Permille = [0, 50, 250, 500, 750, 900, 950, 990, 999, 1000];

    /// <summary>Of so many event 1 lines: those with an &amp;, with a #ooo and with a byte above 0x7F in a value.</summary>
    public const int CommandLines = 2203, CommandLinesWithAmpersand = 59, CommandLinesWithOctal = 9, CommandLinesNotAscii = 7;

    /// <summary>Bytes of event 1's CommandLine.</summary>
    public static readonly int[] CommandLine = [1, 7, 19, 34, 49, 186, 230, 500, 1644, 1644];

    /// <summary>Bytes of event 1's Image.</summary>
    public static readonly int[] Image = [7, 11, 13, 18, 28, 36, 41, 69, 79, 79];

    /// <summary>Bytes of event 1's CurrentDirectory.</summary>
    public static readonly int[] CurrentDirectory = [1, 1, 5, 11, 18, 18, 18, 18, 20, 20];

    /// <summary>Bytes of event 1's ParentCommandLine, which is mostly argv[0].</summary>
    public static readonly int[] ParentCommandLine = [1, 1, 3, 4, 7, 9, 14, 24, 41, 45];

    /// <summary>Bytes of event 11's TargetFilename.</summary>
    public static readonly int[] CreatedFile = [7, 15, 30, 48, 83, 117, 124, 134, 141, 152];

    /// <summary>Bytes of event 23's TargetFilename.</summary>
    public static readonly int[] DeletedFile = [6, 15, 27, 69, 87, 103, 109, 118, 126, 136];

    /// <summary>Microseconds from one event to the next.</summary>
    public static readonly int[] Pause = [0, 39, 50, 262, 2178, 9378, 12189, 23702, 200_000, 200_000];

    /// <summary>Microseconds from Sysmon's time to that in the line's header.</summary>
    public static readonly int[] Delay = [29, 78, 164, 407, 2780, 9369, 12451, 20_000, 34_000, 34_966];

    /// <summary>How many different images there were.</summary>
    public const int Images = 162;
}
