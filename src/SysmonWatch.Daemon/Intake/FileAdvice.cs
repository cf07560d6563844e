namespace SysmonWatch.Daemon.Intake;

/// <summary>What to do where a file may not be read.</summary>
static class FileAdvice
{
    /// <summary>For a file whose group and mode are known.</summary>
    public static string For(in FileFacts facts) =>
        (facts.Mode & 0x20) != 0 && GroupNames.Of(facts.Group) is { } group
            ? $"add SupplementaryGroups={group} to the service, or take the journal as input"
            : "let its group read it (a 'create 0640 root adm' in logrotate's configuration) and add SupplementaryGroups=adm to the service, or take the journal as input";
}
