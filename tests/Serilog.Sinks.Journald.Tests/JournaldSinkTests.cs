using Serilog.Core;
using Serilog.Events;
using SysmonWatch.Tests.Shared;

namespace Serilog.Sinks.Journald.Tests;

public sealed class JournaldSinkTests : IDisposable
{
    readonly FakeJournal _journal = new();

    public void Dispose() => _journal.Dispose();

    [Fact]
    public void Writes_a_log_event_as_one_entry()
    {
        using Logger logger = Logger(syslogIdentifier: "testing", facility: SyslogFacility.Daemon);

        logger.ForContext("SourceContext", "My.Class").Warning("{Sink} did not take {Count} alerts.", "slack", 3);

        Assert.Equal(
            [
                "MESSAGE=slack did not take 3 alerts.", "PRIORITY=4", "SYSLOG_IDENTIFIER=testing", "SYSLOG_FACILITY=3",
                "COUNT=3", "LOGGER=My.Class", "SINK=slack",
            ],
            SortedTail(_journal.Receive().Fields.Select(field => field.ToString()), 4));
    }

    [Theory]
    [InlineData(LogEventLevel.Verbose, "7")]
    [InlineData(LogEventLevel.Debug, "7")]
    [InlineData(LogEventLevel.Information, "6")]
    [InlineData(LogEventLevel.Warning, "4")]
    [InlineData(LogEventLevel.Error, "3")]
    [InlineData(LogEventLevel.Fatal, "2")]
    public void Gives_each_level_its_priority(LogEventLevel level, string priority)
    {
        using Logger logger = Logger();

        logger.Write(level, "x");

        Assert.Equal([priority], _journal.Receive()["PRIORITY"]);
    }

    [Fact]
    public void Says_what_an_exception_was_in_the_message_and_in_fields()
    {
        using Logger logger = Logger();

        logger.Error(new InvalidOperationException("two\nPRIORITY=0"), "It failed.");

        ReceivedEntry entry = _journal.Receive();
        Assert.Equal(["It failed. (InvalidOperationException: two\nPRIORITY=0)"], entry["MESSAGE"]);
        Assert.Equal(["System.InvalidOperationException"], entry["EXCEPTION_TYPE"]);
        Assert.Equal(["two\nPRIORITY=0"], entry["EXCEPTION_MESSAGE"]);
        Assert.StartsWith("System.InvalidOperationException: two\n", Assert.Single(entry["EXCEPTION"]), StringComparison.Ordinal);
        Assert.Equal(["3"], entry["PRIORITY"]);
    }

