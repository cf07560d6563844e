using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Services.Generic;
using SysmonWatch.Daemon.Delivery.Services.Slack;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Daemon.Delivery.Webhooks;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>From the configuration to those who are told.</summary>
static class WebhookRoutes
{
    /// <summary>A route for each configured webhook, in their order.</summary>
    public static IEnumerable<AlertRoute> From(IEnumerable<WebhookOptions> webhooks, TimeProvider time) =>
        webhooks.Select(webhook => new AlertRoute(Sink(webhook, time), webhook.MinimumLevel, webhook.Retry));

    static IAlertSink Sink(WebhookOptions webhook, TimeProvider time) =>
        webhook.Unusable is { } problem ? new UnusableSink(webhook.Name, problem) : new WebhookSink(webhook, Body(webhook.Type), time);

    static IWebhookBody Body(WebhookType type) => type switch
    {
        WebhookType.Slack => new SlackBody(),
        _ => new GenericBody(),
    };
}
