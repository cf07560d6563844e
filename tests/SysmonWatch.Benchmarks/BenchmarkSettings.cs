using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace SysmonWatch.Benchmarks;

/// <summary>How the micro-benchmarks are run.</summary>
static class BenchmarkSettings
{
    /// <summary>
    /// In this process: a project that BenchmarkDotNet generates would inherit this repository's warnings-as-errors and central package versions.
    /// </summary>
    public static IConfig Create() => DefaultConfig.Instance
        .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithId("in process"))
        .AddDiagnoser(MemoryDiagnoser.Default)
        .HideColumns(Column.Error, Column.RatioSD, Column.AllocRatio);
}
