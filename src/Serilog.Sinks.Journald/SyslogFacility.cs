namespace Serilog.Sinks.Journald;

/// <summary>Syslog's facilities, as SYSLOG_FACILITY has them.</summary>
/// <remarks>Source: RFC 5424, table 1, with syslog(3)'s meaning of 9 to 11.</remarks>
public enum SyslogFacility
{
    /// <summary>kern</summary>
    Kernel = 0,

    /// <summary>user</summary>
    User = 1,

    /// <summary>mail</summary>
    Mail = 2,

    /// <summary>daemon</summary>
    Daemon = 3,

    /// <summary>auth</summary>
    Auth = 4,

    /// <summary>syslog</summary>
    Syslog = 5,

    /// <summary>lpr</summary>
    Printer = 6,

    /// <summary>news</summary>
    News = 7,

    /// <summary>uucp</summary>
    Uucp = 8,

    /// <summary>cron</summary>
    Cron = 9,

    /// <summary>authpriv</summary>
    AuthPrivate = 10,

    /// <summary>ftp</summary>
    Ftp = 11,

    /// <summary>local0</summary>
    Local0 = 16,

    /// <summary>local1</summary>
    Local1 = 17,

    /// <summary>local2</summary>
    Local2 = 18,

    /// <summary>local3</summary>
    Local3 = 19,

    /// <summary>local4</summary>
    Local4 = 20,

    /// <summary>local5</summary>
    Local5 = 21,

    /// <summary>local6</summary>
    Local6 = 22,

    /// <summary>local7</summary>
    Local7 = 23,
}
