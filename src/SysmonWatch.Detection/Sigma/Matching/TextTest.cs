using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>What shape a text pattern has; all but the last need no backtracking.</summary>
enum TextShape
{
    /// <summary>Any text.</summary>
    Anything,

    /// <summary>Exactly the literal.</summary>
    Equal,

    /// <summary>The literal, then anything.</summary>
    StartsWith,

    /// <summary>Anything, then the literal.</summary>
    EndsWith,

    /// <summary>The literal anywhere.</summary>
    Contains,

    /// <summary>Anything else.</summary>
    Glob,
}

/// <summary>A text with wildcards, compared with the whole value.</summary>
sealed class TextTest : ValueTest
{
    readonly Segment[] _segments;
    readonly bool _anchoredStart;
    readonly bool _anchoredEnd;

    TextTest(PatternPart[] parts, bool cased) : base(KeyOf(parts, cased))
    {
        Cased = cased;
        Parts = parts;
        Shape = ShapeOf(parts);
        Literal = Shape is TextShape.Glob ? [] : parts.FirstOrDefault(p => p.Kind == PartKind.Literal).Literal ?? [];
        _anchoredStart = parts.Length == 0 || parts[0].Kind != PartKind.Any;
        _anchoredEnd = parts.Length == 0 || parts[^1].Kind != PartKind.Any;
        _segments = [.. Split(parts)];
    }

    /// <summary>True where upper and lower case differ.</summary>
    public bool Cased { get; }

    /// <summary>The pieces; literals folded unless <see cref="Cased"/>, wildcards that repeat removed.</summary>
    public IReadOnlyList<PatternPart> Parts { get; }

    /// <summary>The shape.</summary>
    public TextShape Shape { get; }

    /// <summary>The literal of a shape that has one.</summary>
    public byte[] Literal { get; }

    /// <summary>A literal that every value which matches contains; empty where there is none.</summary>
    public byte[] LongestLiteral => Parts.Where(p => p.Kind == PartKind.Literal).Select(p => p.Literal).MaxBy(l => l.Length) ?? [];

