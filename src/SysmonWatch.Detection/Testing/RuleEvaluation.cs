using System.Buffers;
using System.Text.Json;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Testing;

/// <summary>
/// The Sigma engine alone over flat JSON events: no Sysmon decoding, no repairs, no suppression. It is as strict as the specification, so
/// that any rule can be checked against any event.
/// </summary>
/// <remarks>For one thread.</remarks>
public sealed class RuleEvaluation
{
    /// <summary>The longest line that is read, in bytes; a longer one is told as bad.</summary>
    public const int LongestLine = 16 * 1024 * 1024;

    readonly RuleSet _rules;
    readonly RuleMatcher _matcher;
    readonly JsonEvent _event = new();
    readonly List<CorrelationHit> _fired = [];
    long _lines;
    long _last;

    /// <summary>Begins a stream of events.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="limits">Bounds of the correlations; null: the defaults.</param>
    public RuleEvaluation(RuleSet rules, CorrelationLimits? limits = null)
    {
        _rules = rules;
        _matcher = CompiledRules.Compile(rules, new RuleOptions()).CreateMatcher();
        Correlations = new CorrelationEngine(rules, limits ?? new CorrelationLimits());
    }

    /// <summary>The correlations, for their counters.</summary>
    public CorrelationEngine Correlations { get; }

    /// <summary>Reads a whole file of events, one JSON object a line; empty lines are skipped and counted as lines.</summary>
    /// <param name="ndjson">UTF-8, with or without a byte order mark; lines end with LF or CRLF.</param>
    /// <param name="output">Called for each rule that matched and each correlation that fired, in the order of events.</param>
    /// <param name="bad">Called for each line that is no event: its number from 0, and why.</param>
    public void Run(Stream ndjson, Action<RuleEvaluationResult> output, Action<long, string> bad)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        int used = 0;
        bool isFirst = true;
        bool isSkipping = false;
        while (true)
        {
            int read = ndjson.Read(buffer, used, buffer.Length - used);
            int from = 0;
            used += read;
            while (buffer.AsSpan(from, used - from).IndexOf((byte)'\n') is >= 0 and int length)
            {
                if (isSkipping) isSkipping = false;
                else Take(buffer.AsSpan(from, length));
                from += length + 1;
            }
            if (read == 0) break;
            buffer.AsSpan(from, used - from).CopyTo(buffer);
            used -= from;
            if (isSkipping) used = 0;
            if (used < buffer.Length) continue;
            if (used < LongestLine)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(used * 2);
                buffer.AsSpan(0, used).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
                continue;
            }
            bad(_lines++, $"the line is longer than {LongestLine / 1024 / 1024} MiB, the longest that is read");
            isSkipping = true;
            used = 0;
        }
        if (used > 0 && !isSkipping) Take(buffer.AsSpan(0, used));
        ArrayPool<byte>.Shared.Return(buffer);
        Finish(output);

        void Take(ReadOnlySpan<byte> line)
        {
            if (isFirst && line.StartsWith("\uFEFF"u8)) line = line[3..];
            isFirst = false;
            long number = _lines;
            if (!TryAdd(line, output, out string? reason) && reason is not null) bad(number, reason);
        }
    }

    /// <summary>Evaluates one event.</summary>
    /// <param name="line">A JSON object in UTF-8.</param>
    /// <param name="output">Called for each rule that matched and each correlation that fired.</param>
    /// <param name="reason">What is wrong with the line; null where nothing is, or where it is empty.</param>
    /// <returns>False where the line was no event. It is counted all the same.</returns>
    public bool TryAdd(ReadOnlySpan<byte> line, Action<RuleEvaluationResult> output, out string? reason)
    {
        long number = _lines++;
        reason = null;
        if (line.Trim(" \t\r"u8).IsEmpty || !_event.TryRead(line, out reason)) return false;
        _last = number;
        if (!_event.HasTime) _event.Time = number * 1_000_000;
        var source = _event.HasLogSource ? new LogSource(_event.Category, _event.Product, _event.Service) : null;
        Correlations.AdvanceTo(_event.Time, _fired);
        ReadOnlySpan<int> rules = _matcher.Match(_event, source);
        bool anyWanted = false;
        foreach (int rule in rules)
        {
            SigmaRule matched = _rules.Rules[rule];
            if (matched.Generates) output(new RuleEvaluationResult(number, matched.Metadata.Id, matched.Metadata.Title, IsCorrelation: false));
            anyWanted |= Correlations.Wants(rule);
        }
        if (anyWanted)
        {
            var identity = new EventIdentity("", 0, (ulong)number, _event.Time);
            Correlations.Observe(rules, _event, new EventReference(identity, null, "", EventMarks.None), _fired);
        }
        Tell(number, output);
        return true;
    }

    /// <summary>Decides what waited for the end of the events; told with the number of the last one.</summary>
    /// <param name="output">Called for each correlation that fired.</param>
    public void Finish(Action<RuleEvaluationResult> output)
    {
        Correlations.Finish(_fired);
        Tell(_last, output);
    }

    void Tell(long number, Action<RuleEvaluationResult> output)
    {
        foreach (CorrelationHit hit in _fired)
        {
            output(new RuleEvaluationResult(number, hit.Rule.Metadata.Id, hit.Rule.Metadata.Title, IsCorrelation: true));
        }
        _fired.Clear();
    }
}

/// <summary>A rule matched an event, or a correlation fired at it.</summary>
/// <param name="Event">The event's line, from 0.</param>
/// <param name="RuleId">The rule's id; its name or title where it has none.</param>
/// <param name="Title">The rule's title.</param>
/// <param name="IsCorrelation">True for a correlation.</param>
public readonly record struct RuleEvaluationResult(long Event, string RuleId, string Title, bool IsCorrelation)
{
    static readonly JsonWriterOptions Options = new() { Encoder = SafeJsonEncoder.Instance };

    /// <summary>Writes it as one JSON object, without a line end.</summary>
    public void WriteTo(IBufferWriter<byte> into)
    {
        using var json = new Utf8JsonWriter(into, Options);
        json.WriteStartObject();
        json.WriteNumber("event"u8, Event);
        json.WriteString("rule_id"u8, RuleId);
        json.WriteString("title"u8, Title);
        json.WriteString("kind"u8, IsCorrelation ? "correlation"u8 : "detection"u8);
        json.WriteEndObject();
    }
}
