using System.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>Finds in one pass over a field's value which of all rules' literals it has. Immutable.</summary>
/// <param name="field">The field; <see cref="FieldId.Unknown"/> for the keywords, which go over all fields.</param>
/// <param name="plan">What to look for.</param>
sealed class FieldScanner(FieldId field, FieldPlan plan)
{
    readonly LiteralTrie? _start = plan.Starts.Count + plan.Wholes.Count == 0 ? null : new LiteralTrie(backwards: false, plan.Starts, plan.Wholes);
    readonly LiteralTrie? _end = plan.Ends.Count == 0 ? null : new LiteralTrie(backwards: true, plan.Ends, []);
    readonly LiteralFinder? _anywhere = plan.Contains.Count == 0 ? null : new LiteralFinder(plan.Contains);
    readonly int[] _present = [.. plan.Present];
    readonly int[] _numbers = [.. plan.Numbers];
    readonly (int Length, int Report)[] _long = [.. plan.Long];

    /// <summary>The field.</summary>
    public FieldId Field { get; } = field;

    /// <summary>True where a Sysmon event may have several values for the field, and some test is concerned by them.</summary>
    public bool HasAlternatives { get; } = (RepairedValues.Concern(field) && plan.TakesRepairs) || DerivedFields.HasAlternatives(field);

    /// <summary>Scans one value of the field. What is reported depends on nothing else.</summary>
    public void Scan(ValueKind kind, ReadOnlySpan<byte> value, ProgramRun run)
    {
        foreach (int report in _present) run.Hit(report);
        foreach ((int length, int report) in _long)
        {
            if (value.Length >= length) run.Hit(report);
        }
        if (_numbers.Length > 0 && IsUnusualNumber(kind, value))
        {
            foreach (int report in _numbers) run.Hit(report);
        }
        // The scanners know both cases of ASCII letters; any other text is folded first.
        if (!Ascii.IsValid(value)) value = run.Scratch.Fold(value);
        _end?.Scan(value, run);
        _start?.Scan(value, run);
        _anywhere?.Scan(value, run);
    }

    /// <summary>True for a number that is not written as its canonical digits, so that its text says nothing about being equal.</summary>
    static bool IsUnusualNumber(ValueKind kind, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || value[0] is not ((byte)'+' or (byte)'-' or (byte)'.' or (>= (byte)'0' and <= (byte)'9'))) return false;
        bool canonical = value.Length <= 28 && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9') && (value[0] != (byte)'0' || value.Length == 1);
        return !canonical && Number.TryParse(value, kind == ValueKind.Number, out _);
    }
}

/// <summary>What to look for in one field: folded literals with what is reported for each.</summary>
sealed class FieldPlan
{
    /// <summary>Anywhere.</summary>
    public List<(byte[] Literal, int Report)> Contains { get; } = [];

    /// <summary>At the start.</summary>
    public List<(byte[] Literal, int Report)> Starts { get; } = [];

    /// <summary>At the end.</summary>
    public List<(byte[] Literal, int Report)> Ends { get; } = [];

    /// <summary>The whole value.</summary>
    public List<(byte[] Literal, int Report)> Wholes { get; } = [];

    /// <summary>Reported for any value.</summary>
    public HashSet<int> Present { get; } = [];

    /// <summary>Reported for a number that is not written as plain digits.</summary>
    public HashSet<int> Numbers { get; } = [];

    /// <summary>Reported for values of at least so many bytes.</summary>
    public HashSet<(int Length, int Report)> Long { get; } = [];

    /// <summary>False where all tests stand under a negation, and so look at what Sysmon wrote only.</summary>
    public bool TakesRepairs { get; private set; }

    /// <summary>True where there is nothing to look for.</summary>
    public bool IsEmpty => Contains.Count + Starts.Count + Ends.Count + Wholes.Count + Present.Count + Numbers.Count + Long.Count == 0;

    /// <summary>Adds what another test of the field looks for.</summary>
    public void Add(FieldPlan other, bool takesRepairs)
    {
        Contains.AddRange(other.Contains);
        Starts.AddRange(other.Starts);
        Ends.AddRange(other.Ends);
        Wholes.AddRange(other.Wholes);
        Present.UnionWith(other.Present);
        Numbers.UnionWith(other.Numbers);
        Long.UnionWith(other.Long);
        TakesRepairs |= takesRepairs;
    }
}
