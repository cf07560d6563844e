using YamlDotNet.Core;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>Collects what is wrong with one file while it is read. Not thread-safe.</summary>
sealed class ProblemList(string file)
{
    readonly List<ConfigurationProblem> _problems = [];

    /// <summary>True where the file cannot be used.</summary>
    public bool RefusesTheFile { get; private set; }

    /// <summary>The file is wrong.</summary>
    public void Error(Mark at, string text)
    {
        RefusesTheFile = true;
        ErrorElsewhere(at, text);
    }

    /// <summary>Something that the file only names is wrong: what depends on it does not work, the rest does.</summary>
    public void ErrorElsewhere(Mark at, string text) => _problems.Add(new ConfigurationProblem(file, (int)at.Line, (int)at.Column, true, text));

    public void Warning(Mark at, string text) => _problems.Add(new ConfigurationProblem(file, (int)at.Line, (int)at.Column, false, text));

    public IReadOnlyList<ConfigurationProblem> InOrderOfTheFile() => [.. _problems.OrderBy(p => p.Line).ThenBy(p => p.Column)];
}
