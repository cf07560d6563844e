using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>What a <see cref="ProgramNode"/> does.</summary>
enum NodeKind : byte
{
    /// <summary>Asks an atom.</summary>
    Atom,

    /// <summary>All children.</summary>
    All,

    /// <summary>Any child.</summary>
    Any,

    /// <summary>Not its only child.</summary>
    Not,
}

/// <summary>A node of a rule's condition in a program.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="First">The atom, or the place of its first child in <see cref="RuleProgram.Children"/>.</param>
/// <param name="Count">How many children.</param>
readonly record struct ProgramNode(NodeKind Kind, int First, int Count);

/// <summary>
/// One line of any number of rules: a field and values of which any may match. Rules that say the same share it.
/// </summary>
/// <param name="Field">The field; unknown for keywords.</param>
/// <param name="Gated">Tests that can only be true where the scanner reported something for this atom.</param>
/// <param name="Ungated">Tests that the scanner knows nothing of.</param>
/// <param name="AsWritten">True where it stands under a negation and a repair could make it true: then only the values that Sysmon wrote count.</param>
/// <param name="Triggers">Rules (as positions in <see cref="RuleProgram.Rules"/>) that are looked at where this atom may be true.</param>
/// <param name="Late">The late scanner that looks for its literals; -1 where a scanner of every event does, or none.</param>
sealed record Atom(Events.FieldId Field, ValueTest[] Gated, ValueTest[] Ungated, bool AsWritten, int[] Triggers, int Late);

/// <summary>The rules of one kind of event, compiled. Immutable; runs of it are <see cref="ProgramRun"/>.</summary>
/// <param name="Rules">Positions in the rule set, ascending.</param>
/// <param name="Roots">The root node of each rule.</param>
/// <param name="Nodes">All nodes.</param>
/// <param name="Children">Children of nodes.</param>
/// <param name="Atoms">All atoms.</param>
/// <param name="Scanners">One for each field that literals are looked for in, for those that can make a rule a candidate.</param>
/// <param name="LateScanners">One for each field with other literals: run when a candidate asks for one of them.</param>
/// <param name="Keywords">The scanner of all fields; null where no rule has keywords.</param>
/// <param name="Always">Bits of the rules that no report can rule out.</param>
sealed record RuleProgram(
    int[] Rules, int[] Roots, ProgramNode[] Nodes, int[] Children, Atom[] Atoms, FieldScanner[] Scanners,
    FieldScanner[] LateScanners, FieldScanner? Keywords, ulong[] Always);
