using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>The cases that rsyslog's imfile and Vector test, by name; <see cref="FileFollowerModelTests"/> mixes them.</summary>
public sealed class FileFollowerTests : IDisposable
{
    readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000));
    readonly ToyLog _log;

    public FileFollowerTests() => _log = new ToyLog(_time);

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Starts_at_the_end_and_reads_what_comes()
    {
        _log.Write(3);
        using Follow follow = Start(StartAt.End).Drain();

        Write(2);

        Assert.Equal(_log.Written[3..], follow.Drain().Seen);
    }

    [Fact]
    public void Starts_at_the_beginning_of_a_line_that_is_being_written()
    {
        _log.Write(2);
        _log.WritePartly();
        using Follow follow = Start(StartAt.End).Drain();

        Write(1);

        Assert.Equal(_log.Written[2..], follow.Drain().Seen);
    }

    [Fact]
    public void Saves_the_end_as_position_at_the_first_step()
    {
        _log.Write(3);
        using Follow follow = Start(StartAt.End);

        Assert.True(follow.Step(), "the position has moved, and is worth saving");
        follow.Stop();
        Write(1);
        follow.Start();

        Assert.Equal(_log.Written[3..], follow.Drain().Seen);
    }

    [Fact]
    public void Reads_files_that_were_written_to_within_the_time_to_go_back()
    {
        _log.Write(1);
        Tick(TimeSpan.FromHours(5));
        _log.Rename(create: true);
        _log.Reopen();
        Tick(TimeSpan.FromHours(1));
        Write(2);
        _log.Rename(create: true);
        _log.Reopen();
        Tick(TimeSpan.FromHours(1));
        Write(1);

        using Follow follow = Start(new StartAt(TimeSpan.FromHours(2)));

        Assert.Equal(_log.Written[1..], follow.Drain().Seen);
    }

    [Fact]
    public void Reads_a_file_that_came_and_was_renamed_while_it_was_not_running()
    {
        using Follow follow = Start(StartAt.End).Drain();
        follow.Stop();
        Write(2);
        _log.Rename(create: false);
        Tick(TimeSpan.FromSeconds(1));

        follow.Start();

        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Reads_a_file_that_came_and_was_renamed_between_two_looks()
    {
        using Follow follow = Start(StartAt.End).Drain();
        Tick(TimeSpan.FromSeconds(1));
        follow.Drain();
        Write(2);
        _log.Rename(create: false);
        Tick(TimeSpan.FromSeconds(1));

        Assert.Equal(_log.Written, follow.Drain().Seen);
        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Waits_for_a_file_that_is_not_there_says_so_once_and_reads_it_from_its_beginning()
    {
        using Follow follow = Start(StartAt.End).Drain().Drain();
        Assert.Equal([new IntakeNotice.Missing(_log.Live)], follow.Notices);

        Write(2);

        Assert.Equal(_log.Written, follow.Drain().Seen);
        Assert.Equal([new IntakeNotice.Missing(_log.Live), new IntakeNotice.Following(_log.Live, 0)], follow.Notices);
    }

    [Fact]
    public void Finds_a_directory_that_appears_later()
    {
        string path = Path.Combine(_log.Root, "later", "deep", "app.log");
        using var follow = new Follow(_time, StartAt.End, path);
        follow.Drain();

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "one\ntwo\n");

        Assert.Equal(["one", "two"], follow.Drain().Seen);
    }

    [Fact]
    public void Follows_new_matches_of_a_glob_and_each_in_its_turn()
    {
        using var follow = new Follow(_time, StartAt.End, Path.Combine(_log.Root, "*", "app-?.log"));
        follow.Drain();
        foreach (string name in (string[])["a/app-1.log", "a/app-2.log", "b/app-1.log", "b/other.log", "b/app-1.log.1", "b/app-1.log.2.gz"])
        {
            string path = Path.Combine(_log.Root, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, $"{name} 1\n{name} 2\n");
        }
        // Older than the look before, which found nothing there.
        File.SetLastWriteTimeUtc(Path.Combine(_log.Root, "b/app-1.log.1"), _time.GetUtcNow().UtcDateTime.AddDays(-1));
        File.SetLastWriteTimeUtc(Path.Combine(_log.Root, "b/app-1.log.2.gz"), _time.GetUtcNow().UtcDateTime.AddDays(-2));

        follow.Drain();

        Assert.Equal(["a/app-1.log 1", "a/app-1.log 2", "a/app-2.log 1", "a/app-2.log 2", "b/app-1.log 1", "b/app-1.log 2"], follow.Seen);
    }

    [Fact]
    public void Follows_as_many_files_as_are_allowed_and_says_once_that_there_are_more()
    {
        for (int i = 0; i < 5; i++) File.WriteAllText(Path.Combine(_log.Root, $"{i}.log"), $"{i}\n");
        using var follow = new Follow(_time, StartAt.Beginning, null, 3, Path.Combine(_log.Root, "*.log"));

        Assert.Equal(["0", "1", "2"], follow.Drain().Seen);
        Assert.Equal([new IntakeNotice.TooMany(Path.Combine(_log.Root, "*.log"), 3)], follow.Notices.OfType<IntakeNotice.TooMany>());
        // The place of one that is deleted is free for another.
        File.Delete(Path.Combine(_log.Root, "1.log"));
        _time.Advance(WatchedFile.Forgetting);
        follow.Drain();
        Assert.Equal(["0", "1", "2", "3"], follow.Drain().Seen);
    }

    [Fact]
    public void Looks_only_at_the_file_that_grew()
    {
        var files = new CountingFileSystem();
        string[] paths = [.. Enumerable.Range(0, 50).Select(i => Path.Combine(_log.Root, $"{i}.log"))];
        foreach (string path in paths) File.WriteAllText(path, "old\n");
        using var follower = new FileFollower(paths, StartAt.End, 50, _time, _ => { }, files);
        var batch = new RecordBatch();
        while (follower.Step(batch, thorough: true)) batch.Clear();
        files.Calls = 0;
        File.AppendAllText(paths[7], "new\n");

        follower.MarkDue(follower.Watched.Single(watched => watched.Path == paths[7]));

        Assert.True(follower.Step(batch, thorough: false));
        Assert.Single(batch.Records);
        Assert.False(follower.Step(batch, thorough: false));
        Assert.Equal(2, files.Calls);
        Assert.Equal([.. paths], FilePosition.From(follower.Position(), out _)!.Files.Select(file => file.Path));
    }

    [Fact]
    public void Takes_a_file_once_that_two_paths_lead_to()
    {
        string link = Path.Combine(_log.Root, "messages");
        Write(2);
        File.CreateSymbolicLink(link, _log.Live);
        using var follow = new Follow(_time, StartAt.Beginning, _log.Live, link);

        Assert.Equal(_log.Written, follow.Drain().Seen);
        Assert.Contains(new IntakeNotice.SameFile(link, _log.Live), follow.Notices);
    }

    [Fact]
    public void Goes_to_the_new_target_of_a_symbolic_link_after_the_old_one()
    {
        string link = Path.Combine(_log.Root, "current");
        string next = Path.Combine(_log.Root, "next");
        Write(2);
        File.CreateSymbolicLink(link, _log.Live);
        using var follow = new Follow(_time, StartAt.Beginning, link);
        follow.Step();
        Write(1);
        File.WriteAllText(next, "next 1\n");
        File.Delete(link);
        File.CreateSymbolicLink(link, next);

        Assert.Equal([.. _log.Written, "next 1"], follow.Drain().Seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Finds_rotated_files_where_the_target_of_a_symbolic_link_is(bool stopped)
    {
        string directory = Directory.CreateTempSubdirectory("link-").FullName, link = Path.Combine(directory, "current");
        Write(2);
        File.CreateSymbolicLink(link, _log.Live);
        using var follow = new Follow(_time, StartAt.Beginning, link);
        follow.Drain();
        Assert.Contains(_log.Root, follow.Follower.Directories);
        if (stopped) follow.Stop();
        for (int i = 0; i < 3; i++)
        {
            Write(3);
            _log.Rename(create: true);
            _log.Reopen();
            _log.Compress();
        }
        Write(1);
        if (stopped) follow.Start();

        Assert.Equal(_log.Written, follow.Settle().Seen);
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Goes_on_in_a_directory_that_was_moved_away_and_made_anew(bool stopped)
    {
        string directory = Path.Combine(_log.Root, "logs"), path = Path.Combine(directory, "app.log");
        Directory.CreateDirectory(directory);
        File.WriteAllText(path, "one\n");
        using var follow = new Follow(_time, StartAt.Beginning, path);
        follow.Drain();
        if (stopped) follow.Stop();
        Directory.Move(directory, directory + ".old");
        if (!stopped) follow.Drain();
        Tick(TimeSpan.FromSeconds(1));
        Directory.CreateDirectory(directory);
        File.WriteAllText(path, "another\ntwo\n");
        if (stopped) follow.Start();

        Assert.Equal(["one", "another", "two"], follow.Drain().Seen);
        Assert.Contains(directory, follow.Follower.Directories);
    }

    [Theory]
    [InlineData("create before the reopen")]
    [InlineData("create by the writer")]
    [InlineData("create long after")]
    public void Reads_the_old_file_to_its_end_and_then_the_new_one(string kind)
    {
        using Follow follow = Start(StartAt.Beginning).Drain();
        Write(2);
        follow.Step();
        _log.Rename(create: kind == "create before the reopen");
        Write(2);
        if (kind == "create long after")
        {
            follow.Drain();
            Tick(TimeSpan.FromHours(1));
            follow.Drain();
            Write(1);
            follow.Drain();
        }
        _log.Reopen();
        Write(2);

        Assert.Equal(_log.Written, follow.Settle().Seen);
    }

    [Fact]
    public void Reads_late_lines_of_a_renamed_file_while_the_new_one_is_written_to()
    {
        Write(1);
        using Follow follow = Start(StartAt.Beginning).Drain();
        _log.Rename(create: true);
        Tick(TimeSpan.FromSeconds(1));
        File.AppendAllText(_log.Live, "new\n");
        follow.Drain();
        Write(1);
        follow.Drain();

        Assert.Equal([_log.Written[0], "new", _log.Written[1]], follow.Seen);
    }

    [Fact]
    public void Keeps_a_renamed_file_for_a_while_after_another_came_and_after_it_grew_however_long_it_was_followed()
    {
        Write(1);
        using Follow follow = Start(StartAt.Beginning).Drain();
        Tick(TimeSpan.FromHours(1));
        _log.Rename(create: true);
        File.AppendAllText(_log.Live, "new\n");
        follow.Drain();
        for (int i = 0; i < 3; i++)
        {
            Tick(WatchedFile.Linger - TimeSpan.FromSeconds(1));
            _log.Write(1);
            follow.Drain();
        }
        Assert.Equal([_log.Written[0], "new", .. _log.Written[1..]], follow.Seen);
        Assert.Equal(2, follow.Follower.Watched.SelectMany(watched => watched.Growing).Count());

        Tick(WatchedFile.Linger);
        follow.Drain();

        Assert.Single(follow.Follower.Watched.SelectMany(watched => watched.Growing));
    }

    [Fact]
    public void Lets_go_of_what_a_glob_matched_and_is_deleted_once_nobody_has_written_to_it_for_long()
    {
        using var follow = new Follow(_time, StartAt.Beginning, Path.Combine(_log.Root, "sys*"));
        Write(1);
        follow.Drain();
        _log.Delete();
        for (int i = 0; i < 3; i++)
        {
            Tick(WatchedFile.Forgetting - TimeSpan.FromSeconds(1));
            _log.Write(1);
            follow.Drain();
        }
        _log.WritePartly();
        follow.Drain();
        Assert.Equal(_log.Written, follow.Seen);
        Assert.Single(follow.Follower.Watched);
        Assert.True(follow.Follower.IsRestless, "nobody would look again");

        Tick(WatchedFile.Forgetting);
        follow.Drain().Drain();

        Assert.Empty(follow.Follower.Watched);
        Assert.Equal(5, follow.Seen.Count);
        _log.Reopen();
        Write(2);
        Assert.Equal(_log.Written[^2..], follow.Drain().Seen[5..]);
        Assert.DoesNotContain(follow.Notices, notice => notice is IntakeNotice.Lost);
    }

    [Fact]
    public void Keeps_a_named_file_that_is_deleted_however_long_nobody_writes_to_it()
    {
        Write(1);
        using Follow follow = Start(StartAt.Beginning).Drain();
        _log.Delete();
        Tick(TimeSpan.FromDays(30));
        follow.Drain();
        _log.Write(1);

        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Forgets_what_a_glob_matched_and_was_deleted_while_it_was_stopped_and_says_so_once()
    {
        using var follow = new Follow(_time, StartAt.Beginning, Path.Combine(_log.Root, "sys*"));
        Write(1);
        follow.Drain();
        follow.Stop();
        _log.Delete();
        follow.Start();
        follow.Drain();
        Assert.Single(follow.Follower.Watched);
        Assert.DoesNotContain(follow.Notices, notice => notice is IntakeNotice.Lost);

        Tick(WatchedFile.Forgetting);
        follow.Drain().Drain();

        Assert.Empty(follow.Follower.Watched);
        Assert.Single(follow.Notices.OfType<IntakeNotice.Lost>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Catches_up_on_all_generations_that_came_and_went_meanwhile(bool stopped)
    {
        Write(3);
        using Follow follow = Start(StartAt.End).Drain();
        if (stopped) follow.Stop();
        for (int i = 0; i < 6; i++)
        {
            Write(4);
            _log.Rename(create: true);
            _log.Reopen();
            _log.Compress();
        }
        Write(1);
        if (stopped) follow.Start();

        Assert.Equal(_log.Written[3..], follow.Settle().Seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Catches_up_on_generations_with_a_date_in_their_name(bool stopped)
    {
        Write(3);
        using Follow follow = Start(StartAt.End).Drain();
        if (stopped) follow.Stop();
        for (int i = 0; i < 5; i++)
        {
            Write(2);
            _log.RenameByDate(i);
            _log.Reopen();
            if (i % 2 == 0) _log.Compress(delay: false);
        }
        if (stopped) follow.Start();
        Write(1);

        Assert.Equal(_log.Written[3..], follow.Settle().Seen);
    }

    [Theory]
    [InlineData("syslog.1")]
    [InlineData("syslog.1.gz")]
    [InlineData("syslog.2.gz")]
    [InlineData("syslog-20261124")]
    [InlineData("syslog-20261124.gz")]
    [InlineData("syslog-20261124-1795485600.gz")]
    public void Reads_the_rest_of_a_half_read_file_first_whatever_it_was_renamed_to_while_it_was_stopped(string name)
    {
        Write(300);
        using Follow follow = Start(StartAt.Beginning).Drain();
        follow.Stop();
        Write(300);
        RotateTo(name);
        Write(3);
        follow.Start();

        Assert.Equal(_log.Written, follow.Settle().Seen);
        Assert.DoesNotContain(follow.Notices, notice => notice is IntakeNotice.Lost);
    }

    [Fact]
    public void Reads_on_where_a_file_is_compressed_while_it_is_read()
    {
        Write(300);
        using Follow follow = Start(StartAt.Beginning).Drain();
        Write(300);
        RotateTo("syslog.1.gz");
        Write(3);

        Assert.Equal(_log.Written, follow.Settle().Seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Goes_on_in_a_compressed_file_where_it_was_when_it_was_ended_within_it(bool killed)
    {
        using Follow follow = Start(StartAt.Beginning).Drain();
        follow.Stop();
        for (int i = 0; i < 40; i++) Write(1000);
        RotateTo("syslog.1.gz");
        Write(3);
        follow.Start();
        follow.Step();
        follow.Step();
        int half = follow.Seen.Count;
        Assert.InRange(half, 1, _log.Written.Count - 4);
        follow.Save();
        follow.Step();
        if (killed) follow.Kill();
        else follow.Stop();
        _log.Shift();
        follow.Start();

        Assert.Equal(_log.Written, follow.Settle().Seen);
    }

    [Theory]
    [InlineData(0.9)]
    [InlineData(0.3)]
    [InlineData(0.001)]
    public void Reads_what_is_left_of_a_compressed_file_that_was_cut_off_and_says_that_the_rest_is_lost(double share)
    {
        using Follow follow = Start(StartAt.Beginning).Drain();
        follow.Stop();
        for (int i = 0; i < 40; i++) Write(1000);
        RotateTo("syslog.1.gz");
        Write(3);
        string compressed = _log.Live + ".1.gz";
        using (var file = new FileStream(compressed, FileMode.Open, FileAccess.Write)) file.SetLength((long)(file.Length * share));
        follow.Start();

        List<string> seen = follow.Settle().Seen;

        Assert.Equal(_log.Written[^3..], seen[^3..]);
        int whole = seen.Count - 3;
        Assert.Equal(_log.Written[..(whole - (whole > 0 ? 1 : 0))], seen[..(whole - (whole > 0 ? 1 : 0))]);
        Assert.InRange(whole, share > 0.5 ? 20_000 : 0, 39_999);
        IntakeNotice.Lost lost = Assert.Single(follow.Notices.OfType<IntakeNotice.Lost>());
        Assert.Equal((compressed, "the compressed file is damaged or cut off; what it had after that is lost"), (lost.Input, lost.Reason));
        int notices = follow.Notices.Count;
        Assert.Equal(seen, follow.Settle().Seen);
        Assert.Equal(notices, follow.Notices.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reads_the_rest_of_a_truncated_file_from_its_copy(bool stopped)
    {
        Write(3);
        using Follow follow = Start(StartAt.Beginning).Drain();
        if (stopped) follow.Stop();
        Write(2);
        _log.CopyTruncate();
        // Longer than before: its size does not give it away.
        Write(20);
        if (stopped) follow.Start();

        Assert.Equal(_log.Written, follow.Settle().Seen);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void A_copy_that_is_met_while_it_is_made_is_no_file_of_its_own(int linesInIt, bool stopped)
    {
        Write(3);
        using Follow follow = Start(StartAt.Beginning).Drain();
        _log.CopyTruncate();
        Write(4);
        // The next copy has been begun when the truncation before is noticed.
        _log.Shift();
        File.WriteAllLines(_log.Numbered(1), _log.Written[3..(3 + linesInIt)]);
        _log.Touch(_log.Numbered(1));
        follow.Drain();
        if (stopped) follow.Stop();
        File.Copy(_log.Live, _log.Numbered(1), overwrite: true);
        _log.Touch(_log.Numbered(1));
        _log.Truncate();
        Write(2);
        if (stopped) follow.Start();

        Assert.Equal(_log.Written, follow.Settle().Seen);
        Assert.DoesNotContain(follow.Notices, notice => notice is IntakeNotice.Lost);
    }

    [Fact]
    public void A_copy_that_lacks_what_was_read_before_the_truncation_is_not_read_again()
    {
        Write(2);
        using Follow follow = Start(StartAt.Beginning).Drain();
        Write(2);
        File.Copy(_log.Live, _log.Numbered(1));
        _log.Touch(_log.Numbered(1));
        // Copied already, and not truncated yet: logrotate loses it. Within one tick of the clock.
        _log.Write(1);
        follow.Drain();
        _log.Truncate();
        follow.Drain();
        Write(2);

        Assert.Equal(_log.Written, follow.Settle().Seen);
    }

    [Fact]
    public void Starts_again_after_a_truncation_and_says_what_that_may_have_cost()
    {
        Write(3);
        using Follow follow = Start(StartAt.Beginning).Drain();
        long read = new FileInfo(_log.Live).Length;
        _log.Truncate();
        Write(1);

        Assert.Equal(_log.Written, follow.Drain().Seen);
        Assert.Contains(new IntakeNotice.Truncated(_log.Live, read, CopyFound: false), follow.Notices);
    }

    [Fact]
    public void Notices_a_truncation_to_the_same_size()
    {
        Write(1);
        using Follow follow = Start(StartAt.Beginning).Drain();
        string other = new([.. _log.Written[0].Reverse()]);
        _log.Truncate();
        Tick(TimeSpan.FromSeconds(1));
        File.WriteAllText(_log.Live, other + "\n");
        _log.Touch(_log.Live);

        Assert.Equal([_log.Written[0], other], follow.Drain().Seen);
    }

    [Fact]
    public void Notices_that_a_file_was_filled_anew_with_the_same_beginning()
    {
        Write(40);
        using Follow follow = Start(StartAt.Beginning).Drain();
        Assert.True(new FileInfo(_log.Live).Length > 2 * Fingerprint.HeadMost, "what differs is beyond the beginning that is known");
        string[] anew = [.. _log.Written[..30], .. Enumerable.Range(0, 20).Select(n => $"another line, number {n}, of a file that has been filled anew from the thirtieth on")];
        Tick(TimeSpan.FromSeconds(1));
        File.WriteAllLines(_log.Live, anew);
        _log.Touch(_log.Live);

        Assert.Equal([.. _log.Written, .. anew], follow.Drain().Seen);
    }

    [Fact]
    public void Reads_the_first_line_after_a_hole_that_a_writer_left_who_did_not_see_the_truncation()
    {
        Write(4);
        using Follow follow = Start(StartAt.Beginning).Drain();
        _log.Truncate();
        follow.Drain();
        using (var file = new FileStream(_log.Live, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Seek(3 * RecordBatch.DefaultLongestRecord, SeekOrigin.Begin);
            file.Write("the first\nthe second\n"u8);
        }

        Assert.Equal([.. _log.Written, "the first", "the second"], follow.Drain().Seen);
    }

    [Fact]
    public void Reads_a_file_again_that_was_shortened_for_nobody_knows_where_the_new_lines_start()
    {
        Write(4);
        using Follow follow = Start(StartAt.Beginning).Drain();
        using (var file = new FileStream(_log.Live, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(_log.Written[0].Length + 1);
        Tick(TimeSpan.FromSeconds(1));
        File.AppendAllText(_log.Live, "after\n");

        Assert.Equal([.. _log.Written, _log.Written[0], "after"], follow.Drain().Seen);
    }

    [Fact]
    public void Reads_a_deleted_file_to_its_end_and_the_one_in_its_place()
    {
        Write(1);
        using Follow follow = Start(StartAt.Beginning).Drain();
        Write(1);
        _log.Delete();
        Write(1);
        follow.Drain();
        _log.Reopen();
        Write(1);

        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Knows_a_file_that_got_the_number_of_the_one_before()
    {
        Write(2);
        using Follow follow = Start(StartAt.Beginning).Drain();
        follow.Stop();
        _log.Delete();
        _log.Reopen();
        Write(5);
        follow.Start();

        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Says_what_is_lost_where_the_file_behind_the_position_is_gone()
    {
        Write(2);
        using Follow follow = Start(StartAt.Beginning).Drain();
        long read = new FileInfo(_log.Live).Length;
        follow.Stop();
        _log.Delete();
        _log.Reopen();
        Write(1);
        follow.Start();
        follow.Drain();

        IntakeNotice.Lost lost = Assert.Single(follow.Notices.OfType<IntakeNotice.Lost>());
        Assert.Equal(read, lost.ReadTo);
    }

    [Fact]
    public void Finds_the_rest_of_a_file_that_was_moved_out_of_the_way_under_any_name()
    {
        Write(2);
        using Follow follow = Start(StartAt.Beginning).Drain();
        follow.Stop();
        Write(2);
        File.Move(_log.Live, Path.Combine(_log.Root, "kept for the lawyers"));
        _log.Reopen();
        Write(1);
        follow.Start();

        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Takes_a_last_line_that_nobody_completes_once_its_file_is_done_with()
    {
        Write(1);
        _log.WritePartly();
        using Follow follow = Start(StartAt.Beginning).Drain();
        Assert.Equal(_log.Written, follow.Seen);

        _log.Rename(create: true);
        _log.Reopen();
        Write(1);

        Assert.Equal([.. _log.Written, .. _log.Abandoned.Select(a => a)], follow.Settle().Seen);
    }

    [Fact]
    public void Leaves_out_a_line_that_is_too_long_also_over_a_restart_within_it()
    {
        Write(1);
        using Follow follow = Start(StartAt.Beginning).Drain();
        File.AppendAllText(_log.Live, new string('x', 1_500_000));
        follow.Drain();
        follow.Stop();
        File.AppendAllText(_log.Live, $"Nov 24 02:09:22 lab sysmon: <Event>\n");
        follow.Start();
        follow.Drain();
        Write(1);

        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Gives_out_a_cut_event_as_the_last_line_once_nothing_has_followed_for_a_while()
    {
        const string Cut = "Nov 24 02:09:22 lab sysmon: <Event><EventData><Data Name=\"CommandLine\">cut";
        using Follow follow = Start(StartAt.Beginning).Drain();
        File.WriteAllText(_log.Live, Cut + "\n");
        follow.Drain();
        Assert.Empty(follow.Seen);
        Assert.True(follow.Follower.HasUnsettledLines);

        Tick(LogFile.Settle);

        Assert.Equal([Cut], follow.Drain().Seen);
        Assert.False(follow.Follower.HasUnsettledLines);
    }

    [Fact]
    public void Does_not_read_old_generations_at_the_first_start()
    {
        Write(3);
        _log.Rename(create: true);
        _log.Reopen();
        Write(1);
        using Follow follow = Start(StartAt.Beginning).Drain();
        _log.CopyTruncate();
        Write(1);

        Assert.Equal(_log.Written[3..], follow.Settle().Seen);
    }

    [Fact]
    public void Sets_a_position_aside_that_it_cannot_read()
    {
        Write(1);
        var notices = new List<IntakeNotice>();
        using var follower = new FileFollower([_log.Live], StartAt.End, 1, _time, notices.Add);

        follower.Restore("{\"version\":7,\"patterns\":[],\"files\":[]}"u8);

        Assert.Equal([new IntakeNotice.PositionUnusable("files", "it has version 7, this program reads version 1")], notices);
    }

    [Fact]
    public void Reads_a_file_from_its_beginning_that_came_while_it_was_stopped()
    {
        using Follow follow = Start(StartAt.End).Drain();
        follow.Stop();
        Write(2);
        follow.Start();

        Assert.Equal(_log.Written, follow.Drain().Seen);
    }

    [Fact]
    public void Names_the_fix_where_a_file_is_something_else()
    {
        Directory.CreateDirectory(_log.Live);
        using Follow follow = Start(StartAt.End).Drain().Drain();

        Assert.Equal([new IntakeNotice.Unreadable(_log.Live, "it is not a regular file", "name a file that a syslog daemon writes")], follow.Notices);
    }

    /// <summary>Moves the live file away, compressed where the name says so, and begins another.</summary>
    void RotateTo(string name)
    {
        string path = Path.Combine(_log.Root, name);
        if (!name.EndsWith(".gz", StringComparison.Ordinal)) File.Move(_log.Live, path);
        else _log.CompressTo(path);
        _log.Reopen();
    }

    Follow Start(StartAt startAt) => new(_time, startAt, _log.Live);

    void Write(int lines)
    {
        Tick(TimeSpan.FromMilliseconds(50));
        _log.Write(lines);
    }

    void Tick(TimeSpan by) => _time.Advance(by);

    sealed class CountingFileSystem : LogFileSystem
    {
        public int Calls { get; set; }

        public override int Look(string path, out FileFacts facts)
        {
            Calls++;
            return base.Look(path, out facts);
        }
    }
}
