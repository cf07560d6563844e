using CsCheck;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>
/// Random sequences of what can happen to a log file, to the clock and to the one who follows it. What must come out is what was written, every line
/// once and in order, but for lines that were destroyed while they were unread.
/// </summary>
public class FileFollowerModelTests
{
    enum Act
    {
        Write, WriteMany, WritePartly, Step, Drain, RenameCreate, RenameOnly, CreateLate, Reopen, CopyTruncate, Truncate, DeleteAndReopen, Compress,
        Save, Stop, Kill, Start, LongTime, ClockBack, ClockForward,
    }

    static readonly Gen<Act> AnyAct = Gen.Frequency(
        (8, Gen.Const(Act.Write)), (2, Gen.Const(Act.WriteMany)), (3, Gen.Const(Act.WritePartly)), (6, Gen.Const(Act.Step)), (3, Gen.Const(Act.Drain)),
        (2, Gen.Const(Act.RenameCreate)), (2, Gen.Const(Act.RenameOnly)), (2, Gen.Const(Act.CreateLate)), (4, Gen.Const(Act.Reopen)),
        (2, Gen.Const(Act.CopyTruncate)), (1, Gen.Const(Act.Truncate)), (1, Gen.Const(Act.DeleteAndReopen)), (2, Gen.Const(Act.Compress)),
        (2, Gen.Const(Act.Save)), (1, Gen.Const(Act.Stop)), (1, Gen.Const(Act.Kill)), (4, Gen.Const(Act.Start)), (1, Gen.Const(Act.LongTime)),
        (1, Gen.Const(Act.ClockBack)), (1, Gen.Const(Act.ClockForward)));

    [Fact]
    public void Every_line_comes_once_and_in_order_whatever_happens_to_the_file() =>
        AnyAct.Array[1, 40].Sample(Play, iter: Iterations, threads: 1, print: acts => string.Join(' ', acts));

    /// <summary>Sequences that were found wrong once.</summary>
    [Theory]
    [InlineData("Drain Write CopyTruncate Stop")]
    [InlineData("RenameCreate Step Write Step Stop WritePartly")]
    [InlineData("Step Write CopyTruncate Write CreateLate DeleteAndReopen")]
    [InlineData("Start WritePartly Write CopyTruncate RenameCreate DeleteAndReopen")]
    [InlineData("Reopen Write Reopen Write Write CopyTruncate Kill")]
    [InlineData("Write DeleteAndReopen Compress CopyTruncate RenameOnly RenameOnly Start Write CopyTruncate CreateLate")]
    [InlineData("RenameOnly Write Write Compress RenameCreate WriteMany CopyTruncate Reopen CreateLate Compress Write")]
    [InlineData("Drain Write DeleteAndReopen Save Compress Start Write Save RenameOnly Write Step Reopen")]
    [InlineData("Write Write DeleteAndReopen RenameCreate Step Start RenameOnly WriteMany Start WritePartly Start Stop Compress Reopen DeleteAndReopen")]
    [InlineData("CopyTruncate WriteMany Start Step Write Save Write CopyTruncate CopyTruncate Reopen Kill Compress WriteMany Write CopyTruncate Write Kill RenameCreate Stop CreateLate")]
    [InlineData("RenameCreate Step Step Write Write CopyTruncate CopyTruncate Compress CreateLate RenameCreate Save Step Write WritePartly DeleteAndReopen Truncate Write CopyTruncate Step WritePartly")]
    [InlineData("Write DeleteAndReopen RenameOnly Drain Drain LongTime WritePartly Step Write LongTime Step Step Step Write WritePartly Step Drain Step Step WriteMany Write WritePartly RenameOnly Stop Drain WritePartly CopyTruncate WriteMany Write Start Reopen Save RenameOnly RenameOnly Step WritePartly")]
    [InlineData("Reopen WriteMany Write Save Write CopyTruncate WritePartly LongTime WriteMany DeleteAndReopen Start RenameOnly Step Write")]
    [InlineData("Drain RenameCreate RenameCreate Step RenameOnly Write RenameCreate Write Write Reopen RenameOnly Reopen CreateLate Stop Compress RenameOnly Write WritePartly RenameCreate DeleteAndReopen DeleteAndReopen Save Reopen Start RenameOnly Reopen Reopen Reopen RenameOnly Step Write WritePartly WritePartly")]
    [InlineData("LongTime Step Step Write CopyTruncate Start RenameOnly ClockBack WriteMany CopyTruncate Compress Write Compress CopyTruncate Write Start CopyTruncate")]
    public void Comes_through(string acts) => Play([.. acts.Split(' ').Select(Enum.Parse<Act>)]);

