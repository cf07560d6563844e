namespace SysmonWatch.SystemTests;

/// <summary>The ids of the shipped rules that the seed malware of scenarios 01a and 01b sets off. Source: deploy/rules/impact.</summary>
static class SeedRules
{
    public const string PowerControlProgramDeleted = "63f595bf-d4f9-4483-bef6-2ba084527c5f";
    public const string ConnectionsToManyDestinations = "3c937722-f9c4-462e-a8a9-642d26222489";
    public const string RebootPreventedThenSpreading = "c032b8b4-2f8e-482a-a611-c2ea76a6d402";
}
