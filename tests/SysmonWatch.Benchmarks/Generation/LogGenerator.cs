using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace SysmonWatch.Benchmarks.Generation;

/// <summary>
/// Writes syslog files of any length as one busy host would: the mix of events and the sizes of <see cref="LogProfile"/>, consecutive record ids,
/// times that go up, processes that start, do something and end. The same seed writes the same file. Nearly nothing in it is an attack.
/// </summary>
sealed class LogGenerator
{
    /// <summary>rsyslog cuts a line here.</summary>
    const int LongestLine = 8096;

    const string Host = "web-a01";

    /// <summary>2026-11-24T00:00:00Z.</summary>
    static readonly long Start = new DateTime(2026, 11, 24, 0, 0, 0, DateTimeKind.Utc).Ticks;

    /// <summary>Of the starts and ends, so many are starts while the number of processes goes up.</summary>
    const double StartsWhileGrowing = 0.55;

    /// <summary>Of the processes that start, so many end without an event.</summary>
    const double EndsUnseen = 2.0 / 39;

    readonly Random _random;
    readonly LogProfile _profile;
    readonly Words _words;
    readonly Dictionary<int, EventTemplate> _templates = [];
    readonly AttackLine _attack = new(Host);
    readonly string[] _images;
    readonly List<Process> _live = [];
    readonly ArrayBufferWriter<byte> _line = new(16 * 1024);
    long _microseconds;
    ulong _record = 1;
    int _processId = 2000;
    bool _shrinks;
    string _header = "";
    string _systemTime = "";
    string _utcTime = "";

    /// <param name="seed">Makes the file.</param>
    /// <param name="profile">What it is made of.</param>
    public LogGenerator(int seed, LogProfile? profile = null)
    {
        _profile = profile ?? LogProfile.Recorded;
        _random = new Random(seed);
        _words = new Words(_random);
        foreach ((int id, _) in _profile.Events) _templates[id] = EventTemplate.Of(id, Host);
        _images = [.. Enumerable.Range(0, LogProfile.Images).Select(_ => _words.Path(_words.Sample(LogProfile.Image)))];
        _live.Add(new Process("{b08dfa60-0000-0000-0000-000000000000}", 1, "/usr/lib/systemd/systemd", "/sbin/init", "root"));
        // Those that run when the log begins: no event says how they started.
        while (Swings && _live.Count < _profile.FewestAlive) StartProcess();
    }

    /// <summary>True where the number of processes goes up and down.</summary>
    bool Swings => _profile.MostAlive > _profile.FewestAlive;

    /// <summary>Writes that many lines.</summary>
    public void Write(Stream to, int lines)
    {
        (int EventId, int Lines)[] events = _profile.Events;
        int all = events.Sum(e => e.Lines) + _profile.OtherLines;
        for (int i = 0; i < lines; i++)
        {
            _line.ResetWrittenCount();
            _microseconds += _words.Sample(LogProfile.Pause);
            Times();
            int kind = _random.Next(all);
            int at = 0;
            while (at < events.Length && kind >= events[at].Lines) kind -= events[at++].Lines;
            if (at == events.Length) Other();
            else Event(events[at].EventId is 1 or 5 && Swings ? StartOrEnd() : events[at].EventId);
            to.Write(_line.WrittenSpan);
        }
    }

    /// <summary>Writes one line more that alerts.</summary>
    /// <returns>Its record id.</returns>
    public ulong WriteAttack(Stream to)
    {
        _line.ResetWrittenCount();
        _attack.Write(_line, Now, _record);
        to.Write(_line.WrittenSpan);
        return _record++;
    }

    DateTime Now => new(Start + _microseconds * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);

    void Times()
    {
        DateTime time = Now;
        _systemTime = time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'000Z'", CultureInfo.InvariantCulture);
        _utcTime = time.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
        _header = time.AddMicroseconds(_words.Sample(LogProfile.Delay)).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'+00:00'", CultureInfo.InvariantCulture);
    }

