namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>
/// Roughly how common bytes are in paths and command lines: only to choose by what a literal is looked for, so a wrong guess costs time and nothing else.
/// </summary>
static class ByteFrequency
{
    /// <summary>What nearly every path and many command lines have.</summary>
    static ReadOnlySpan<byte> CommonText =>
        "/usr/bin/ /usr/sbin/ /usr/lib/ /usr/share/ /usr/local/ /bin/ /sbin/ /etc/ /var/lib/ /var/log/ /tmp/ /home/ /opt/ /proc/sys/ /dev/ /run/ /root/ .so. .py .sh --f --c"u8;

    // Letters by how often they come, from the most common on; what is not here is rarer than all of them.
    const string Order = "e/tasonirlcdp-u.mbhg 0v1fy_2kwx3q45687z9=j:";

    static readonly double[] Weights = [.. Enumerable.Range(0, 256).Select(b => Order.IndexOf((char)b) is >= 0 and int at ? 8.0 / (8 + at) : 0.1)];

    /// <summary>How common a folded byte is, up to 1.</summary>
    public static double Of(byte folded) => Weights[folded];

    /// <summary>A number that is larger the more common some folded bytes are.</summary>
    public static double Of(ReadOnlySpan<byte> bytes)
    {
        double weight = 1;
        foreach (byte b in bytes) weight *= Weights[b];
        return CommonText.IndexOf(bytes) >= 0 ? weight * 20 : weight;
    }
}
