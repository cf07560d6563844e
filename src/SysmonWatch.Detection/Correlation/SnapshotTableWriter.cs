using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>Collects what several entries share, so that each is written once: process nodes, events and hits.</summary>
/// <param name="metadata">Of all rules, then of all correlations: the index stands for the rule.</param>
/// <param name="correlations">All correlations.</param>
sealed class SnapshotTableWriter(RuleMetadata[] metadata, CorrelationRule[] correlations)
{
    readonly Dictionary<object, int> _nodes = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<object, int> _references = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<object, int> _hits = new(ReferenceEqualityComparer.Instance);
    readonly SnapshotWriter _nodeBytes = new();
    readonly SnapshotWriter _referenceBytes = new();
    readonly SnapshotWriter _hitBytes = new();

    public void AppendTo(SnapshotWriter into)
    {
        into.Count(_nodes.Count);
        into.Raw(_nodeBytes.Written);
        into.Count(_references.Count);
        into.Raw(_referenceBytes.Written);
        into.Count(_hits.Count);
        into.Raw(_hitBytes.Written);
    }

    public int IndexOf(EventReference reference)
    {
        if (_references.TryGetValue(reference, out int known)) return known;
        int process = reference.Process is null ? 0 : 1 + IndexOf(reference.Process);
        _referenceBytes.Text(reference.Identity.Computer);
        _referenceBytes.Count(Math.Max(0, reference.Identity.EventId));
        _referenceBytes.Number((long)reference.Identity.RecordId);
        _referenceBytes.Number(reference.Identity.Time);
        _referenceBytes.Count(process);
        _referenceBytes.Text(reference.Subject);
        _referenceBytes.Count((int)reference.Marks);
        return _references[reference] = _references.Count;
    }

    public int IndexOf(CorrelationHit hit)
    {
        if (_hits.TryGetValue(hit, out int known)) return known;
        // What it refers to comes first; its own bytes are put together apart.
        var bytes = new SnapshotWriter();
        bytes.Count(metadata.Length - correlations.Length + Array.FindIndex(correlations, c => ReferenceEquals(c, hit.Rule)));
        bytes.Count(hit.Group.Count);
        foreach ((_, string value) in hit.Group) bytes.Text(value);
        bytes.Number(hit.Time);
        bytes.Count(IndexOf(hit.First));
        bytes.Count(IndexOf(hit.Last));
        bytes.Number(hit.Count);
        foreach (int part in decimal.GetBits(hit.Value)) bytes.Number(part);
        bytes.Count(hit.Events.Count);
        foreach (CorrelatedEvent e in hit.Events)
        {
            bytes.Count(IndexOf(e.Event));
            bytes.Count(IndexOf(e.Rule));
            bytes.Count(e.Via is null ? 0 : 1 + IndexOf(e.Via));
        }
        bytes.Count(hit.Parts.Count);
        foreach (CorrelationPart part in hit.Parts)
        {
            bytes.Number(part.Count);
            bytes.Count(part.First is null ? 0 : 1 + IndexOf(part.First));
            bytes.Count(part.Last is null ? 0 : 1 + IndexOf(part.Last));
            bytes.Count(part.Hit is null ? 0 : 1 + IndexOf(part.Hit));
            bytes.Count(IndexOf(part.Rule));
        }
        _hitBytes.Raw(bytes.Written);
        return _hits[hit] = _hits.Count;
    }

    int IndexOf(ProcessNode node)
    {
        // Parents first, without recursion: an attacker can nest processes as deep as they like.
        var line = new Stack<ProcessNode>();
        for (ProcessNode? at = node; at is not null && !_nodes.ContainsKey(at) && line.Count < SnapshotTables.DeepestProcess; at = at.Parent) line.Push(at);
        while (line.TryPop(out ProcessNode? next))
        {
            _nodeBytes.Bytes(next.ProcessGuid.Span);
            _nodeBytes.Count(Math.Max(0, next.ProcessId));
            _nodeBytes.Bytes(next.Image.Span);
            _nodeBytes.Bytes(next.CommandLine.Span);
            _nodeBytes.Bytes(next.User.Span);
            _nodeBytes.Number(next.StartedAt);
            _nodeBytes.Count(next.Parent is not null && _nodes.TryGetValue(next.Parent, out int parent) ? 1 + parent : 0);
            _nodes[next] = _nodes.Count;
        }
        return _nodes[node];
    }

    int IndexOf(RuleMetadata rule) => Array.FindIndex(metadata, m => ReferenceEquals(m, rule));
}
