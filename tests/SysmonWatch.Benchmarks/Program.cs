using System.Globalization;
using BenchmarkDotNet.Running;
using SysmonWatch.Benchmarks;
using SysmonWatch.Benchmarks.Generation;
using SysmonWatch.Benchmarks.Live;
using SysmonWatch.Benchmarks.Suite;
using SysmonWatch.Detection.Sigma.Parsing;

const string Help = """
    What SysmonWatch's speed is measured with; docs/benchmarks.md says how.

      log LINES FILE [--seed N]               write a syslog file of that many lines, the same for the same seed (default 1)
      rules COUNT MODELS-DIR INTO [--seed N]  write rules of the shapes of those in a directory, every literal another one
      allocations LINES [RULES-DIR]           what each stage puts on the heap per event, over such a log
      bench [ARGUMENTS]                       the micro-benchmarks, with BenchmarkDotNet's arguments: bench --filter '*'
                                              SYSMONWATCH_RULES=DIR adds the rules of a directory (SigmaHQ's)

    Of a whole native binary; each ends with 1 where a goal is not met, and with 77 where it cannot be measured here (root, systemd-journald):

      latency BINARY [LINES [ENTRIES]]        from a line to its alert in the journal (default 1,000 lines, 200 journal entries: 4 minutes)
      catch-up BINARY [LINES [ENTRIES]]       a backlog beside replay, and beside a bare loop over the journal (default 1,000,000 and 350,000)
      idle BINARY [MINUTES]                   processor time and wake-ups while nothing happens (default 3)
    """;

switch (args)
{
    case ["log", var lines, var file, .. var rest] when IsNumber(lines, out int count) && TrySeed(rest, out int seed):
        using (FileStream output = File.Create(file)) new LogGenerator(seed).Write(output, count);
        return 0;
    case ["rules", var count, var models, var into, .. var rest] when IsNumber(count, out int number) && TrySeed(rest, out int seed):
        new RuleGenerator(seed).Write(models, number, into);
        return 0;
    case ["allocations", var lines, .. var rest] when IsNumber(lines, out int count) && rest.Length < 2:
        AllocationCheck.Run(count, rest is [var directory] ? RuleLoader.Load([directory]) : RuleLoader.Parse(Samples.Rules()), Console.Out);
        return 0;
    case ["bench", .. var rest]:
        return BenchmarkSwitcher.FromTypes([typeof(DecoderBenchmarks), typeof(ProcessTreeBenchmarks), typeof(DetectionBenchmarks)]).Run(rest, BenchmarkSettings.Create()).Any() ? 0 : 1;
    case ["latency", var binary, .. var rest] when TryNumbers(rest, [1_000, 200], out int[] numbers):
        return await MeasureAsync(Latency.RunAsync(Path.GetFullPath(binary), numbers[0], numbers[1]));
    case ["catch-up", var binary, .. var rest] when TryNumbers(rest, [1_000_000, 350_000], out int[] numbers):
        return await MeasureAsync(CatchUp.RunAsync(Path.GetFullPath(binary), numbers[0], numbers[1]));
    case ["idle", var binary, .. var rest] when TryNumbers(rest, [3], out int[] numbers):
        return await MeasureAsync(Idle.RunAsync(Path.GetFullPath(binary), numbers[0]));
    case ["--help" or "-h" or "help"]:
        Console.WriteLine(Help);
        return 0;
    default:
        Console.Error.WriteLine(args.Length == 0 ? Help : $"'{string.Join(' ', args)}' is no command of this program.\n\n{Help}");
        return 64;
}

static bool IsNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;

static bool TryNumbers(string[] given, int[] defaults, out int[] numbers)
{
    numbers = [.. defaults];
    for (int i = 0; i < given.Length; i++)
    {
        if (i == defaults.Length || !IsNumber(given[i], out numbers[i])) return false;
    }
    return true;
}

static async Task<int> MeasureAsync(Task<bool> measurement)
{
    try
    {
        return await measurement ? 0 : 1;
    }
    catch (NotPossibleException problem)
    {
        Console.Error.WriteLine(problem.Message);
        return 77;
    }
}

static bool TrySeed(string[] rest, out int seed)
{
    seed = 1;
    return rest.Length == 0 || (rest is ["--seed", var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seed));
}
