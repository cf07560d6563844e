namespace SysmonWatch.Detection.Processes;

/// <summary>
/// Programs that start what does not belong together: each child of theirs begins a family of its own.
/// </summary>
static class SessionManagers
{
    /// <summary>True for the path of a session or service manager.</summary>
    /// <remarks>sshd-session and sshd-auth are sshd since OpenSSH 9.8; crond and init are cron and systemd under their other names.</remarks>
    public static bool Contains(ReadOnlySpan<byte> image)
    {
        ReadOnlySpan<byte> name = image[(image.LastIndexOf((byte)'/') + 1)..];
        return name.Length switch
        {
            2 => name.SequenceEqual("su"u8),
            4 => name.SequenceEqual("sshd"u8) || name.SequenceEqual("cron"u8) || name.SequenceEqual("sudo"u8) || name.SequenceEqual("init"u8),
            5 => name.SequenceEqual("login"u8) || name.SequenceEqual("crond"u8),
            7 => name.SequenceEqual("systemd"u8),
            9 => name.SequenceEqual("sshd-auth"u8),
            12 => name.SequenceEqual("sshd-session"u8),
            _ => false,
        };
    }
}
