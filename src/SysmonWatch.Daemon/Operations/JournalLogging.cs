using Serilog;
using Serilog.Sinks.Journald;

namespace SysmonWatch.Daemon.Operations;

/// <summary>How the daemon's own messages, as opposed to alerts, go to the journal.</summary>
static class JournalLogging
{
    /// <summary>SYSLOG_IDENTIFIER of everything the daemon writes.</summary>
    public const string Identifier = "sysmonwatch";

    /// <summary>
    /// Properties have SYSMONWATCH_LOG_ before their names: a message <em>about</em> an alert must not be found by who asks the journal for
    /// SYSMONWATCH_ALERT_ID, as if it were one.
    /// </summary>
    public static JournaldSinkOptions Options { get; } = new()
    {
        SyslogIdentifier = Identifier,
        Facility = SyslogFacility.Daemon,
        FieldPrefix = "SYSMONWATCH_LOG_",
        FieldNames = new Dictionary<string, string> { ["MessageId"] = "MESSAGE_ID" },
    };

    /// <summary>Adds the journal as a sink whose failures are counted.</summary>
    /// <param name="log">The log's configuration.</param>
    /// <param name="counters">Where what could not be written is counted.</param>
    /// <param name="options">How; <see cref="Options"/> by default.</param>
    public static void WriteTo(LoggerConfiguration log, Counters counters, JournaldSinkOptions? options = null) =>
        log.WriteTo.Fallible(to => to.Journald(options ?? Options), new LogFailures(counters));
}
