namespace Serilog.Sinks.Journald;

/// <summary>How log events become journal entries.</summary>
public sealed record JournaldSinkOptions
{
    /// <summary>Text of MESSAGE: the rendered message, strings without quotes.</summary>
    public const string DefaultOutputTemplate = "{Message:lj}";

    /// <summary>SYSLOG_IDENTIFIER, what <c>journalctl -t</c> asks for. Default: the file name of the running program.</summary>
    public string SyslogIdentifier { get; init; } = Path.GetFileName(Environment.ProcessPath) ?? "dotnet";

    /// <summary>SYSLOG_FACILITY. Default none, which syslog daemons that read the journal take for <see cref="SyslogFacility.User"/>.</summary>
    public SyslogFacility? Facility { get; init; }

    /// <summary>What the field name of each property begins with, e.g. <c>MYAPP_</c>. Default nothing. Sanitised like the names themselves.</summary>
    public string FieldPrefix { get; init; } = "";

    /// <summary>Property name to field name, for properties whose field is not to be derived. Such fields get no prefix.</summary>
    /// <remarks>Names journald does not take are sanitised. A value for MESSAGE_ID is dropped unless it is 32 hexadecimal digits.</remarks>
    public IReadOnlyDictionary<string, string> FieldNames { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Text of MESSAGE. Default <see cref="DefaultOutputTemplate"/>. The exception's type and message follow in parentheses where the template
    /// has no <c>{Exception}</c>.
    /// </summary>
    public string OutputTemplate { get; init; } = DefaultOutputTemplate;

    /// <summary>Formats numbers and dates in MESSAGE and in fields. Default: invariant.</summary>
    public IFormatProvider? FormatProvider { get; init; }

    /// <summary>Where journald listens. The wait is how long one log event may hold up the thread that logs it; 100 ms here.</summary>
    public JournalClientOptions Client { get; init; } = new() { Wait = TimeSpan.FromMilliseconds(100) };
}
