using System.Diagnostics;
using System.Runtime.InteropServices;
using SysmonWatch.Daemon.Commands;
using SysmonWatch.Daemon.Tests.Pipeline;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Commands;

/// <summary>The real executable, used as it is not meant to be: it says what is wrong, and nobody sees a stack trace.</summary>
public sealed class OwnMistakeTests : IDisposable
{
    const int SIGINT = 2, SIGTERM = 15;

    readonly string _directory = Directory.CreateTempSubdirectory("mistakes-").FullName;

    static string Binary => Environment.GetEnvironmentVariable("SYSMONWATCH_BINARY") ?? Path.Combine(AppContext.BaseDirectory, "sysmonwatch");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(SIGINT, "SysmonWatch demo")]
    [InlineData(SIGTERM, "SysmonWatch demo")]
    [InlineData(SIGINT, "The daemon follows")]
    [InlineData(SIGTERM, "The daemon follows")]
    [InlineData(SIGINT, "critical")]
    public async Task A_demo_that_is_ended_early_just_ends(int signal, string after)
    {
        for (int i = 0; i < 3; i++)
        {
            using Process demo = Start(Binary, "demo");
            Task<string> errors = demo.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            string said = "";
            while (!said.Contains(after, StringComparison.Ordinal) && await demo.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line) said += line + "\n";
            Assert.Equal(0, kill(demo.Id, signal));
            said += await demo.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await demo.WaitForExitAsync(TestContext.Current.CancellationToken);

            // With the critical alert it may have come to its own end before.
            Assert.True(demo.ExitCode == ExitCodes.Interrupted || after == "critical", $"exit code {demo.ExitCode}");
            AssertIsForUsers(said + await errors);
        }
    }

    [Fact]
    public async Task A_second_run_on_one_state_directory_says_who_has_it()
    {
        string log = Write("syslog", ""), config = Write("c.yaml", $"input: {{files: [{log}], journal: no}}\n"), state = Path.Combine(_directory, "state");
        using var first = DaemonProcess.Run(config, state);
        await first.ReadyAsync();

        (int code, string said) = await RunAsync(Binary, "run", "--config", config, "--state-dir", state);

        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains(state, Assert.Single(said.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        AssertIsForUsers(said);
        Assert.Equal(0, await first.StopAsync());
    }

    [Fact]
    public async Task A_host_without_sqlite_is_told_what_to_install()
    {
        string[] libraries = [.. new[] { "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib" }.SelectMany(d => Directory.Exists(d) ? Directory.GetFiles(d, "libsqlite3.so*") : [])];
        if (!Environment.IsPrivilegedProcess || libraries.Length == 0)
        {
            if (Places.MustNotSkip) throw new InvalidOperationException("Root and libsqlite3 are required (SYSMONWATCH_REQUIRE_ALL=1).");
            Assert.Skip("needs root and libsqlite3");
        }
        string hide = string.Concat(libraries.Select(l => $"mount --bind /dev/null {l} && "));

        foreach (string command in new[] { "demo", $"run --state-dir {_directory}/state" })
        {
            (int code, string said) = await RunAsync("unshare", "--mount", "sh", "-c", $"{hide}exec {Binary} {command}");

            Assert.Equal(ExitCodes.Failure, code);
            Assert.StartsWith("libsqlite3.so.0 cannot be loaded; install ", Assert.Single(said.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_rule_cannot_write_to_the_terminal_of_who_checks_it()
    {
        string rule = Write("rule.yml", "title: \"Red \\e[31m\\U000E0041\\u202E\"\nid: x\nlogsource: {product: linux}\ndetection: {s: {\"Im\\e[2Jage|nothing\": 1}, condition: s}\n");

        foreach (string command in new[] { "check", "rules lint", "rules list" })
        {
            (_, string said) = await RunAsync(Binary, [.. command.Split(' '), "--rules", rule]);

            Assert.Contains("\\x1b[", said, StringComparison.Ordinal);
            Assert.DoesNotContain(said, c => c is '\u001b' or '\u202e' or '\udb40');
        }
    }

    static void AssertIsForUsers(string said)
    {
        Assert.DoesNotContain("Exception", said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        Assert.DoesNotContain("a bug in", said, StringComparison.Ordinal);
    }

    static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;

    static async Task<(int Code, string Said)> RunAsync(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string said = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, said);
    }

    string Write(string name, string text)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    [DllImport("libc")]
    static extern int kill(int process, int signal);
}
