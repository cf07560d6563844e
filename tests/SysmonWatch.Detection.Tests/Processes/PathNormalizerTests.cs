using System.Text;
using SysmonWatch.Detection.Processes;

namespace SysmonWatch.Detection.Tests.Processes;

public class PathNormalizerTests
{
    [Theory]
    [InlineData("/tmp/./.kw3f", "/tmp/.kw3f")]
    [InlineData("//sbin///reboot", "/sbin/reboot")]
    [InlineData("/usr/lib/../sbin/./reboot", "/usr/sbin/reboot")]
    [InlineData("/../../sbin/reboot", "/sbin/reboot")]
    [InlineData("/sbin/reboot/.", "/sbin/reboot")]
    [InlineData("/..", "/")]
    [InlineData("/sbin/x/..", "/sbin")]
    public void Frees_a_path_of_the_ways_to_spell_it(string spelt, string normal)
    {
        Assert.Equal(normal, Normalized(spelt));
    }

    [Theory]
    [InlineData("/sbin/reboot")]
    [InlineData("/home/alice/.bashrc")]
    [InlineData("/home/alice/..bashrc/...x")]
    [InlineData("relative/../path")]
    [InlineData("")]
    [InlineData("/")]
    public void Leaves_a_normal_or_relative_path_alone(string path)
    {
        Assert.Null(Normalized(path));
    }

    static string? Normalized(string path)
    {
        byte[] into = new byte[path.Length];
        return PathNormalizer.TryNormalize(Encoding.ASCII.GetBytes(path), into, out int length) ? Encoding.ASCII.GetString(into, 0, length) : null;
    }
}