    /// <summary>Makes the test of a pattern.</summary>
    public static TextTest Of(IReadOnlyList<PatternPart> parts, bool cased)
    {
        var simple = new List<PatternPart>();
        foreach (PatternPart part in parts)
        {
            PatternPart next = part.Kind == PartKind.Literal && !cased ? new PatternPart(PartKind.Literal, CaseFolding.Fold(part.Literal)) : part;
            if (simple.Count > 0 && next.Kind == PartKind.Any && simple[^1].Kind == PartKind.Any) continue;
            if (simple.Count > 0 && next.Kind == PartKind.Literal && simple[^1].Kind == PartKind.Literal)
            {
                simple[^1] = new PatternPart(PartKind.Literal, [.. simple[^1].Literal, .. next.Literal]);
                continue;
            }
            simple.Add(next);
        }
        return new TextTest([.. simple], cased);
    }

    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) =>
        Shape == TextShape.Anything || MatchesFolded(Cased ? value : scratch.Fold(value));

    /// <summary>The same for a value that is folded already (raw where <see cref="Cased"/>).</summary>
    public bool MatchesFolded(ReadOnlySpan<byte> value) => Shape switch
    {
        TextShape.Anything => true,
        TextShape.Equal => value.SequenceEqual(Literal),
        TextShape.StartsWith => value.StartsWith(Literal),
        TextShape.EndsWith => value.EndsWith(Literal),
        TextShape.Contains => value.IndexOf(Literal) >= 0,
        _ => MatchesGlob(value),
    };

    /// <summary>
    /// The first segment stands at the start and the last at the end where no * is there; each of the others is taken at the first place it
    /// fits, which leaves the most for those after it. So no backtracking: at worst the length of the value times that of the pattern.
    /// </summary>
    bool MatchesGlob(ReadOnlySpan<byte> value)
    {
        int from = 0;
        int first = 0;
        int last = _segments.Length;
        if (_anchoredStart)
        {
            int length = _segments[0].MatchAt(value, 0);
            if (length < 0) return false;
            if (_segments.Length == 1 && _anchoredEnd) return length == value.Length;
            from = length;
            first = 1;
        }
        if (_anchoredEnd) last--;
        for (int i = first; i < last; i++)
        {
            int end = _segments[i].FindEnd(value, from);
            if (end < 0) return false;
            from = end;
        }
        return !_anchoredEnd || _segments[^1].EndsAt(value, from);
    }

    static TextShape ShapeOf(PatternPart[] parts)
    {
        PartKind[] kinds = [.. parts.Select(p => p.Kind)];
        return kinds switch
        {
            [] or [PartKind.Literal] => TextShape.Equal,
            [PartKind.Any] => TextShape.Anything,
            [PartKind.Literal, PartKind.Any] => TextShape.StartsWith,
            [PartKind.Any, PartKind.Literal] => TextShape.EndsWith,
            [PartKind.Any, PartKind.Literal, PartKind.Any] => TextShape.Contains,
            _ => TextShape.Glob,
        };
    }

    static IEnumerable<Segment> Split(PatternPart[] parts)
    {
        var current = new List<PatternPart>();
        foreach (PatternPart part in parts)
        {
            if (part.Kind != PartKind.Any)
            {
                current.Add(part);
            }
            else if (current.Count > 0)
            {
                yield return new Segment([.. current]);
                current.Clear();
            }
        }
        if (current.Count > 0) yield return new Segment([.. current]);
    }

    static string KeyOf(PatternPart[] parts, bool cased)
    {
        var key = new StringBuilder(cased ? "cased:" : "text:");
        foreach (PatternPart part in parts)
        {
            key.Append(part.Kind switch { PartKind.Any => "*", PartKind.One => "?", PartKind.Dash => "-", _ => "=" });
            if (part.Kind == PartKind.Literal) key.Append(part.Literal.Length).Append(':').Append(Encoding.Latin1.GetString(part.Literal));
        }
        return key.ToString();
    }

    /// <summary>What stands between two *.</summary>
    readonly struct Segment(PatternPart[] parts)
    {
        /// <summary>The most bytes it can match.</summary>
        readonly int _longest = parts.Sum(p => p.Kind switch { PartKind.Literal => p.Literal.Length, PartKind.One => 4, _ => 3 });

        /// <summary>How many bytes match from here; -1 where it does not fit here.</summary>
        public int MatchAt(ReadOnlySpan<byte> value, int start)
        {
            int at = start;
            foreach (PatternPart part in parts)
            {
                int length = part.Kind switch
                {
                    PartKind.Literal => value[at..].StartsWith(part.Literal) ? part.Literal.Length : -1,
                    PartKind.One => OneCharacter(value[at..]),
                    _ => Dash(value[at..]),
                };
                if (length < 0) return -1;
                at += length;
            }
            return at - start;
        }

        /// <summary>Where the first occurrence from there on ends; -1 where there is none.</summary>
        public int FindEnd(ReadOnlySpan<byte> value, int from)
        {
            bool literalFirst = parts[0].Kind == PartKind.Literal;
            for (int at = from; at <= value.Length; at++)
            {
                if (literalFirst)
                {
                    int next = value[at..].IndexOf(parts[0].Literal);
                    if (next < 0) return -1;
                    at += next;
                }
                else if (IsInsideCharacter(value, at))
                {
                    continue;
                }
                int length = MatchAt(value, at);
                if (length >= 0) return at + length;
            }
            return -1;
        }

        /// <summary>True where it fits so that it ends where the value ends, and does not start before that place.</summary>
        public bool EndsAt(ReadOnlySpan<byte> value, int from)
        {
            for (int at = Math.Max(from, value.Length - _longest); at <= value.Length; at++)
            {
                if (!IsInsideCharacter(value, at) && MatchAt(value, at) == value.Length - at) return true;
            }
            return false;
        }

        bool IsInsideCharacter(ReadOnlySpan<byte> value, int at) =>
            parts[0].Kind != PartKind.Literal && at < value.Length && (value[at] & 0xC0) == 0x80;

        static int OneCharacter(ReadOnlySpan<byte> value)
        {
            if (value.IsEmpty) return -1;
            Rune.DecodeFromUtf8(value, out _, out int consumed);
            return consumed;
        }

        static int Dash(ReadOnlySpan<byte> value)
        {
            if (value.IsEmpty) return -1;
            if (value[0] is (byte)'-' or (byte)'/') return 1;
            return value.Length >= 3 && value[0] == 0xE2 && value[1] == 0x80 && (value[2] is 0x93 or 0x94 or 0x95) ? 3 : -1;
        }
    }
}
