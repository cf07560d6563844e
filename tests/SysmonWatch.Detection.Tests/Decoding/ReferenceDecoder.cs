using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>
/// The slow, obvious decoder that the fast one is held against: strings, regular expressions, one tag at a time, no shortcut for anything.
/// Bytes are characters (Latin-1) throughout.
/// </summary>
sealed partial class ReferenceDecoder
{
    public DecodeOutcome Outcome { get; private set; }
    public int EventId { get; private set; }
    public ulong? RecordId { get; private set; }
    public long? Time { get; private set; }
    public string Computer { get; private set; } = "";
    public int SysmonProcessId { get; private set; }
    public string UserId { get; private set; } = "";
    public EventMarks Marks { get; private set; }
    public List<(string Name, string Value, bool Repeated)> Fields { get; } = [];
    public (string Name, string Value)? Cut { get; private set; }

    /// <summary>Where in the record another line of Sysmon's begins.</summary>
    public int? GluedAt { get; private set; }

    /// <summary>Another event is in the record that nothing says Sysmon wrote.</summary>
    public bool HasUnbelieved { get; private set; }

    readonly bool _octal;
    readonly bool _fromFile;
    readonly int _messageAt;

    public ReferenceDecoder(byte[] record, RecordOrigin origin)
    {
        _fromFile = origin == RecordOrigin.File;
        string line = Encoding.Latin1.GetString(record);
        string message = line;
        if (origin == RecordOrigin.File)
        {
            string? found = Message(line);
            if (found is null)
            {
                Outcome = IsOthersNotice(line) ? DecodeOutcome.Notice : DecodeOutcome.NotSysmon;
                LookWithinHeader(line);
                return;
            }
            message = found;
        }
        message = message.TrimStart(Blanks);
        _messageAt = line.Length - message.Length;
        if (_fromFile && !Regex.IsMatch(message, @"^<Event[> \t]"))
        {
            Look(message, 0);
            if (GluedAt is { } glued) message = message[..(glued - _messageAt)];
        }
        if (!Regex.IsMatch(message, @"^<Event[> \t]"))
        {
            Outcome = message.Length > 0 && "<Event>".StartsWith(message, StringComparison.Ordinal) ? DecodeOutcome.Unreadable : DecodeOutcome.Notice;
            return;
        }
        _octal = origin == RecordOrigin.File && !message.TrimEnd('\r', '\n', '\t', ' ', '\0').Any(c => c < 32 && c != '\t');
        if (origin == RecordOrigin.JournalOfAnother) Marks |= EventMarks.Forged;
        Read(message);
        Outcome = EventId == 0 ? DecodeOutcome.Unreadable : DecodeOutcome.Event;
    }

    static readonly char[] Blanks = [.. Enumerable.Range(0, 33).Select(i => (char)i)];

    const string Traditional = @"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] (?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?";
    const string Iso = @"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})";
    const string Start = @"^\0*(?:\u00EF\u00BB\u00BF)?";
    const string Severity = "(?:[a-z0-9]+\\.(?:debug|info|notice|warn|warning|err|crit|alert|emerg) )?";

    [GeneratedRegex(Start + "(?:<[0-9]{1,3}>(?!1 ))?(?:(?<iso>" + Iso + ")|" + Traditional + @") (?:(?!sysmon(?:\[[0-9]+\])?:)[^ ]+ " + Severity + @")?(?<tag>sysmon)(?:\[[0-9]+\])?: *(?<message>.*)$", RegexOptions.Singleline)]
    static partial Regex Line { get; }

    [GeneratedRegex(Start + "<[0-9]{1,3}>1 (?:-|(?<iso>" + Iso + @")) [^ ]* sysmon [^ ]* [^ ]* (?:-|(?:\[(?:[^\]""]|""(?:\\.|[^""\\])*"")*\])+)(?: +|$)(?:\u00EF\u00BB\u00BF *)?(?<message>.*)$", RegexOptions.Singleline)]
    static partial Regex Protocol23 { get; }

    static string? Message(string line)
    {
        Match match = Line.Match(line);
        if (!match.Success) match = Protocol23.Match(line);
        if (!match.Success) return null;
        Group iso = match.Groups["iso"];
        return iso.Success && ParseTime(iso.Value) is null ? null : match.Groups["message"].Value;
    }

    static bool IsOthersNotice(string line) =>
        Regex.IsMatch(line, @"systemd-journald(\[[0-9]+\]:| - - -|:| ).*Suppressed [0-9]+ messages from (.*/)?sysmon\.service\s*$", RegexOptions.Singleline)
        || (line.Contains("rsyslogd", StringComparison.Ordinal) && line.Contains("rate-limiting", StringComparison.Ordinal));

