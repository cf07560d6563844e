using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
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
        long unbelieved = 0;
        using var input = new InputFiles(files, errors);
        using var lines = new MemoryStream();
        // What could act on a terminal is escaped all the same; only <, > and & are left readable.
        using var json = new Utf8JsonWriter(lines, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
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
            Flush(lines, output);
        }
        if (unbelieved > 0) errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{unbelieved:N0} lines hold a second event that nothing says Sysmon wrote; it was left out."));
        return input.WasDamaged ? ExitCodes.NoInput : ExitCodes.Success;

        void Write(SysmonEvent decoded)
        {
            DecodedEventJson.Write(json, decoded);
            json.Flush();
            json.Reset();
            lines.WriteByte((byte)'\n');
            if (lines.Length >= FlushAt) Flush(lines, output);
        }
    }

    static void Flush(MemoryStream lines, Stream output)
    {
        output.Write(lines.GetBuffer(), 0, (int)lines.Length);
        output.Flush();
        lines.SetLength(0);
    }
}
