namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>Damages lines: bytes changed, taken out, doubled, cut, pieces of other lines and of markup put in.</summary>
sealed class Mutator(Random random, byte[][] samples)
{
    static readonly byte[][] Pieces = [.. new[]
    {
        "<", ">", "&", "#", ";", "\"", "'", "/", "=", " ", "\n", "\r", "\0", "\x01", "\x7F", "\xC3", "\xE2\x82", "\xFF", "#012", "#0", "#033", "&#01;", "&#x41;", "&#0;", "&#1114112;",
        "&#55296;", "&amp", "&amp;amp;", "&lt;Event&gt;", "&quot;", "&apos;", "&bogus;", "<Event>", "</Event>", "<Data Name=\"Image\">", "</Data>", "<Data Name='User'>x</Data>", "<Data>", "<Data/>",
        "<Data Name=\"Empty\"/>", "<System>", "</System>", "<EventData>", "</EventData>", "<EventID>7</EventID>", "<EventRecordID>18446744073709551615</EventRecordID>", "<EventRecordID>18446744073709551616</EventRecordID>",
        "<!-- -->", "<![CDATA[x]]>", "<?xml?>", " sysmon: ", "sysmon[1]: ", "<14>", "<14>1 ", "2026-11-24T02:19:15.172468+00:00 ", "Nov 24 02:19:15 ", "message repeated 2 times: [ ", "]", "-", "0", "9", "\xEF\xBB\xBF",
        "2026-11-24T02:19:15.172468+00:00 h sysmon: <Event>", "Nov 24 02:19:15 h sysmon[7]: <Event><System><EventID>3</EventID>", "<14>1 2026-11-24T02:19:15Z h sysmon - - -  <Event>",
        "2026-11-24T02:19:15Z h nginx: ", "2026-11-24T02:19:15Z h sysmon: Lost 1 events on CPU #1!", "<14>Nov 24 02:19:15 h sysmon: <Event><System>",
        "<Computer>x</Computer>", "<TimeCreated SystemTime=\"2026-02-30T00:00:00Z\"/>", "<TimeCreated SystemTime='2026-02-28T00:00:60.5+01:30' />",
    }.Select(System.Text.Encoding.Latin1.GetBytes)];

    /// <summary>Another damaged line.</summary>
    public byte[] Next(bool withHeader)
    {
        List<byte> line = [.. samples[random.Next(samples.Length)]];
        if (!withHeader)
        {
            int start = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(line).IndexOf("<Event>"u8);
            if (start > 0) line.RemoveRange(0, start);
        }
        int times = 1 + random.Next(4);
        for (int i = 0; i < times && line.Count > 0; i++)
        {
            // Half of it near the front, where headers and System are.
            int at = random.Next(random.Next(2) == 0 ? Math.Min(line.Count, 160) : line.Count);
            switch (random.Next(8))
            {
                case 0:
                    line[at] = (byte)random.Next(256);
                    break;
                case 1:
                    line.RemoveRange(at, Math.Min(line.Count - at, 1 + random.Next(random.Next(2) == 0 ? 3 : 200)));
                    break;
                case 2:
                    line.RemoveRange(at, line.Count - at);
                    break;
                case 3 or 4 or 5:
                    line.InsertRange(at, Pieces[random.Next(Pieces.Length)]);
                    break;
                case 6:
                    line.InsertRange(at, line.GetRange(at, Math.Min(line.Count - at, random.Next(120))));
                    break;
                default:
                    byte[] other = samples[random.Next(samples.Length)];
                    int from = random.Next(other.Length);
                    line.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(150))]);
                    break;
            }
        }
        return [.. line];
    }
}
