using SysmonWatch.Tests.Shared;

namespace SysmonWatch.SystemTests.Containers;

/// <summary>What these tests need of the machine they run on.</summary>
static class Requirements
{
    static readonly string[] Tools = ["unshare", "nsenter", "systemd-nspawn", "rsyslogd", "logrotate", "journalctl", "dpkg", "cc"];

    /// <summary>The package under test: SYSMONWATCH_DEB, or else the newest in artifacts/.</summary>
    public static string? Package => Environment.GetEnvironmentVariable("SYSMONWATCH_DEB") is { Length: > 0 } asked ? asked
        : !Directory.Exists(Path.Combine(Places.Repository, "artifacts")) ? null
        : Directory.EnumerateFiles(Path.Combine(Places.Repository, "artifacts"), "sysmonwatch_*.deb").MaxBy(File.GetLastWriteTimeUtc);

    /// <summary>A machine that can boot a container. Otherwise skips the calling test with the reason and the fix, or fails it where nothing may be skipped.</summary>
    public static void DemandContainers() => Demand(MissingForContainers());

    /// <summary>The same, and a built package.</summary>
    public static void DemandPackage()
    {
        DemandContainers();
        Demand(Package is { } package && File.Exists(package) ? null : "needs a built package: packaging/build-deb");
    }

    static void Demand(string? missing)
    {
        if (missing is null) return;
        if (Places.MustNotSkip) throw new InvalidOperationException($"{missing} (required, because SYSMONWATCH_REQUIRE_ALL=1)");
        Assert.Skip(missing);
    }

    static string? MissingForContainers()
    {
        if (!Environment.IsPrivilegedProcess) return "needs root, to boot a container";
        string[] missing = [.. Tools.Where(tool => !IsInstalled(tool))];
        return missing.Length == 0 ? null : $"needs {string.Join(", ", missing)}: apt-get install systemd-container rsyslog logrotate gcc";
    }

    static bool IsInstalled(string tool) => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".Split(':').Any(directory => File.Exists(Path.Combine(directory, tool)));
}
