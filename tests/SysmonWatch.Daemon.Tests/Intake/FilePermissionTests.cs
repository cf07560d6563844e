using System.Runtime.InteropServices;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>Files that may not be read, and then may, and the other way round. Root may everything, so this thread looks at files as nobody does.</summary>
public sealed class FilePermissionTests : IDisposable
{
    const UnixFileMode None = UnixFileMode.None, ForAll = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    const UnixFileMode OpenDirectory = ForAll | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000));
    readonly ToyLog _log;

    public FilePermissionTests()
    {
        _log = new ToyLog(_time);
        File.SetUnixFileMode(_log.Root, OpenDirectory);
    }

    public void Dispose()
    {
        File.SetUnixFileMode(_log.Root, OpenDirectory);
        _log.Dispose();
    }

    [Fact]
    public void Says_once_what_to_do_and_reads_what_came_since_the_start_once_it_may()
    {
        Write(2);
        Allow(_log.Live, None);
        using var follow = new Follow(_time, StartAt.End, _log.Live);
        Look(follow);
        Write(2);
        Look(follow);
        IntakeNotice.Unreadable unreadable = Assert.IsType<IntakeNotice.Unreadable>(Assert.Single(follow.Notices));
        Assert.Equal((_log.Live, "Permission denied"), (unreadable.Input, unreadable.Reason));
        Assert.StartsWith("let its group read it", unreadable.Fix, StringComparison.Ordinal);

        Allow(_log.Live, ForAll);
        Write(1);
        Look(follow);

        Assert.Equal(_log.Written[2..], follow.Seen);
        Assert.IsType<IntakeNotice.Following>(follow.Notices[^1]);
        Assert.Equal(2, follow.Notices.Count);
    }

    [Fact]
    public void Reads_what_came_since_the_start_also_where_the_file_was_renamed_before_it_may_be_read()
    {
        Write(2);
        Allow(_log.Live, None);
        using var follow = new Follow(_time, StartAt.End, _log.Live);
        Look(follow);
        Write(2);
        _log.Rename(create: true);
        _log.Reopen();
        Write(1);
        Allow(_log.Live, None);
        Look(follow);

        Allow(_log.Live, ForAll);
        Allow(_log.Numbered(1), ForAll);
        Look(follow);

        Assert.Equal(_log.Written[2..], follow.Seen);
    }

    [Fact]
    public void Goes_on_with_a_file_that_is_open_whatever_its_mode_is_then()
    {
        Write(1);
        using var follow = new Follow(_time, StartAt.Beginning, _log.Live);
        Look(follow);
        Allow(_log.Live, None);
        Write(2);

        Look(follow);

        Assert.Equal(_log.Written, follow.Seen);
    }

    [Fact]
    public void Reads_a_file_from_its_beginning_that_a_rotation_made_without_the_right_to_read_it()
    {
        Write(1);
        using var follow = new Follow(_time, StartAt.End, _log.Live);
        Look(follow);
        _log.Rename(create: true);
        Allow(_log.Live, None);
        Write(2);
        Look(follow);
        _log.Reopen();
        Write(2);
        Look(follow);
        Assert.Equal(_log.Written[1..3], follow.Seen);
        _time.Advance(TroubleReport.Patience);
        Look(follow);
        Assert.Single(follow.Notices.OfType<IntakeNotice.Unreadable>());

        Allow(_log.Live, ForAll);
        Look(follow);

        Assert.Equal(_log.Written[1..], follow.Seen);
    }

    [Fact]
    public void A_rotation_that_sets_the_mode_after_it_made_the_file_is_no_trouble()
    {
        Write(1);
        using var follow = new Follow(_time, StartAt.End, _log.Live);
        Look(follow);
        for (int i = 0; i < 3; i++)
        {
            _log.Rename(create: true);
            Allow(_log.Live, None);
            Look(follow);
            Assert.True(follow.Follower.IsRestless, "it is looked at again by the clock, so that it is reported where it lasts");
            _time.Advance(TroubleReport.Patience - TimeSpan.FromMilliseconds(1));
            Look(follow);
            Allow(_log.Live, ForAll);
            _log.Reopen();
            Write(1);
            Look(follow);
        }

        Assert.Equal(_log.Written[1..], follow.Seen);
        Assert.DoesNotContain(follow.Notices, notice => notice is IntakeNotice.Unreadable);
    }

    [Fact]
    public void Reads_on_while_the_directory_is_closed_and_finds_what_was_rotated_meanwhile_once_it_is_open()
    {
        Write(1);
        using var follow = new Follow(_time, StartAt.Beginning, _log.Live);
        Look(follow);
        File.SetUnixFileMode(_log.Root, None);
        Write(1);
        Look(follow);
        Assert.Equal(_log.Written, follow.Seen);
        for (int i = 0; i < 3; i++)
        {
            _log.Rename(create: false);
            _log.Reopen();
            Write(2);
            Look(follow);
        }

        File.SetUnixFileMode(_log.Root, OpenDirectory);
        Look(follow);

        Assert.Equal(_log.Written, follow.Seen);
        Assert.DoesNotContain(follow.Notices, notice => notice is IntakeNotice.Lost);
    }

    void Write(int lines)
    {
        _time.Advance(TimeSpan.FromMilliseconds(50));
        _log.Write(lines);
    }

    /// <summary>As nobody: setfsuid(2) is about one thread only, and takes root's right to pass over modes from it.</summary>
    static void Look(Follow follow)
    {
        if (Environment.UserName != "root")
        {
            if (Places.MustNotSkip) throw new InvalidOperationException("root is required (SYSMONWATCH_REQUIRE_ALL=1).");
            Assert.Skip("needs root, to be nobody");
        }
        _ = setfsuid(65534);
        try
        {
            follow.Drain();
        }
        finally
        {
            _ = setfsuid(0);
        }
    }

    static void Allow(string path, UnixFileMode mode) => File.SetUnixFileMode(path, mode);

    [DllImport("libc")]
    static extern int setfsuid(uint user);
}
