using System.Globalization;
using Serilog.Events;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;

namespace Serilog.Sinks.Journald;

/// <summary>Which fields a log event becomes. Immutable and thread-safe.</summary>
sealed class LogEventMapping
{
    /// <summary>Up to so many elements a list of plain values becomes one field each; a longer one is a single field of JSON.</summary>
    const int MaxRepeats = 64;

    static readonly JsonValueFormatter Json = new(typeTagName: null);

    readonly JournaldSinkOptions _options;
    readonly IFormatProvider _formats;
    readonly FieldNaming _naming;
    readonly MessageTemplateTextFormatter _message;
    readonly bool _templateHasException;

    public LogEventMapping(JournaldSinkOptions options)
    {
        _options = options;
        _formats = options.FormatProvider ?? CultureInfo.InvariantCulture;
        _naming = new FieldNaming(options.FieldPrefix, options.FieldNames);
        _message = new MessageTemplateTextFormatter(options.OutputTemplate, _formats);
        _templateHasException = options.OutputTemplate.Contains("{Exception", StringComparison.Ordinal);
    }

    /// <summary>Fills an empty entry. Properties that would make it longer than journald takes are left out and counted in PROPERTIES_OMITTED.</summary>
    public void Fill(JournalEntry entry, LogEvent logEvent)
    {
        entry.Add("MESSAGE", Message(logEvent));
        entry.Add("PRIORITY", Priority(logEvent.Level));
        entry.Add("SYSLOG_IDENTIFIER", _options.SyslogIdentifier);
        if (_options.Facility is { } facility) entry.Add("SYSLOG_FACILITY", (int)facility);
        if (logEvent.Exception is { } exception)
        {
            entry.Add("EXCEPTION_TYPE", exception.GetType().FullName ?? exception.GetType().Name);
            entry.Add("EXCEPTION_MESSAGE", exception.Message);
            entry.Add("EXCEPTION", exception.ToString());
        }
        if (logEvent.TraceId is { } trace) entry.Add("TRACE_ID", trace.ToHexString());
        if (logEvent.SpanId is { } span) entry.Add("SPAN_ID", span.ToHexString());

        int omitted = 0;
        foreach ((string property, LogEventPropertyValue value) in logEvent.Properties)
        {
            if (entry.FieldCount + MaxRepeats + 1 > JournalEntry.MaxFields) omitted++;
            else Add(entry, _naming.FieldFor(property), value);
        }
        if (omitted > 0) entry.Add("PROPERTIES_OMITTED", omitted);
    }

    /// <remarks>Source: the severities of RFC 5424 and sd-daemon(3); 5 (notice) has no counterpart here.</remarks>
    static int Priority(LogEventLevel level) => level switch
    {
        LogEventLevel.Fatal => 2,
        LogEventLevel.Error => 3,
        LogEventLevel.Warning => 4,
        LogEventLevel.Information => 6,
        _ => 7,
    };

    string Message(LogEvent logEvent)
    {
        using StringWriter text = new(_formats);
        _message.Format(logEvent, text);
        if (logEvent.Exception is { } exception && !_templateHasException)
        {
            // journalctl shows MESSAGE and nothing else: without this the reader sees that something failed and not why.
            text.Write($" ({exception.GetType().Name}: {exception.Message})");
        }
        return text.ToString();
    }

    void Add(JournalEntry entry, string field, LogEventPropertyValue value)
    {
        switch (value)
        {
            case ScalarValue scalar:
                AddScalar(entry, field, scalar);
                break;

            // What Microsoft.Extensions.Logging's event ids become: with the number alone journalctl can ask for it.
            case StructureValue { Properties: [{ Name: "Id", Value: ScalarValue number }, { Name: "Name", Value: ScalarValue name }] }
                when field.EndsWith("EVENT_ID", StringComparison.Ordinal):
                AddScalar(entry, field, number);
                AddScalar(entry, FieldNaming.Cut(field + "_NAME"), name);
                break;
            case StructureValue { Properties: [{ Name: "Id", Value: ScalarValue number }] } when field.EndsWith("EVENT_ID", StringComparison.Ordinal):
                AddScalar(entry, field, number);
                break;
            case SequenceValue sequence when sequence.Elements.Count <= MaxRepeats && sequence.Elements.All(element => element is ScalarValue):
                foreach (LogEventPropertyValue element in sequence.Elements) AddScalar(entry, field, (ScalarValue)element);
                break;
            default:
                using (StringWriter text = new(CultureInfo.InvariantCulture))
                {
                    Json.Format(value, text);
                    entry.Add(field, text.ToString());
                }
                break;
        }
    }

    void AddScalar(JournalEntry entry, string field, ScalarValue scalar)
    {
        string text = scalar.Value switch
        {
            null => "null",
            string plain => plain,
            bool yes => yes ? "true" : "false",
            DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
            DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
            IFormattable formattable => formattable.ToString(null, _formats),
            object other => other.ToString() ?? "",
        };

        // journald takes any MESSAGE_ID, but journalctl and the catalog only know 128 bits: none is made up here.
        if (field == "MESSAGE_ID" && !(text.Length == 32 && text.All(char.IsAsciiHexDigit))) return;
        entry.Add(field, text);
    }
}
