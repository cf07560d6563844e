using System.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>Compiles rules into a program.</summary>
/// <param name="set">The rule set.</param>
/// <param name="rules">The rules to compile, as positions in the set, ascending.</param>
sealed class ProgramBuilder(RuleSet set, int[] rules)
{
    /// <summary>Bytes from which on a length says something: most values are shorter.</summary>
    const int FewValuesAreAsLong = 32;

    sealed class Draft(FieldId field, bool asWritten)
    {
        public bool AsWritten { get; } = asWritten;

        public FieldId Field { get; } = field;

        public List<ValueTest> Gated { get; } = [];

        public List<ValueTest> Ungated { get; } = [];

        public List<int> Triggers { get; } = [];

        /// <summary>What the field's scanner looks for on its behalf.</summary>
        public FieldPlan Plan { get; } = new();

        /// <summary>Roughly how many of a thousand events make the scanner report something for it.</summary>
        public double Cost { get; set; }
    }

    readonly List<Draft> _atoms = [];
    readonly Dictionary<string, int> _atomsByKey = new(StringComparer.Ordinal);
    readonly List<ProgramNode> _nodes = [];
    readonly List<int> _children = [];

    /// <summary>Compiles the rules.</summary>
    public static RuleProgram Build(RuleSet set, int[] rules) => new ProgramBuilder(set, rules).Build();

    RuleProgram Build()
    {
        int[] roots = new int[rules.Length];
        var choices = new WitnessChoice?[rules.Length];
        ulong[] always = new ulong[(rules.Length + 63) / 64];
        for (int i = 0; i < rules.Length; i++)
        {
            (roots[i], choices[i]) = Node(set.Rules[rules[i]].Condition, negative: false);
            if (choices[i] is null) always[i / 64] |= 1UL << i;
        }
        IReadOnlyList<int>[] witnesses = WitnessChoice.Choose(choices, atom => (_atoms[atom].Field, _atoms[atom].Cost));
        for (int i = 0; i < rules.Length; i++)
        {
            foreach (int atom in witnesses[i]) _atoms[atom].Triggers.Add(i);
        }
        // Only what can make a rule a candidate is looked for in every event. The rest of a field's literals is looked for when a candidate asks.
        var eager = new Dictionary<FieldId, FieldPlan>();
        var late = new Dictionary<FieldId, FieldPlan>();
        foreach (Draft draft in _atoms)
        {
            if (draft.Plan.IsEmpty) continue;
            Dictionary<FieldId, FieldPlan> plans = draft.Triggers.Count > 0 || !draft.Field.IsKnown ? eager : late;
            if (!plans.TryGetValue(draft.Field, out FieldPlan? plan)) plans[draft.Field] = plan = new FieldPlan();
            plan.Add(draft.Plan, takesRepairs: !draft.AsWritten);
        }
        FieldId[] lateFields = [.. late.Keys];
        Atom[] atoms = [.. _atoms.Select(a => new Atom(a.Field, [.. a.Gated], [.. a.Ungated], a.AsWritten, [.. a.Triggers.Distinct()], LateScanner(a)))];
        FieldScanner[] scanners = [.. eager.Where(p => p.Key.IsKnown).Select(p => new FieldScanner(p.Key, p.Value))];
        FieldScanner[] lateScanners = [.. lateFields.Select(field => new FieldScanner(field, late[field]))];
        FieldScanner? keywords = eager.TryGetValue(FieldId.Unknown, out FieldPlan? words) ? new FieldScanner(FieldId.Unknown, words) : null;
        return new RuleProgram(rules, roots, [.. _nodes], [.. _children], atoms, scanners, lateScanners, keywords, always);

        int LateScanner(Draft draft) => draft.Triggers.Count > 0 || draft.Plan.IsEmpty ? -1 : Array.IndexOf(lateFields, draft.Field);
    }

    (int Node, WitnessChoice? Witness) Node(RuleNode node, bool negative)
    {
        switch (node)
        {
            case RuleNode.Selection selection:
                return Node(selection.Body, negative);
            case RuleNode.Not not:
                return (Add(NodeKind.Not, [Node(not.Part, !negative).Node]), null);
            case RuleNode.All all:
                return All([.. all.Parts.Select(part => Node(part, negative))]);
            case RuleNode.Any any:
                return Any([.. any.Parts.Select(part => Node(part, negative))]);
            case RuleNode.Item item:
                bool asWritten = negative != item.Negated;
                (int inner, WitnessChoice? witness) = item.NeedsAll ? All([.. item.Values.Select(v => Atom(item.Field, [v], asWritten))]) : Atom(item.Field, item.Values, asWritten);
                return item.Negated ? (Add(NodeKind.Not, [inner]), null) : (inner, witness);
            default:
                throw new InvalidOperationException(node.GetType().Name);
        }
    }

    /// <summary>What the scanner decides is asked first: it costs nothing and spares the rest.</summary>
    (int, WitnessChoice?) All((int Node, WitnessChoice? Witness)[] parts)
    {
        if (parts.Length == 1) return parts[0];
        Array.Sort(parts, (a, b) => (a.Witness?.Cost ?? double.MaxValue).CompareTo(b.Witness?.Cost ?? double.MaxValue));
        return (Add(NodeKind.All, parts.Select(p => p.Node)), WitnessChoice.OneOf(parts.Select(p => p.Witness)));
    }

