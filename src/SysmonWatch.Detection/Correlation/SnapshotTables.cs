using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>What <see cref="SnapshotTableWriter"/> wrote, read again.</summary>
sealed class SnapshotTables
{
    /// <summary>How many ancestors of a process are kept.</summary>
    public const int DeepestProcess = 64;

    readonly RuleMetadata?[] _metadata;
    readonly CorrelationRule?[] _correlations;
    ProcessNode[] _nodes = [];

    SnapshotTables(RuleMetadata?[] metadata, CorrelationRule?[] correlations)
    {
        _metadata = metadata;
        _correlations = correlations;
    }

    public EventReference[] References { get; private set; } = [];

    /// <summary>Null where the correlation has changed.</summary>
    public CorrelationHit?[] Hits { get; private set; } = [];

    /// <summary>Whether a time can be calculated with: two of the longest timespans still fit beside it.</summary>
    public static bool IsTime(long time) => time is > long.MinValue + 100_000_000_000_000_000 and < long.MaxValue - 100_000_000_000_000_000;

    /// <param name="reader">At the beginning of the tables.</param>
    /// <param name="here">For each rule of the snapshot where it is now.</param>
    /// <param name="rules">How many detection rules there are now.</param>
    /// <param name="metadata">Of all rules there are now, detection rules first.</param>
    /// <param name="correlations">All correlations there are now.</param>
    /// <param name="tables">The tables.</param>
    /// <returns>False where they are damaged.</returns>
    public static bool TryRead(
        ref SnapshotReader reader, int?[] here, int rules, RuleMetadata[] metadata, CorrelationRule[] correlations, out SnapshotTables? tables)
    {
        tables = new SnapshotTables(
            [.. here.Select(h => h is { } known ? metadata[known] : null)],
            [.. here.Select(h => h >= rules ? correlations[h.Value - rules] : null)]);
        tables.ReadNodes(ref reader);
        tables.ReadReferences(ref reader);
        tables.ReadHits(ref reader);
        return !reader.Failed;
    }

    void ReadNodes(ref SnapshotReader reader)
    {
        _nodes = new ProcessNode[reader.Count(bytesEach: 13)];
        for (int i = 0; i < _nodes.Length; i++)
        {
            ReadOnlySpan<byte> guid = reader.Bytes();
            int id = reader.Index();
            ReadOnlySpan<byte> image = reader.Bytes();
            ReadOnlySpan<byte> commandLine = reader.Bytes();
            ReadOnlySpan<byte> user = reader.Bytes();
            long startedAt = reader.Number();
            int parent = reader.Index();
            if (parent > i) reader.Fail();
            _nodes[i] = new ProcessNode(guid, id, image, commandLine, user, startedAt, parent == 0 || reader.Failed ? null : _nodes[parent - 1]);
        }
    }

    void ReadReferences(ref SnapshotReader reader)
    {
        References = new EventReference[reader.Count(bytesEach: 21)];
        var computers = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < References.Length; i++)
        {
            string computer = reader.Text();
            if (!computers.TryAdd(computer, computer)) computer = computers[computer];
            var identity = new EventIdentity(computer, reader.Index(), (ulong)reader.Number(), reader.Number());
            int process = reader.Index();
            string subject = reader.Text();
            int marks = reader.Index();
            if (process > _nodes.Length) reader.Fail();
            References[i] = new EventReference(identity, process == 0 || reader.Failed ? null : _nodes[process - 1], subject, (EventMarks)marks);
        }
    }

    void ReadHits(ref SnapshotReader reader)
    {
        Hits = new CorrelationHit?[reader.Count(bytesEach: 54)];
        for (int i = 0; i < Hits.Length && !reader.Failed; i++) Hits[i] = ReadHit(ref reader, i);
    }

    CorrelationHit? ReadHit(ref SnapshotReader reader, int before)
    {
        int correlation = reader.Index();
        CorrelationRule? rule = correlation < _correlations.Length ? _correlations[correlation] : null;
        var texts = new string[reader.Count()];
        for (int i = 0; i < texts.Length; i++) texts[i] = reader.Text();
        long time = reader.Number();
        EventReference? first = Reference(ref reader, reader.Index() + 1);
        EventReference? last = Reference(ref reader, reader.Index() + 1);
        long count = reader.Number();
        int[] bits = [(int)reader.Number(), (int)reader.Number(), (int)reader.Number(), (int)reader.Number()];
        var events = new List<CorrelatedEvent>();
        bool isKnown = rule is not null && texts.Length == rule.GroupBy.Count;
        for (int left = reader.Count(bytesEach: 3); left > 0; left--)
        {
            EventReference? e = Reference(ref reader, reader.Index() + 1);
            RuleMetadata? of = Metadata(ref reader, reader.Index() + 1);
            RuleMetadata? via = Metadata(ref reader, reader.Index());
            if (reader.Failed) return null;
            isKnown &= of is not null;
            if (of is not null) events.Add(new CorrelatedEvent(e!, of, via));
        }
        var parts = new List<CorrelationPart>();
        for (int i = 0, left = reader.Count(bytesEach: 12); i < left; i++)
        {
            long matches = reader.Number();
            EventReference? begin = Reference(ref reader, reader.Index());
            EventReference? end = Reference(ref reader, reader.Index());
            int child = reader.Index();
            if (child > before) reader.Fail();
            if (reader.Failed) return null;
            RuleMetadata? of = Metadata(ref reader, reader.Index() + 1);
            isKnown &= of is not null;
            if (of is not null) parts.Add(new CorrelationPart(of, matches, begin, end, child == 0 ? null : Hits[child - 1]));
        }
        if (reader.Failed || !isKnown || parts.Count != rule!.Rules.Count || !IsTime(time) || !IsDecimal(bits)) return null;
        return new CorrelationHit(rule, [.. rule.GroupBy.Zip(texts)], time, first!, last!, events, count, new decimal(bits), parts);
    }

    EventReference? Reference(ref SnapshotReader reader, int index)
    {
        if (index > References.Length) reader.Fail();
        return index == 0 || reader.Failed ? null : References[index - 1];
    }

    RuleMetadata? Metadata(ref SnapshotReader reader, int index)
    {
        if (index > _metadata.Length) reader.Fail();
        return index == 0 || reader.Failed ? null : _metadata[index - 1];
    }

    // Sign and a scale up to 28; anything else is an exception in the constructor.
    static bool IsDecimal(int[] bits) => (bits[3] & 0x7F00FFFF) == 0 && (bits[3] >> 16 & 0xFF) <= 28;
}
