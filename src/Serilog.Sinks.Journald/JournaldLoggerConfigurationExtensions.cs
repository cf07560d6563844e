using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Sinks.Journald;

namespace Serilog;

/// <summary>Adds <c>WriteTo.Journald(…)</c>.</summary>
public static class JournaldLoggerConfigurationExtensions
{
    /// <summary>Writes log events to the systemd journal over its native protocol.</summary>
    /// <param name="sinkConfiguration">The logger's sinks.</param>
    /// <param name="syslogIdentifier">SYSLOG_IDENTIFIER. Default: the file name of the running program.</param>
    /// <param name="facility">SYSLOG_FACILITY. Default none.</param>
    /// <param name="fieldPrefix">What the field name of each property begins with. Default nothing.</param>
    /// <param name="fieldNames">Property name to field name, for properties whose field is not to be derived.</param>
    /// <param name="outputTemplate">Text of MESSAGE.</param>
    /// <param name="formatProvider">Formats numbers and dates. Default: invariant.</param>
    /// <param name="restrictedToMinimumLevel">The lowest level that is written. Ignored where <paramref name="levelSwitch"/> is given.</param>
    /// <param name="levelSwitch">The lowest level that is written, changeable while running.</param>
    /// <param name="socketPath">Where journald listens.</param>
    /// <returns>The logger's configuration.</returns>
    public static LoggerConfiguration Journald(
        this LoggerSinkConfiguration sinkConfiguration,
        string? syslogIdentifier = null,
        SyslogFacility? facility = null,
        string fieldPrefix = "",
        IReadOnlyDictionary<string, string>? fieldNames = null,
        string outputTemplate = JournaldSinkOptions.DefaultOutputTemplate,
        IFormatProvider? formatProvider = null,
        LogEventLevel restrictedToMinimumLevel = LevelAlias.Minimum,
        LoggingLevelSwitch? levelSwitch = null,
        string socketPath = JournalClientOptions.DefaultSocketPath)
    {
        JournaldSinkOptions defaults = new();
        JournaldSinkOptions options = defaults with
        {
            SyslogIdentifier = syslogIdentifier ?? defaults.SyslogIdentifier,
            Facility = facility,
            FieldPrefix = fieldPrefix,
            FieldNames = fieldNames ?? defaults.FieldNames,
            OutputTemplate = outputTemplate,
            FormatProvider = formatProvider,
            Client = defaults.Client with { SocketPath = socketPath },
        };
        return sinkConfiguration.Journald(options, restrictedToMinimumLevel, levelSwitch);
    }

    /// <summary>Writes log events to the systemd journal over its native protocol.</summary>
    /// <param name="sinkConfiguration">The logger's sinks.</param>
    /// <param name="options">How log events become journal entries.</param>
    /// <param name="restrictedToMinimumLevel">The lowest level that is written. Ignored where <paramref name="levelSwitch"/> is given.</param>
    /// <param name="levelSwitch">The lowest level that is written, changeable while running.</param>
    /// <returns>The logger's configuration.</returns>
    public static LoggerConfiguration Journald(
        this LoggerSinkConfiguration sinkConfiguration,
        JournaldSinkOptions options,
        LogEventLevel restrictedToMinimumLevel = LevelAlias.Minimum,
        LoggingLevelSwitch? levelSwitch = null) =>
        sinkConfiguration.Sink(new JournaldSink(options), restrictedToMinimumLevel, levelSwitch);
}
