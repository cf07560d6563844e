using System.Globalization;
using System.IO.Compression;
using System.Text;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Tests.Decoding;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Records;

public sealed class JournalReaderTests
{
    const string Event = "<Event><System><EventID>4</EventID></System><EventData><Data Name=\"State\">Started</Data></EventData></Event>";
    const string Genuine = "SYSLOG_IDENTIFIER=sysmon\n_TRANSPORT=syslog\n_UID=0\n_EXE=/opt/sysmon/sysmon\n__REALTIME_TIMESTAMP=1795486739574280\n";

    static List<(string Text, RecordOrigin Origin, long Arrival)> Records(Stream stream, out RecordBatch counters)
    {
        using RecordReader reader = RecordReader.Open(stream);
        counters = new RecordBatch();
        var batch = new RecordBatch();
        List<(string, RecordOrigin, long)> result = [];
        bool more;
        do
        {
            more = reader.TryRead(batch);
            counters.SkippedMalformed += batch.SkippedMalformed;
            counters.SkippedTooLong += batch.SkippedTooLong;
            counters.SkippedWithoutMessage += batch.SkippedWithoutMessage;
            result.AddRange(batch.Records.Select(r => (Encoding.Latin1.GetString(batch.Buffer, r.Text.Start, r.Text.Length), r.Origin, r.Arrival)));
        }
        while (more);
        return result;
    }

    static List<(string Text, RecordOrigin Origin, long Arrival)> Records(string text, out RecordBatch counters) =>
        Records(new MemoryStream(Encoding.Latin1.GetBytes(text)), out counters);

    [Fact]
    public void Export_gives_sysmons_messages_whole()
    {
        string binary = "a\nb\u0001\u00FF=c";
        string length = Encoding.Latin1.GetString(BitConverter.GetBytes((long)binary.Length));

        List<(string, RecordOrigin, long)> got = Records(
            $"__CURSOR=1\n{Genuine}MESSAGE={Event}\n\n__CURSOR=2\nMESSAGE\n{length}{binary}\n{Genuine}\nMESSAGE=other\nSYSLOG_IDENTIFIER=sshd\n\n{Genuine}MESSAGE=last\n", out _);

        Assert.Equal(
            [(Event, RecordOrigin.JournalOfSysmon, 1795486739574280), (binary, RecordOrigin.JournalOfSysmon, 1795486739574280), ("last", RecordOrigin.JournalOfSysmon, 1795486739574280)],
            got);
    }

