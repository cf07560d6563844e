using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// inotify as doorbell: directories for names, open files for growth (a file's watch stays with it when it is renamed). What an event
/// says is used only to know which file to look at, so an overflow of their queue is a ring like any other: then all of them are looked at.
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
    // Of a directory: null. Used by the one who waits; the thread uses it while he does.
    Dictionary<int, WatchedFile?> _watches = [];
    HashSet<WatchedFile> _grown = [];

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
        _thread = new WaitingThread("files", _inotify, Drain, afterTime: false);
    }

    /// <summary>How often the kernel's queue was full, and events were lost: a ring like any other.</summary>
    public long Overflows { get; private set; }

    /// <inheritdoc/>
    public string? Trouble { get; private set; }

    /// <inheritdoc/>
    public void Watch(IEnumerable<string> directories, IEnumerable<(SafeFileHandle File, WatchedFile Of)> files)
    {
        if (_inotify < 0) return;
        var wanted = new Dictionary<int, WatchedFile?>();
        foreach (string directory in directories) Add(wanted, directory, Names, null);
        foreach ((SafeFileHandle file, WatchedFile of) in files) Add(wanted, $"/proc/self/fd/{file.DangerousGetHandle()}", WaitCalls.IN_MODIFY | WaitCalls.IN_ATTRIB, of);
        foreach (int watch in _watches.Keys)
        {
            if (!wanted.ContainsKey(watch)) WaitCalls.Unwatch(_inotify, watch);
        }
        _watches = wanted;
    }

    /// <inheritdoc/>
    public void Ring() => _thread.Ring();

    /// <inheritdoc/>
    public ValueTask<bool> WaitAsync(HashSet<WatchedFile> grown, TimeSpan longest, CancellationToken stop)
    {
        _grown = grown;
        return _thread.WaitAsync(longest, stop);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _thread.DisposeAsync();
        if (_inotify >= 0) WaitCalls.Close(_inotify);
    }

    void Add(Dictionary<int, WatchedFile?> wanted, string path, uint mask, WatchedFile? of)
    {
        int watch = WaitCalls.Watch(_inotify, path, mask, out int error);
        if (watch >= 0) wanted[watch] = of;
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
                if (mask != WaitCalls.IN_MODIFY) names = true;
                // Of a watch that has been ended nothing is to be known any more.
                else if (_watches.GetValueOrDefault(BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(at))) is { } file) _grown.Add(file);
                if ((mask & WaitCalls.IN_Q_OVERFLOW) != 0) Overflows++;
                at += EventHeader + BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(at + 12));
            }
            // The rest of a full queue rings again at the next wait.
            if (read < _events.Length / 2) return names;
        }
    }
}
