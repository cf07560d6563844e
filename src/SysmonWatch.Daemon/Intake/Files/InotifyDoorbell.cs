using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// inotify as doorbell: directories for names, open files for growth (a file's watch stays with it when it is renamed). What the events say is
/// not used beyond that, so an overflow of their queue is a ring like any other.
/// </summary>
sealed class InotifyDoorbell : IDoorbell
{
    const uint Names = WaitCalls.IN_CREATE | WaitCalls.IN_DELETE | WaitCalls.IN_MOVED_FROM | WaitCalls.IN_MOVED_TO | WaitCalls.IN_ATTRIB
        | WaitCalls.IN_DELETE_SELF | WaitCalls.IN_MOVE_SELF | WaitCalls.IN_ONLYDIR;

    /// <summary>Bytes of an event before its name: wd, mask, cookie, len.</summary>
    const int EventHeader = 16;

    readonly int _inotify;
    readonly WaitingThread _thread;
    readonly byte[] _events = new byte[16 * 1024];
    HashSet<int> _watches = [];

    /// <summary>Starts it.</summary>
    public InotifyDoorbell()
    {
        _inotify = WaitCalls.CreateInotify(out int error);
        if (_inotify < 0)
        {
            Trouble = error == WaitCalls.EMFILE
                ? "all inotify instances of this user are in use (raise fs.inotify.max_user_instances); files are looked at in intervals"
                : $"inotify cannot be used ({FileCalls.Explain(error)}); files are looked at in intervals";
        }
        _thread = new WaitingThread("files", _inotify, Drain);
    }

    /// <summary>How often the kernel's queue was full, and events were lost: a ring like any other.</summary>
    public long Overflows { get; private set; }

    /// <inheritdoc/>
    public string? Trouble { get; private set; }

    /// <inheritdoc/>
    public void Watch(IEnumerable<string> directories, IEnumerable<SafeFileHandle> files)
    {
        if (_inotify < 0) return;
        var wanted = new HashSet<int>();
        foreach (string directory in directories) Add(wanted, directory, Names);
        foreach (SafeFileHandle file in files) Add(wanted, $"/proc/self/fd/{file.DangerousGetHandle()}", WaitCalls.IN_MODIFY | WaitCalls.IN_ATTRIB);
        foreach (int watch in _watches)
        {
            if (!wanted.Contains(watch)) WaitCalls.Unwatch(_inotify, watch);
        }
        _watches = wanted;
    }

    /// <inheritdoc/>
    public void Ring() => _thread.Ring();

    /// <inheritdoc/>
    public ValueTask<bool> WaitAsync(TimeSpan longest, CancellationToken stop) => _thread.WaitAsync(longest, stop);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _thread.DisposeAsync();
        if (_inotify >= 0) WaitCalls.Close(_inotify);
    }

    void Add(HashSet<int> wanted, string path, uint mask)
    {
        int watch = WaitCalls.Watch(_inotify, path, mask, out int error);
        if (watch >= 0) wanted.Add(watch);
        else if (error == WaitCalls.ENOSPC) Trouble = "all inotify watches of this user are in use (raise fs.inotify.max_user_watches); files are looked at in intervals";
    }

    /// <summary>Empties the queue; true where anything but growth was in it, or somebody rang.</summary>
    bool Drain(bool rung)
    {
        bool names = rung;
        while (true)
        {
            int read = WaitCalls.Drain(_inotify, _events);
            for (int at = 0; at + EventHeader <= read;)
            {
                uint mask = BinaryPrimitives.ReadUInt32LittleEndian(_events.AsSpan(at + 4));
                names |= mask != WaitCalls.IN_MODIFY;
                if ((mask & WaitCalls.IN_Q_OVERFLOW) != 0) Overflows++;
                at += EventHeader + BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(at + 12));
            }
            // The rest of a full queue rings again at the next wait.
            if (read < _events.Length / 2) return names;
        }
    }
}