    [Fact]
    public void Keeps_the_exception_out_of_the_message_where_the_template_has_it()
    {
        using Logger logger = new LoggerConfiguration()
            .WriteTo.Journald(outputTemplate: "{Level}: {Message}|{Exception}", socketPath: _journal.SocketPath)
            .CreateLogger();

        logger.Error(new InvalidOperationException("why"), "It failed.");

        Assert.StartsWith("Error: It failed.|System.InvalidOperationException: why", Assert.Single(_journal.Receive()["MESSAGE"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Writes_each_kind_of_property()
    {
        using Logger logger = Logger(fieldPrefix: "P_");

        logger.Information(
            "{None}{Yes}{Half}{When}{List}{@Shape}",
            null, true, 0.5, new DateTimeOffset(2026, 11, 24, 1, 2, 3, TimeSpan.Zero), new[] { "a", "b" }, new { X = 1, Y = "two" });

        ReceivedEntry entry = _journal.Receive();
        Assert.Equal(["null"], entry["P_NONE"]);
        Assert.Equal(["true"], entry["P_YES"]);
        Assert.Equal(["0.5"], entry["P_HALF"]);
        Assert.Equal(["2026-11-24T01:02:03.0000000+00:00"], entry["P_WHEN"]);
        Assert.Equal(["a", "b"], entry["P_LIST"]);
        Assert.Equal(["""{"X":1,"Y":"two"}"""], entry["P_SHAPE"]);
    }

    [Fact]
    public void Makes_up_no_message_id()
    {
        using Logger logger = new LoggerConfiguration()
            .WriteTo.Journald(fieldNames: new Dictionary<string, string> { ["MessageId"] = "MESSAGE_ID" }, socketPath: _journal.SocketPath)
            .CreateLogger();

        logger.ForContext("MessageId", "12").ForContext("EventId", 3002).Information("x");
        logger.ForContext("MessageId", "0123456789abcdef0123456789abcdef").Information("x");

        Assert.Empty(_journal.Receive()["MESSAGE_ID"]);
        Assert.Equal(["0123456789abcdef0123456789abcdef"], _journal.Receive()["MESSAGE_ID"]);
    }

    [Fact]
    public void Leaves_out_and_counts_properties_beyond_what_journald_takes()
    {
        using Logger logger = Logger();

        ILogger many = logger;
        for (int i = 0; i < 1500; i++) many = many.ForContext($"P{i}", i);
        many.Information("x");

        ReceivedEntry entry = _journal.Receive();
        Assert.InRange(entry.Fields.Count, 900, JournalEntry.MaxFields);
        Assert.Equal(1500, entry.Fields.Count(field => field.Name[0] == 'P' && char.IsAsciiDigit(field.Name[1])) + int.Parse(Assert.Single(entry["PROPERTIES_OMITTED"]), null));
    }

    [Fact]
    public void Writes_only_what_the_level_lets_through()
    {
        using Logger logger = new LoggerConfiguration()
            .WriteTo.Journald(restrictedToMinimumLevel: LogEventLevel.Error, socketPath: _journal.SocketPath)
            .CreateLogger();

        logger.Warning("not this");
        logger.Error("this");

        Assert.Equal(["this"], _journal.Receive()["MESSAGE"]);
        Assert.False(_journal.HasMore);
    }

    [Fact]
    public void Tells_the_failure_listener_what_was_not_written_and_does_not_throw()
    {
        FailureList failures = new();
        using JournaldSink sink = new(new() { Client = new() { SocketPath = _journal.SocketPath } });
        sink.SetFailureListener(failures);
        using Logger logger = new LoggerConfiguration().WriteTo.Sink(sink).CreateLogger();

        logger.Write(new LogEvent(default, LogEventLevel.Error, null, MessageTemplate.Empty, [new("Bad", new Thrower())]));
        _journal.Stop();
        logger.Information("lost");

        Assert.Equal(
            [
                "log event could not be made into a journal entry",
                "journal entry not written: journald is not listening (No such file or directory)",
            ],
            failures.Messages);
    }

    [Fact]
    public void Does_not_wait_again_while_journald_stands_still()
    {
        FailureList failures = new();
        using JournaldSink sink = new(new() { Client = new() { SocketPath = _journal.SocketPath, Wait = TimeSpan.FromMilliseconds(20) } });
        sink.SetFailureListener(failures);
        using Logger logger = new LoggerConfiguration().WriteTo.Sink(sink).CreateLogger();

        int sent = 0;
        while (failures.Messages.Count == 0 && ++sent < 10_000) logger.Information("x");
        for (int i = 0; i < 2000; i++) logger.Information("x");

        // With a wait for each this would take 40 seconds.
        Assert.Equal(2001, failures.Messages.Count);
        _journal.Receive();
        logger.Information("there again");
        Assert.Equal(2001, failures.Messages.Count);
    }

    Logger Logger(string? syslogIdentifier = null, SyslogFacility? facility = null, string fieldPrefix = "") => new LoggerConfiguration()
        .MinimumLevel.Verbose()
        .WriteTo.Journald(syslogIdentifier, facility, fieldPrefix, socketPath: _journal.SocketPath)
        .CreateLogger();

    static string[] SortedTail(IEnumerable<string> fields, int keep)
    {
        string[] all = [.. fields];
        return [.. all[..keep], .. all[keep..].Order(StringComparer.Ordinal)];
    }

    sealed class Thrower : LogEventPropertyValue
    {
        public override void Render(TextWriter output, string? format = null, IFormatProvider? formatProvider = null) =>
            throw new InvalidOperationException("no text");
    }

    sealed class FailureList : ILoggingFailureListener
    {
        public List<string> Messages { get; } = [];

        public void OnLoggingFailed(
            object sender, LoggingFailureKind kind, string message, IReadOnlyCollection<LogEvent>? events, Exception? exception) => Messages.Add(message);
    }
}
