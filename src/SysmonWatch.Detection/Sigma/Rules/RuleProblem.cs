namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>Something that is wrong with a rule file, and where.</summary>
/// <param name="File">Path as it was given.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="IsError">True: the rule is refused. False: a warning, the rule runs.</param>
/// <param name="Text">What was found, what was expected, and the fix, in one sentence without the place.</param>
public sealed record RuleProblem(string File, int Line, int Column, bool IsError, string Text)
{
    /// <summary><c>FILE:LINE:COLUMN: error|warning: text</c></summary>
    public override string ToString() => $"{File}:{Line}:{Column}: {(IsError ? "error" : "warning")}: {Text}";
}
