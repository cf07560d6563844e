namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>Where events come from, as Sigma names it. Immutable.</summary>
/// <param name="Category">Kind of event, e.g. <c>process_creation</c>; null: not stated.</param>
/// <param name="Product">Product, e.g. <c>linux</c>; null: not stated.</param>
/// <param name="Service">Service, e.g. <c>sysmon</c>; null: not stated.</param>
/// <remarks>Source: Sigma specification 2.1, "Log source". Its <c>definition</c> is for people and is not kept.</remarks>
public sealed record LogSource(string? Category, string? Product, string? Service)
{
    /// <summary>States nothing: as a rule's log source it takes every event.</summary>
    public static LogSource Any { get; } = new(null, null, null);

    /// <summary>
    /// True where a rule with this log source takes events of that one: every key that the rule states must be equal. Upper and lower case are
    /// the same, so that <c>product: Linux</c> does not silence a rule.
    /// </summary>
    public bool Takes(LogSource source) =>
        Takes(Category, source.Category) && Takes(Product, source.Product) && Takes(Service, source.Service);

    /// <inheritdoc/>
    public override string ToString()
    {
        string[] stated = [.. Stated("category", Category), .. Stated("product", Product), .. Stated("service", Service)];
        return stated.Length == 0 ? "any" : string.Join(", ", stated);
    }

    static bool Takes(string? rule, string? source) => rule is null || string.Equals(rule, source, StringComparison.OrdinalIgnoreCase);

    static IEnumerable<string> Stated(string key, string? value) => value is null ? [] : [$"{key}: {value}"];
}
