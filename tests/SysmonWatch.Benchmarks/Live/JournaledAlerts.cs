using System.Globalization;
using SysmonWatch.Benchmarks.Generation;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>The alerts of <see cref="AttackLine"/> in a journal: when journald took each, by the record id of its event.</summary>
/// <param name="files">The journal's directory.</param>
/// <param name="since">Earlier ones are left out.</param>
sealed class JournaledAlerts(string files, DateTimeOffset since) : IDisposable
{
    readonly NativeJournal _journal = Open(files, since);
    readonly Dictionary<ulong, long> _times = [];

    /// <summary>Microseconds since 1970.</summary>
    public IReadOnlyDictionary<ulong, long> Times => _times;

    /// <summary>Reads what is new until that many are there; false where they do not come in time.</summary>
    /// <param name="count">How many.</param>
    /// <param name="patience">How long.</param>
    /// <param name="meanwhile">Called at every look, some twenty times a second.</param>
    public async Task<bool> AllAsync(int count, TimeSpan patience, Action? meanwhile = null)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            Read();
            meanwhile?.Invoke();
            if (_times.Count >= count) return true;
            if (TimeProvider.System.GetElapsedTime(started) > patience) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    public void Dispose() => _journal.Dispose();

    void Read()
    {
        _journal.Refresh();
        while (_journal.Next())
        {
            if (_journal.Text("SYSMONWATCH_RULE_ID"u8) != AttackLine.RuleId || !long.TryParse(_journal.Text("SYSMONWATCH_COUNT"u8), out long count) || count != 1) continue;
            _times.TryAdd(ulong.Parse(_journal.Text("SYSMONWATCH_EVENT_RECORD_ID"u8), CultureInfo.InvariantCulture), _journal.Time());
        }
    }

    static NativeJournal Open(string files, DateTimeOffset since)
    {
        var journal = new NativeJournal(files, "SYSLOG_IDENTIFIER=sysmonwatch");
        journal.SeekTime((since - DateTimeOffset.UnixEpoch).Ticks / 10);
        return journal;
    }
}
