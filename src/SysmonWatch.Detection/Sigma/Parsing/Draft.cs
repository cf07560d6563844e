using System.Text.RegularExpressions;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>A value of a rule on its way through the modifiers.</summary>
abstract record Draft
{
    Draft() { }

    /// <summary>What the value is called in a message.</summary>
    public abstract string Kind { get; }

    /// <summary>Text with wildcards.</summary>
    /// <param name="Original">As the rule says it, for the modifiers that do not know wildcards.</param>
    /// <param name="Parts">Its pieces.</param>
    /// <param name="Cased">True where case counts.</param>
    /// <param name="Touched">True once a modifier has changed its characters, after which <paramref name="Original"/> is no longer its meaning.</param>
    public sealed record Text(string Original, IReadOnlyList<PatternPart> Parts, bool Cased = false, bool Touched = false) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "a text";
    }

    /// <summary>A number.</summary>
    public sealed record Numeric(Number Value, string Written) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => $"the number {Written}";

        /// <summary>True where it is written with zeros before it, as codes are.</summary>
        public bool HasLeadingZero => Written is ['0', >= '0' and <= '9', ..];
    }

    /// <summary>true or false.</summary>
    public sealed record Boolean(bool Value) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => Value ? "the boolean true" : "the boolean false";
    }

    /// <summary>null.</summary>
    public sealed record Null : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "null";
    }

    /// <summary>A regular expression.</summary>
    public sealed record Expression(string Pattern, RegexOptions Flags) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "a regular expression";
    }

    /// <summary>A network.</summary>
    public sealed record Network(IpNetwork Value) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "a network";
    }

    /// <summary>A comparison with a number.</summary>
    public sealed record Compare(Comparison How, Number Bound) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "a comparison";
    }

    /// <summary>A part of a time stamp.</summary>
    public sealed record Time(TimePart Part, Comparison How, int Bound) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "a part of a time stamp";
    }

    /// <summary>Another field.</summary>
    public sealed record Field(FieldId Other, FieldComparison How, bool Cased) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "a field reference";
    }

    /// <summary>Whether the field is there.</summary>
    public sealed record Presence(bool Expected) : Draft
    {
        /// <inheritdoc/>
        public override string Kind => "a question for presence";
    }

    /// <summary>The finished test.</summary>
    /// <param name="reason">Why there is none.</param>
    public ValueTest? ToTest(out string? reason)
    {
        reason = null;
        switch (this)
        {
            case Text text: return TextTest.Of(text.Parts, text.Cased);
            case Numeric number: return new NumberTest(number.Value, number.Written);
            case Boolean boolean: return new BooleanTest(boolean.Value);
            case Null: return new NullTest();
            case Network network: return new CidrTest(network.Value);
            case Compare compare: return new CompareTest(compare.How, compare.Bound);
            case Time time: return new TimePartTest(time.Part, time.How, time.Bound);
            case Field field: return new FieldReferenceTest(field.Other, field.How, field.Cased);
            case Presence presence: return new ExistsTest(presence.Expected);
            case Expression expression:
                return SafeRegex.TryCompile(expression.Pattern, expression.Flags, out RegexTest? test, out reason) ? test : null;
            default: throw new InvalidOperationException(GetType().Name);
        }
    }
}
