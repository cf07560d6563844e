using System.Diagnostics;

namespace SysmonWatch.SystemTests.Containers;

/// <summary>
/// A whole booted system: this machine's root file system under an overlay on a tmpfs, with a systemd of its own as PID 1,
/// and with this machine's journald, rsyslog and logrotate in it. What happens inside stays inside and is gone with it.
/// </summary>
/// <remarks>
/// All mounts are in a mount namespace that lives as long as the container, and the container lives as long as the pipe that this class holds:
/// a test run that is killed leaves nothing mounted and nothing running.
/// </remarks>
sealed class SystemdContainer : IAsyncDisposable
{
    // Nothing here may take long: a wait that lasts this long has failed, and only then does the time matter.
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // Timers would rotate logs and fetch package lists behind a test's back; the rest only makes the boot slow.
    static readonly string[] Masked =
    [
        "logrotate.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer", "dpkg-db-backup.timer", "fstrim.timer",
        "e2scrub_all.timer", "e2scrub_reap.service", "postgresql.service", "docker.service", "containerd.service", "ssh.service",
        "systemd-timesyncd.service", "getty.target", "console-getty.service",
    ];

    const string Boot = """
        set -eu
        mount -t tmpfs -o mode=0755 tmpfs "$1"
        mkdir "$1/upper" "$1/work" "$1/root"
        mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
        # Where this machine is itself an image that no daemon may be started in, the container is not.
        rm -f "$1/root/usr/sbin/policy-rc.d"
        : > "$1/root/etc/machine-id"
        echo "$2" > "$1/root/etc/hostname"
        rm -rf "$1/root/var/log/journal" "$1/root/var/lib/sysmonwatch" "$1/root/var/lib/private/sysmonwatch"
        find "$1/root/var/log" -maxdepth 1 -name '*log*' -type f -delete
        # A control group of its own, in each hierarchy that systemd uses: two containers in one would count each other's processes as theirs.
        groups=
        for mine in "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)" \
                    "/sys/fs/cgroup/unified$(sed -n 's/^0:://p' /proc/self/cgroup)" \
                    "/sys/fs/cgroup/systemd$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup)"; do
            [ -e "$mine/cgroup.procs" ] || continue
            mkdir "$mine/sysmonwatch-$$"
            echo $$ > "$mine/sysmonwatch-$$/cgroup.procs"
            groups="$groups $mine/sysmonwatch-$$"
        done
        exec 3<&0
        systemd-nspawn --quiet --directory="$1/root" --machine="$2" --boot --private-network --register=no --keep-unit \
            --link-journal=no --resolv-conf=off --timezone=off --tmpfs=/tmp --console=pipe --notify-ready=yes -- $3 < /dev/null &
        nspawn=$!
        # Killing nspawn would leave its payload running; when the payload's PID 1 is killed, all of it goes, and nspawn after it.
        (cat <&3 > /dev/null; kill -KILL $(cat /proc/$nspawn/task/$nspawn/children) 2> /dev/null) &
        exec 3<&-
        wait $nspawn || true
        for group in $groups; do
            echo $$ > "$(dirname "$group")/cgroup.procs"
            find "$group" -depth -type d -exec rmdir {} +
        done
        """;

    readonly string _directory;
    readonly Process _nspawn;
    readonly string _leader;

    SystemdContainer(string directory, Process nspawn, string leader) => (_directory, _nspawn, _leader) = (directory, nspawn, leader);

    /// <summary>Boots one and returns when its systemd has finished starting everything.</summary>
    /// <param name="hostname">Its host name. Sysmon's scenarios were recorded on <c>web-a01</c>.</param>
    /// <param name="cancel">Ends the wait, and what has been booted until then.</param>
    public static async Task<SystemdContainer> BootAsync(string hostname, CancellationToken cancel)
    {
        string directory = Directory.CreateTempSubdirectory("sysmonwatch-container-").FullName;
        string root = Directory.CreateDirectory(Path.Combine(directory, "tree")).FullName;
        using var readiness = new ReadinessSocket(Path.Combine(directory, "notify"));

        string masks = string.Join(' ', Masked.Select(unit => $"systemd.mask={unit}"));
        var start = Command("unshare", ["--mount", "--propagation", "private", "bash", "-c", Boot, "boot", root, hostname, masks]);
        start.Environment["NOTIFY_SOCKET"] = readiness.Path;
        Process nspawn = Process.Start(start)!;
        Task<string> said = ReadAllAsync(nspawn);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        Task<string> leader = readiness.WaitForLeaderAsync(patience.Token);
        if (await Task.WhenAny(leader, nspawn.WaitForExitAsync(patience.Token)) == leader && leader.IsCompletedSuccessfully)
        {
            return new SystemdContainer(directory, nspawn, await leader);
        }
        nspawn.StandardInput.Close();
        await nspawn.WaitForExitAsync(CancellationToken.None);
        Directory.Delete(directory, recursive: true);
        throw new InvalidOperationException($"The container did not boot: {await said}");
    }

    /// <summary>Where a path of the container is for us.</summary>
    public string Outside(string path) => $"/proc/{_leader}/root{path}";

    /// <summary>Runs a program inside; throws with all that it said when it fails.</summary>
    /// <returns>Its standard output.</returns>
    public async Task<string> RunAsync(string program, params string[] arguments)
    {
        CommandResult result = await TryRunAsync(program, arguments);
        if (result.ExitCode == 0) return result.Output;
        throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {result.ExitCode}:\n{result.Output}{result.Error}");
    }

    /// <summary>Runs a program inside, whatever its exit code.</summary>
    public async Task<CommandResult> TryRunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(Inside(program, arguments))!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} still runs after {Patience}; it said: {await output}{await error}");
        }
        return new CommandResult(process.ExitCode, await output, await error);
    }

    /// <summary>Starts a program inside whose lines of output are waited for, as <c>journalctl --follow</c>.</summary>
    public LineFollower Follow(string program, params string[] arguments) => new(Process.Start(Inside(program, arguments))!, Patience);

    /// <summary>Writes a text file inside.</summary>
    public async Task WriteAsync(string path, string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead)
    {
        string outside = Outside(path);
        Directory.CreateDirectory(Path.GetDirectoryName(outside)!);
        await File.WriteAllTextAsync(outside, content);
        File.SetUnixFileMode(outside, mode);
    }

    /// <summary>Copies a file of ours, with its mode, to a path inside.</summary>
    public void CopyIn(string file, string path)
    {
        string outside = Outside(path);
        Directory.CreateDirectory(Path.GetDirectoryName(outside)!);
        File.Copy(file, outside, overwrite: true);
    }

    /// <summary>Starts an HTTP listener on the container's own loopback interface.</summary>
    public WebhookListener Listen(int port) => new(_leader, port);

    /// <summary>Kills everything inside. Its mounts go with its last process.</summary>
    public async ValueTask DisposeAsync()
    {
        _nspawn.StandardInput.Close();
        await _nspawn.WaitForExitAsync();
        _nspawn.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    ProcessStartInfo Inside(string program, IEnumerable<string> arguments) =>
        Command("nsenter", ["--target", _leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--", program, .. arguments]);

    // The environment of a test run has no business inside; LC_ALL makes what programs say comparable.
    static ProcessStartInfo Command(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["SYSTEMD_PAGER"] = "";
        return start;
    }

    static async Task<string> ReadAllAsync(Process process)
    {
        Task<string> error = process.StandardError.ReadToEndAsync();
        return await process.StandardOutput.ReadToEndAsync() + await error;
    }
}
