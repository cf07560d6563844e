using YamlDotNet.Core;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>Collects what is wrong with one file while it is read. Not thread-safe.</summary>
sealed class ProblemList(string file)
{
    readonly List<ConfigurationProblem> _problems = [];

    public bool HasErrors { get; private set; }

    public void Error(Mark at, string text)
    {
        HasErrors = true;
        _problems.Add(new ConfigurationProblem(file, (int)at.Line, (int)at.Column, true, text));
    }

    public void Warning(Mark at, string text) => _problems.Add(new ConfigurationProblem(file, (int)at.Line, (int)at.Column, false, text));

    public IReadOnlyList<ConfigurationProblem> InOrderOfTheFile() => [.. _problems.OrderBy(p => p.Line).ThenBy(p => p.Column)];
}
