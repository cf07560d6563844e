using System.Text;
using System.Text.Json;
using SysmonWatch.Daemon.Commands.Replay;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Tests.Commands;

/// <summary>What <c>replay --output json</c> said.</summary>
/// <param name="ExitCode">What it ended with.</param>
/// <param name="Lines">Standard output.</param>
/// <param name="Errors">Standard error.</param>
sealed record Replayed(int ExitCode, IReadOnlyList<string> Lines, string Errors)
{
    public IReadOnlyList<Alert> Alerts { get; } = [.. Lines.Select(line => JsonSerializer.Deserialize(line, AlertJson.Default.Alert)!)];

    /// <summary>Ids in an order of their own, to compare.</summary>
    public string[] Ids => [.. Alerts.Select(alert => alert.AlertId).Order(StringComparer.Ordinal)];

    /// <summary>With the rules of the seed case, whatever others ship.</summary>
    public static Replayed Of(params string[] files) => With(files, SeedLog.Rules);

    public static Replayed With(string[] files, string[] rules, string? config = null)
    {
        using var output = new MemoryStream();
        using var errors = new StringWriter();
        int code = ReplayCommand.Run(new ReplayCommand.Request(files, rules, config, "json"), output, errors, TimeProvider.System);
        return new Replayed(code, Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries), errors.ToString());
    }
}
