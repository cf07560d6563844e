using System.Buffers.Binary;
using System.Text;

namespace SysmonWatch.Tests.Shared;

/// <summary>
/// Reads journald's native protocol, byte by byte as its description says it (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), and shares nothing
/// with the code that writes it.
/// </summary>
static class JournalProtocol
{
    /// <summary>The fields of one entry, in their order. Throws where journald would drop something or see a second entry.</summary>
    public static List<JournalField> Parse(byte[] message)
    {
        List<JournalField> fields = [];
        int at = 0;
        while (at < message.Length)
        {
            StringBuilder name = new();
            while (message[at] is not ((byte)'\n' or (byte)'=')) name.Append((char)message[at++]);
            if (name.Length == 0) throw new FormatException($"empty line at {at}: journald begins another entry here");
            if (name.Length > 64 || name[0] is '_' or (>= '0' and <= '9') || name.ToString().Any(c => c is not ((>= 'A' and <= 'Z') or '_' or (>= '0' and <= '9'))))
            {
                throw new FormatException($"journald drops field '{name}'");
            }

            List<byte> value = [];
            if (message[at++] == (byte)'=')
            {
                while (message[at] != (byte)'\n') value.Add(message[at++]);
            }
            else
            {
                ulong length = BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(at, 8));
                at += 8;
                for (ulong i = 0; i < length; i++) value.Add(message[at++]);
                if (message[at] != (byte)'\n') throw new FormatException($"no newline after the value of '{name}'");
            }
            at++;
            fields.Add(new JournalField(name.ToString(), [.. value]));
        }
        return fields;
    }
}

/// <summary>One field as journald sees it.</summary>
sealed record JournalField(string Name, byte[] Value)
{
    public string Text => Encoding.UTF8.GetString(Value);

    public override string ToString() => $"{Name}={Text}";
}
