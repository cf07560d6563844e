using System.Buffers;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>The memory of all correlations as bytes.</summary>
/// <remarks>
/// Our own format, version 2: magic; the stream's time; fingerprints of all rules; shared tables (process nodes, events, hits), each
/// referring only backwards; then for each correlation with groups its length in bytes and its groups, the one used last at the end. Of version 1, which is read
/// too, the entries have no inherited values.
/// </remarks>
sealed class CorrelationSnapshot
{
    static readonly Int128 LargestNumber = (Int128)(CompiledCondition.Largest * CompiledCondition.One);

    static ReadOnlySpan<byte> Magic => "SWCO\u0002"u8;

    static ReadOnlySpan<byte> MagicOfVersion1 => "SWCO\u0001"u8;

    readonly RuleWindows[] _correlations;
    readonly RuleMetadata[] _metadata;
    readonly byte[][] _fingerprints;
    readonly int _rules;

    public CorrelationSnapshot(RuleSet rules, RuleWindows[] correlations)
    {
        _correlations = correlations;
        _rules = rules.Rules.Count;
        _metadata = [.. rules.Rules.Select(r => r.Metadata), .. rules.Correlations.Select(c => c.Metadata)];
        _fingerprints = RuleFingerprint.OfAll(rules);
    }

    public void Save(IBufferWriter<byte> into, long now)
    {
        var tables = new SnapshotTableWriter(_metadata, [.. _correlations.Select(c => c.Rule)]);
        var body = new SnapshotWriter();
        for (int i = 0; i < _correlations.Length; i++)
        {
            if (_correlations[i].GroupCount == 0) continue;
            var block = new SnapshotWriter();
            SaveGroups(block, _correlations[i], tables);
            body.Count(_rules + i);
            body.Bytes(block.Written);
        }
        var head = new SnapshotWriter();
        head.Raw(Magic);
        head.Number(now);
        head.Count(_fingerprints.Length);
        foreach (byte[] fingerprint in _fingerprints) head.Raw(fingerprint);
        tables.AppendTo(head);
        into.Write(head.Written);
        into.Write(body.Written);
    }

    public bool TryRestore(ReadOnlySpan<byte> snapshot, out long now, out string? why)
    {
        now = long.MinValue;
        why = "it is not a snapshot of correlations of a version known here";
        bool isVersion1 = snapshot.StartsWith(MagicOfVersion1);
        if (!isVersion1 && !snapshot.StartsWith(Magic)) return false;
        why = "it is damaged";
        var reader = new SnapshotReader(snapshot[Magic.Length..]);
        now = reader.Number();
        if (!SnapshotTables.IsTime(now) && now != long.MinValue) return false;
        int?[] here = ReadFingerprints(ref reader);
        if (!SnapshotTables.TryRead(ref reader, here, _rules, _metadata, [.. _correlations.Select(c => c.Rule)], out SnapshotTables? tables)) return false;
        var seen = new HashSet<int>();
        while (!reader.AtEnd)
        {
            int index = reader.Index();
            ReadOnlySpan<byte> block = reader.Bytes();
            if (reader.Failed || index >= here.Length || !seen.Add(index)) return false;
            if (here[index] is not { } known) continue;
            if (known < _rules || !TryRestoreGroups(block, _correlations[known - _rules], tables!, isVersion1)) return false;
        }
        if (reader.Failed) return false;
        why = null;
        return true;
    }

    /// <summary>For each rule of the snapshot where it is now; null where it has changed or is gone.</summary>
    int?[] ReadFingerprints(ref SnapshotReader reader)
    {
        var here = new int?[reader.Count(RuleFingerprint.Length)];
        for (int i = 0; i < here.Length; i++)
        {
            ReadOnlySpan<byte> fingerprint = reader.Take(RuleFingerprint.Length);
            for (int known = 0; known < _fingerprints.Length && here[i] is null; known++)
            {
                if (fingerprint.SequenceEqual(_fingerprints[known])) here[i] = known;
            }
        }
        return here;
    }

