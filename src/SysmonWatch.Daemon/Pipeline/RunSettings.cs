using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>How this run of the daemon differs from what the configuration file says.</summary>
/// <param name="ConfigFile">The file given on the command line; null for the default place.</param>
/// <param name="StateDirectory">The directory given on the command line; null for that of the configuration.</param>
/// <param name="Echo">Is told every alert as it is raised, beside the sinks; null where nobody is.</param>
/// <param name="TellsNobody">True: neither journal nor webhooks are told (demo).</param>
/// <param name="Problems">What is wrong with the configuration, although it is used; null for nothing.</param>
sealed record RunSettings(string? ConfigFile, string? StateDirectory, Action<Alert>? Echo = null, bool TellsNobody = false,
    IReadOnlyList<ConfigurationProblem>? Problems = null)
{
    /// <summary>Options from the file with what the command line says in place of them.</summary>
    public SysmonWatchOptions Apply(SysmonWatchOptions options) =>
        StateDirectory is null ? options : options with { State = options.State with { Directory = Path.GetFullPath(StateDirectory) } };
}
