namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>Sigma's levels.</summary>
public enum RuleLevel
{
    /// <summary>For context; also what a rule without a level has.</summary>
    Informational,

    /// <summary>Notable.</summary>
    Low,

    /// <summary>To be looked at.</summary>
    Medium,

    /// <summary>To be looked at soon.</summary>
    High,

    /// <summary>To be looked at now.</summary>
    Critical,
}
