using System.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Testing;

namespace SysmonWatch.Detection.Tests.Testing;

/// <summary>One event of Sysmon's written as a map of fields is what a line with the same fields is.</summary>
public sealed class SingleEventTests
{
    [Theory]
    [InlineData("TargetPath", "/etc/cron.d/x", """{"EventID":11,"Image":"/usr/bin/cp","TargetFilename":"/etc//cron.d/./x"}""")]
    [InlineData("TargetPath", "/etc/passwd", """{"EventID":11,"Image":"/usr/bin/cp","TargetFilename":"/etc/passwd"}""")]
    [InlineData("ProcessCommandLine", "id -u", """{"EventID":1,"Image":"/usr/bin/id","ProcessId":"7","CommandLine":"id -u"}""")]
    [InlineData("ProcessCommandLine", "as written", """{"EventID":11,"Image":"/usr/bin/id","ProcessId":"7","ProcessCommandLine":"as written"}""")]
    public void A_map_has_the_derived_fields(string field, string value, string json)
    {
        // As a rule that asks for it would: rules are read before events.
        FieldId asked = FieldId.Of(field);

        FieldedEvent e = SingleEvent.Read(Encoding.UTF8.GetBytes(json), out _)!;

        Assert.Equal(ValueKind.Text, e.Find(asked, out ReadOnlySpan<byte> found));
        Assert.Equal(value, Encoding.UTF8.GetString(found));
    }
}
