using BenchmarkDotNet.Attributes;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Benchmarks.Suite;

/// <summary>One line to one event. Each time the line is copied first, because values are unescaped where they stand; <see cref="CopyAlone"/> says what that costs.</summary>
public class DecoderBenchmarks
{
    readonly SysmonDecoder _decoder = new();
    readonly SysmonEvent _event = new();
    byte[] _line = [];
    byte[] _buffer = [];
    LogRecord _record;

    /// <summary>One of each event id, and one of each kind of damage.</summary>
    [Params(
        "iso-event-001", "iso-event-003", "iso-event-004", "iso-event-005", "iso-event-009", "iso-event-010", "iso-event-011", "iso-event-016", "iso-event-023", "iso-event-100",
        "cut-in-value", "cut-in-entity", "cut-in-tag", "octal-newline", "illegal-reference", "invalid-utf8", "libxml2-quotes")]
    public string Sample { get; set; } = "";

    /// <summary>Reads the line.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        _line = Samples.Line(Sample);
        _buffer = new byte[_line.Length + 64];
        _record = new LogRecord(new Slice(0, _line.Length), RecordOrigin.File, 0);
        if (Decode() != DecodeOutcome.Event) throw new InvalidOperationException($"{Sample} is no event.");
    }

    /// <summary>Header and event.</summary>
    [Benchmark]
    public DecodeOutcome Decode()
    {
        _line.CopyTo(_buffer, 0);
        return _decoder.Decode(_buffer, _record, _event, out _);
    }

    /// <summary>What of it is only the benchmark's.</summary>
    [Benchmark(Baseline = true)]
    public void CopyAlone() => _line.CopyTo(_buffer, 0);
}
