namespace SysmonWatch.SystemTests.Containers;

/// <summary>What arrived at the webhook.</summary>
/// <param name="Path">What follows host and port in the URL.</param>
/// <param name="ContentType">The header of that name; empty where it was not sent.</param>
/// <param name="AlertId">The header X-SysmonWatch-Alert-Id; null where it was not sent.</param>
/// <param name="Body">As text.</param>
sealed record WebhookRequest(string Path, string ContentType, string? AlertId, string Body);
