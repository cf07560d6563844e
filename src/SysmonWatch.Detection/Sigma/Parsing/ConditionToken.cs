namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>A word or parenthesis of a condition.</summary>
/// <param name="Text">Itself; empty at the end.</param>
/// <param name="At">Its place in the condition, from 0.</param>
readonly record struct ConditionToken(string Text, int At)
{
    /// <summary>True at the end of the condition.</summary>
    public bool IsEnd => Text.Length == 0;

    /// <summary>The words and parentheses of a condition, and the end.</summary>
    public static List<ConditionToken> Split(string condition)
    {
        var tokens = new List<ConditionToken>();
        for (int at = 0; at < condition.Length;)
        {
            char c = condition[at];
            if (char.IsWhiteSpace(c))
            {
                at++;
                continue;
            }
            int start = at++;
            if (c is not ('(' or ')' or '|'))
            {
                while (at < condition.Length && !char.IsWhiteSpace(condition[at]) && condition[at] is not ('(' or ')' or '|')) at++;
            }
            tokens.Add(new ConditionToken(condition[start..at], start));
        }
        tokens.Add(new ConditionToken("", condition.Length));
        return tokens;
    }
}
