using System.Diagnostics.Metrics;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

/// <summary>What somebody who listens to the daemon's meter gets.</summary>
static class Metrics
{
    /// <summary><c>name{tag=value,…} number</c>, in order.</summary>
    public static string[] Of(Counters counters) => [.. Listen(counters, null).Order(StringComparer.Ordinal)];

    /// <summary>The instruments there are.</summary>
    public static Instrument[] InstrumentsOf(Counters counters)
    {
        List<Instrument> instruments = [];
        Listen(counters, instruments);
        return [.. instruments];
    }

    static List<string> Listen(Counters counters, List<Instrument>? instruments)
    {
        List<string> measured = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                // Other tests have daemons of their own in this process.
                if (!ReferenceEquals(instrument.Meter, counters.Meter)) return;
                instruments?.Add(instrument);
                listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            List<string> said = [];
            foreach (KeyValuePair<string, object?> tag in tags) said.Add($"{tag.Key}={tag.Value}");
            measured.Add($"{instrument.Name}{(said.Count > 0 ? $"{{{string.Join(',', said)}}}" : "")} {value}");
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return measured;
    }
}
