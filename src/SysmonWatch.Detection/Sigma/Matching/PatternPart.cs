namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>What a piece of a text pattern stands for.</summary>
enum PartKind : byte
{
    /// <summary>Itself.</summary>
    Literal,

    /// <summary><c>*</c>: any number of characters, none and line ends included.</summary>
    Any,

    /// <summary><c>?</c>: exactly one character.</summary>
    One,

    /// <summary>One of the dashes of <c>windash</c>: - / – — ―.</summary>
    Dash,
}

/// <summary>A piece of a text pattern.</summary>
/// <param name="Kind">What it stands for.</param>
/// <param name="Literal">UTF-8, or whatever bytes an encoding modifier made; empty where <paramref name="Kind"/> is not Literal.</param>
readonly record struct PatternPart(PartKind Kind, byte[] Literal)
{
    /// <summary><c>*</c></summary>
    public static PatternPart Any { get; } = new(PartKind.Any, []);

    /// <summary><c>?</c></summary>
    public static PatternPart One { get; } = new(PartKind.One, []);

    /// <summary>Any dash.</summary>
    public static PatternPart Dash { get; } = new(PartKind.Dash, []);

    /// <summary>A literal.</summary>
    public static PatternPart Of(ReadOnlySpan<byte> literal) => new(PartKind.Literal, literal.ToArray());
}
