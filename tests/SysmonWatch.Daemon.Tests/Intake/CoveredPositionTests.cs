using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Intake.Sources;

namespace SysmonWatch.Daemon.Tests.Intake;

public class CoveredPositionTests
{
    readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000));
    readonly CoveredPosition _position;

    public CoveredPositionTests() => _position = new CoveredPosition([0], _time);

    [Fact]
    public void Is_certain_once_all_of_the_journal_was_read_a_while_later()
    {
        _position.Read([1]);
        Later(CoveredPosition.Margin - TimeSpan.FromMilliseconds(1));
        _position.Read([2]);
        _position.Drained(_time.GetTimestamp());
        Assert.Equal([0], _position.Certain);

        Later(TimeSpan.FromMilliseconds(1));
        _position.Drained(_time.GetTimestamp());

        Assert.Equal([1], _position.Certain);
    }

    [Fact]
    public void Is_not_certain_where_the_journal_was_read_before()
    {
        long before = _time.GetTimestamp();
        _position.Read([1]);
        Later(TimeSpan.FromHours(1));

        _position.Drained(before);

        Assert.Equal([0], _position.Certain);
    }

    [Fact]
    public void Begins_anew_where_the_journal_takes_over()
    {
        _position.Read([1]);
        _position.Reset([7]);
        Later(CoveredPosition.Margin);
        _position.Drained(_time.GetTimestamp());

        Assert.Equal([7], _position.Certain);
    }

    void Later(TimeSpan by) => _time.Advance(by);
}
