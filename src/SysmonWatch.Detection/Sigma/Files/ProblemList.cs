using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>Collects what is wrong with one file.</summary>
/// <param name="file">The file's path as it was given.</param>
/// <param name="problems">Where to put them.</param>
sealed class ProblemList(string file, List<RuleProblem> problems)
{
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
    public void Warn(YamlNode at, string text) =>
        All.Add(new RuleProblem(File, Line(at.Start.Line), Line(at.Start.Column), false, text));

    static int Line(long number) => (int)Math.Clamp(number, 1, int.MaxValue);
}
