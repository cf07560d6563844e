using System.Text;
using CsCheck;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Tests.Events;

public sealed class JsonEventTests
{
    [Fact]
    public void Reads_nested_objects_arrays_and_its_reserved_keys()
    {
        var e = new JsonEvent();

        Assert.True(e.TryRead("""{"_t":1.5,"_logsource":{"product":"linux"},"a":{"b":"x\n"},"c":[1,null,"two"],"d":null,"e":true,"f":[]}"""u8, out string? reason), reason);

        Assert.Equal(1_500_000, e.Time);
        Assert.Equal("linux", e.Product);
        Assert.Equal((ValueKind.Text, "x\n"), Find(e, "a.b"));
        Assert.Equal((ValueKind.Number, "1"), Find(e, "c"));
        Assert.True(e.TryAlternative(FieldId.Of("c"), 0, out ReadOnlySpan<byte> second));
        Assert.Equal("two", Encoding.UTF8.GetString(second));
        Assert.False(e.TryAlternative(FieldId.Of("c"), 1, out _));
        Assert.Equal((ValueKind.Null, ""), Find(e, "d"));
        Assert.Equal((ValueKind.Boolean, "true"), Find(e, "e"));
        Assert.Equal((ValueKind.Null, ""), Find(e, "f"));
        Assert.Equal((ValueKind.Absent, ""), Find(e, "_t"));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\":1} x")]
    [InlineData("{\"a\":")]
    [InlineData("{\"_t\":\"x\"}")]
    [InlineData("")]
    public void Says_why_it_cannot_read_something(string json)
    {
        Assert.False(new JsonEvent().TryRead(Encoding.UTF8.GetBytes(json), out string? reason));
        Assert.NotNull(reason);
    }

    [Theory]
    [InlineData("x\\ud800y", "x\uFFFDy")]
    [InlineData("\\udc00\\ud83d\\ude00", "\uFFFD😀")]
    [InlineData("\\ud83d\\u0041", "\uFFFDA")]
    [InlineData("\\\\ud800\\ud800", "\\ud800\uFFFD")]
    [InlineData("\\ud800\\\\", "\uFFFD\\")]
    public void Reads_texts_that_are_not_Unicode(string written, string read)
    {
        var e = new JsonEvent();

        Assert.True(e.TryRead(Encoding.UTF8.GetBytes($$"""{"{{written}}":1,"a":"{{written}}","b":"é"}"""), out string? reason), reason);

        Assert.Equal((ValueKind.Text, read), Find(e, "a"));
        Assert.Equal((ValueKind.Text, "é"), Find(e, "b"));
        Assert.Equal((ValueKind.Number, "1"), Find(e, read));
    }

    [Fact]
    public void Reads_bytes_that_are_no_UTF8()
    {
        var e = new JsonEvent();

        Assert.True(e.TryRead([.. "{\"a\":\"x"u8, 0xFF, 0xC3, .. "y\",\"b\":1}"u8], out string? reason), reason);

        Assert.Equal((ValueKind.Text, "x\uFFFD\uFFFDy"), Find(e, "a"));
        Assert.Equal((ValueKind.Number, "1"), Find(e, "b"));
    }

    [Fact]
    public void A_time_that_is_null_is_none()
    {
        var e = new JsonEvent();

        Assert.True(e.TryRead("""{"_t":null,"a":1}"""u8, out string? reason), reason);

        Assert.False(e.HasTime);
    }

    /// <summary>Whatever comes, it is an event or there is a reason.</summary>
    [Fact]
    public void Never_throws()
    {
        var e = new JsonEvent();
        byte[] seed = Encoding.UTF8.GetBytes("""{"_t":1,"_logsource":{"product":"\ud800\\"},"a\udc00":{"b":"x\n\u00e9"},"c":[1,null,"é"]}""");
        Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Byte).Array[1, 4].Sample(
            changes =>
            {
                byte[] json = [.. seed];
                foreach ((int at, byte value) in changes) json[at] = value;
                Assert.NotEqual(e.TryRead(json, out string? reason), reason is not null);
            },
            iter: 5000,
            threads: 1);
    }

    static (ValueKind, string) Find(JsonEvent e, string field)
    {
        ValueKind kind = e.Find(FieldId.Of(field), out ReadOnlySpan<byte> value);
        return (kind, Encoding.UTF8.GetString(value));
    }
}
