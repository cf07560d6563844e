using System.Buffers;
using System.Text.Json;
using SysmonWatch.Daemon.Delivery.Webhooks;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery.Services.Generic;

/// <summary>Version 1 of the generic webhook: <c>{"version":1,"alert":{…}}</c>, the alert as <c>sysmonwatch replay</c> prints it.</summary>
sealed class GenericBody : IWebhookBody
{
    /// <summary>The version of the shape.</summary>
    public const int Version = 1;

    /// <inheritdoc/>
    public byte[] Of(Alert alert)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WritePropertyName("alert");
            JsonSerializer.Serialize(json, alert, AlertJson.Default.Alert);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <inheritdoc/>
    public bool TakesDigests => false;

    /// <inheritdoc/>
    public byte[] Digest(IReadOnlyList<Alert> alerts) => throw new NotSupportedException("A program is told each alert by itself.");
}
