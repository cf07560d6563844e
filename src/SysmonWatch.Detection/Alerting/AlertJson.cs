using System.Text.Json;
using System.Text.Json.Serialization;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Alerting;

/// <summary>The JSON of an alert: snake_case, one line, ASCII only, so that nothing in it can act on a terminal.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Alert))]
public sealed partial class AlertJson : JsonSerializerContext;

/// <summary>critical, high, medium, low, informational.</summary>
sealed class RuleLevelConverter : JsonConverter<RuleLevel>
{
    public override RuleLevel Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Enum.TryParse(reader.GetString(), ignoreCase: true, out RuleLevel level) ? level : RuleLevel.Informational;

    public override void Write(Utf8JsonWriter writer, RuleLevel value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToText());
}

/// <summary>Microseconds since 1970 as <c>2026-11-24T02:19:16.711841Z</c>.</summary>
sealed class MicrosecondTimeConverter : JsonConverter<long>
{
    public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        (reader.GetDateTimeOffset() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteStringValue(EventTime.Format(value));
}
