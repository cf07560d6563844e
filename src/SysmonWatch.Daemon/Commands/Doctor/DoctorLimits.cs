using System.Globalization;
using System.Text.RegularExpressions;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary>Where Sysmon's lines are cut or dropped before anybody can read them: limits of journald and of rsyslog.</summary>
/// <remarks>Source: journald.conf(5), systemd.exec(5); rsyslog's documentation of maxMessageSize, imjournal and $RepeatedMsgReduction.</remarks>
static partial class DoctorLimits
{
    /// <summary>As many bytes as Sysmon writes at most.</summary>
    const long LongestMessage = 65_535;

    const string SysmonUnit = "/etc/systemd/system/sysmon.service";

    [GeneratedRegex("""^(?:\$MaxMessageSize\s+|global\s*\(.*\bmaxMessageSize\s*=\s*")(\d+[kKmM]?)""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    static partial Regex MaxMessageSize { get; }

    [GeneratedRegex(@"^\$RepeatedMsgReduction\s+(\w+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    static partial Regex RepeatedMsgReduction { get; }

    [GeneratedRegex("""^module\s*\(.*load\s*=\s*"imjournal"(.*)""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    static partial Regex ImJournal { get; }

    /// <summary>What journald drops, of everything that goes through it: also rsyslog's files come from it where imjournal reads them.</summary>
    public static IEnumerable<DoctorFinding> OfJournald(DoctorFiles files)
    {
        string[] journald = [.. files.Lines("/etc/systemd/journald.conf", "/usr/lib/systemd/journald.conf.d", "/run/systemd/journald.conf.d", "/etc/systemd/journald.conf.d")];
        string[] unit = [.. files.Lines(SysmonUnit, SysmonUnit + ".d")];
        string interval = DoctorFiles.Value(unit, "LogRateLimitIntervalSec") ?? DoctorFiles.Value(journald, "RateLimitIntervalSec") ?? "30s";
        string burst = DoctorFiles.Value(unit, "LogRateLimitBurst") ?? DoctorFiles.Value(journald, "RateLimitBurst") ?? "10000";
        bool off = IsZero(interval) || IsZero(burst);
        yield return off
            ? DoctorFinding.Good("journald", "it drops none of Sysmon's messages for their number")
            : new(Health.Warning, "journald", $"it drops what Sysmon writes beyond {burst} messages in {interval}", "systemctl edit sysmon, add [Service] LogRateLimitIntervalSec=0, and systemctl restart sysmon");
        string? storage = DoctorFiles.Value(journald, "Storage");
        if (storage == "none") yield return new(Health.Error, "journald", "Storage=none: it keeps nothing", "set Storage=auto in journald.conf, and systemctl restart systemd-journald");
        else if (storage == "volatile" || !files.Exists("/var/log/journal"))
        {
            yield return new(Health.Warning, "journald", "the journal does not outlive a reboot: what was not read by then is lost", "mkdir /var/log/journal (and Storage=auto), and systemctl restart systemd-journald");
        }
    }

    /// <summary>What rsyslog cuts and drops.</summary>
    public static IEnumerable<DoctorFinding> OfRsyslog(DoctorFiles files)
    {
        if (!files.Exists("/etc/rsyslog.conf")) yield break;
        string[] lines = [.. files.Lines("/etc/rsyslog.conf", "/etc/rsyslog.d")];
        long longest = Bytes(DoctorFiles.Match(lines, MaxMessageSize) ?? "8096");
        yield return longest >= LongestMessage
            ? DoctorFinding.Good("rsyslog", "it takes messages as long as Sysmon writes them")
            : new(
                Health.Warning, "rsyslog", $"it cuts messages at {longest} bytes: a command line longer than that hides what stands behind it (user, parent)",
                "global(maxMessageSize=\"64k\") as the first line of /etc/rsyslog.conf, and systemctl restart rsyslog; or take the journal as input");
        if (string.Equals(DoctorFiles.Match(lines, RepeatedMsgReduction), "on", StringComparison.OrdinalIgnoreCase))
        {
            yield return new(Health.Warning, "rsyslog", "$RepeatedMsgReduction is on: it folds equal lines, and then numbers are missing", "$RepeatedMsgReduction off in /etc/rsyslog.conf, and systemctl restart rsyslog");
        }
        if (DoctorFiles.Match(lines, ImJournal) is { } imjournal && !imjournal.Contains("ratelimit.interval=\"0\"", StringComparison.OrdinalIgnoreCase))
        {
            yield return new(Health.Warning, "rsyslog", "imjournal drops what goes beyond its rate limit (20000 messages in 10 minutes by default)", "ratelimit.interval=\"0\" in module(load=\"imjournal\" …), and systemctl restart rsyslog");
        }
    }

    static bool IsZero(string value) => value.TrimEnd('s', 'm', 'i', 'n', 'h', ' ') == "0";

    static long Bytes(string size)
    {
        long factor = char.ToLowerInvariant(size[^1]) switch
        {
            'k' => 1024,
            'm' => 1024 * 1024,
            _ => 1,
        };
        return long.Parse(size.TrimEnd('k', 'K', 'm', 'M'), CultureInfo.InvariantCulture) * factor;
    }
}