    static int Iterations => int.TryParse(Environment.GetEnvironmentVariable("SYSMONWATCH_MODEL_SEQUENCES"), out int asked) ? asked : 2_000;

    static void Play(Act[] acts)
    {
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000));
        using var log = new ToyLog(time);
        log.Open();
        using var follow = new Follow(time, StartAt.Beginning, log.Live);
        follow.Drain();
        follow.Save();
        var destroyed = new HashSet<string>();
        bool setBack = false;

        foreach (Act act in acts)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            switch (act)
            {
                case Act.Write: log.Write(1); break;
                case Act.WriteMany: log.Write(17); break;
                case Act.WritePartly: log.WritePartly(); break;
                case Act.Step when follow.IsRunning: follow.Step(); break;
                case Act.Drain when follow.IsRunning: follow.Drain(thorough: false); break;
                case Act.RenameCreate: log.Rename(create: true); break;
                case Act.RenameOnly: log.Rename(create: false); break;
                case Act.CreateLate: log.Create(); break;
                case Act.Reopen: log.Reopen(); break;
                // A writer that still has the renamed file open does not see its copy truncated; logrotate is used one way or the other.
                case Act.CopyTruncate: log.Reopen(); log.CopyTruncate(); break;
                case Act.Truncate: log.Reopen(); destroyed.UnionWith(Unread(log, follow)); log.Truncate(); break;
                case Act.DeleteAndReopen:
                    log.Reopen();
                    destroyed.UnionWith(Unread(log, follow));
                    log.Delete();
                    // Of two files written to within one tick of the kernel's clock nobody can say which came first.
                    time.Advance(TimeSpan.FromMilliseconds(50));
                    log.Reopen();
                    break;
                case Act.Compress: log.Reopen(); log.Compress(); break;
                case Act.Save when follow.IsRunning: follow.Save(); break;
                case Act.Stop when follow.IsRunning: follow.Stop(); break;
                case Act.Kill when follow.IsRunning: follow.Kill(); break;
                case Act.Start when !follow.IsRunning: follow.Start(); break;
                case Act.LongTime: time.Advance(WatchedFile.Linger); break;
                // Nobody can see afterwards that it was set back where it has been set forward again by then.
                case Act.ClockBack: setBack = true; time.AdjustTime(time.GetUtcNow() - TimeSpan.FromHours(26)); break;
                case Act.ClockForward when !setBack: time.AdjustTime(time.GetUtcNow() + TimeSpan.FromHours(31)); break;
                default: break;
            }
        }
        time.Advance(TimeSpan.FromMilliseconds(50));
        if (!follow.IsRunning) follow.Start();
        log.Reopen();
        log.Write(1);
        follow.Settle();

        // Which of two files came first only their times say at times.
        Check(log, follow, destroyed, inOrder: !setBack);
    }

    /// <summary>What is in the live file and not in what is safely read: a truncation or deletion may destroy it.</summary>
    static IEnumerable<string> Unread(ToyLog log, Follow follow) => File.Exists(log.Live) ? File.ReadLines(log.Live).Where(l => !follow.SafelySeen(l)) : [];

    static void Check(ToyLog log, Follow follow, HashSet<string> destroyed, bool inOrder)
    {
        // Beginnings that nobody completed are records too, once nobody can; when they come is not said.
        var pieces = new HashSet<string>(log.Abandoned.Select(a => a.TrimEnd()), StringComparer.Ordinal);
        List<string> seen = [.. follow.Seen.Where(l => !pieces.Contains(l.TrimEnd()))];
        var seenSet = new HashSet<string>(seen, StringComparer.Ordinal);
        List<string> expected = [.. log.Written.Where(l => seenSet.Contains(l) || !destroyed.Contains(l))];
        if (!inOrder)
        {
            seen.Sort(StringComparer.Ordinal);
            expected.Sort(StringComparer.Ordinal);
        }

        Assert.True(expected.SequenceEqual(seen), $"""
            missing: {string.Join(' ', expected.Except(seen).Select(Number))}
            twice: {string.Join(' ', seen.GroupBy(l => l).Where(g => g.Count() > 1).Select(g => Number(g.Key)))}
            not written: {string.Join(' ', seen.Except(expected))}
            order: {string.Join(' ', seen.Select(Number))}
            {string.Join('\n', follow.Notices)}
            """);
    }

    static string Number(string line) => line.Length > 39 ? line[33..39].TrimStart('0') : line;
}
