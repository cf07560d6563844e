using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Alerting;

/// <summary>
/// What makes a finding a repeat of another: the same rule, the same group (the family of processes, or a correlation's group), and the same evidence: the program, and
/// where its start is what was found its command line. What a program acts on (files, addresses) is no evidence of another act. docs/alerts.md says it for operators.
/// </summary>
/// <remarks>Halves of SHA-256: a key is 16 bytes however long the command line is, and nobody can choose one that folds his act into another.</remarks>
/// <param name="Group">Rule and group alone.</param>
/// <param name="Whole">Rule, group and evidence.</param>
public readonly record struct RepeatKey(UInt128 Group, UInt128 Whole)
{
    /// <summary>The key of something that has no evidence beyond its rule and group.</summary>
    public static RepeatKey Of(string rule, params ReadOnlySpan<string> group)
    {
        var parts = new Parts();
        parts.Add(rule);
        foreach (string part in group) parts.Add(part);
        UInt128 key = parts.Hash();
        return new RepeatKey(key, key);
    }

    /// <summary>The key of a rule's match of an event.</summary>
    public static RepeatKey Of(string rule, SysmonEvent e)
    {
        bool looks = e.EventId is 8 or 10;
        ReadOnlySpan<byte> image = Said(e, looks ? KnownFields.SourceImage : KnownFields.Image, e.Process?.Image);
        var parts = new Parts();
        parts.Add(rule);
        parts.Add(e.Bytes(e.Computer));
        if (e.Process is { } process)
        {
            parts.Add(process.Family.ProcessGuid.Span);
        }
        else
        {
            // Without a family the program and its user are all that belongs together.
            parts.Add(image);
            parts.Add(Said(e, looks ? KnownFields.SourceUser : KnownFields.User, null));
        }
        UInt128 group = parts.Hash();
        parts.Add(image);
        if (e.EventId == 1) parts.Add(Said(e, KnownFields.CommandLine, e.Process?.CommandLine));
        return new RepeatKey(group, parts.Hash());
    }

    static ReadOnlySpan<byte> Said(SysmonEvent e, FieldId field, ReadOnlyMemory<byte>? known) => e.TryWritten(field, out ReadOnlySpan<byte> value) ? value : (known ?? default).Span;

    /// <summary>Parts one after the other, each behind its length, so that no two rows of parts look alike.</summary>
    readonly struct Parts()
    {
        readonly ArrayBufferWriter<byte> _bytes = new(256);

        public void Add(string text) => Add(Encoding.UTF8.GetBytes(text));

        public void Add(ReadOnlySpan<byte> part)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.GetSpan(sizeof(int)), part.Length);
            _bytes.Advance(sizeof(int));
            _bytes.Write(part);
        }

        public UInt128 Hash()
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(_bytes.WrittenSpan, hash);
            return BinaryPrimitives.ReadUInt128LittleEndian(hash);
        }
    }
}
