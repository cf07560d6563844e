using System.CommandLine;

namespace SysmonWatch.Daemon.Commands;

/// <summary>Options that several commands have, in the same words.</summary>
static class SharedOptions
{
    public static Argument<string[]> Files() => new("FILE")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "Log files, read as one stream in this order: syslog in any form, journalctl -o export or -o json, .gz of these; - is standard input.",
    };

    public static Option<string[]> Rules(string description) => new("--rules")
    {
        HelpName = "PATH",
        Arity = ArgumentArity.ZeroOrMore,
        Description = description,
    };

    public static Option<string?> Config() => new("--config")
    {
        HelpName = "FILE",
        Description = "Configuration file. Default: /etc/sysmonwatch/sysmonwatch.yaml if it is there, else the defaults.",
    };
}