    [Fact]
    public void A_core_dump_in_an_export_takes_no_memory()
    {
        long size = 64L * 1024 * 1024;
        string start = $"__CURSOR=1\n__REALTIME_TIMESTAMP=1\nCOREDUMP\n{Encoding.Latin1.GetString(BitConverter.GetBytes(size))}";
        string end = $"\n{Genuine}MESSAGE=x\n\n";
        var stream = new LongStream(Encoding.Latin1.GetBytes(start), size, Encoding.Latin1.GetBytes(end));
        long before = GC.GetAllocatedBytesForCurrentThread();

        List<(string Text, RecordOrigin, long)> got = Records(stream, out _);

        Assert.Equal("x", Assert.Single(got).Text);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 6 * 1024 * 1024);
    }

    [Fact]
    public void A_message_that_is_too_long_is_counted()
    {
        string text = new('x', RecordBatch.DefaultLongestRecord + 1);

        Assert.Empty(Records($"__CURSOR=1\n{Genuine}MESSAGE={text}\n\n", out RecordBatch export));
        Assert.Empty(Records($$"""{"SYSLOG_IDENTIFIER":"sysmon","MESSAGE":"{{text}}"}""" + "\n", out RecordBatch json));

        Assert.Equal((1, 1), (export.SkippedTooLong, json.SkippedTooLong));
    }

    [Theory]
    [InlineData(""" "MESSAGE":"a\nb\u00e9\"" """, "a\nb\u00C3\u00A9\"")]
    [InlineData(""" "MESSAGE":[60,69,255,0] """, "<E\u00FF\0")]
    [InlineData(""" "MESSAGE":["first","second"] """, "first")]
    [InlineData(""" "MESSAGE":[[60,69],"second"] """, "<E")]
    public void Json_gives_text_and_bytes(string message, string expected)
    {
        List<(string, RecordOrigin, long)> got = Records(
            "{" + message + """,  "SYSLOG_IDENTIFIER":"sysmon","_TRANSPORT":"syslog","_UID":"0","_EXE":"/opt/sysmon/sysmon","__REALTIME_TIMESTAMP":"12"}""" + "\n", out _);

        Assert.Equal([(expected, RecordOrigin.JournalOfSysmon, 12)], got);
    }

    [Fact]
    public void Json_without_a_message_is_counted_and_what_is_no_json_too()
    {
        Assert.Empty(Records(
            """
            {"MESSAGE":null,"SYSLOG_IDENTIFIER":"sysmon"}
            {"SYSLOG_IDENTIFIER":"sysmon"}
            {"MESSAGE":null,"SYSLOG_IDENTIFIER":"sshd"}
            {"MESSAGE":"\ud800","SYSLOG_IDENTIFIER":"sysmon"}
            {"MESSAGE":[1,2,300],"SYSLOG_IDENTIFIER":"sysmon"}
            {"MESSAGE":"x"
            nonsense
            """, out RecordBatch counters));

        Assert.Equal((2, 4), (counters.SkippedWithoutMessage, counters.SkippedMalformed));
    }

    [Theory]
    [InlineData("syslog", "0", "/opt/sysmon/sysmon", "<Event>", RecordOrigin.JournalOfSysmon)]
    [InlineData("syslog", "0", "/opt/sysmon/sysmon (deleted)", "<Event>", RecordOrigin.JournalOfSysmon)]
    [InlineData("syslog", "1001", "/opt/sysmon/sysmon", "<Event>", RecordOrigin.JournalOfAnother)]
    [InlineData("syslog", "0", "/usr/bin/logger", "<Event>", RecordOrigin.JournalOfAnother)]
    [InlineData("syslog", "0", "/tmp/notsysmon", "<Event>", RecordOrigin.JournalOfAnother)]
    [InlineData("stdout", "0", "/opt/sysmon/sysmon", "  <Event>", RecordOrigin.JournalOfAnother)]
    [InlineData("stdout", "0", "/usr/bin/systemctl", "Failed to connect", RecordOrigin.JournalOfSysmon)]
    [InlineData("stdout", "1001", "/usr/bin/cat", "Lost 1 events on CPU #1!", RecordOrigin.JournalOfAnother)]
    [InlineData("journal", "0", "/opt/sysmon/sysmon", "<Event>", RecordOrigin.JournalOfAnother)]
    [InlineData("syslog", "1001", "", "<Event>", RecordOrigin.JournalOfAnother)]
    [InlineData("syslog", "0", "", "<Event>", RecordOrigin.JournalOfUnknown)]
    [InlineData("", "", "", "<Event>", RecordOrigin.JournalOfUnknown)]
    public void Trusts_what_only_journald_can_say(string transport, string uid, string executable, string message, RecordOrigin expected)
    {
        Assert.Equal(expected, JournalTrust.Judge(Encoding.ASCII.GetBytes(transport), Encoding.ASCII.GetBytes(uid), Encoding.ASCII.GetBytes(executable), Encoding.ASCII.GetBytes(message)));
    }

    [Fact]
    public void Journalds_own_word_on_suppressed_messages_is_a_record()
    {
        DecodedInput got = DecodedInput.Read("__CURSOR=1\nSYSLOG_IDENTIFIER=systemd-journald\n_TRANSPORT=driver\nMESSAGE=Suppressed 9 messages from sysmon.service\n\n"
            + "__CURSOR=2\nSYSLOG_IDENTIFIER=systemd-journald\n_TRANSPORT=driver\nMESSAGE=Journal started\n\n");

        Assert.Equal((NoticeKind.SuppressedMessages, 9UL, false), (Assert.Single(got.Notices).Notice.Kind, got.Notices[0].Notice.Count, got.Notices[0].Notice.Forged));
    }

    [Theory]
    [InlineData("Nov 24 02:09:22 h sysmon: x", InputFormat.SyslogText)]
    [InlineData("2026-11-24T02:19:14Z h", InputFormat.SyslogText)]
    [InlineData("<14>1 2026", InputFormat.SyslogText)]
    [InlineData("", InputFormat.SyslogText)]
    [InlineData("{x", InputFormat.SyslogText)]
    [InlineData("{\"x\":1}\nNov 24 02:09:22 h sysmon: x", InputFormat.SyslogText)]
    [InlineData("{\"\":1}", InputFormat.SyslogText)]
    [InlineData("{\"_SYSTEMD", InputFormat.JournalJson)]
    [InlineData("__CURSOR=s=cd48", InputFormat.SyslogText)]
    [InlineData("__CURSOR=x\nNov 24 02:09:22 h sysmon: x", InputFormat.SyslogText)]
    [InlineData("__CURSOR=x\n\nNov 24 02:09:22 h sysmon: x", InputFormat.SyslogText)]
    [InlineData("MESSAGE=x\nNov 24 02:09:22 h sysmon: x", InputFormat.SyslogText)]
    [InlineData("__REALTIME_TIMESTAMP=now\n\n", InputFormat.SyslogText)]
    [InlineData("__CURSOR=x\n__REALTIME_TIMESTAMP=1\nCOREDUMP\n\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008x", InputFormat.SyslogText)]
    [InlineData("{\"MESSAGE\":\"x\" Nov 24\nNov 24 02:09:22 h sysmon: x", InputFormat.SyslogText)]
    [InlineData("{\"A\":1}\nNov 24 02:09:22 h sysmon: x", InputFormat.SyslogText)]
    [InlineData("__CURSOR=s=cd48\n__REALTIME_TIMESTAMP=1795486739574280\n", InputFormat.JournalExport)]
    [InlineData("\n_BOOT_ID=7a\nMESSAGE=x\n\n", InputFormat.JournalExport)]
    [InlineData("of a value\nX=1\n\n__CURSOR=1\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n\n", InputFormat.JournalExport)]
    [InlineData("of a value\nNov 24 02:09:22 h x: y\n\n__CURSOR=1\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n\n", InputFormat.SyslogText)]
    [InlineData("of an object\"}\n{\"MESSAGE\":\"x\"}\n", InputFormat.JournalJson)]
    [InlineData("MESSAGE\n\u0001\0\0\0\0\0\0\0", InputFormat.JournalExport)]
    [InlineData("{\"__CURSOR\"", InputFormat.JournalJson)]
    [InlineData("{ \n \"MESSAGE\"", InputFormat.JournalJson)]
    [InlineData("\u001F\u008B\u0008\0", InputFormat.Gzip)]
    public void Recognises_an_input_by_its_content(string first, InputFormat expected)
    {
        Assert.Equal(expected, InputFormats.Detect(Encoding.Latin1.GetBytes(first)));
    }

    [Fact]
    public void Undoes_gzip_of_any_number_of_members()
    {
        var packed = new MemoryStream();
        foreach (string part in new[] { "Nov 24 02:09:22 h sysmon: ", Event + "\n", "Nov 24 02:09:23 h sysmon: Stopping\n" })
        {
            using var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true);
            gzip.Write(Encoding.Latin1.GetBytes(part));
        }
        packed.Position = 0;

        DecodedInput got = DecodedInput.Read(packed);

        Assert.Equal((1, 1), (got.Events.Count, got.Notices.Count));
    }

    [Theory]
    [InlineData("v1.5.2/journal.export")]
    [InlineData("v1.5.2/journal.all.json")]
    [InlineData("v1.5.2/debian12.syslog")]
    public void It_does_not_matter_how_a_pipe_hands_it_on(string file)
    {
        byte[] bytes = File.ReadAllBytes(Places.ReferenceData("data/sysmon/real/" + file))[..200_000];
        List<(string, RecordOrigin, long)> whole = Records(new MemoryStream(bytes), out _);

        List<(string, RecordOrigin, long)> dripped = Records(new DrippingStream(bytes), out _);

        Assert.Equal(whole, dripped);
        Assert.True(whole.Count > 20, whole.Count.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Gives from 1 to 700 bytes a read, and cannot seek.</summary>
    sealed class DrippingStream(byte[] bytes) : PlainStream
    {
        readonly Random _random = new(5);
        int _at;

        public override int Read(Span<byte> buffer)
        {
            int got = Math.Min(Math.Min(buffer.Length, 1 + _random.Next(700)), bytes.Length - _at);
            bytes.AsSpan(_at, got).CopyTo(buffer);
            _at += got;
            return got;
        }
    }

    /// <summary>Something, very many newlines and equal signs, something.</summary>
    sealed class LongStream(byte[] start, long size, byte[] end) : PlainStream
    {
        long _at;

        public override int Read(Span<byte> buffer)
        {
            int got = (int)Math.Min(buffer.Length, start.Length + size + end.Length - _at);
            for (int i = 0; i < got; i++, _at++)
            {
                buffer[i] = _at < start.Length ? start[_at] : _at < start.Length + size ? (byte)(_at % 3 == 0 ? '\n' : '=') : end[_at - start.Length - size];
            }
            return got;
        }
    }

    abstract class PlainStream : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
