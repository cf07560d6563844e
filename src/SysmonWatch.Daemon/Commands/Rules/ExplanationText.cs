using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Explaining;

namespace SysmonWatch.Daemon.Commands.Rules;

/// <summary>Writes an explanation for people: a tree, a tick before what is true.</summary>
static class ExplanationText
{
    const int LongestNote = 400;

    public static void WriteTree(TextWriter output, RuleExplanation node, int depth = 0)
    {
        string note = node.Note is { Length: > 0 } text ? $"   {SafeText.Show(text, LongestNote)}" : "";
        output.WriteLine($"{new string(' ', depth * 2)}{(node.Holds ? "[x]" : "[ ]")} {SafeText.Show(node.Text, LongestNote)}{note}");
        foreach (RuleExplanation part in node.Parts) WriteTree(output, part, depth + 1);
    }

    /// <summary>The lines that decided it, in one sentence each.</summary>
    public static void WriteReasons(TextWriter output, RuleExplanation node, string indent)
    {
        foreach (RuleExplanation line in node.Deciding())
        {
            output.WriteLine($"{indent}{(line.Holds ? "true" : "false")}: {SafeText.Show(line.Text, LongestNote)}   {SafeText.Show(line.Note ?? "", LongestNote)}");
        }
    }
}
