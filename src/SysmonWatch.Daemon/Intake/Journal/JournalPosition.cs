using System.Text.Json;
using System.Text.Json.Serialization;

namespace SysmonWatch.Daemon.Intake.Journal;

/// <summary>Where reading of the journal is, as it is saved with a checkpoint.</summary>
/// <param name="Version">1.</param>
/// <param name="Cursor">The entry given out last; null where there was none yet, and then all that is there is new.</param>
/// <param name="Time">When journald took that entry, microseconds since 1970: to go on from where the entry itself is gone.</param>
/// <param name="CoveredSince">Since when every event of this host's Sysmon was read from the journal, microseconds since 1970; 0 where that is not known yet.</param>
sealed record JournalPosition(int Version, string? Cursor, long Time, long CoveredSince = 0)
{
    /// <summary>The version that is written.</summary>
    public const int Current = 1;

    /// <summary>As bytes.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, JournalPositionJson.Default.JournalPosition);

    /// <summary>From bytes.</summary>
    /// <returns>Null, with the reason, where they are not a position of this version.</returns>
    public static JournalPosition? From(ReadOnlySpan<byte> bytes, out string reason)
    {
        reason = "";
        try
        {
            JournalPosition? read = JsonSerializer.Deserialize(bytes, JournalPositionJson.Default.JournalPosition);
            if (read is { Version: Current }) return read;
            reason = $"it has version {read?.Version ?? 0}, this program reads version {Current}";
        }
        catch (JsonException e)
        {
            reason = e.Message;
        }
        return null;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JournalPosition))]
sealed partial class JournalPositionJson : JsonSerializerContext;
