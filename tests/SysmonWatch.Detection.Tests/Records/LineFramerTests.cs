using System.Text;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Tests.Decoding;

namespace SysmonWatch.Detection.Tests.Records;

public sealed class LineFramerTests
{
    const int Longest = 128 * 1024;
    const string Header = "Nov 24 02:11:58 vm sysmon: ";
    const string Open = Header + "<Event><System><EventID>1</EventID></System><EventData><Data Name=\"CommandLine\">bash -c a";
    const string Close = "b</Data><Data Name=\"User\">alice</Data></EventData></Event>";

    static List<string> Split(string text, bool atEnd = true) => Split(text, atEnd, out _);

    static List<string> Split(string text, bool atEnd, out int consumed)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        List<LogRecord> records = [];
        consumed = new LineFramer().Split(bytes, 0, bytes.Length, atEnd, records, Longest);
        return [.. records.Select(r => text.Substring(r.Text.Start, r.Text.Length))];
    }

    [Fact]
    public void A_line_is_a_record()
    {
        Assert.Equal(["a", "b", "c"], Split("a\nb\n\nc"));
    }

    [Fact]
    public void An_unfinished_line_waits()
    {
        Assert.Equal(["a"], Split("a\nb", atEnd: false, out int consumed));
        Assert.Equal(2, consumed);
    }

    /// <summary>What a crash leaves in a file that had grown and was not written yet, and a writer that goes on at its old place after a truncation.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(Longest + 1)]
    public void A_hole_of_NULs_is_no_part_of_the_line_after_it(int size)
    {
        string hole = new('\0', size);

        Assert.Equal(["a", "b", "c"], Split($"a\n{hole}b\nc\n"));
        Assert.Equal(["a", "b"], Split($"{hole}\na\n{hole}\n\n{hole}b{(size > 1 ? "\n" + hole : "")}"));
    }

    [Fact]
    public void A_hole_in_a_line_that_is_longer_than_any_message_ends_what_was_begun_before_it()
    {
        string hole = new('\0', Longest + 1);

        Assert.Equal(["begun", "b", "c"], Split($"begun{hole}b\nc\n"));
        Assert.Equal(["begun"], Split("begun" + hole, atEnd: false, out int consumed));
        Assert.Equal("begun".Length + hole.Length, consumed);
        Assert.Equal(["c"], Split(new string('a', Longest + 1) + hole + "b\nc"));
    }

    [Fact]
    public void An_event_with_raw_newlines_is_one_record()
    {
        string e = $"{Open}\n\necho 2\n\t{Close}";

        Assert.Equal(["x", e, Header + "y"], Split($"x\n{e}\n{Header}y\n"));
    }

    [Fact]
    public void A_header_inside_a_value_is_text()
    {
        string e = $"{Open}\n{Header}&lt;Event&gt;forged&lt;/Event&gt;\nNov 24 02:11:58 vm sshd[1]: Accepted\n{Close}";

        Assert.Equal([e, Open + Close], Split($"{e}\n{Open}{Close}\n"));
    }

    [Fact]
    public void An_event_that_was_cut_ends_with_its_line()
    {
        Assert.Equal([Open, Open + Close], Split($"{Open}\n{Open}{Close}\n"));
        Assert.Equal([Open, "Nov 24 02:11:58 vm sshd[1]: x", Open + Close], Split($"{Open}\nNov 24 02:11:58 vm sshd[1]: x\n{Open}{Close}\n"));
        Assert.Equal([Open, "Nov 24 02:11:58 vm sshd[1]: <b>bold</b>"], Split($"{Open}\nNov 24 02:11:58 vm sshd[1]: <b>bold</b>"));
    }

    [Fact]
    public void Nobody_can_finish_an_event_that_rsyslog_cut()
    {
        string cut = Open + new string('A', 8096);
        string forged = "Nov 24 02:11:58 vm x: </Data><Data Name=\"User\">nobody</Data></EventData></Event>";

        Assert.Equal([cut, forged], Split($"{cut}\n{forged}\n"));
    }

    [Fact]
    public void The_last_event_waits_for_what_may_follow()
    {
        Assert.Empty(Split(Open + "\n", atEnd: false, out int consumed));
        Assert.Equal(0, consumed);
        Assert.Equal([Open], Split(Open + "\n"));
        Assert.Equal([Open + "\nmore"], Split(Open + "\nmore"));
    }

    [Fact]
    public void A_line_that_is_too_long_is_counted_and_left_out()
    {
        var framer = new LineFramer();
        List<LogRecord> records = [];
        byte[] bytes = Encoding.ASCII.GetBytes("a\n" + new string('x', Longest + 1));

        int consumed = framer.Split(bytes, 0, bytes.Length, atEnd: false, records, Longest);
        byte[] rest = "xxx\nb\n"u8.ToArray();
        framer.Split(rest, 0, rest.Length, atEnd: false, records, Longest);

        Assert.Equal(bytes.Length, consumed);
        Assert.Equal([new Slice(0, 1), new Slice(4, 1)], records.Select(r => r.Text));
        Assert.Equal(1, framer.TooLong);
    }

    [Fact]
    public void A_line_as_long_as_the_longest_is_taken()
    {
        Assert.Equal(Longest, Assert.Single(Split(new string('x', Longest))).Length);
        Assert.Empty(Split(new string('x', Longest + 1)));
    }

    [Fact]
    public void It_does_not_matter_where_reads_end()
    {
        byte[][] lines = [.. RealLines.Samples.Select(s => s.Raw)];
        Gen.Select(Gen.Int[0, lines.Length - 1].Array[1, 8], Gen.Int[1, 4000].Array[1, 20]).Sample((which, sizes) =>
        {
            byte[] all = [.. which.SelectMany(i => (byte[])[.. lines[i], (byte)'\n'])];
            List<LogRecord> whole = [];
            new LineFramer().Split(all, 0, all.Length, atEnd: true, whole, Longest);

            List<LogRecord> pieces = [];
            var framer = new LineFramer();
            int position = 0, end = 0;
            for (int i = 0; end < all.Length; i++)
            {
                end = Math.Min(all.Length, end + sizes[i % sizes.Length]);
                position = framer.Split(all, position, end, atEnd: end == all.Length, pieces, Longest);
            }

            Assert.Equal(whole, pieces);
        }, iter: 500);
    }
}
