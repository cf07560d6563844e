namespace SysmonWatch.Daemon.Commands;

/// <summary>What the commands exit with.</summary>
/// <remarks>Source: sysexits.h for 66 and 78; systemd does not restart the service after 78.</remarks>
static class ExitCodes
{
    public const int Success = 0;

    /// <summary>Rules are wrong, or a command did not find what it was asked for.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong, or nothing was left to evaluate.</summary>
    public const int Usage = 2;

    /// <summary>EX_NOINPUT: a file cannot be read.</summary>
    public const int NoInput = 66;

    /// <summary>EX_CONFIG: the configuration is wrong.</summary>
    public const int Configuration = 78;

    /// <summary>Ended by whoever started it, before it was done: 128 and the number of SIGINT, as shells say it.</summary>
    public const int Interrupted = 130;
}
