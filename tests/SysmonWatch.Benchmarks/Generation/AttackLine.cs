using System.Buffers;
using System.Globalization;

namespace SysmonWatch.Benchmarks.Generation;

/// <summary>
/// Lines that alert by a rule that ships: a program that restarts the machine is deleted, each time by another process, as repeats of one process
/// would be folded into one alert.
/// </summary>
/// <param name="host">The Computer in them.</param>
sealed class AttackLine(string host)
{
    /// <summary>The rule: deploy/rules/impact/power_control_program_deleted.yml.</summary>
    public const string RuleId = "63f595bf-d4f9-4483-bef6-2ba084527c5f";

    readonly EventTemplate _template = EventTemplate.Of(23, host);

    /// <summary>Writes one.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="time">Of the event and of its line, UTC.</param>
    /// <param name="recordId">Its EventRecordID; makes the process, too.</param>
    public void Write(ArrayBufferWriter<byte> to, DateTime time, ulong recordId) => _template.Write(to, place => place switch
    {
        "header" => time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'+00:00'", CultureInfo.InvariantCulture),
        "SystemTime" => time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'000Z'", CultureInfo.InvariantCulture),
        "EventRecordID" => recordId.ToString(CultureInfo.InvariantCulture),
        "Execution" => "538",
        "UtcTime" => time.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture),
        "ProcessGuid" => string.Create(CultureInfo.InvariantCulture, $"{{b08dfa60-a77a-6b04-0000-{recordId:x12}}}"),
        "ProcessId" => (100_000 + recordId).ToString(CultureInfo.InvariantCulture),
        "User" => "root",
        "Image" => "/usr/bin/rm",
        "TargetFilename" => "/sbin/reboot",
        _ => "-",
    });
}
