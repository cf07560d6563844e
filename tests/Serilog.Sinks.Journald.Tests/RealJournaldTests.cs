using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using SysmonWatch.Tests.Shared;

namespace Serilog.Sinks.Journald.Tests;

/// <summary>The real systemd-journald, alone in a mount namespace with a /run of its own; what it wrote is read back with journalctl.</summary>
public sealed class RealJournaldTests : IDisposable
{
    const string Journald = "/lib/systemd/systemd-journald";

    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("journald-");
    readonly List<Process> _started = [];

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Journald_takes_every_kind_of_entry_as_it_was_meant()
    {
        string root = await StartJournald();
        using JournalClient client = new(new() { SocketPath = root + "/run/systemd/journal/socket", Wait = TimeSpan.FromSeconds(10) });
        string megabyte = string.Concat(Enumerable.Repeat("0123456789", 100_000));
        string larger = string.Concat(Enumerable.Repeat("abcdefghij", 1_500_000));

        Assert.True(Send(client, "plain", entry => entry.Add("TECHNIQUE", "T1485").Add("TECHNIQUE", "T1529").Add("EMPTY", "")).IsSent);
        Assert.True(Send(client, "forger", entry => entry.Add("EVIL", "x\nPRIORITY=0\n\nMESSAGE=forged\n")).IsSent);
        Assert.True(Send(client, "binary", entry => entry.Add("BYTES", [0xff, 0x00, 0x0a, 0x41])).IsSent);
        Assert.True(Send(client, "megabyte", entry => entry.Add("LONG", megabyte)).IsSent);
        Assert.True(Send(client, "in memory", entry => entry.Add("LONG", larger)).ThroughMemory);
        Assert.True(Send(client, "last", entry => entry).IsSent);

        Dictionary<string, JsonElement> entries = await ReadUntil(root, "last");
        Assert.Equal(["plain", "forger", "binary", "megabyte", "in memory", "last"], entries.Keys);
        Assert.Equal(["T1485", "T1529"], entries["plain"].GetProperty("TECHNIQUE").EnumerateArray().Select(value => value.GetString()));
        Assert.Equal("", entries["plain"].GetProperty("EMPTY").GetString());
        Assert.Equal("x\nPRIORITY=0\n\nMESSAGE=forged\n", entries["forger"].GetProperty("EVIL").GetString());
        Assert.Equal("5", entries["forger"].GetProperty("PRIORITY").GetString());
        Assert.Equal([0xff, 0x00, 0x0a, 0x41], entries["binary"].GetProperty("BYTES").EnumerateArray().Select(value => value.GetByte()));
        Assert.Equal(megabyte, entries["megabyte"].GetProperty("LONG").GetString());
        Assert.Equal(larger, entries["in memory"].GetProperty("LONG").GetString());
    }

    [Fact]
    public async Task Journald_takes_a_name_of_64_characters_and_as_many_fields_as_an_entry_may_have()
    {
        string root = await StartJournald();
        using JournalClient client = new(new() { SocketPath = root + "/run/systemd/journal/socket", Wait = TimeSpan.FromSeconds(10) });
        string longest = "N" + new string('9', 63);

        Assert.True(Send(client, "full", entry =>
        {
            entry.Add(longest, "x");
            while (entry.FieldCount < JournalEntry.MaxFields) entry.Add("N", entry.FieldCount);
            return entry;
        }).IsSent);
        Assert.True(Send(client, "last", entry => entry).IsSent);

        Dictionary<string, JsonElement> entries = await ReadUntil(root, "last");
        Assert.Equal("x", entries["full"].GetProperty(longest).GetString());
        Assert.Equal(JournalEntry.MaxFields - 4, entries["full"].GetProperty("N").GetArrayLength());
    }

    static JournalSendResult Send(JournalClient client, string message, Func<JournalEntry, JournalEntry> fill)
    {
        using JournalEntry entry = new();
        entry.Add("MESSAGE", message).Add("PRIORITY", 5).Add("SYSLOG_IDENTIFIER", "real-test");
        return client.TrySend(fill(entry));
    }

    /// <summary>Starts it and waits until it says that it is ready. Its file system is seen through /proc.</summary>
    async Task<string> StartJournald()
    {
        if (Missing() is { } missing)
        {
            if (Places.MustNotSkip) Assert.Fail($"{missing} (SYSMONWATCH_REQUIRE_ALL=1)");
            Assert.Skip(missing);
        }

        string notifyPath = Path.Combine(_directory.FullName, "notify");
        using Socket notify = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.Bind(new UnixDomainSocketEndPoint(notifyPath));
        ProcessStartInfo start = new("unshare") { RedirectStandardError = true };
        start.ArgumentList.Add("--mount");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && exec {Journald}");
        start.Environment["NOTIFY_SOCKET"] = notifyPath;
        Process journald = Process.Start(start)!;
        _started.Add(journald);

        using CancellationTokenSource late = new(TimeSpan.FromSeconds(20));
        byte[] said = new byte[4096];
        while (true)
        {
            int length = await notify.ReceiveAsync(said, SocketFlags.None, late.Token);
            if (Encoding.UTF8.GetString(said, 0, length).Split('\n').Contains("READY=1")) return $"/proc/{journald.Id}/root";
        }
    }

    /// <summary>Our entries in the order of the journal, once the one with <paramref name="last"/> as its message is there.</summary>
    async Task<Dictionary<string, JsonElement>> ReadUntil(string root, string last)
    {
        ProcessStartInfo start = new("journalctl") { RedirectStandardOutput = true };
        foreach (string argument in new[] { "-D", root + "/run/log/journal", "-f", "-n", "all", "-a", "-o", "json", "-t", "real-test" })
        {
            start.ArgumentList.Add(argument);
        }
        Process journalctl = Process.Start(start)!;
        _started.Add(journalctl);

        using CancellationTokenSource late = new(TimeSpan.FromSeconds(20));
        Dictionary<string, JsonElement> entries = [];
        while (!entries.ContainsKey(last))
        {
            string line = await journalctl.StandardOutput.ReadLineAsync(late.Token) ?? throw new IOException("journalctl ended");
            JsonElement entry = JsonElement.Parse(line);
            entries.Add(entry.GetProperty("MESSAGE").GetString()!, entry);
        }
        return entries;
    }

    static string? Missing()
    {
        if (!OperatingSystem.IsLinux()) return "needs Linux";
        if (!File.Exists(Journald)) return $"needs {Journald} (Debian: apt-get install systemd)";
        if (!Environment.IsPrivilegedProcess) return "needs root, for a mount namespace";
        return new[] { "unshare", "journalctl" }.FirstOrDefault(tool => !File.Exists("/usr/bin/" + tool)) is { } tool ? $"needs /usr/bin/{tool}" : null;
    }
}
