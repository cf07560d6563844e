using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace Serilog.Sinks.Journald;

/// <summary>
/// One journal entry while it is put together: fields in the order they were added, already in the form journald reads. No value can end its
/// field or begin another. Not thread-safe. The buffer is pooled: dispose the entry, or <see cref="Clear"/> and use it again.
/// </summary>
/// <remarks>Source: "Native Journal Protocol", https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.</remarks>
public sealed class JournalEntry : IDisposable
{
    /// <summary>The longest field name, in bytes. journald drops longer ones.</summary>
    public const int MaxNameLength = 64;

    /// <summary>The most fields an entry may have. journald drops an entry with more, without a word to the sender.</summary>
    /// <remarks>Source: ENTRY_FIELD_COUNT_MAX in journald's importer.</remarks>
    public const int MaxFields = 1024;

    /// <summary>The longest entry, in bytes: less than journald's own limits of 768 MiB a field and 1 GiB an entry.</summary>
    public const int MaxLength = 512 * 1024 * 1024;

    const int FirstLength = 1024;

    static readonly SearchValues<byte> Controls = SearchValues.Create([.. Enumerable.Range(0, 32).Select(code => (byte)code), 127]);
    static readonly SearchValues<char> NameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    byte[] _buffer = [];
    int _length;

    /// <summary>How many fields it has.</summary>
    public int FieldCount { get; private set; }

    /// <summary>Its length in bytes, as sent.</summary>
    public int Length => _length;

    /// <summary>
    /// True once something was added beyond <see cref="MaxFields"/> or <see cref="MaxLength"/>. Such an entry is not sent:
    /// <see cref="JournalSendStatus.TooLarge"/>.
    /// </summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>The entry as journald reads it. Valid until the next change.</summary>
    public ReadOnlySpan<byte> Serialized => _buffer.AsSpan(0, _length);

    /// <summary>
    /// True for a name journald takes from anybody: 1 to 64 of A–Z, 0–9 and underscore, not beginning with an underscore (those are journald's
    /// own) or a digit.
    /// </summary>
    public static bool IsValidName(ReadOnlySpan<char> name) =>
        name.Length is > 0 and <= MaxNameLength && name[0] is >= 'A' and <= 'Z' && !name.ContainsAnyExcept(NameCharacters);

    /// <summary>Adds a field. A name that is there already is added once more: the entry then has both values.</summary>
    /// <param name="name">See <see cref="IsValidName"/>.</param>
    /// <param name="value">Any bytes, also none; need not be UTF-8.</param>
    /// <returns>This entry.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public JournalEntry Add(string name, ReadOnlySpan<byte> value)
    {
        if (!Begin(name, value.Length)) return this;
        value.CopyTo(_buffer.AsSpan(_length));
        End(value.Length, binary: value.ContainsAny(Controls) || !Utf8.IsValid(value));
        return this;
    }

    /// <summary>Adds a field with text. Half a surrogate pair becomes U+FFFD.</summary>
    /// <param name="name">See <see cref="IsValidName"/>.</param>
    /// <param name="value">Any text, also empty.</param>
    /// <returns>This entry.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public JournalEntry Add(string name, ReadOnlySpan<char> value)
    {
        if (!Begin(name, Longest(value))) return this;
        int written = Encoding.UTF8.GetBytes(value, _buffer.AsSpan(_length));
        End(written, binary: _buffer.AsSpan(_length, written).ContainsAny(Controls));
        return this;
    }

    /// <inheritdoc cref="Add(string, ReadOnlySpan{char})"/>
    public JournalEntry Add(string name, string value) => Add(name, value.AsSpan());

    /// <summary>Adds a field with a number in decimal.</summary>
    /// <param name="name">See <see cref="IsValidName"/>.</param>
    /// <param name="value">The number.</param>
    /// <returns>This entry.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public JournalEntry Add(string name, long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out int written);
        return Add(name, digits[..written]);
    }

    /// <summary>Takes all fields away and keeps the buffer.</summary>
    public void Clear()
    {
        _length = 0;
        FieldCount = 0;
        IsTooLarge = false;
    }

    /// <summary>Gives the buffer back. The entry is empty then and may be used again.</summary>
    public void Dispose()
    {
        Clear();
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>Writes the name and the byte after it, and makes room for the rest of the field in its longer form.</summary>
    bool Begin(string name, int longest)
    {
        if (!IsValidName(name))
        {
            throw new ArgumentException(
                $"'{name}' is no journal field name: 1 to {MaxNameLength} of A-Z, 0-9 and _ are, that do not begin with _ or a digit.", nameof(name));
        }
        if (FieldCount == MaxFields || (long)_length + name.Length + 1 + sizeof(ulong) + longest + 1 > MaxLength)
        {
            IsTooLarge = true;
            return false;
        }
        Reserve(name.Length + 1 + sizeof(ulong) + longest + 1);
        _length += Encoding.ASCII.GetBytes(name, _buffer.AsSpan(_length));
        _length++;
        return true;
    }

    /// <summary>An upper bound for short text, the exact length for long text; no less than its characters where that is too long anyway.</summary>
    static int Longest(ReadOnlySpan<char> value) => value.Length switch
    {
        <= FirstLength => Encoding.UTF8.GetMaxByteCount(value.Length),
        <= MaxLength => Encoding.UTF8.GetByteCount(value),
        _ => value.Length,
    };

    /// <summary>The value stands where its text form has it. A value that is not plain text moves up to make room for its length.</summary>
    void End(int length, bool binary)
    {
        _buffer[_length - 1] = (byte)(binary ? '\n' : '=');
        if (binary)
        {
            _buffer.AsSpan(_length, length).CopyTo(_buffer.AsSpan(_length + sizeof(ulong)));
            BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(_length), (ulong)length);
            _length += sizeof(ulong);
        }
        _length += length;
        _buffer[_length++] = (byte)'\n';
        FieldCount++;
    }

    void Reserve(int more)
    {
        if (_buffer.Length - _length >= more) return;
        int doubled = (int)Math.Min((long)_buffer.Length * 2, MaxLength);
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstLength, Math.Max(doubled, _length + more)));
        Serialized.CopyTo(larger);
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
