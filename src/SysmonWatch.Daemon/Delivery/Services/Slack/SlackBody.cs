using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Daemon.Delivery.Webhooks;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Delivery.Services.Slack;

/// <summary>A message for a Slack incoming webhook: a coloured attachment with blocks, and a text for notifications.</summary>
/// <remarks>
/// Source of the limits: https://docs.slack.dev/reference/block-kit/blocks — header 150 characters, text of a section 3,000, of a field 2,000, ten fields.
/// Ours are lower, so that a message can be read at a glance.
/// </remarks>
sealed class SlackBody : IWebhookBody
{
    const int LongestHeader = 150;
    const int LongestSection = 2900;
    const int LongestField = 300;
    const int MostFields = 10;
    const int LongestNotification = 400;
    const int LongestInDigest = 700;
    const int MostInDigest = 30;
    const int MostRulesOfTheRest = 10;

    // Readable in a golden file, and a chat is not HTML; what could act on Slack has been dealt with by SlackText.
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    /// <inheritdoc/>
    public byte[] Of(Alert alert)
    {
        string level = alert.Level.ToText();
        return Message(
            $"[{level}] {SlackText.Plain(alert.Message, LongestNotification)}",
            alert.Level,
            json =>
            {
                Header(json, $"{level.ToUpperInvariant()}: {alert.RuleTitle}");
                Section(json, SlackText.Plain(alert.Message, LongestSection));
                Fields(json, FieldsOf(alert));
                if (alert.CommandLine is { Length: > 0 } commandLine) Section(json, SlackText.Block(commandLine, LongestSection));
                Context(json, ContextOf(alert));
            });
    }

    /// <inheritdoc/>
    public bool TakesDigests => true;

    /// <inheritdoc/>
    public byte[] Digest(IReadOnlyList<Alert> alerts)
    {
        RuleLevel highest = alerts.Max(a => a.Level);
        string counts = string.Join(", ", alerts.GroupBy(a => a.Level).OrderByDescending(g => g.Key).Select(g => $"{Number(g.Count())} {g.Key.ToText()}"));
        string first = EventTime.Format(alerts.Min(a => a.Time))[..19], last = EventTime.Format(alerts.Max(a => a.Time))[..19];
        string title = $"{Number(alerts.Count)} late alerts: {counts}";
        Alert[] inOrder = [.. alerts.OrderByDescending(a => a.Level).ThenBy(a => a.Time)];
        return Message(title, highest, json =>
        {
            Header(json, title);
            Section(json, $"They happened from {first}Z to {last}Z, more than {IAlertSink.OldWhenRaised.TotalMinutes:0} minutes before they were raised.");
            foreach (Alert alert in inOrder.Take(MostInDigest))
            {
                string times = alert.Count > 1 ? $" (×{Number(alert.Count)})" : "";
                Section(json, $"• [{alert.Level.ToText()}] {EventTime.Format(alert.Time)[..19]}Z {SlackText.Plain(alert.Message, LongestInDigest)}{times} · alert {SlackText.Code(alert.AlertId, 80)}");
            }
            if (alerts.Count > MostInDigest) Section(json, Rest(inOrder[MostInDigest..]));
            Context(json, "The journal has all of them: `journalctl -t sysmonwatch -o verbose`");
        });
    }

    /// <summary>What has no room in a digest, counted by rule.</summary>
    static string Rest(Alert[] alerts)
    {
        var rules = alerts.GroupBy(alert => alert.RuleTitle).OrderByDescending(rule => rule.Count()).ToList();
        string named = string.Join(", ", rules.Take(MostRulesOfTheRest).Select(rule => $"{Number(rule.Count())} × {SlackText.Plain(rule.Key, 100)}"));
        int others = rules.Skip(MostRulesOfTheRest).Sum(rule => rule.Count());
        return $"and {Number(alerts.Length)} more: {named}{(others > 0 ? $", {Number(others)} of other rules" : "")}";
    }

