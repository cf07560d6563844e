using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>Where reading of files is, as it is saved with a checkpoint.</summary>
/// <param name="Version">1.</param>
/// <param name="Patterns">The paths and globs that were followed: what matches one of them and is not in <paramref name="Files"/> is new.</param>
/// <param name="Files">The files followed.</param>
sealed record FilePosition(int Version, IReadOnlyList<string> Patterns, IReadOnlyList<SavedFile> Files)
{
    /// <summary>The version that is written.</summary>
    public const int Current = 1;

    /// <summary>The whole from its parts, which are kept as bytes: most files do not change from one position to the next.</summary>
    /// <param name="patterns">As in <see cref="Patterns"/>.</param>
    /// <param name="files">As <see cref="SavedFile.ToBytes"/> gave them.</param>
    public static byte[] ToBytes(IEnumerable<string> patterns, IEnumerable<byte[]> files)
    {
        var bytes = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Current);
            json.WriteStartArray("patterns");
            foreach (string pattern in patterns) json.WriteStringValue(pattern);
            json.WriteEndArray();
            json.WriteStartArray("files");
            foreach (byte[] file in files) json.WriteRawValue(file, skipInputValidation: true);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>From bytes.</summary>
    /// <returns>Null, with the reason, where they are not a position of this version.</returns>
    public static FilePosition? From(ReadOnlySpan<byte> bytes, out string reason)
    {
        reason = "";
        try
        {
            FilePosition? read = JsonSerializer.Deserialize(bytes, FilePositionJson.Default.FilePosition);
            if (read is { Version: Current, Patterns: not null, Files: not null } && read.Files.All(f => f is { Path: not null, LogFiles: not null, Finished: not null }))
            {
                return read;
            }
            reason = read is null or { Version: Current } ? "it is incomplete" : $"it has version {read.Version}, this program reads version {Current}";
        }
        catch (JsonException e)
        {
            reason = e.Message;
        }
        return null;
    }
}

/// <summary>One path.</summary>
/// <param name="Path">The path.</param>
/// <param name="LookedAt">When it was last looked at, nanoseconds since 1970 by this machine's clock.</param>
/// <param name="LogFiles">Oldest first; the last one was at the path. Saved under the name they had in the first versions.</param>
/// <param name="Finished">Files that have been read and released, oldest first: they are not read again whatever they are called by now.</param>
sealed record SavedFile(
    string Path, long LookedAt, [property: JsonPropertyName("generations")] IReadOnlyList<SavedLogFile> LogFiles, IReadOnlyList<SavedLogFile> Finished)
{
    /// <summary>As bytes.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, FilePositionJson.Default.SavedFile);
}

/// <summary>Which file, and how far it is read.</summary>
/// <param name="Device">Device number.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="HeadLength">Bytes of its beginning that <paramref name="Head"/> is of.</param>
/// <param name="Head">Fingerprint of its beginning.</param>
/// <param name="Offset">First byte that is not dealt with.</param>
/// <param name="TailLength">Bytes before <paramref name="Offset"/> that <paramref name="Tail"/> is of.</param>
/// <param name="Tail">Fingerprint of what is before the offset.</param>
/// <param name="Skipping">True within a line that is longer than the longest.</param>
/// <param name="Drained">True where it was read to its end and another one had followed.</param>
/// <param name="ModifiedAt">Its last modification as far as it was seen, nanoseconds since 1970.</param>
/// <param name="BornAt">Its creation, nanoseconds since 1970; 0 where the file system does not know.</param>
sealed record SavedLogFile(
    ulong Device, ulong Inode, int HeadLength, ulong Head, long Offset, int TailLength, ulong Tail, bool Skipping, bool Drained, long ModifiedAt,
    long BornAt)
{
    /// <summary>Its beginning itself, to know a copy that is shorter; not saved, and empty after a start.</summary>
    [JsonIgnore]
    public byte[] Beginning { get; init; } = [];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(FilePosition))]
sealed partial class FilePositionJson : JsonSerializerContext;