    /// <summary>Microseconds since 1970; null where it is no time.</summary>
    public static long? ParseTime(string text)
    {
        Match m = Regex.Match(text, @"^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:(Z)|([+-])([0-9]{2}):?([0-9]{2}))\z");
        if (!m.Success) return null;
        int N(int group) => m.Groups[group].Success ? int.Parse(m.Groups[group].Value, CultureInfo.InvariantCulture) : 0;
        if (N(1) == 0 || N(2) is < 1 or > 12 || N(3) < 1 || N(3) > DateTime.DaysInMonth(N(1), N(2)) || N(4) > 23 || N(5) > 59 || N(6) > 60 || N(10) > 18 || N(11) > 59) return null;
        long micros = long.Parse((m.Groups[7].Value + "000000")[..6], CultureInfo.InvariantCulture);
        long seconds = (new DateTime(N(1), N(2), N(3), N(4), N(5), 0, DateTimeKind.Utc) - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerSecond;
        long offset = ((N(10) * 60) + N(11)) * 60 * (m.Groups[9].Value == "-" ? -1 : 1);
        return ((seconds + N(6) - offset) * 1_000_000) + micros;
    }

    void Read(string text)
    {
        int at = text.IndexOfAny(['<', '>'], 1) + 1;
        if (at == 0 || text[at - 1] == '<')
        {
            Marks |= EventMarks.Truncated;
            if (at > 0) Marks |= EventMarks.Irregular;
            Look(text, 6);
            return;
        }
        int sound = at;
        bool inSystem = false, inData = false, sawData = false, sawSystem = false;
        while (true)
        {
            int open = text.IndexOf('<', at);
            string between = open < 0 ? text[at..] : text[at..open];
            if (!inSystem && between.Trim(Blanks).Length > 0) Marks |= EventMarks.Irregular;
            int close = open < 0 ? -1 : text.IndexOfAny(['<', '>'], open + 1);
            if (close < 0)
            {
                Marks |= EventMarks.Truncated;
                return;
            }
            if (text[close] == '<')
            {
                Marks |= EventMarks.Truncated | EventMarks.Irregular;
                Look(text, sound);
                return;
            }
            string tag = text[(open + 1)..close];
            at = close + 1;
            int wasSound = sound;
            if (tag.Length == 0 || !char.IsAsciiDigit(tag[0])) sound = at;
            if (tag.StartsWith('/'))
            {
                switch (tag[1..].TrimEnd(' '))
                {
                    case "Event":
                        if (text[at..].Trim(Blanks).Length == 0) return;
                        Marks |= EventMarks.Irregular;
                        Look(text, at, onlyThere: true);
                        return;
                    case "EventData":
                        inData = false;
                        break;
                    case "System":
                        inSystem = false;
                        break;
                    case "Data":
                        Marks |= EventMarks.Irregular;
                        break;
                }
                continue;
            }
            bool empty = tag.EndsWith('/');
            if (empty) tag = tag[..^1];
            int nameEnd = tag.IndexOfAny([' ', '\t', '\r', '\n']);
            string name = nameEnd < 0 ? tag : tag[..nameEnd];
            Dictionary<string, string> attributes = Attributes(nameEnd < 0 ? "" : tag[nameEnd..]);

            if (name == "Data")
            {
                if (!inData) Marks |= EventMarks.Irregular;
                string field = attributes.GetValueOrDefault("Name", "");
                if (field.Length == 0) Marks |= EventMarks.Irregular;
                if (empty)
                {
                    Add(field, "");
                    continue;
                }
                int end = text.IndexOf('<', at);
                string value = end < 0 ? text[at..] : text[at..end];
                if (end >= 0 && text[end..].StartsWith("</Data>", StringComparison.Ordinal))
                {
                    Add(field, Undo(value));
                    at = sound = end + 7;
                    continue;
                }
                bool isCut = end < 0;
                if (end >= 0 && !"</Data>".StartsWith(text[end..], StringComparison.Ordinal))
                {
                    Marks |= EventMarks.Irregular;
                    Look(text, at);
                    if (GluedAt - _messageAt is { } glued && glued <= end)
                    {
                        isCut = true;
                        value = text[at..glued];
                    }
                }
                Marks |= EventMarks.Truncated;
                Cut = (field, Undo(isCut ? WithoutCutEnd(value) : value));
                return;
            }
            if (name == "Event")
            {
                Marks |= EventMarks.Truncated | EventMarks.Irregular;
                Look(text, wasSound);
                return;
            }
            if (name == "EventData")
            {
                if (sawData) Marks |= EventMarks.Irregular;
                sawData = true;
                inData |= !empty;
                continue;
            }
            if (inData)
            {
                Marks |= EventMarks.Irregular;
                continue;
            }
            if (name == "System")
            {
                if (sawSystem || sawData) Marks |= EventMarks.Irregular;
                sawSystem = true;
                inSystem = !empty;
                continue;
            }
            if (!sawSystem)
            {
                Marks |= EventMarks.Irregular;
                continue;
            }
            int next = text.IndexOf('<', at);
            string? inner = empty || next < 0 ? null : text[at..next];
            if (inner is not null && name is not ("TimeCreated" or "Execution" or "Security"))
            {
                if (!text[next..].StartsWith("</", StringComparison.Ordinal) && next + 1 < text.Length)
                {
                    Marks |= EventMarks.Irregular;
                    continue;
                }
                sound = next;
            }
            SystemElement(name, attributes, inner);
        }
    }

    [GeneratedRegex(Start + "(?:<[0-9]{1,3}>(?!1 ))?(?:(?<iso>" + Iso + ")|" + Traditional + @") (?!sysmon(?:\[[0-9]+\])?:)[^ ]+ " + Severity + "[^ ]*", RegexOptions.Singleline)]
    static partial Regex OthersLine { get; }

    [GeneratedRegex(Start + "<[0-9]{1,3}>1 (?:-|(?<iso>" + Iso + @")) [^ ]* (?!sysmon )[^ ]* [^ ]* [^ ]* (?:-|(?:\[(?:[^\]""]|""(?:\\.|[^""\\])*"")*\])+)(?: +|$)", RegexOptions.Singleline)]
    static partial Regex OthersProtocol23 { get; }

    const string Month = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";

    [GeneratedRegex(Start + @"(?:<[0-9]{0,3}|<[0-9]{1,3}>(?=.{0,512}\z)1 [-0-9T:.+Z]{0,40}(?: [^ ]*){1,5}|(?:<[0-9]{1,3}>)?(?:J|Ja|Ju|F|Fe|M|Ma|A|Ap|Au|S|Se|O|Oc|N|No|D|De|(?=.{0,40}\z)(?:[0-9]|" + Month + @")[-0-9T:.+Z ]*)?)\z", RegexOptions.Singleline)]
    static partial Regex TornHeader { get; }

    /// <summary>A header at the start of a text: whether it is Sysmon's, and where its message starts.</summary>
    static (bool OfSysmon, int Length)? Header(string text)
    {
        if (Message(text) is { } message) return (true, text.Length - message.Length);
        Match other = OthersLine.Match(text);
        if (!other.Success) other = OthersProtocol23.Match(text);
        if (!other.Success || (other.Groups["iso"] is { Success: true } iso && ParseTime(iso.Value) is null)) return null;
        return (false, other.Length);
    }

    /// <summary>Looks for an event behind a place, and for Sysmon's header directly before it, with no other program's in between.</summary>
    void Look(string text, int from, bool onlyThere = false)
    {
        Match next = Regex.Match(text[from..], @"<Event[> \t]");
        if (!next.Success) return;
        int begins = from + next.Index;
        int? header = null;
        for (int i = from; i < begins;)
        {
            if (!char.IsAsciiLetterUpper(text[i]) && !char.IsAsciiDigit(text[i]) && text[i] is not ('<' or '\0' or '\u00EF'))
            {
                i++;
                continue;
            }
            if (Header(text[i..]) is not { } found)
            {
                i++;
                continue;
            }
            if (!found.OfSysmon)
            {
                header = null;
                break;
            }
            if (i + found.Length == begins) header = i;
            i += found.Length;
        }
        if (header is { } at && _fromFile && (!onlyThere || at == from)) GluedAt = _messageAt + at;
        else HasUnbelieved = true;
    }

    /// <summary>A line whose header is none, or torn, may hold another. The text of another program's line is nobody's.</summary>
    void LookWithinHeader(string line)
    {
        if (!line.Contains("<Event>", StringComparison.Ordinal)) return;
        if (Header(line) is not { } header)
        {
            int begins = Regex.Match(line, @"<Event[> \t]").Index;
            int at = Enumerable.Range(1, Math.Max(0, Math.Min(begins, 512) - 1)).FirstOrDefault(i => Header(line[i..]) is { OfSysmon: true } found && i + found.Length == begins);
            if (at > 0 && TornHeader.IsMatch(line[..at])) GluedAt = at;
            else HasUnbelieved = true;
            return;
        }
        for (int i = 1; i < header.Length; i++)
        {
            if (Header(line[i..]) is not { OfSysmon: true }) continue;
            Look(line, i, onlyThere: true);
            return;
        }
        HasUnbelieved = true;
    }

    void SystemElement(string name, Dictionary<string, string> attributes, string? text)
    {
        bool irregular = false;
        switch (name)
        {
            case "TimeCreated" when attributes.TryGetValue("SystemTime", out string? time) && ParseTime(time) is { } micros:
                irregular = Time is not null;
                Time ??= micros;
                break;
            case "Execution" when attributes.TryGetValue("ProcessID", out string? pid) && Number(pid) is <= int.MaxValue and var process:
                SysmonProcessId = (int)process;
                break;
            case "Security":
                string user = attributes.GetValueOrDefault("UserId", "");
                if (user.Length == 0) user = attributes.GetValueOrDefault("UserID", "");
                if (user.Length > 0) UserId = user;
                break;
            case "EventID" when text is not null:
                ulong? id = Number(text);
                irregular = id is null or 0 or > ushort.MaxValue || EventId != 0;
                if (!irregular) EventId = (int)id!.Value;
                break;
            case "EventRecordID" when text is not null:
                ulong? record = Number(text);
                irregular = record is null || RecordId is not null;
                RecordId ??= record;
                break;
            case "Computer" when text is not null:
                irregular = Computer.Length > 0;
                if (!irregular) Computer = Undo(text);
                break;
        }
        if (irregular) Marks |= EventMarks.Irregular;
    }

    static ulong? Number(string text) =>
        Regex.IsMatch(text, @"^[0-9]+\z") && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;

    static Dictionary<string, string> Attributes(string text)
    {
        Dictionary<string, string> result = [];
        while (true)
        {
            text = text.TrimStart(Blanks);
            Match match = Regex.Match(text, @"^([^=]*)=(?:""([^""]*)""|'([^']*)')", RegexOptions.Singleline);
            if (!match.Success) return result;
            result.TryAdd(match.Groups[1].Value.TrimEnd(' '), match.Groups[2].Value + match.Groups[3].Value);
            text = text[match.Length..];
        }
    }

    void Add(string name, string value)
    {
        bool repeated = Fields.Any(f => f.Name == name);
        if (repeated) Marks |= EventMarks.Irregular;
        Fields.Add((name, value, repeated));
    }

    string Undo(string value)
    {
        string result = Regex.Replace(value, @"&(?:(?<name>lt|gt|amp|quot|apos)|#(?<dec>[0-9]+)|#[xX](?<hex>[0-9a-fA-F]+));|#0(?<oct>[0-3][0-7])", m =>
        {
            if (m.Length > 16) return m.Value;
            if (m.Groups["oct"].Success)
            {
                if (!_octal) return m.Value;
                Marks |= EventMarks.AmbiguousEscape;
                return ((char)Convert.ToInt32(m.Groups["oct"].Value, 8)).ToString();
            }
            if (m.Groups["name"].Success)
            {
                return m.Groups["name"].Value switch { "lt" => "<", "gt" => ">", "amp" => "&", "quot" => "\"", _ => "'" };
            }
            long number = m.Groups["dec"].Success
                ? long.Parse(m.Groups["dec"].Value, CultureInfo.InvariantCulture)
                : long.Parse(m.Groups["hex"].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (number > 0x10FFFF || number is >= 0xD800 and <= 0xDFFF) return m.Value;
            return Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(char.ConvertFromUtf32((int)number)));
        });
        byte[] bytes = Encoding.Latin1.GetBytes(result);
        if (!Encoding.Latin1.GetBytes(value).All(b => b < 0x80) && Encoding.UTF8.GetString(bytes).Contains('\uFFFD') && !IsStrictlyValid(bytes)) Marks |= EventMarks.InvalidUtf8;
        return result;
    }

    static bool IsStrictlyValid(byte[] bytes)
    {
        try
        {
            new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>What stands at the end of a cut value and may be the beginning of something longer is not shown.</summary>
    string WithoutCutEnd(string value)
    {
        Match reference = Regex.Match(value, @"&(?:a|am|amp|ap|apo|apos|l|lt|g|gt|q|qu|quo|quot|#[0-9]*|#[xX][0-9a-fA-F]*)?\z");
        if (reference.Success && reference.Length <= 16) return value[..reference.Index];
        if (_octal)
        {
            Match octal = Regex.Match(value, @"#(0[0-3]?)?\z");
            if (octal.Success) return value[..octal.Index];
        }
        for (int back = 1; back <= 3 && back <= value.Length; back++)
        {
            char lead = value[^back];
            if (lead is >= '\x80' and <= '\xBF') continue;
            int needs = lead switch { >= '\xC2' and <= '\xDF' => 2, >= '\xE0' and <= '\xEF' => 3, >= '\xF0' and <= '\xF4' => 4, _ => 0 };
            return needs > back ? value[..^back] : value;
        }
        return value;
    }
}
