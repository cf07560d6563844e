using SysmonWatch.Detection.Events;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>From the root of the file to options. Reports everything that is wrong; the result counts only where nothing was.</summary>
sealed class OptionsReader(Surroundings surroundings, ProblemList problems)
{
    public SysmonWatchOptions Read(YamlNode? root)
    {
        var file = new YamlSection(root, "", problems);
        var options = new SysmonWatchOptions
        {
            Input = Input(file.Section("input")),
            Rules = Rules(file.Section("rules")),
            Journal = Journal(file.Section("journal")),
            Webhooks = Webhooks(file.Sections("webhooks")),
            Limits = Limits(file.Section("limits")),
            State = State(file.Section("state")),
            Alerts = Alerts(file.Section("alerts")),
        };
        file.End();
        return options;
    }

    InputOptions Input(YamlSection section)
    {
        var options = new InputOptions
        {
            Files = section.Texts("files", [], FullPath),
            Journal = section.Read("journal", JournalInput.Auto, Values.Journal),
            Start = section.Read("start", StartFrom.End, Values.Start),
        };
        section.End();
        return options;
    }

    RulesOptions Rules(YamlSection section)
    {
        IReadOnlyList<string> paths = section.Texts("paths", RulesOptions.DefaultPaths, FullPath);
        var options = new RulesOptions
        {
            Paths = paths,
            PathsAreDefault = ReferenceEquals(paths, RulesOptions.DefaultPaths),
            Disabled = section.Texts("disabled", [], static text => Parsed<string>.Good(text)),
            Repairs = Repairs(section.Section("repairs")),
        };
        YamlSection placeholders = section.Section("placeholders");
        section.End();
        return placeholders.Entries.Any() ? options with { Placeholders = Placeholders(placeholders) } : options;
    }

    Dictionary<string, IReadOnlyList<string>> Placeholders(YamlSection section)
    {
        var all = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach ((YamlScalarNode key, _) in section.Entries)
        {
            IReadOnlyList<string> values = section.Texts(key.Value!, [], static text => Parsed<string>.Good(text));
            if (values.Count == 0) problems.Error(key.Start, $"{section.Name(key.Value!)}: has no values; list some, or remove the key.");
            all[key.Value!] = values;
        }
        return all;
    }

    static Repairs Repairs(YamlSection section)
    {
        Repairs repairs = SysmonWatch.Detection.Events.Repairs.None;
        foreach ((string name, Repairs repair) in RepairNames.All)
        {
            if (section.Read(name, true, Values.YesNo)) repairs |= repair;
        }
        section.End();
        return repairs;
    }

    static JournalOptions Journal(YamlSection section)
    {
        var options = new JournalOptions { MinimumLevel = section.Read("minimum_level", new JournalOptions().MinimumLevel, Values.Level) };
        section.End();
        return options;
    }

    List<WebhookOptions> Webhooks(IReadOnlyList<YamlSection> sections)
    {
        var reader = new WebhookReader(new SecretReader(surroundings, problems), problems);
        var webhooks = new List<WebhookOptions>();
        foreach (YamlSection section in sections)
        {
            if (reader.Read(section) is not { } webhook) continue;
            if (webhooks.Exists(w => w.Name == webhook.Name))
            {
                problems.Error(section.At, $"{section.Name("name")}: {Wording.Quote(webhook.Name)} is the name of an earlier webhook; names must differ.");
            }
            webhooks.Add(webhook);
        }
        return webhooks;
    }

    static LimitsOptions Limits(YamlSection section)
    {
        var defaults = new LimitsOptions();
        var options = new LimitsOptions
        {
            LineLength = (int)section.Read("line_length", defaults.LineLength, Values.Size(64 << 10, 16 << 20)),
            Files = section.Read("files", defaults.Files, Values.Number(1, 65_536)),
            ChannelBatches = section.Read("channel_batches", defaults.ChannelBatches, Values.Number(2, 1024)),
            DetectionWorkers = section.Read("detection_workers", defaults.DetectionWorkers, Values.Number(0, 64)),
            CorrelationGroups = section.Read("correlation_groups", defaults.CorrelationGroups, Values.Number(1_000, 10_000_000)),
            CorrelationEntries = section.Read("correlation_entries", defaults.CorrelationEntries, Values.Number(10_000, 100_000_000)),
            ProcessTreeNodes = section.Read("process_tree_nodes", defaults.ProcessTreeNodes, Values.Number(1_000, 4_000_000)),
            OutboxAlerts = section.Read("outbox_alerts", defaults.OutboxAlerts, Values.Number(1_000, 10_000_000)),
            OutboxBytes = section.Read("outbox_bytes", defaults.OutboxBytes, Values.Size(1L << 20, 64L << 30)),
            MemoryAlerts = section.Read("memory_alerts", defaults.MemoryAlerts, Values.Number(100, 1_000_000)),
        };
        section.End();
        return options;
    }

    StateOptions State(YamlSection section)
    {
        // systemd gives several directories divided by colons where the unit names several; the first is ours.
        string? fromSystemd = surroundings.Environment("STATE_DIRECTORY")?.Split(':')[0];
        var defaults = new StateOptions { Directory = fromSystemd is { Length: > 0 } ? fromSystemd : StateOptions.DefaultDirectory };
        var options = new StateOptions
        {
            Directory = section.Read("directory", defaults.Directory, FullPath),
            CheckpointEvery = section.Read("checkpoint_every", defaults.CheckpointEvery, Values.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10))),
            KeepAlerts = section.Read("keep_alerts", defaults.KeepAlerts, Values.Duration(TimeSpan.FromHours(1), TimeSpan.FromDays(3650))),
        };
        section.End();
        return options;
    }

    static AlertsOptions Alerts(YamlSection section)
    {
        var defaults = new AlertsOptions();
        var options = new AlertsOptions
        {
            SuppressionPeriod = section.Read("suppression_period", defaults.SuppressionPeriod, Values.Duration(TimeSpan.Zero, TimeSpan.FromDays(7))),
            FutureTolerance = section.Read("future_tolerance", defaults.FutureTolerance, Values.Duration(TimeSpan.Zero, TimeSpan.FromDays(1))),
        };
        section.End();
        return options;
    }

    Parsed<string> FullPath(string text) =>
        text.Length == 0 || text.Any(char.IsControl)
            ? Parsed<string>.Bad($"{Wording.Quote(text)} is not a path.")
            : Parsed<string>.Good(Path.GetFullPath(text, surroundings.Directory));
}
