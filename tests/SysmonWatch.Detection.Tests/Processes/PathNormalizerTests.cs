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
        Assert.Equal(normal, Encoding.UTF8.GetString(PathNormalizer.Normalize(Encoding.UTF8.GetBytes(spelt))!));
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
        Assert.Null(PathNormalizer.Normalize(Encoding.UTF8.GetBytes(path)));
    }
}
