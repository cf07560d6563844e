using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Tests.State;

/// <summary>A state directory, a clock and the logs, with stores opened on them.</summary>
sealed class StateDirectoryFixture : IDisposable
{
    public static readonly OutboxLimits Roomy = new(1000, 1 << 20, TimeSpan.FromDays(1));

    readonly List<StateStore> _stores = [];

    public StateDirectoryFixture(string? directory = null) => Path = directory ?? Directory.CreateTempSubdirectory("sysmonwatch-test-").FullName;

    public string Path { get; }

    public string DatabaseFile => System.IO.Path.Combine(Path, "state.db");

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 24, 4, 15, 0, TimeSpan.Zero));

    public CollectedLogs Logs { get; } = new();

    public Counters Counters { get; } = new();

    public StateStore Open(OutboxLimits? limits = null, int memoryAlerts = 100, string? directory = null)
    {
        var store = StateStore.Open(directory ?? Path, limits ?? Roomy, memoryAlerts, Counters, Time, Logs);
        _stores.Add(store);
        return store;
    }

    public StateStore InMemory(OutboxLimits? limits = null)
    {
        var store = StateStore.InMemory(limits ?? Roomy, Counters, Time, Logs);
        _stores.Add(store);
        return store;
    }

    public StoredAlert Alert(string id, params string[] sinks) => Sized(id, 10, sinks);

    public StoredAlert Sized(string id, int bytes, params string[] sinks) => Of(id, bytes, RuleLevel.High, sinks);

    public StoredAlert Of(string id, int bytes, RuleLevel level, params string[] sinks)
    {
        byte[] json = new byte[bytes];
        json.AsSpan().Fill((byte)'x');
        return new StoredAlert(id, level, Time.GetUtcNow() - TimeSpan.FromSeconds(1), Time.GetUtcNow(), json, sinks);
    }

    /// <summary>What a process that was killed leaves behind: the files as they are now.</summary>
    public string CopyAsAfterKill()
    {
        string copy = Directory.CreateTempSubdirectory("sysmonwatch-test-").FullName;
        foreach (string file in Directory.GetFiles(Path, "state.db*")) File.Copy(file, System.IO.Path.Combine(copy, System.IO.Path.GetFileName(file)));
        return copy;
    }

    public static Checkpoint At(string source, byte position, string? snapshot = null) => new(
        new Dictionary<string, byte[]> { [source] = [position] },
        snapshot is null ? new Dictionary<string, Snapshot>() : new Dictionary<string, Snapshot> { ["tree"] = Snapshot.Whole(System.Text.Encoding.UTF8.GetBytes(snapshot)) },
        []);

    public void Dispose()
    {
        foreach (StateStore store in _stores) store.Dispose();
        if (Directory.Exists(Path) && Path.StartsWith(System.IO.Path.GetTempPath(), StringComparison.Ordinal)) Directory.Delete(Path, recursive: true);
    }
}
