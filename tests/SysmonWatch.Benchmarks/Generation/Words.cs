using System.Text;

namespace SysmonWatch.Benchmarks.Generation;

/// <summary>Texts of any length that look like what servers run, from lists of words.</summary>
sealed class Words(Random random)
{
    static readonly string[] Directories =
    [
        "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib/systemd", "/usr/share", "/var/lib", "/var/cache", "/var/spool", "/home/bob", "/home/alice", "/home/deploy",
        "/srv/data", "/srv/backup", "/srv/www", "/opt/app", "/run/systemd", "/run/user/1000", "/tmp", "/etc",
    ];

    static readonly string[] Names =
    [
        "archive", "assets", "async", "backup", "base", "batch", "bin", "build", "bundle", "cache", "calc", "channel", "client", "cluster", "codec", "color", "common",
        "compile", "config", "console", "convert", "core", "cursor", "daemon", "data", "dates", "debug", "default", "depend", "device", "diff", "dist", "docs", "driver",
        "editor", "encode", "engine", "entry", "events", "export", "extra", "field", "filter", "fonts", "format", "frame", "generic", "gettext", "graph", "group", "handler",
        "helper", "history", "icons", "image", "import", "index", "input", "install", "item", "journal", "kernel", "label", "layout", "ledger", "level", "library", "limits",
        "linker", "locale", "logger", "macro", "mailbox", "main", "manual", "matrix", "media", "merge", "metrics", "mirror", "model", "module", "monitor", "network",
        "node", "object", "output", "package", "parser", "pattern", "planner", "plugin", "policy", "pool", "process", "profile", "project", "queue", "record", "region",
        "release", "render", "report", "resource", "runner", "sample", "schema", "section", "server", "session", "shape", "signal", "socket", "source", "spool", "stage",
        "static", "status", "storage", "stream", "style", "summary", "support", "symbol", "syntax", "system", "table", "target", "template", "theme", "thread", "timer",
        "token", "trace", "tree", "unit", "update", "upload", "user", "utils", "value", "vendor", "version", "view", "widget", "window", "worker", "writer",
    ];

    static readonly string[] Endings = [".c", ".h", ".o", ".py", ".pyc", ".so.1", ".json", ".xml", ".log", ".tmp", ".conf", ".txt", ".html", ".d", ".lock", "-1", ""];
    static readonly string[] Options = ["-c", "-o", "-v", "-q", "-n 20", "--quiet", "--format=json", "--color=auto", "-I", "--jobs 4", "-Wall", "-O2", "--", "-f", "--status-fd 14", "--verbose"];

    /// <summary>One of the lengths that a distribution of <see cref="LogProfile"/> gives.</summary>
    public int Sample(int[] lengths)
    {
        int permille = random.Next(1000);
        int at = 1;
        while (LogProfile.Permille[at] <= permille) at++;
        (int from, int to) = (LogProfile.Permille[at - 1], LogProfile.Permille[at]);
        return lengths[at - 1] + (int)((long)(lengths[at] - lengths[at - 1]) * (permille - from) / (to - from));
    }

    /// <summary>A word.</summary>
    public string Name() => Names[random.Next(Names.Length)];

    /// <summary>A path of about that many bytes; "-" for fewer than two.</summary>
    public string Path(int length)
    {
        if (length < 2) return "-";
        var path = new StringBuilder();
        string directory = Directories[random.Next(Directories.Length)];
        if (directory.Length + 2 <= length) path.Append(directory);
        while (path.Length + 2 <= length) path.Append('/').Append(Name());
        Cut(path, length);
        string ending = Endings[random.Next(Endings.Length)];
        if (path.Length > 16) path.Length -= ending.Length;
        return path.Length > 16 ? path.Append(ending).ToString() : path.ToString();
    }

    /// <summary>A command line of about that many bytes, of a program and its arguments.</summary>
    public string CommandLine(string program, int length)
    {
        var line = new StringBuilder(program);
        while (line.Length + 2 <= length)
        {
            line.Append(' ').Append(random.Next(3) switch { 0 => Options[random.Next(Options.Length)], 1 => Name(), _ => Path(8 + random.Next(40)) });
        }
        Cut(line, length);
        return line.ToString().TrimEnd();
    }

    /// <summary>Hexadecimal digits.</summary>
    public string Hex(int digits)
    {
        return string.Create(digits, random, static (span, random) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = "0123456789abcdef"[random.Next(16)];
        });
    }

    static void Cut(StringBuilder text, int length)
    {
        if (text.Length > length) text.Length = length;
        // A path does not end in a slash.
        while (text.Length > 1 && text[^1] == '/') text[^1] = 'x';
    }
}
