using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>Reads the reference vectors and runs single rules over single events.</summary>
static class Vectors
{
    static readonly Lazy<RuleSet> LoadedSigmaHq = new(() => RuleLoader.Parse(SigmaHq()));

    /// <summary>The lines of a vector file, each a JSON object; <c>.gz</c> is unpacked.</summary>
    public static IEnumerable<JsonElement> Read(string relative)
    {
        using Stream file = File.OpenRead(Places.ReferenceData($"data/sigma/vectors/{relative}"));
        using Stream plain = relative.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(plain);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0) yield return JsonDocument.Parse(line).RootElement;
        }
    }

    /// <summary>All rule files of SigmaHQ's repository.</summary>
    public static List<(string File, string Yaml)> SigmaHq()
    {
        using Stream file = File.OpenRead(Places.ReferenceData("data/sigma/sigmahq-rules.tar.gz"));
        using var reader = new TarReader(new GZipStream(file, CompressionMode.Decompress));
        var rules = new List<(string, string)>();
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is null || !entry.Name.EndsWith(".yml", StringComparison.Ordinal)) continue;
            rules.Add((entry.Name, new StreamReader(entry.DataStream, Encoding.UTF8).ReadToEnd()));
        }
        return rules;
    }

    /// <summary>Those that load, read once. Rules do not change.</summary>
    public static RuleSet SigmaHqRules => LoadedSigmaHq.Value;

    /// <summary>The 167 rules that Sysmon for Linux can feed.</summary>
    public static RuleSet LinuxRules() => RuleLoader.Load([Places.ReferenceData("data/sigma/rules/sysmon")]);

    /// <summary>An event of a JSON element.</summary>
    public static JsonEvent Event(JsonElement json)
    {
        var e = new JsonEvent();
        Assert.True(e.TryRead(Encoding.UTF8.GetBytes(json.GetRawText()), out string? reason), reason);
        return e;
    }

    /// <summary>The log source an event says it is of; null where it says nothing.</summary>
    public static LogSource? SourceOf(JsonEvent e) => e.HasLogSource ? new LogSource(e.Category, e.Product, e.Service) : null;

    /// <summary>"true" or "false": whether the one rule matches; "error": it is refused.</summary>
    public static string Verdict(string yaml, JsonElement json)
    {
        RuleSet set = RuleLoader.Parse([("rule.yml", yaml)]);
        if (set.Rules.Count == 0)
        {
            Assert.Contains(set.Problems, p => p.IsError);
            return "error";
        }
        return Matches(set, Event(json)).Contains(0) ? "true" : "false";
    }

    /// <summary>Positions of the rules that match an event, with every rule seeing it.</summary>
    public static int[] Matches(RuleSet set, FieldedEvent e) => CompiledRules.Compile(set, new RuleOptions()).CreateMatcher().Match(e, null).ToArray();

    /// <summary>A rule with this text as the value of <c>detection:</c>, two spaces deep.</summary>
    public static string Rule(string detection) => $"title: t\nlogsource:\n  category: test\ndetection:\n{detection}";
}
