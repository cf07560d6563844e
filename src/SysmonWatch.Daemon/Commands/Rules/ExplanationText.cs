using Spectre.Console;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Explaining;

namespace SysmonWatch.Daemon.Commands.Rules;

/// <summary>Writes an explanation for people: a tree, a tick before what is true.</summary>
static class ExplanationText
{
    const int LongestNote = 400;

    public static void WriteTree(TextWriter output, RuleExplanation explanation)
    {
        var tree = new Tree(Line(explanation));
        Add(tree, explanation);
        Terminal.On(output).Write(tree);
    }

    /// <summary>The lines that decided it, in one sentence each.</summary>
    public static void WriteReasons(TextWriter output, RuleExplanation node, string indent)
    {
        foreach (RuleExplanation line in node.Deciding())
        {
            output.WriteLine($"{indent}{(line.Holds ? "true" : "false")}: {SafeText.Show(line.Text, LongestNote)}   {SafeText.Show(line.Note ?? "", LongestNote)}");
        }
    }

    static void Add(IHasTreeNodes to, RuleExplanation explanation)
    {
        foreach (RuleExplanation part in explanation.Parts) Add(to.AddNode(Line(part)), part);
    }

    static Markup Line(RuleExplanation node)
    {
        string note = node.Note is { Length: > 0 } text ? $"   {SafeText.Show(text, LongestNote)}" : "";
        return new Markup($"{(node.Holds ? Terminal.Styled("green", "[x]") : Terminal.Styled("red", "[ ]"))} {Terminal.Safe(SafeText.Show(node.Text, LongestNote) + note)}");
    }
}
