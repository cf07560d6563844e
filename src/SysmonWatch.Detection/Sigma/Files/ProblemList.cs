using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>Collects what is wrong with one file.</summary>
/// <param name="file">The file's path as it was given.</param>
/// <param name="problems">Where to put them.</param>
/// <param name="text">What the file says, to find places within a value of several lines; null where it is not known.</param>
sealed class ProblemList(string file, List<RuleProblem> problems, string? text = null)
{
    string[]? _lines;

    /// <summary>The file's path as it was given.</summary>
    public string File { get; } = file;

    /// <summary>All problems so far, other files' included.</summary>
    public List<RuleProblem> All { get; } = problems;

    /// <summary>How many errors were added through this list.</summary>
    public int Errors { get; private set; }

    /// <summary>The rule is refused.</summary>
    public void Error(YamlNode at, string text) => Error(at.Start, text);

    /// <summary>The rule is refused.</summary>
    public void Error(Mark at, string text)
    {
        Errors++;
        All.Add(new RuleProblem(File, Line(at.Line), Line(at.Column), true, text));
    }

    /// <summary>The rule runs all the same.</summary>
    public void Warn(YamlNode at, string text) => Warn(at.Start, text);

    /// <summary>The rule runs all the same.</summary>
    public void Warn(Mark at, string text) => All.Add(new RuleProblem(File, Line(at.Line), Line(at.Column), false, text));

    /// <summary>Where a character of a scalar's value is written; the scalar's start where that is not certain.</summary>
    /// <remarks>However a value is folded and indented, the characters that are no blanks come in the same order in the file.</remarks>
    public Mark PlaceOf(YamlScalarNode scalar, int offset)
    {
        bool isQuoted = scalar.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted;
        if (scalar.Start.Line == scalar.End.Line) return new Mark(scalar.Start.Index, scalar.Start.Line, scalar.Start.Column + (isQuoted ? 1 : 0) + offset);
        string value = scalar.Value ?? "";
        if (text is null || offset >= value.Length) return scalar.Start;
        _lines ??= text.ReplaceLineEndings("\n").Split('\n');
        int before = value.AsSpan(0, offset).ToString().Count(c => !char.IsWhiteSpace(c));
        bool isBlock = scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded;
        int from = isBlock ? 0 : (int)scalar.Start.Column - (isQuoted ? 0 : 1);
        for (long line = scalar.Start.Line + (isBlock ? 1 : 0); line <= Math.Min(scalar.End.Line, _lines.Length); line++, from = 0)
        {
            for (int i = from; i < _lines[line - 1].Length; i++)
            {
                char c = _lines[line - 1][i];
                if (char.IsWhiteSpace(c) || before-- > 0) continue;
                return c == value[offset] ? new Mark(scalar.Start.Index, line, i + 1) : scalar.Start;
            }
        }
        return scalar.Start;
    }

    static int Line(long number) => (int)Math.Clamp(number, 1, int.MaxValue);
}