    (int, WitnessChoice?) Any((int Node, WitnessChoice? Witness)[] parts)
    {
        if (parts.Length == 1) return parts[0];
        return (Add(NodeKind.Any, parts.Select(p => p.Node)), WitnessChoice.AllOf([.. parts.Select(p => p.Witness)]));
    }

    int Add(NodeKind kind, IEnumerable<int> children)
    {
        int first = _children.Count;
        _children.AddRange(children);
        _nodes.Add(new ProgramNode(kind, first, _children.Count - first));
        return _nodes.Count - 1;
    }

    (int, WitnessChoice?) Atom(FieldId field, IReadOnlyList<ItemValue> values, bool asWritten)
    {
        ValueTest[] tests = [.. values.SelectMany(v => Flatten(v.Test)).DistinctBy(t => t.Key)];
        asWritten = asWritten && (RepairedValues.Concern(field) || tests.Any(t => t is FieldReferenceTest));
        string key = $"{field.Value} {asWritten}\n{string.Join('\n', tests.Select(t => t.Key).Order(StringComparer.Ordinal))}";
        if (!_atomsByKey.TryGetValue(key, out int atom))
        {
            atom = _atoms.Count;
            _atomsByKey[key] = atom;
            var draft = new Draft(field, asWritten);
            _atoms.Add(draft);
            foreach (ValueTest test in tests) Plan(draft, atom, test);
        }
        _nodes.Add(new ProgramNode(NodeKind.Atom, atom, 0));
        return (_nodes.Count - 1, _atoms[atom].Ungated.Count > 0 ? null : new WitnessChoice.Single(atom, _atoms[atom].Cost));
    }

    static IEnumerable<ValueTest> Flatten(ValueTest test) => test is AnyTest any ? any.Variants.SelectMany(Flatten) : [test];

    /// <summary>Gives the scanner as much of a test as it can decide; what it cannot is asked afterwards.</summary>
    static void Plan(Draft draft, int atom, ValueTest test)
    {
        FieldPlan plan = draft.Plan;
        switch (test)
        {
            case TextTest { Shape: TextShape.Anything }:
                plan.Present.Add(Decides(atom));
                draft.Cost += 1000;
                break;
            case TextTest { Shape: not TextShape.Glob } text when text.Literal.Length > 0 && !text.Cased:
                Look(plan, text.Shape, text.Literal, Decides(atom), draft);
                break;
            case TextTest { Shape: not TextShape.Glob } text when text.Literal.Length > 0:
                Look(plan, text.Shape, CaseFolding.Fold(text.Literal), Asks(atom), draft);
                draft.Gated.Add(test);
                break;
            case TextTest { Shape: TextShape.Equal }:
                plan.Wholes.Add(([], Decides(atom)));
                draft.Cost += 1;
                break;
            case TextTest text when text.LongestLiteral is { Length: > 0 } literal:
                Look(plan, TextShape.Contains, text.Cased ? CaseFolding.Fold(literal) : literal, Asks(atom), draft);
                draft.Gated.Add(test);
                break;
            case RegexTest regex when RegexLiteral.Find(regex.Pattern) is { Count: > 0 } literals:
                foreach (string literal in literals) Look(plan, TextShape.Contains, CaseFolding.Fold(Encoding.ASCII.GetBytes(literal)), Asks(atom), draft);
                draft.Gated.Add(test);
                break;
            case RegexTest { Shortest: >= FewValuesAreAsLong } regex:
                plan.Long.Add((regex.Shortest, Asks(atom)));
                draft.Gated.Add(test);
                draft.Cost += 200;
                break;
            case BooleanTest boolean:
                Look(plan, TextShape.Equal, Encoding.ASCII.GetBytes(boolean.Key), Decides(atom), draft);
                break;
            case NumberTest { Canonical: { } canonical } number:
                Look(plan, TextShape.Equal, Encoding.ASCII.GetBytes(canonical), Decides(atom), draft);
                Look(plan, TextShape.Equal, CaseFolding.Fold(Encoding.UTF8.GetBytes(number.Written)), Decides(atom), draft);
                plan.Numbers.Add(Asks(atom));
                draft.Gated.Add(test);
                break;
            default:
                draft.Ungated.Add(test);
                break;
        }
    }

    static void Look(FieldPlan plan, TextShape shape, byte[] literal, int report, Draft draft)
    {
        List<(byte[], int)> list = shape switch
        {
            TextShape.Contains => plan.Contains,
            TextShape.StartsWith => plan.Starts,
            TextShape.EndsWith => plan.Ends,
            _ => plan.Wholes,
        };
        list.Add((literal, report));
        draft.Cost += shape switch
        {
            TextShape.Contains => Math.Min(1000, 60_000 * Math.Pow(0.4, literal.Length)),
            TextShape.StartsWith or TextShape.EndsWith => 2_000 * Math.Pow(0.5, literal.Length),
            _ => 1_000 * Math.Pow(0.5, literal.Length),
        };
    }

    static int Decides(int atom) => atom * 2;

    static int Asks(int atom) => atom * 2 + 1;
}
