using System.Runtime.InteropServices;

namespace SysmonWatch.Daemon.Commands;

/// <summary>
/// SIGTERM and SIGINT as a token, from as early as possible: whoever ends a command that has hardly begun gets a clean end too. SIGHUP, which asks
/// a daemon to reload, ends nothing meanwhile: what it would reload is only being read. Thread-safe.
/// </summary>
sealed class EndSignals : IDisposable
{
    readonly CancellationTokenSource _end = new();
    readonly PosixSignalRegistration[] _registrations;

    public EndSignals()
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, End),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, End),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true),
        ];
    }

    /// <summary>Cancelled once one of the signals has come.</summary>
    public CancellationToken Token => _end.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        // The token's source is not disposed: a signal may be handled just now, on a thread of its own.
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    void End(PosixSignalContext context)
    {
        context.Cancel = true;
        _end.Cancel();
    }
}
