namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>What a Sigma document says about itself. Immutable.</summary>
/// <param name="Id">The rule's id; its name or title where it has none. Unique in a rule set.</param>
/// <param name="Name">The name by which correlations may refer to it; null where it has none.</param>
/// <param name="Title">For people.</param>
/// <param name="Level">Level; informational where the rule has none.</param>
/// <param name="Author">As written; DRL 1.1 asks that messages keep it. Empty where the rule has none.</param>
/// <param name="Description">For people; empty where the rule has none.</param>
/// <param name="Tags">As written, e.g. <c>attack.t1485</c>.</param>
/// <param name="Status">As written; empty where the rule has none.</param>
/// <param name="References">As written.</param>
/// <param name="FalsePositives">As written.</param>
/// <param name="File">The file it came from.</param>
/// <param name="Line">The line its document starts at, from 1.</param>
public sealed record RuleMetadata(
    string Id,
    string? Name,
    string Title,
    RuleLevel Level,
    string Author,
    string Description,
    IReadOnlyList<string> Tags,
    string Status,
    IReadOnlyList<string> References,
    IReadOnlyList<string> FalsePositives,
    string File,
    int Line);
