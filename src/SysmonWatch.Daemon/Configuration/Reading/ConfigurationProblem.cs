using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>Something that is wrong with a configuration file, and where. Never holds a secret.</summary>
/// <param name="File">Path as it was given.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="IsError">False: a warning, everything works. True: something does not work, and where it is the file itself that is wrong no options are made.</param>
/// <param name="Text">Which key, what was found, what was expected or how to mend it; a sentence without the place.</param>
sealed record ConfigurationProblem(string File, int Line, int Column, bool IsError, string Text)
{
    /// <summary><c>FILE:LINE:COLUMN: error|warning: text</c></summary>
    public override string ToString() => $"{SafeText.Show(File)}:{Line}:{Column}: {(IsError ? "error" : "warning")}: {SafeText.Show(Text)}";
}
