using System.CommandLine;
using System.Text.Json;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Commands.Replay;

/// <summary><c>sysmonwatch decode FILE…</c>: every Sysmon event as a line of JSON.</summary>
static class DecodeCommand
{
    const int FlushAt = 64 * 1024;

    public static Command Create()
    {
        Argument<string[]> files = SharedOptions.Files();
        var command = new Command("decode", "Print every Sysmon event of log files as JSON, one a line, copies and forged ones too.") { files };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(files), Console.OpenStandardOutput(), Console.Error));
        return command;
    }

    public static int Run(IReadOnlyList<string> files, Stream output, TextWriter errors)
    {
        if (InputFiles.FindProblem(files) is { } problem)
        {
            errors.WriteLine(problem);
            return ExitCodes.NoInput;
        }
        var decoder = new SysmonDecoder();
        var decoded = new SysmonEvent();
        var records = new RecordBatch();
        long unbelieved = 0, events = 0, lines = 0;
        bool isBinary = false;
        using var input = new InputFiles(files, errors);
        using var printed = new MemoryStream();
        using var json = new Utf8JsonWriter(printed, new JsonWriterOptions { Encoder = SafeJsonEncoder.Instance, SkipValidation = true });
        while (input.TryRead(records))
        {
            foreach (LogRecord record in records.Records)
            {
                for (LogRecord? next = record; next is { } line; next = decoder.Glued)
                {
                    if (decoder.Decode(records.Buffer, line, decoded, out _) == DecodeOutcome.Event) Write(decoded);
                    if (decoder.HasUnbelieved) unbelieved++;
                }
            }
            Flush(printed, output);
            lines += records.Records.Count;
            isBinary |= events == 0 && records.Buffer.AsSpan(0, records.Length).Contains((byte)0);
        }
        if (unbelieved > 0) errors.WriteLine($"{Wording.Count(unbelieved, "second event")} within the line of another, which nothing says Sysmon wrote, left out.");
        if (events > 0) return input.WasDamaged ? ExitCodes.NoInput : ExitCodes.Success;
        string named = string.Join(", ", files);
        errors.WriteLine(isBinary ? $"{named}: this is no log but binary data; expected syslog, or what journalctl prints with -o export or -o json."
            : $"{named}: no Sysmon event in {Wording.Count(lines, "line")}.");
        return input.WasDamaged || isBinary ? ExitCodes.NoInput : ExitCodes.Success;

        void Write(SysmonEvent decoded)
        {
            events++;
            DecodedEventJson.Write(json, decoded);
            json.Flush();
            json.Reset();
            printed.WriteByte((byte)'\n');
            if (printed.Length >= FlushAt) Flush(printed, output);
        }
    }

    static void Flush(MemoryStream printed, Stream output)
    {
        output.Write(printed.GetBuffer(), 0, (int)printed.Length);
        output.Flush();
        printed.SetLength(0);
    }
}
