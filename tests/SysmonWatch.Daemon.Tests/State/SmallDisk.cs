using System.Diagnostics;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.State;

/// <summary>A file system in memory of a fixed size; needs the right to mount.</summary>
sealed class SmallDisk : IDisposable
{
    SmallDisk(string path) => Path = path;

    public string Path { get; }

    public static SmallDisk Mount(string options)
    {
        var disk = new SmallDisk(Directory.CreateTempSubdirectory("sysmonwatch-disk-").FullName);
        if (Run("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk.Path)) return disk;
        Directory.Delete(disk.Path);
        if (Places.MustNotSkip) throw new InvalidOperationException("mounting a tmpfs is required (SYSMONWATCH_REQUIRE_ALL=1) and is not permitted.");
        Assert.Skip("needs the right to mount a tmpfs");
        return disk;
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using FileStream ballast = File.Create(Ballast);
        byte[] page = new byte[4096];
        try
        {
            while (true)
            {
                ballast.Write(page);
                ballast.Flush();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void MakeRoom() => File.Delete(Ballast);

    string Ballast => System.IO.Path.Combine(Path, "ballast");

    public void Remount(string options) => Assert.True(Run("mount", "-o", "remount," + options, Path));

    public void Dispose()
    {
        if (Run("umount", Path) || Run("umount", "-l", Path)) Directory.Delete(Path);
    }

    static bool Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
