using System.Runtime.InteropServices;

namespace SysmonWatch.Daemon.Configuration;

/// <summary>
/// The user that the unit gives the service. Root, who checks, may read everything, so that files are opened as this user would: with the kernel's
/// own answer, rights of directories and access lists included.
/// </summary>
/// <param name="user">Its id.</param>
/// <param name="group">The id of its first group.</param>
/// <param name="groups">Ids of the other groups.</param>
/// <param name="hidden">Directories that the unit's sandbox hides from it.</param>
sealed partial class ServiceUser(uint user, uint group, uint[] groups, IReadOnlyList<string> hidden)
{
    /// <summary>Where a secret belongs.</summary>
    public const string SecretAdvice = "let systemd pass it ({credential: NAME}, see docs/install.md)";

    /// <summary>How to let the service read a file that others must not; what is meant comes after it.</summary>
    public const string RightsAdvice = "chown root:adm and chmod 0640";

    // The first of the ids that systemd gives dynamic users; no file is owned by it.
    const uint DynamicUser = 61184;

    /// <summary>O_RDONLY, O_NONBLOCK and O_CLOEXEC of open(2), the same on all architectures but the oldest: opening a pipe must not block.</summary>
    const int OpenFlags = 0x800 | 0x80000;

    static readonly string[] GroupsOfTheUnit = ["adm", "systemd-journal"];

    // ProtectHome= and PrivateTmp= of the unit.
    static readonly string[] HiddenByTheUnit = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

    /// <summary>The user of the unit as it is shipped; null where this process cannot become it, which takes root.</summary>
    public static ServiceUser? ForRoot()
    {
        if (!Environment.IsPrivilegedProcess) return null;
        var service = new ServiceUser(DynamicUser, DynamicUser, [.. GroupsOfTheUnit.Select(GroupId).OfType<uint>()], HiddenByTheUnit);
        return service.TryBecome() ? service : null;
    }

    /// <summary>Why the service cannot read a file or list a directory, as it reads in parentheses; null where it can.</summary>
    public string? WhyUnreadable(string path)
    {
        if (hidden.FirstOrDefault(directory => path.StartsWith(directory + "/", StringComparison.Ordinal)) is { } sandboxed) return $"its unit hides {sandboxed} from it";
        int error = 0;
        bool judged = As(() =>
        {
            int file = open(path, OpenFlags);
            if (file < 0) error = Marshal.GetLastPInvokeError();
            else _ = close(file);
        });
        return !judged || error == 0 ? null : Marshal.GetPInvokeErrorMessage(error).ToLowerInvariant();
    }

    bool TryBecome() => As(static () => { });

    /// <summary>Does something as this user, on a thread that ends then.</summary>
    /// <remarks>
    /// The kernel keeps rights by thread; only the C library's functions change them for all. The thread cannot come back, so it is none of a pool.
    /// </remarks>
    /// <returns>False where this process may not.</returns>
    bool As(Action action)
    {
        bool became = false;
        var thread = new Thread(() =>
        {
            (nint setGroups, nint setGroup, nint setUser) = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (159, 149, 147) : (116, 119, 117);
            became = syscall(setGroups, groups.Length, groups, 0) == 0 && syscall(setGroup, (nint)group, (nint)group, (nint)group) == 0 && syscall(setUser, (nint)user, (nint)user, (nint)user) == 0;
            if (became) action();
        });
        thread.Start();
        thread.Join();
        return became;
    }

    static uint? GroupId(string name)
    {
        try
        {
            foreach (string[] parts in File.ReadLines("/etc/group").Select(line => line.Split(':')))
            {
                if (parts.Length >= 3 && parts[0] == name && uint.TryParse(parts[2], out uint id)) return id;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then it is as if the group were not there.
        }
        return null;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc")]
    private static partial int close(int file);

    [LibraryImport("libc")]
    private static partial nint syscall(nint number, nint count, uint[] groups, nint none);

    [LibraryImport("libc")]
    private static partial nint syscall(nint number, nint real, nint effective, nint saved);
}
