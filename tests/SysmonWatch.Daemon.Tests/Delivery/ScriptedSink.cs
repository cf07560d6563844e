using System.Collections.Concurrent;
using System.Threading.Channels;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Tests.Delivery;

/// <summary>A sink that answers as it was told, and takes everything when it was told nothing more.</summary>
sealed class ScriptedSink(string name, bool takesDigests = false) : IAlertSink
{
    readonly ConcurrentQueue<Func<CancellationToken, ValueTask<DeliveryResult>>> _answers = new();
    readonly Channel<string> _told = Channel.CreateUnbounded<string>();

    public string Name { get; } = name;

    public string Endpoint => "https://sink.example";

    public bool TakesDigests { get; } = takesDigests;

    public ScriptedSink Then(DeliveryOutcome outcome, string reason, TimeSpan? retryAfter = null) => Then(_ => ValueTask.FromResult(new DeliveryResult(outcome, reason, retryAfter)));

    public ScriptedSink Then(Func<CancellationToken, ValueTask<DeliveryResult>> answer)
    {
        _answers.Enqueue(answer);
        return this;
    }

    /// <summary>The next thing it was told, ids divided by commas; waits for it.</summary>
    public ValueTask<string> NextAsync() => _told.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public bool WasToldMore => _told.Reader.TryPeek(out _);

    public ValueTask<DeliveryResult> TellAsync(Alert alert, CancellationToken cancellation) => AnswerAsync(alert.AlertId, cancellation);

    public ValueTask<DeliveryResult> TellDigestAsync(IReadOnlyList<Alert> alerts, CancellationToken cancellation) => AnswerAsync(string.Join(',', alerts.Select(a => a.AlertId)), cancellation);

    async ValueTask<DeliveryResult> AnswerAsync(string what, CancellationToken cancellation)
    {
        DeliveryResult result;
        try
        {
            result = _answers.TryDequeue(out Func<CancellationToken, ValueTask<DeliveryResult>>? answer) ? await answer(cancellation) : DeliveryResult.Told;
        }
        finally
        {
            _told.Writer.TryWrite(what);
        }
        return result;
    }
}
