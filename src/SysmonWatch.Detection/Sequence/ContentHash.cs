using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sequence;

/// <summary>
/// The hash of an event's fields, names and values in their order, made of the hashes of its values. Secret and not cryptographic as those are. Not
/// thread-safe.
/// </summary>
/// <remarks>
/// The same name has the same hash whether the table of names knows it or not, so that rules which come and go change nothing. Every field is mixed
/// with a factor of its own place and then added, so fields do not wait for each other.
/// </remarks>
/// <param name="values">Hashes values and names.</param>
sealed class ContentHash(ValueHash values)
{
    readonly ulong[] _factors = Factors(values);

    /// <summary>The hashes of known names, by the name's id; 0 where not asked for yet.</summary>
    ulong[] _names = new ulong[128];

    /// <summary>The hashes of the names of each event of the schema, in order.</summary>
    readonly ulong[]?[] _schemas = new ulong[]?[256];

    /// <summary>The hash of the first n fields for every n from 1: what a truncated copy is compared by.</summary>
    /// <returns>How many fields.</returns>
    public int Prefixes(SysmonEvent e, Span<ulong> into)
    {
        ReadOnlySpan<ulong> hashes = e.HashedBy == values.Mark ? e.Hashes : default;
        into = into[..e.FieldCount];
        if (e.IsInOrder && hashes.Length == into.Length) PrefixesInOrder(_schemas[e.EventId] ??= Names(e.EventId), hashes, into);
        else PrefixesOfAny(e, hashes, into);
        return into.Length;
    }

    void PrefixesInOrder(ReadOnlySpan<ulong> names, ReadOnlySpan<ulong> hashes, Span<ulong> into)
    {
        ReadOnlySpan<ulong> factors = _factors.AsSpan(0, into.Length);
        hashes = hashes[..into.Length];
        names = names[..into.Length];
        ulong all = 0;
        for (int i = 0; i < into.Length; i++)
        {
            all += Mix(hashes[i] ^ names[i], factors[i]);
            into[i] = all;
        }
    }

    void PrefixesOfAny(SysmonEvent e, ReadOnlySpan<ulong> hashes, Span<ulong> into)
    {
        ReadOnlySpan<DataField> fields = e.Fields;
        ulong all = 0;
        for (int i = 0; i < into.Length; i++)
        {
            ref readonly DataField field = ref fields[i];
            ulong value = i < hashes.Length ? hashes[i] : values.Of(e.Bytes(field.Value));
            all += Mix(value ^ Name(e, field), _factors[i]);
            into[i] = all;
        }
    }

    static ulong Mix(ulong one, ulong factor) => (one ^ (one >> 32)) * factor;

    ulong Name(SysmonEvent e, in DataField field)
    {
        int id = field.Id.Value;
        if ((uint)id < (uint)_names.Length && _names[id] != 0) return _names[id];
        ulong hash = Name(e.Bytes(field.Name));
        if (id < 0) return hash;
        if (id >= _names.Length) Array.Resize(ref _names, Math.Max(_names.Length * 2, id + 1));
        _names[id] = hash;
        return hash;
    }

    ulong Name(ReadOnlySpan<byte> name) => values.Of(name) | 1;

    ulong[] Names(int eventId) => [.. SysmonSchema.Find(eventId)!.Fields.Select(field => Name(field.Id.Utf8Name))];

    static ulong[] Factors(ValueHash values)
    {
        ulong[] factors = new ulong[SysmonEvent.MostFields];
        for (int i = 0; i < factors.Length; i++) factors[i] = values.Of([(byte)'#', (byte)i]) | 1;
        return factors;
    }
}
