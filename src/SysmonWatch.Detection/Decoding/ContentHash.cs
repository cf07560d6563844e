using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

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

    /// <summary>The hash of the first n fields for every n from 1: what a truncated copy is compared by.</summary>
    /// <returns>How many fields.</returns>
    public int Prefixes(SysmonEvent e, Span<ulong> into)
    {
        ReadOnlySpan<DataField> fields = e.Fields;
        ReadOnlySpan<ulong> hashes = e.HashedBy == values.Mark ? e.Hashes : default;
        ReadOnlySpan<ulong> names = _names;
        ReadOnlySpan<ulong> factors = _factors;
        into = into[..fields.Length];
        ulong all = 0;
        for (int i = 0; i < into.Length; i++)
        {
            ref readonly DataField field = ref fields[i];
            ulong value = i < hashes.Length ? hashes[i] : values.Of(e.Bytes(field.Value));
            int id = field.Id.Value;
            ulong name = (uint)id < (uint)names.Length ? names[id] : 0;
            if (name == 0)
            {
                name = Name(e, field);
                names = _names;
            }
            ulong one = value ^ name;
            all += (one ^ (one >> 32)) * factors[i];
            into[i] = all;
        }
        return into.Length;
    }

    ulong Name(SysmonEvent e, in DataField field)
    {
        ulong hash = values.Of(e.Bytes(field.Name)) | 1;
        int id = field.Id.Value;
        if (id < 0) return hash;
        if (id >= _names.Length) Array.Resize(ref _names, Math.Max(_names.Length * 2, id + 1));
        _names[id] = hash;
        return hash;
    }

    static ulong[] Factors(ValueHash values)
    {
        ulong[] factors = new ulong[SysmonEvent.MostFields];
        for (int i = 0; i < factors.Length; i++) factors[i] = values.Of([(byte)'#', (byte)i]) | 1;
        return factors;
    }
}