    void Other() => Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"{_header} {Host} systemd[1]: Started session-{_random.Next(1, 9999)}.scope - Session {_random.Next(1, 9999)} of User bob.\n"), _line);

    void Event(int id)
    {
        if (id == 1) StartProcess();
        int picked = id == 1 ? _live.Count - 1 : Pick();
        Process process = _live[picked];
        Process parent = id == 1 ? _live[_random.Next(_live.Count - 1)] : process;
        Process target = _live[Pick()];
        _templates[id].Write(_line, place => Value(id, place, process, parent, target));
        if (id == 5 && _live.Count > _profile.FewestAlive / 2) _live.RemoveAt(picked);
        _record++;
        if (_line.WrittenCount <= LongestLine + 1) return;
        byte[] cut = [.. _line.WrittenSpan[..LongestLine], (byte)'\n'];
        _line.ResetWrittenCount();
        _line.Write(cut);
    }

    /// <summary>Which of the two comes next, so that the number of processes swings and both come as often as the profile says.</summary>
    int StartOrEnd()
    {
        if (_live.Count >= _profile.MostAlive) _shrinks = true;
        else if (_live.Count <= _profile.FewestAlive) _shrinks = false;
        return _random.NextDouble() < (_shrinks ? 1 - StartsWhileGrowing : StartsWhileGrowing) ? 1 : 5;
    }

    void StartProcess()
    {
        // Squared: few images are most of all.
        double random = _random.NextDouble();
        string image = _images[(int)(random * random * _images.Length)];
        string name = image[(image.LastIndexOf('/') + 1)..];
        string commandLine = _words.CommandLine(_random.Next(3) == 0 ? image : name, _words.Sample(LogProfile.CommandLine));
        int kind = _random.Next(LogProfile.CommandLines);
        if ((kind -= LogProfile.CommandLinesWithAmpersand) < 0) commandLine += " &amp;&amp; " + _words.Name();
        else if ((kind -= LogProfile.CommandLinesWithOctal) < 0) commandLine += " '#012" + _words.Name() + "'";
        else if (kind < LogProfile.CommandLinesNotAscii) commandLine += " r\u00e9sum\u00e9.txt";
        if (Swings ? _random.NextDouble() < EndsUnseen : _live.Count >= _profile.MostAlive) _live.RemoveAt(1 + _random.Next(_live.Count - 1));
        _processId = _processId < 99_000 ? _processId + 1 + _random.Next(3) : 2000;
        string user = _random.Next(5) switch { 0 or 1 => "root", 2 or 3 => "bob", _ => "www-data" };
        string guid = Swings ? Guid() : $"{{b08dfa60-{_words.Hex(4)}-6b04-{_words.Hex(4)}-{_words.Hex(8)}0000}}";
        _live.Add(new Process(guid, _processId, image, commandLine, user));
    }

    /// <summary>As Sysmon makes it: machine, second of the start, and the address where a position-independent program's data ends.</summary>
    string Guid()
    {
        uint second = (uint)((Now.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond);
        ulong address = BinaryPrimitives.ReverseEndianness(0x5555_5555_4000 + (ulong)_random.NextInt64(1L << 40));
        return string.Create(CultureInfo.InvariantCulture, $"{{b08dfa60-{second & 0xFFFF:x4}-{second >> 16:x4}-{address >> 48:x4}-{address & 0xFFFF_FFFF_FFFF:x12}}}");
    }

    /// <summary>Some process that runs, by its position.</summary>
    int Pick()
    {
        double random = _random.NextDouble();
        return Swings ? (int)(random * _live.Count) : _live.Count - 1 - (int)(random * random * _live.Count);
    }

    string Value(int id, string place, Process process, Process parent, Process target) => place switch
    {
        "header" => _header,
        "SystemTime" => _systemTime,
        "EventRecordID" => _record.ToString(CultureInfo.InvariantCulture),
        "Execution" => "538",
        "UtcTime" or "CreationUtcTime" => _utcTime,
        "ProcessGuid" or "SourceProcessGUID" => process.Guid,
        "ProcessId" or "SourceProcessId" or "SourceThreadId" => Number(process.Id),
        "Image" or "SourceImage" => process.Image,
        "CommandLine" => process.CommandLine,
        "CurrentDirectory" => _words.Path(_words.Sample(LogProfile.CurrentDirectory)),
        "User" => id is 9 or 11 or 23 && process.User == "root" ? "-" : process.User,
        "SourceUser" => process.User,
        "LogonGuid" => process.User == "root" ? "{b08dfa60-0000-0000-0000-000000000000}" : "{b08dfa60-0000-0000-e903-000001000000}",
        "LogonId" => process.User == "root" ? "0" : "1001",
        "TerminalSessionId" => process.User == "root" ? "4294967295" : "12",
        "IntegrityLevel" => "no level",
        "Hashes" => id == 1 ? "SHA256=" + _words.Hex(64) : "-",
        "ParentProcessGuid" => parent.Guid,
        "ParentProcessId" => Number(parent.Id),
        "ParentImage" => parent.Image,
        "ParentCommandLine" => parent.Image[(parent.Image.LastIndexOf('/') + 1)..],
        "ParentUser" => parent.User,
        "TargetProcessGUID" => target.Guid,
        "TargetProcessId" => Number(target.Id),
        "TargetImage" => target.Image,
        "TargetUser" => target.User,
        "TargetFilename" or "Device" => _words.Path(_words.Sample(id == 11 ? LogProfile.CreatedFile : LogProfile.DeletedFile)),
        "Protocol" => "tcp",
        "Initiated" => _random.Next(2) == 0 ? "true" : "false",
        "SourceIsIpv6" or "DestinationIsIpv6" => "false",
        "SourceIp" => "127.0.0.1",
        "DestinationIp" => string.Create(CultureInfo.InvariantCulture, $"10.{_random.Next(4)}.{_random.Next(256)}.{_random.Next(256)}"),
        "SourcePort" => Number(_random.Next(32768, 60999)),
        "DestinationPort" => _random.Next(4) switch { 0 => "443", 1 => "5432", _ => "80" },
        "State" => "Started",
        "Version" => "1.5.2",
        "SchemaVersion" => "4.90",
        "Configuration" => "/opt/sysmon/config.xml",
        "ConfigurationFileHash" => "SHA256=6f2a3c0b1d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8",
        "GrantedAccess" => "0x0",
        "BpfCommand" => "BPF_PROG_LOAD",
        "BpfProgramType" => "SOCKET_FILTER",
        "BpfProgramId" => Number(_random.Next(3, 60)),
        "BpfProgramName" => _words.Name(),
        _ => "-",
    };

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    sealed record Process(string Guid, int Id, string Image, string CommandLine, string User);
}
