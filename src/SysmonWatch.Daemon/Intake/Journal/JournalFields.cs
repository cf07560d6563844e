using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Journal;

/// <summary>
/// What is needed of a journal entry, taken in one pass over its fields: asking for each of them by its name goes through all of them each time, and
/// begins to decompress the message to look at its name. Used again for every entry; of a field that comes several times the first counts.
/// </summary>
sealed class JournalFields
{
    const int MessageBit = 1, TransportBit = 2, UserBit = 4, ExecutableBit = 8, All = 15;

    readonly Value _transport = new(), _user = new(), _executable = new();

    /// <summary>How many bytes MESSAGE has; they are in the batch, behind its <see cref="RecordBatch.Length"/>.</summary>
    public int MessageLength { get; private set; }

    /// <summary>_TRANSPORT; empty where missing.</summary>
    public ReadOnlySpan<byte> Transport => _transport.Bytes;

    /// <summary>_UID; empty where missing.</summary>
    public ReadOnlySpan<byte> User => _user.Bytes;

    /// <summary>_EXE; empty where missing.</summary>
    public ReadOnlySpan<byte> Executable => _executable.Bytes;

    /// <summary>Reads the present entry.</summary>
    /// <param name="journal">Stands at the entry.</param>
    /// <param name="into">Gets the message behind what it has, without counting it; and the reason where there is none.</param>
    /// <returns>False where the message is missing, cannot be read or is too long.</returns>
    public bool TryRead(IJournal journal, RecordBatch into)
    {
        _transport.Clear();
        _user.Clear();
        _executable.Clear();
        MessageLength = 0;
        int seen = 0, result = 1;
        journal.RestartFields();
        while (seen != All && (result = journal.NextField(out ReadOnlySpan<byte> field)) > 0)
        {
            if (IsFirst(field, "MESSAGE="u8, MessageBit, ref seen))
            {
                field = field["MESSAGE=".Length..];
                if (field.Length > into.LongestRecord)
                {
                    into.SkippedTooLong++;
                    return false;
                }
                field.CopyTo(into.Room(field.Length));
                MessageLength = field.Length;
            }
            else if (IsFirst(field, "_TRANSPORT="u8, TransportBit, ref seen)) _transport.Set(field["_TRANSPORT=".Length..]);
            else if (IsFirst(field, "_UID="u8, UserBit, ref seen)) _user.Set(field["_UID=".Length..]);
            else if (IsFirst(field, "_EXE="u8, ExecutableBit, ref seen)) _executable.Set(field["_EXE=".Length..]);
        }
        if ((seen & MessageBit) != 0) return true;
        if (result < 0) into.SkippedMalformed++;
        else into.SkippedWithoutMessage++;
        return false;
    }

    static bool IsFirst(ReadOnlySpan<byte> field, ReadOnlySpan<byte> name, int bit, ref int seen)
    {
        if ((seen & bit) != 0 || !field.StartsWith(name)) return false;
        seen |= bit;
        return true;
    }

    /// <summary>A copy: what the journal gives is valid until the next call only.</summary>
    sealed class Value
    {
        byte[] _bytes = new byte[64];
        int _length;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

        public void Clear() => _length = 0;

        public void Set(ReadOnlySpan<byte> value)
        {
            if (value.Length > _bytes.Length) _bytes = new byte[value.Length];
            value.CopyTo(_bytes);
            _length = value.Length;
        }
    }
}
