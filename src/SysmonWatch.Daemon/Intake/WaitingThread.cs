namespace SysmonWatch.Daemon.Intake;

/// <summary>
/// One thread that waits in poll(2) for a descriptor while somebody awaits <see cref="WaitAsync"/>, and sleeps otherwise: what happens meanwhile
/// stays in the kernel, so nothing is missed and a busy input does not wake it.
/// </summary>
sealed class WaitingThread : IAsyncDisposable
{
    readonly int _descriptor;
    readonly int _interrupt;
    readonly Func<bool, bool> _drain;
    readonly bool _afterTime;
    readonly SemaphoreSlim _asked = new(0);
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    TaskCompletionSource<bool> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _timeout;
    volatile bool _rung;
    volatile bool _stopping;

    /// <param name="name">The thread's name.</param>
    /// <param name="descriptor">What to wait for; -1 for the time only.</param>
    /// <param name="drain">
    /// Called on the thread when the descriptor rings, to empty it, or with true after <see cref="Ring"/>; its result is handed to the one who waits.
    /// Must not throw.
    /// </param>
    /// <param name="afterTime">What is handed to the one who waits when the time is over.</param>
    public WaitingThread(string name, int descriptor, Func<bool, bool> drain, bool afterTime = true)
    {
        _descriptor = descriptor;
        _drain = drain;
        _afterTime = afterTime;
        _interrupt = WaitCalls.CreateEvent();
        new Thread(Run) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Waits until the descriptor rings, somebody calls <see cref="Ring"/>, or the time is over. One at a time.</summary>
    /// <param name="longest">The longest wait; <see cref="Timeout.InfiniteTimeSpan"/> where the time does not matter.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <returns>What the drain said, or what was asked for after the time.</returns>
    public async ValueTask<bool> WaitAsync(TimeSpan longest, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        _answer = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _timeout = longest == Timeout.InfiniteTimeSpan ? -1 : (int)Math.Clamp(Math.Ceiling(longest.TotalMilliseconds), 0, int.MaxValue);
        _asked.Release();
        await using CancellationTokenRegistration registration = stop.UnsafeRegister(static fd => WaitCalls.Ring((int)fd!), _interrupt);
        bool answer = await _answer.Task;
        stop.ThrowIfCancellationRequested();
        return answer;
    }

    /// <summary>Ends the wait, or the next one. From any thread, until <see cref="DisposeAsync"/>.</summary>
    public void Ring()
    {
        _rung = true;
        WaitCalls.Ring(_interrupt);
    }

    /// <summary>Ends the thread. The wait must be over.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping) return;
        _stopping = true;
        WaitCalls.Ring(_interrupt);
        _asked.Release();
        await _ended.Task;
        WaitCalls.Close(_interrupt);
        _asked.Dispose();
    }

    void Run()
    {
        Span<byte> number = stackalloc byte[8];
        Span<WaitCalls.PollDescriptor> descriptors = stackalloc WaitCalls.PollDescriptor[2];
        while (true)
        {
            _asked.Wait();
            if (_stopping) break;
            descriptors[0] = new WaitCalls.PollDescriptor { Descriptor = _interrupt, Wanted = WaitCalls.POLLIN };
            descriptors[1] = new WaitCalls.PollDescriptor { Descriptor = _descriptor, Wanted = WaitCalls.POLLIN };
            WaitCalls.Wait(descriptors, _timeout);
            if (descriptors[0].Happened != 0) WaitCalls.Drain(_interrupt, number);
            bool rung = _rung;
            _rung = false;
            _answer.TrySetResult(descriptors[1].Happened == 0 && !rung ? _afterTime : _drain(rung));
        }
        _ended.TrySetResult();
    }
}
