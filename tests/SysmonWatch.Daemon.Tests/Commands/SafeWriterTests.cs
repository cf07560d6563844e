using SysmonWatch.Daemon.Commands;

namespace SysmonWatch.Daemon.Tests.Commands;

public class SafeWriterTests
{
    [Fact]
    public void Shows_what_would_act_on_a_terminal_and_keeps_its_own_line_ends()
    {
        using var behind = new StringWriter();
        using var writer = new SafeWriter(behind);

        writer.WriteLine("a\u001b[2J");
        writer.Write("b\nc");
        writer.Write('\u202e');
        writer.WriteLine();
        writer.Write("\U000e0041".ToCharArray());
        foreach (char half in "\U0001f600\U000e0041") writer.Write(half);

        Assert.Equal("a\\x1b[2J\nb\nc\\u202e\n\\U000e0041\U0001f600\\U000e0041", behind.ToString());
    }
}