    static List<(string Name, string Value)> FieldsOf(Alert alert)
    {
        var fields = new List<(string, string)> { ("Host", SlackText.Code(alert.Computer, LongestField)), ("Time", EventTime.Format(alert.Time)) };
        if (alert.Image is { } image)
        {
            string process = alert.ProcessId is { } id ? string.Create(CultureInfo.InvariantCulture, $" ({id})") : "";
            fields.Add(("Process", SlackText.Code(image, LongestField) + process));
        }
        if (alert.FamilyImage is { } root)
        {
            string started = alert.FamilyProcessId is { } rootId ? string.Create(CultureInfo.InvariantCulture, $" ({rootId})") : "";
            fields.Add(("Family", SlackText.Code(root, LongestField) + started));
        }
        if (alert.User is { } user) fields.Add(("User", SlackText.Code(user, LongestField)));
        if (alert.Chain.Count > 1) fields.Add(("Started by", SlackText.Code(string.Join(" → ", alert.Chain), LongestField)));
        if (alert.FirstSubject is { Length: > 0 } first) fields.Add((alert.LastSubject is null || alert.LastSubject == first ? "Target" : "First target", SlackText.Code(first, LongestField)));
        if (alert.LastSubject is { Length: > 0 } last && last != alert.FirstSubject) fields.Add(("Last target", SlackText.Code(last, LongestField)));
        if (alert.Count > 1) fields.Add(("Count", Number(alert.Count)));
        if (alert.Tags.Count > 0) fields.Add(("Tags", SlackText.Code(string.Join(' ', alert.Tags), LongestField)));
        if (alert.Marks.Count > 0) fields.Add(("Careful", SlackText.Code(string.Join(", ", alert.Marks), LongestField)));
        return fields;
    }

    static string ContextOf(Alert alert)
    {
        string author = alert.Author.Length == 0 ? "" : $" by {SlackText.Plain(alert.Author, 120)}";
        return $"rule {SlackText.Code(alert.RuleId, 120)}{author} · alert {SlackText.Code(alert.AlertId, 80)}";
    }

    static byte[] Message(string notification, RuleLevel level, Action<Utf8JsonWriter> blocks)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("text", notification);
            json.WriteStartArray("attachments");
            json.WriteStartObject();
            json.WriteString("color", Colour(level));
            json.WriteStartArray("blocks");
            blocks(json);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteBoolean("unfurl_links", false);
            json.WriteBoolean("unfurl_media", false);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    static void Header(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject();
        json.WriteString("type", "header");
        json.WriteStartObject("text");
        json.WriteString("type", "plain_text");
        json.WriteString("text", SlackText.Plain(text, LongestHeader));
        json.WriteBoolean("emoji", false);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Section(Utf8JsonWriter json, string markdown)
    {
        json.WriteStartObject();
        json.WriteString("type", "section");
        json.WritePropertyName("text");
        Markdown(json, markdown);
        json.WriteEndObject();
    }

    static void Fields(Utf8JsonWriter json, List<(string Name, string Value)> fields)
    {
        json.WriteStartObject();
        json.WriteString("type", "section");
        json.WriteStartArray("fields");
        foreach ((string name, string value) in fields.Take(MostFields)) Markdown(json, $"*{name}*\n{value}");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void Context(Utf8JsonWriter json, string markdown)
    {
        json.WriteStartObject();
        json.WriteString("type", "context");
        json.WriteStartArray("elements");
        Markdown(json, markdown);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Verbatim: Slack makes no links and no mentions of what merely looks like them.</summary>
    static void Markdown(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject();
        json.WriteString("type", "mrkdwn");
        json.WriteString("text", text);
        json.WriteBoolean("verbatim", true);
        json.WriteEndObject();
    }

    static string Number(int number) => number.ToString("N0", CultureInfo.InvariantCulture);

    static string Colour(RuleLevel level) => level switch
    {
        RuleLevel.Critical => "#8b0000",
        RuleLevel.High => "#d9381e",
        RuleLevel.Medium => "#e8a317",
        RuleLevel.Low => "#2d7dd2",
        _ => "#8a8d91",
    };
}
