using SysmonWatch.Detection.Sigma.Parsing;

namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>What a correlation computes over its window. Names as Sigma writes them are in <see cref="CorrelationRuleParser"/>.</summary>
public enum CorrelationType
{
    /// <summary>How many events.</summary>
    EventCount,

    /// <summary>How many different values (or tuples of values) of the condition's fields.</summary>
    ValueCount,

    /// <summary>Which of the rules matched, in any order.</summary>
    Temporal,

    /// <summary>Which of the rules matched, each by an event after that of the one before.</summary>
    TemporalOrdered,

    /// <summary>Sum of a numeric field.</summary>
    ValueSum,

    /// <summary>Arithmetic mean of a numeric field.</summary>
    ValueAverage,

    /// <summary>Percentile of a numeric field, by nearest rank.</summary>
    ValuePercentile,

    /// <summary>Median of a numeric field; of an even number of values the mean of the middle two.</summary>
    ValueMedian,
}

/// <summary>One Sigma correlation. Immutable.</summary>
/// <param name="Metadata">What the document says about itself.</param>
/// <param name="Type">What is computed.</param>
/// <param name="Rules">What it listens to, in the order written; at most 64. A rule comes twice only with <see cref="CorrelationType.TemporalOrdered"/>.</param>
/// <param name="GroupBy">Fields or aliases, each once; empty: all events are one group.</param>
/// <param name="Timespan">Length of the window in microseconds, at least one second.</param>
/// <param name="Fields">The fields whose values count: one or more for value_count, one for the other value types, none otherwise. May be aliases.</param>
/// <param name="Comparisons">All must hold of the computed value. Empty where <paramref name="Expression"/> decides, or for "all rules" (temporal).</param>
/// <param name="Percentile">0 to 100, for <see cref="CorrelationType.ValuePercentile"/> only.</param>
/// <param name="Expression">Extended temporal condition; null where there is none.</param>
/// <param name="Aliases">Names in <paramref name="GroupBy"/> or <paramref name="Fields"/> that mean another field for each rule.</param>
/// <param name="Generate">True: the rules it refers to alert by themselves too.</param>
public sealed record CorrelationRule(
    RuleMetadata Metadata,
    CorrelationType Type,
    IReadOnlyList<CorrelationReference> Rules,
    IReadOnlyList<string> GroupBy,
    long Timespan,
    IReadOnlyList<string> Fields,
    IReadOnlyList<CorrelationComparison> Comparisons,
    decimal Percentile,
    TemporalExpression? Expression,
    IReadOnlyList<CorrelationAlias> Aliases,
    bool Generate)
{
    /// <summary>The most rules one correlation may refer to.</summary>
    public const int MostRules = 64;
}

/// <summary>A rule that a correlation refers to. Resolved by the rule set: then one of the two indexes is not -1.</summary>
/// <param name="Text">Id or name, as written.</param>
/// <param name="Line">Where it is written, from 1.</param>
/// <param name="Column">Where it is written, from 1.</param>
/// <param name="Rule">Index of the detection rule in the rule set; -1 where it is none or not resolved yet.</param>
/// <param name="Correlation">Index of the correlation in the rule set; -1 where it is none or not resolved yet.</param>
public sealed record CorrelationReference(string Text, int Line, int Column, int Rule = -1, int Correlation = -1);

/// <summary>A name that stands for another field in each rule.</summary>
/// <param name="Name">The alias.</param>
/// <param name="Fields">Field by rule, the rule as an index into <see cref="CorrelationRule.Rules"/>. Rules that are not listed have a field of the alias's own name.</param>
public sealed record CorrelationAlias(string Name, IReadOnlyList<(int Rule, string Field)> Fields)
{
    /// <summary>Fields of rules that the alias calls by another word than <c>rules</c> does, an id or a name; none once the rule set has resolved them.</summary>
    internal IReadOnlyList<(CorrelationReference Rule, string Field)> Unresolved { get; init; } = [];
}

/// <summary>How a computed value is compared.</summary>
public enum ComparisonOperator
{
    /// <summary>gt</summary>
    Greater,

    /// <summary>gte</summary>
    GreaterOrEqual,

    /// <summary>lt</summary>
    Less,

    /// <summary>lte</summary>
    LessOrEqual,

    /// <summary>eq</summary>
    Equal,

    /// <summary>neq</summary>
    NotEqual,
}

/// <summary>One comparison of a correlation's condition.</summary>
/// <param name="Operator">How.</param>
/// <param name="Value">With what; whole and not negative for everything that counts.</param>
public sealed record CorrelationComparison(ComparisonOperator Operator, decimal Value)
{
    /// <summary>Whether a value satisfies it.</summary>
    public bool Holds(decimal value) => Operator switch
    {
        ComparisonOperator.Greater => value > Value,
        ComparisonOperator.GreaterOrEqual => value >= Value,
        ComparisonOperator.Less => value < Value,
        ComparisonOperator.LessOrEqual => value <= Value,
        ComparisonOperator.Equal => value == Value,
        _ => value != Value,
    };
}

/// <summary>An extended temporal condition as a tree.</summary>
public abstract record TemporalExpression
{
    TemporalExpression() { }

    /// <summary>True where the rule matched in the window.</summary>
    /// <param name="Rule">Index into <see cref="CorrelationRule.Rules"/>.</param>
    public sealed record Matched(int Rule) : TemporalExpression;

    /// <summary>The other way round.</summary>
    /// <param name="Operand">What must not hold.</param>
    public sealed record Negation(TemporalExpression Operand) : TemporalExpression;

    /// <summary>All of them.</summary>
    /// <param name="Operands">Two or more.</param>
    public sealed record AllOf(IReadOnlyList<TemporalExpression> Operands) : TemporalExpression;

    /// <summary>At least one of them.</summary>
    /// <param name="Operands">Two or more.</param>
    public sealed record AnyOf(IReadOnlyList<TemporalExpression> Operands) : TemporalExpression;
}
