using SysmonWatch.Daemon.Intake;

namespace SysmonWatch.Daemon.Tests.Intake;

public sealed class PollingFallbackTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("look-").FullName;
    readonly PollingFallback _look = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    string File => Path.Combine(_directory, "log");

    [Fact]
    public void Says_each_change_once()
    {
        System.IO.File.WriteAllText(File, "a");
        _look.IsRestless = false;
        _look.Use([_directory, File]);
        Assert.True(_look.HasChanged());
        Assert.False(_look.HasChanged());

        Once(() => System.IO.File.AppendAllText(File, "b"));
        Once(() => System.IO.File.WriteAllText(File, ""));
        Once(() => System.IO.File.SetUnixFileMode(File, UnixFileMode.None));
        Once(() => System.IO.File.Move(File, File + ".1"));
        Once(() => System.IO.File.WriteAllText(File, ""));
        Once(() => System.IO.File.Delete(File));
        Once(() => Directory.Delete(_directory, recursive: true));
        Once(() => Directory.CreateDirectory(_directory));

        void Once(Action change)
        {
            change();
            Assert.True(_look.HasChanged());
            Assert.False(_look.HasChanged());
        }
    }

    [Fact]
    public void Says_so_always_where_a_look_does_not_show_everything()
    {
        _look.Use([]);
        _look.IsRestless = true;
        Assert.True(_look.HasChanged());
        Assert.True(_look.HasChanged());

        _look.IsRestless = false;
        Assert.False(_look.HasChanged());
    }

    [Fact]
    public void Counts_a_path_that_is_new_as_a_change_and_the_same_paths_again_as_none()
    {
        System.IO.File.WriteAllText(File, "a");
        _look.IsRestless = false;
        _look.Use([File]);
        _look.HasChanged();

        _look.Use([File]);
        Assert.False(_look.HasChanged());
        _look.Use([File, _directory]);
        Assert.True(_look.HasChanged());
    }
}
