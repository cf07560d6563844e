using System.Text;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Tests.Sigma;

public sealed class IpNetworkTests
{
    [Theory]
    [InlineData("0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("0.0.0.0/0", "::ffff:1.2.3.4", true)]
    [InlineData("10.0.0.0/8", "0:0:0:0:0:ffff:a01:203", true)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("::/0", "1.2.3.4", false)]
    [InlineData("::/0", "::ffff:1.2.3.4", true)]
    [InlineData("::ffff:0:0/96", "1.2.3.4", true)]
    [InlineData("::ffff:10.0.0.0/104", "10.1.2.3", true)]
    [InlineData("::ffff:10.0.0.0/104", "11.1.2.3", false)]
    [InlineData("2001:db8::/33", "2001:db8:7fff::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("1.2.3.4/32", "1.2.3.5", false)]
    [InlineData("1.2.3.4/31", "1.2.3.5", true)]
    [InlineData("10.0.0.0/8", "10.1.1", false)]
    [InlineData("10.0.0.0/8", "10.01.1.1", false)]
    [InlineData("::/0", "::2:3:4:5:6:7:8", true)]
    [InlineData("::/0", "1:2:3:4:5:6:7::", true)]
    [InlineData("::/0", "::1:2:3:4:5:6:7:8", false)]
    [InlineData("::/0", "1:2:3::4:5:6:7:8", false)]
    [InlineData("::/0", "1:2:3:4:5:6:7:8::", false)]
    [InlineData("::/0", "::1:2:3:4:5:1.2.3.4", true)]
    [InlineData("::/0", "::1:2:3:4:5:6:1.2.3.4", false)]
    public void Holds_the_addresses_it_should(string network, string address, bool holds) =>
        Assert.Equal(holds, IpNetwork.Parse(network, out _)!.Contains(Encoding.UTF8.GetBytes(address)));
}
