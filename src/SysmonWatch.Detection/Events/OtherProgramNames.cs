using System.Buffers;
using System.Text;

namespace SysmonWatch.Detection.Events;

/// <summary>
/// The names under which a distribution installs a program beside the one that Sysmon writes: Sysmon resolves symbolic links, and /bin/sh is
/// dash, nc is nc.openbsd, vi is vim.basic. Rules are written with the names that people type.
/// </summary>
/// <remarks>
/// Source: dash, nc.openbsd, vim.tiny, gawk, xtables-nft-multi and python3.11 stand in the recorded scenarios; vim.basic, mawk and python3.11 are
/// so linked on Debian 12. The others are the alternatives that Debian's and Ubuntu's packages are known to register, and were not looked up on a machine.
/// Only names that mean the same program; a bash that is run as sh (RHEL) is known by its argv[0].
/// </remarks>
static class OtherProgramNames
{
    static readonly (byte[] Name, byte[][] Others)[][] ByLength = Table(
        ("dash", "sh"),
        ("nc.openbsd", "nc netcat"),
        ("nc.traditional", "nc netcat"),
        ("vim.basic", "vim vi"),
        ("vim.tiny", "vim vi"),
        ("vim.nox", "vim vi"),
        ("vim.gtk3", "vim vi"),
        ("mawk", "awk"),
        ("gawk", "awk"),
        ("original-awk", "awk"),
        ("xtables-nft-multi", "iptables ip6tables iptables-nft ip6tables-nft"),
        ("xtables-legacy-multi", "iptables ip6tables iptables-legacy ip6tables-legacy"),
        ("bsd-csh", "csh"),
        ("ksh93", "ksh"),
        ("mksh", "ksh"),
        ("telnet.netkit", "telnet"),
        ("inetutils-telnet", "telnet"),
        ("tnftp", "ftp"),
        ("bsd-mailx", "mail mailx"),
        ("s-nail", "mail mailx"));

    /// <summary>The other names of a program.</summary>
    /// <param name="name">The last part of its path.</param>
    /// <returns>None for most.</returns>
    public static ReadOnlySpan<byte[]> Of(ReadOnlySpan<byte> name)
    {
        if (name.Length < ByLength.Length)
        {
            foreach ((byte[] known, byte[][] others) in ByLength[name.Length])
            {
                if (name.SequenceEqual(known)) return others;
            }
        }
        return Versioned(name, "python3."u8) ? Python : Versioned(name, "perl5."u8) ? Perl : [];
    }

    static readonly SearchValues<byte> VersionCharacters = SearchValues.Create("0123456789."u8);

    static readonly byte[][] Python = ["python3"u8.ToArray(), "python"u8.ToArray()];

    static readonly byte[][] Perl = ["perl"u8.ToArray()];

    static bool Versioned(ReadOnlySpan<byte> name, ReadOnlySpan<byte> stem) =>
        name.StartsWith(stem) && name.Length > stem.Length && !name[stem.Length..].ContainsAnyExcept(VersionCharacters);

    static (byte[], byte[][])[][] Table(params (string Name, string Others)[] names) =>
    [
        .. Enumerable.Range(0, names.Max(n => n.Name.Length) + 1).Select(length =>
            names.Where(n => n.Name.Length == length)
                .Select(n => (Encoding.UTF8.GetBytes(n.Name), n.Others.Split(' ').Select(Encoding.UTF8.GetBytes).ToArray()))
                .ToArray()),
    ];
}
