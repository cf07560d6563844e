using System.Diagnostics;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Delivery;

/// <summary>deploy/sysmonwatch.catalog explains what the daemon writes.</summary>
public sealed class CatalogTests : IDisposable
{
    static readonly string[] Kinds = [MessageIds.Finding, MessageIds.Correlation, MessageIds.Watcher, MessageIds.Loss];

    readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("catalog-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void Explains_every_kind_once()
    {
        IEnumerable<string> explained = File.ReadLines(Source).Where(line => line.StartsWith("-- ", StringComparison.Ordinal)).Select(line => line[3..]);

        Assert.Equal(Kinds.Order(StringComparer.Ordinal), explained.Order(StringComparer.Ordinal));
        Assert.All(Kinds, kind => Assert.True(kind.Length == 32 && kind.All(char.IsAsciiHexDigitLower)));
    }

    [Fact]
    public async Task Journalctl_reads_it()
    {
        if (!File.Exists("/usr/bin/journalctl"))
        {
            if (Places.MustNotSkip) Assert.Fail("/usr/bin/journalctl is required (SYSMONWATCH_REQUIRE_ALL=1).");
            Assert.Skip("needs /usr/bin/journalctl");
        }
        Directory.CreateDirectory(Path.Combine(_root.FullName, "usr/lib/systemd/catalog"));
        Directory.CreateDirectory(Path.Combine(_root.FullName, "var/lib/systemd/catalog"));
        File.Copy(Source, Path.Combine(_root.FullName, "usr/lib/systemd/catalog/sysmonwatch.catalog"));

        await Journalctl("--update-catalog");
        string dump = await Journalctl("--dump-catalog");

        Assert.All(Kinds, kind => Assert.Contains($"-- {kind}\nSubject: ", dump, StringComparison.Ordinal));
    }

    static string Source => Path.Combine(Places.Repository, "deploy/sysmonwatch.catalog");

    async Task<string> Journalctl(string command)
    {
        using Process process = Process.Start(new ProcessStartInfo("/usr/bin/journalctl", [command, $"--root={_root.FullName}"]) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
