using System.Buffers;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>One event of a test's stream.</summary>
/// <param name="Time">Microseconds.</param>
/// <param name="Rules">Names of the base rules that match, separated by spaces; empty for none.</param>
/// <param name="Fields">Fields as <c>name=value</c>, separated by spaces.</param>
/// <param name="Number">Record id; by default the position in the stream.</param>
/// <param name="Marks">Marks.</param>
/// <param name="Computer">Computer.</param>
sealed record Arrival(long Time, string Rules, string Fields = "", ulong? Number = null, EventMarks Marks = EventMarks.None, string Computer = "lab");

/// <summary>Feeds events to an engine as the daemon would.</summary>
sealed class Stream(RuleSet rules, CorrelationLimits? limits = null)
{
    /// <summary>How far ahead of its arrival an event may be dated; small, so that some events of a short stream are late.</summary>
    public const long FutureTolerance = 3_000_000;

    static readonly CorrelationLimits Usual = new() { FutureTolerance = FutureTolerance };

    ulong _next;

    public CorrelationEngine Engine { get; private set; } = new(rules, limits ?? Usual);

    public List<CorrelationHit> Hits { get; } = [];

    /// <summary>How many hits there were after each event.</summary>
    public List<int> HitsAfter { get; } = [];

    public static List<CorrelationHit> Run(RuleSet rules, IEnumerable<Arrival> arrivals, bool finish = true)
    {
        var stream = new Stream(rules);
        foreach (Arrival arrival in arrivals) stream.Add(arrival);
        if (finish) stream.Engine.Finish(stream.Hits);
        return stream.Hits;
    }

    public void Add(Arrival arrival)
    {
        ulong number = arrival.Number ?? _next;
        _next++;
        (string, string?)[] fields = [.. arrival.Fields.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(f => f.Split('=', 2)).Select(f => (f[0], f[1] == "null" ? null : f[1]))];
        var e = new SomeEvent(arrival.Time, fields);
        var reference = new EventReference(new EventIdentity(arrival.Computer, 1, number, arrival.Time), null, arrival.Fields, arrival.Marks);
        if ((arrival.Marks & EventMarks.FutureDated) == 0) Engine.AdvanceTo(arrival.Time, Hits);
        int[] matched = [.. Enumerable.Range(0, rules.Rules.Count).Where(rule => arrival.Rules.Split(' ').Contains(rules.Rules[rule].Metadata.Name))];
        Engine.Observe(matched, e, reference, Hits);
        HitsAfter.Add(Hits.Count);
    }

    public void Restart()
    {
        byte[] snapshot = Save();
        Engine = new CorrelationEngine(rules, limits ?? Usual);
        Assert.True(Engine.TryRestore(snapshot, out string? why), why);
        Assert.Equal(snapshot, Save());
    }

    public byte[] Save()
    {
        var bytes = new ArrayBufferWriter<byte>();
        Engine.Save(bytes);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>A hit in one line.</summary>
    public static string Text(CorrelationHit hit) =>
        $"{hit.Rule.Metadata.Name} [{string.Join(',', hit.Group.Select(g => g.Value))}] {hit.First.Identity.RecordId}..{hit.Last.Identity.RecordId} of {hit.Count} = {hit.Value:0.######}";
}
