using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public sealed class ServiceNotifierTests : IDisposable
{
    readonly ServiceManager _manager = new();
    readonly FakeTimeProvider _time = new();
    readonly ServiceNotifier _notifier;

    public ServiceNotifierTests() => _notifier = new ServiceNotifier(_manager.Address, _time);

    public void Dispose() => _manager.Dispose();

    [Fact]
    public void Sends_each_message_as_systemd_reads_it()
    {
        Assert.Equal(new NotifyResult(NotifyStatus.Sent), _notifier.Ready());
        _notifier.Ready("following /var/log/syslog");
        _notifier.Status("lag 0 B");
        _notifier.Alive();
        _notifier.Stopping();
        _notifier.Stopping("draining");

        Assert.Equal(
            [
                "READY=1", "READY=1\nSTATUS=following /var/log/syslog", "STATUS=lag 0 B", "WATCHDOG=1",
                "STOPPING=1", "STOPPING=1\nSTATUS=draining",
            ],
            Enumerable.Range(0, 6).Select(_ => _manager.Receive()));
    }

    [Fact]
    public void Sends_reloading_and_its_time_in_one_datagram()
    {
        long before = MonotonicMicroseconds();
        new ServiceNotifier(_manager.Address, TimeProvider.System).Reloading();
        long after = MonotonicMicroseconds();

        string[] lines = _manager.Receive().Split('\n');
        Assert.Equal("RELOADING=1", lines[0]);
        Assert.StartsWith("MONOTONIC_USEC=", lines[1], StringComparison.Ordinal);
        Assert.InRange(long.Parse(lines[1]["MONOTONIC_USEC=".Length..], CultureInfo.InvariantCulture), before, after);
    }

    [Fact]
    public void Sends_to_a_name_in_the_abstract_namespace()
    {
        using ServiceManager manager = new(isAbstract: true);

        Assert.StartsWith("@", manager.Address, StringComparison.Ordinal);
        Assert.Equal(NotifyStatus.Sent, new ServiceNotifier(manager.Address, _time).Alive().Status);
        Assert.Equal("WATCHDOG=1", manager.Receive());
    }

    [Fact]
    public void Does_not_let_a_status_make_another_assignment()
    {
        _notifier.Status("a file called\nMAINPID=1\r" + new string('x', 1000));

        string message = _manager.Receive();
        Assert.StartsWith("STATUS=a file called MAINPID=1 xxx", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.Equal("STATUS=".Length + 500, message.Length);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Does_nothing_where_nobody_asked(string? address)
    {
        ServiceNotifier notifier = new(address, _time);

        Assert.False(notifier.IsActive);
        Assert.Equal(new NotifyResult(NotifyStatus.NobodyAsked, "NOTIFY_SOCKET is not set"), notifier.Ready());
    }

    [Theory]
    [InlineData("/nowhere/notify", "NOTIFY_SOCKET /nowhere/notify: ")]
    [InlineData("vsock:2:1234", "NOTIFY_SOCKET is 'vsock:2:1234'; a path or @name is expected")]
    public void Says_why_it_could_not_send(string address, string reason)
    {
        NotifyResult result = new ServiceNotifier(address, _time).Ready();

        Assert.Equal(NotifyStatus.Failed, result.Status);
        Assert.StartsWith(reason, result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_that_the_path_is_too_long_for_a_socket() =>
        Assert.Equal(NotifyStatus.Failed, new ServiceNotifier("/" + new string('x', 300), _time).Ready().Status);

    static long MonotonicMicroseconds()
    {
        long[] now = new long[2];
        Assert.Equal(0, clock_gettime(1, now));
        return (now[0] * 1_000_000) + (now[1] / 1000);
    }

    [DllImport("libc")]
    static extern int clock_gettime(int clock, [Out] long[] time);
}

/// <summary>Listens as systemd does for one service.</summary>
sealed class ServiceManager : IDisposable
{
    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("notify-");
    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public ServiceManager(bool isAbstract = false)
    {
        string path = Path.Combine(_directory.FullName, "notify");
        Address = isAbstract ? '@' + path : path;
        _socket.Bind(new UnixDomainSocketEndPoint(isAbstract ? '\0' + path : path));
        _socket.ReceiveTimeout = 10_000;
    }

    /// <summary>The value of NOTIFY_SOCKET.</summary>
    public string Address { get; }

    public bool HasMore => _socket.Poll(0, SelectMode.SelectRead);

    public string Receive()
    {
        byte[] message = new byte[4096];
        return Encoding.UTF8.GetString(message, 0, _socket.Receive(message));
    }

    public void Dispose()
    {
        _socket.Dispose();
        _directory.Delete(recursive: true);
    }
}
