namespace SysmonWatch.Detection.Tests;

/// <summary>How much of what is slow a run does: a sample, so that everybody runs the tests often, or with SYSMONWATCH_LONG=1 all of it.</summary>
static class Thoroughness
{
    /// <summary>True where time does not matter.</summary>
    public static bool Long { get; } = Environment.GetEnvironmentVariable("SYSMONWATCH_LONG") == "1";

    /// <summary>True for one in so many, or for all in a long run. A prime keeps a pattern of the data from falling in step with it.</summary>
    public static bool Takes(int number, int oneIn) => Long || number % oneIn == 0;
}
