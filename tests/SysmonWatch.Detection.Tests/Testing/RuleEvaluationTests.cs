using System.Buffers;
using System.Text;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Detection.Testing;

namespace SysmonWatch.Detection.Tests.Testing;

/// <summary>The bare engine over JSON events.</summary>
public sealed class RuleEvaluationTests
{
    const string Rules = """
        title: A
        id: 00000000-0000-4000-8000-00000000000a
        name: a
        logsource: {category: test}
        detection: {s: {k: a}, condition: s}
        ---
        title: B
        id: 00000000-0000-4000-8000-00000000000b
        logsource: {category: test}
        detection: {s: {k: b}, condition: s}
        ---
        title: Two "a"
        id: 00000000-0000-4000-8000-00000000000c
        correlation:
          type: event_count
          rules: a
          timespan: 10s
          condition: {gte: 2}
        """;

    static (List<string> Output, List<string> Bad) Run(string events, string rules = Rules)
    {
        RuleSet set = RuleLoader.Parse([("rules.yml", rules)]);
        Assert.DoesNotContain(set.Problems, p => p.IsError);
        var output = new List<string>();
        var bad = new List<string>();
        new RuleEvaluation(set).Run(new MemoryStream(Encoding.UTF8.GetBytes(events)), r => output.Add(Json(r)), (line, why) => bad.Add($"{line}: {why}"));
        return (output, bad);

        static string Json(RuleEvaluationResult result)
        {
            var bytes = new ArrayBufferWriter<byte>();
            result.WriteTo(bytes);
            return Encoding.UTF8.GetString(bytes.WrittenSpan);
        }
    }

    [Fact]
    public void What_is_decided_at_the_end_is_told_with_the_last_event_and_not_with_lines_after_it()
    {
        (List<string> output, _) = Run("{\"k\":\"a\"}\n{\"k\":\"c\"}\n\n\nno event\n", Rules.Replace("gte: 2", "lt: 2", StringComparison.Ordinal));

        Assert.StartsWith("{\"event\":1,", Assert.Single(output), StringComparison.Ordinal);
    }

    [Fact]
    public void Tells_detections_and_correlations_in_the_order_of_events()
    {
        (List<string> output, List<string> bad) = Run("""
            {"k":"b","_t":1.5}
            {"k":"a","_t":2}
            {"k":"a","_t":3.25}
            """);

        Assert.Empty(bad);
        Assert.Equal(
            [
                """{"event":0,"rule_id":"00000000-0000-4000-8000-00000000000b","title":"B","kind":"detection"}""",
                """{"event":2,"rule_id":"00000000-0000-4000-8000-00000000000c","title":"Two \"a\"","kind":"correlation"}""",
            ],
            output);
    }

    [Fact]
    public void Without_a_time_the_line_number_is_the_time()
    {
        Assert.Single(Run("{\"k\":\"a\"}\n" + string.Concat(Enumerable.Repeat("{}\n", 9)) + "{\"k\":\"a\"}").Output);
        Assert.Empty(Run("{\"k\":\"a\"}\n" + string.Concat(Enumerable.Repeat("{}\n", 10)) + "{\"k\":\"a\"}").Output);
    }

    [Fact]
    public void A_log_source_keeps_other_rules_away()
    {
        Assert.Empty(Run("""{"k":"b","_logsource":{"category":"other"}}""").Output);
        Assert.Single(Run("""{"k":"b","_logsource":{"category":"test","product":"linux"}}""").Output);
    }

    [Fact]
    public void Lines_that_are_no_events_are_told_and_counted()
    {
        (List<string> output, List<string> bad) = Run("\uFEFF{\"k\":\"b\"}\r\n\r\n[1]\n{\"k\":\n{\"k\":\"b\"}\n");

        Assert.Equal([0, 4], output.Select(o => o[9] - '0'));
        Assert.Equal(2, bad.Count);
        Assert.Equal("2: an event must be a JSON object", bad[0]);
        Assert.StartsWith("3: not JSON", bad[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_longer_than_the_buffer_are_read_and_too_long_ones_are_told()
    {
        string longest = new('x', 300_000);
        string tooLong = new('y', RuleEvaluation.LongestLine * 2);

        (List<string> output, List<string> bad) = Run($$"""
            {"k":"b","x":"{{longest}}"}
            {"k":"b","x":"{{tooLong}}"}
            {"k":"b"}
            """);

        Assert.Equal([0, 2], output.Select(o => o[9] - '0'));
        Assert.Equal(["1: the line is longer than 16 MiB, the longest that is read"], bad);
    }

    [Fact]
    public void What_waits_for_the_end_is_told_with_the_last_event()
    {
        string rules = Rules.Replace("gte: 2", "lt: 2", StringComparison.Ordinal);

        Assert.StartsWith("{\"event\":1,", Assert.Single(Run("{\"k\":\"a\"}\n{}", rules).Output), StringComparison.Ordinal);
        Assert.StartsWith("{\"event\":2,", Assert.Single(Run("{\"k\":\"a\"}\n{}\n{\"_t\":99}\n{}", rules).Output), StringComparison.Ordinal);
    }
}
