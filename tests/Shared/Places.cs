using System.Runtime.CompilerServices;

namespace SysmonWatch.Tests.Shared;

/// <summary>Where the repository and the reference data beside it are, whatever directory the tests are started from.</summary>
static class Places
{
    /// <summary>The directory that holds SysmonWatch.sln.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>
    /// The reference data that lives beside the repository and is not part of it (real captures, SigmaHQ's rules, conformance vectors);
    /// null where somebody has only the repository.
    /// </summary>
    public static string? Reference { get; } = FindReference();

    /// <summary>
    /// The path of a piece of reference data. Skips the calling test with a clear reason where it is not there,
    /// and fails it instead when SYSMONWATCH_REQUIRE_ALL=1, so that continuous integration cannot pass by skipping.
    /// </summary>
    public static string ReferenceData(string relative)
    {
        string? path = Reference is null ? null : Path.Combine(Reference, relative);
        if (path is not null && Path.Exists(path)) return path;
        if (MustNotSkip) throw new FileNotFoundException($"{relative} is required (SYSMONWATCH_REQUIRE_ALL=1) and is not in {Reference ?? "../shared"}.");
        Assert.Skip($"needs {relative} in a directory 'shared' beside the repository");
        return "";
    }

    /// <summary>True where a test that cannot run must fail instead of being skipped.</summary>
    public static bool MustNotSkip => Environment.GetEnvironmentVariable("SYSMONWATCH_REQUIRE_ALL") == "1";

    static string FindRepository([CallerFilePath] string here = "")
    {
        foreach (string start in new[] { AppContext.BaseDirectory, Directory.GetCurrentDirectory(), here })
        {
            for (string? at = start; at is not null; at = Path.GetDirectoryName(at))
            {
                if (File.Exists(Path.Combine(at, "SysmonWatch.sln"))) return at;
            }
        }
        throw new DirectoryNotFoundException("SysmonWatch.sln is in no directory above the tests.");
    }

    static string? FindReference()
    {
        string? asked = Environment.GetEnvironmentVariable("SYSMONWATCH_REFERENCE");
        string beside = asked ?? Path.Combine(Path.GetDirectoryName(Repository)!, "shared");
        return Directory.Exists(beside) ? beside : null;
    }
}