    static void SaveGroups(SnapshotWriter into, RuleWindows windows, SnapshotTableWriter tables)
    {
        into.Count(windows.GroupCount);
        foreach (CorrelationGroup group in windows.Groups.Reverse())
        {
            into.Bytes(group.Key);
            into.Number(group.TouchedAt);
            into.Number(group.ClosedUntil);
            into.Bytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(group.Window.State));
            into.Count(group.Count);
            foreach (CorrelationEntry entry in group.Entries)
            {
                into.Number(entry.Time);
                into.Count(tables.IndexOf(entry.Reference));
                into.Number((long)entry.Rules);
                into.Number(entry.Weight);
                into.Count(entry.Fired ? 1 : 0);
                into.Count(entry.Child is null ? 0 : 1 + tables.IndexOf(entry.Child));
                into.Bytes(entry.Value);
                into.Number((long)(entry.Number >> 64));
                into.Number((long)(ulong)(entry.Number & ulong.MaxValue));
                if (windows.Inherited.Count == 0) continue;
                into.Count(entry.Inherited.Length);
                foreach (byte[] tuple in entry.Inherited) into.Bytes(tuple);
            }
        }
    }

    static bool TryRestoreGroups(ReadOnlySpan<byte> block, RuleWindows windows, SnapshotTables tables, bool isVersion1)
    {
        var reader = new SnapshotReader(block);
        int count = reader.Count();
        var values = new HashSet<byte[]>(ValueKey.Comparer.Instance);
        for (int i = 0; i < count; i++)
        {
            byte[] key = reader.Bytes().ToArray();
            long touchedAt = reader.Number();
            long closedUntil = reader.Number();
            ReadOnlySpan<byte> state = reader.Bytes();
            var entries = new List<CorrelationEntry>(reader.Count(bytesEach: 40));
            for (int left = entries.Capacity; left > 0; left--)
            {
                if (ReadEntry(ref reader, windows, tables, values, isVersion1) is not { } entry) return false;
                entries.Add(entry);
            }
            if (reader.Failed || !ValueKey.IsValid(key, windows.Rule.GroupBy.Count)) return false;
            if (!SnapshotTables.IsTime(touchedAt) || !(SnapshotTables.IsTime(closedUntil) || closedUntil == long.MinValue)) return false;
            if (!windows.TryRestore(key, touchedAt, closedUntil, entries, state)) return false;
        }
        return reader.AtEnd;
    }

    static CorrelationEntry? ReadEntry(ref SnapshotReader reader, RuleWindows windows, SnapshotTables tables, HashSet<byte[]> values, bool isVersion1)
    {
        CorrelationRule rule = windows.Rule;
        long time = reader.Number();
        int reference = reader.Index();
        ulong rules = (ulong)reader.Number();
        long weight = reader.Number();
        int hasFired = reader.Index();
        int child = reader.Index();
        byte[] value = reader.Bytes().ToArray();
        long high = reader.Number();
        Int128 number = ((Int128)high << 64) | (ulong)reader.Number();
        byte[][]? inherited = windows.Inherited.Count == 0 ? ValueKey.NoTuple : isVersion1 ? null : ReadTuples(ref reader, windows.Inherited.Count, values);
        int known = rule.Rules.Count;
        if (reader.Failed || !SnapshotTables.IsTime(time) || reference >= tables.References.Length || child > tables.Hits.Length) return null;
        if (rules == 0 || (known < 64 && rules >> known != 0) || weight < 1 || weight > int.MaxValue || hasFired > 1) return null;
        if (child > 0 && tables.Hits[child - 1] is null) return null;
        if (!ValueKey.IsValid(value, rule.Type == CorrelationType.ValueCount ? rule.Fields.Count : 0)) return null;
        if (number > LargestNumber || number < -LargestNumber) return null;
        if (inherited is null) return null;
        return new CorrelationEntry(time, tables.References[reference], rules)
        {
            Weight = weight,
            Fired = hasFired == 1,
            Child = child == 0 ? null : tables.Hits[child - 1],
            Value = Share(value, values),
            Number = number,
            Inherited = inherited,
        };
    }

    static byte[][]? ReadTuples(ref SnapshotReader reader, int fields, HashSet<byte[]> values)
    {
        var tuples = new byte[reader.Count()][];
        for (int i = 0; i < tuples.Length; i++)
        {
            byte[] tuple = reader.Bytes().ToArray();
            if (!ValueKey.IsValid(tuple, fields, mayBeAbsent: true)) return null;
            tuples[i] = Share(tuple, values);
        }
        return tuples.Length is > 0 and <= CorrelationLimits.MostInherited ? tuples : null;
    }

    static byte[] Share(byte[] value, HashSet<byte[]> values)
    {
        if (values.TryGetValue(value, out byte[]? shared)) return shared;
        values.Add(value);
        return value;
    }
}
