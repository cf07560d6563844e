using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>When a correlation's condition is decided.</summary>
enum DecisionTime
{
    /// <summary>At the event that makes it true.</summary>
    AtOnce,

    /// <summary>When the window, which began with the group's first event after the last one, is over: a later event could still break it.</summary>
    AtClose,

    /// <summary>When a timespan has passed without any event of a group that was seen before.</summary>
    AtSilence,
}

/// <summary>A correlation's comparisons over exact numbers: everything is in 10^-9, fractions stay fractions.</summary>
sealed class CompiledCondition
{
    /// <summary>1 in the unit of all numbers here.</summary>
    public const long One = 1_000_000_000;

    /// <summary>Numbers up to here (exclusive, either sign) fit in that unit into a decimal's 28 digits; every 64-bit number does.</summary>
    public const decimal Largest = 70_000_000_000_000_000_000m;

    readonly (ComparisonOperator Operator, Int128 Value)[] _comparisons;

    public CompiledCondition(CorrelationRule rule)
    {
        _comparisons = [.. rule.Comparisons.Select(c => (c.Operator, (Int128)decimal.Round(c.Value * One)))];
        Expression = rule.Expression;
        AllRules = rule.Comparisons.Count == 0 && Expression is null;
        Decision = Decide(rule);
        decimal largest = rule.Comparisons.Select(c => c.Value).DefaultIfEmpty(0).Max();
        bool counts = rule.Type is CorrelationType.EventCount or CorrelationType.ValueCount;
        LargestCount = counts ? (long)Math.Min(largest, int.MaxValue / 4) : 0;
    }

    public TemporalExpression? Expression { get; }

    /// <summary>Temporal without any condition: all rules must have matched.</summary>
    public bool AllRules { get; }

    public DecisionTime Decision { get; }

    /// <summary>The largest count it compares with; 0 where it compares no events or values.</summary>
    public long LargestCount { get; }

    /// <summary>Whether all comparisons hold of numerator / denominator.</summary>
    public bool Holds(Int128 numerator, long denominator)
    {
        foreach ((ComparisonOperator op, Int128 value) in _comparisons)
        {
            int order = numerator.CompareTo(value * denominator);
            bool holds = op switch
            {
                ComparisonOperator.Greater => order > 0,
                ComparisonOperator.GreaterOrEqual => order >= 0,
                ComparisonOperator.Less => order < 0,
                ComparisonOperator.LessOrEqual => order <= 0,
                ComparisonOperator.Equal => order == 0,
                _ => order != 0,
            };
            if (!holds) return false;
        }
        return true;
    }

    /// <summary>Whether the expression holds of the rules that matched.</summary>
    public static bool Holds(TemporalExpression expression, ulong matched) => expression switch
    {
        TemporalExpression.Matched rule => (matched >> rule.Rule & 1) != 0,
        TemporalExpression.Negation not => !Holds(not.Operand, matched),
        TemporalExpression.AllOf all => All(all.Operands, matched),
        TemporalExpression.AnyOf any => !None(any.Operands, matched),
        _ => false,
    };

    static bool All(IReadOnlyList<TemporalExpression> operands, ulong matched)
    {
        for (int i = 0; i < operands.Count; i++)
        {
            if (!Holds(operands[i], matched)) return false;
        }
        return true;
    }

    static bool None(IReadOnlyList<TemporalExpression> operands, ulong matched)
    {
        for (int i = 0; i < operands.Count; i++)
        {
            if (Holds(operands[i], matched)) return false;
        }
        return true;
    }

    // A lower bound alone is reached at an event, and eq is when the value is there; an upper bound, or "nothing", can still be broken until the end.
    static DecisionTime Decide(CorrelationRule rule)
    {
        if (rule.Expression is { } expression) return HasNot(expression) ? DecisionTime.AtClose : DecisionTime.AtOnce;
        bool waits = rule.Comparisons.Any(c =>
            c.Operator is ComparisonOperator.Less or ComparisonOperator.LessOrEqual or ComparisonOperator.NotEqual
            || (c.Operator == ComparisonOperator.Equal && c.Value == 0));
        if (!waits) return DecisionTime.AtOnce;
        bool counts = rule.Type is CorrelationType.EventCount or CorrelationType.ValueCount or CorrelationType.Temporal or CorrelationType.TemporalOrdered;
        bool isSilence = rule.Comparisons.All(c => c.Holds(0)) && !Enumerable.Range(1, 2).Any(n => rule.Comparisons.All(c => c.Holds(n)));
        return counts && isSilence ? DecisionTime.AtSilence : DecisionTime.AtClose;
    }

    static bool HasNot(TemporalExpression expression) => expression switch
    {
        TemporalExpression.Negation => true,
        TemporalExpression.AllOf all => all.Operands.Any(HasNot),
        TemporalExpression.AnyOf any => any.Operands.Any(HasNot),
        _ => false,
    };
}
