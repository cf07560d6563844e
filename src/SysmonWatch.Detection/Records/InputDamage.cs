namespace SysmonWatch.Detection.Records;

/// <summary>Why a piece of an input was left out.</summary>
public enum InputDamageReason : byte
{
    /// <summary>A line that is no field of a journal entry.</summary>
    NoField,

    /// <summary>A field whose value does not end where its length says.</summary>
    FalseLength,

    /// <summary>The input ends within a field's value.</summary>
    EndsWithin,

    /// <summary>A line that is no JSON object of the journal.</summary>
    NoObject,
}

/// <summary>One place of an input where something was left out.</summary>
/// <param name="Offset">Where it begins, in bytes from the start of the input, decompressed.</param>
/// <param name="Reason">Why.</param>
/// <param name="Claimed">How many bytes the field says it has; 0 where it does not say.</param>
/// <param name="Skipped">How many bytes were passed over because of it and could not be looked at again.</param>
public readonly record struct InputDamage(long Offset, InputDamageReason Reason, ulong Claimed = 0, ulong Skipped = 0);
