using BenchmarkDotNet.Attributes;
using SysmonWatch.Benchmarks.Generation;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Benchmarks.Suite;

/// <summary>
/// Lines of a generated log to events with their processes, while as many processes are remembered as may be, so that each new one has another one forgotten. The log
/// comes again and again; by then its processes have long been forgotten. Copying the lines is in it.
/// </summary>
public class ProcessTreeBenchmarks
{
    const int LinesOfABatch = 128;
    const int Batches = 160;
    const int MostProcesses = 1024;

    readonly SysmonDecoder _decoder = new();
    readonly ProcessTree _tree = new(MostProcesses);
    readonly SysmonEvent[] _events = [.. Enumerable.Range(0, LinesOfABatch).Select(_ => new SysmonEvent())];
    readonly List<Slice> _lines = [];
    byte[] _log = [];
    byte[] _buffer = [];
    long _batch;
    int _next;

    /// <summary>True: as the daemon does it, memory of forgotten processes is used again.</summary>
    [Params(true, false)]
    public bool Reuses { get; set; }

    /// <summary>Makes the log, and fills the table.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        using var log = new MemoryStream();
        new LogGenerator(1).Write(log, LinesOfABatch * Batches);
        _log = log.ToArray();
        for (int start = 0; start < _log.Length;)
        {
            int length = _log.AsSpan(start).IndexOf((byte)'\n');
            _lines.Add(new Slice(start, length));
            start += length + 1;
        }
        _buffer = new byte[_lines.Chunk(LinesOfABatch).Max(batch => batch.Sum(line => line.Length)) + 64];
        for (int i = 0; i < 3 * Batches; i++) Decode();
        if (_tree.Evictions < 2 * MostProcesses) throw new InvalidOperationException("The table is not full.");
    }

    /// <summary>A batch; the figures are those of one line.</summary>
    [Benchmark(OperationsPerInvoke = LinesOfABatch)]
    public int Decode()
    {
        if (Reuses) _tree.Begin(++_batch, _batch);
        if (_next + LinesOfABatch > _lines.Count) _next = 0;
        int used = 0, events = 0;
        for (int i = 0; i < LinesOfABatch; i++)
        {
            Slice line = _lines[_next++];
            _log.AsSpan(line.Start, line.Length).CopyTo(_buffer.AsSpan(used));
            SysmonEvent e = _events[i];
            if (_decoder.Decode(_buffer, new LogRecord(new Slice(used, line.Length), RecordOrigin.File, 0), e, out _) == DecodeOutcome.Event)
            {
                _tree.Observe(e);
                events++;
            }
            used += line.Length;
        }
        return events;
    }
}
