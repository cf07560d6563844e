using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>One document of a rule file, with what <c>action: global</c> and <c>repeat</c> brought into it.</summary>
/// <param name="Root">Its content.</param>
/// <param name="Line">The line it starts at, from 1.</param>
/// <param name="IsPartOfCollection">True where other documents of the file share parts of it.</param>
sealed record SigmaDocument(YamlMappingNode Root, int Line, bool IsPartOfCollection);
