using System.Text;
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
    [InlineData("{\"a\":\"\\ud800\"}")]
    [InlineData("{\"a\":")]
    [InlineData("{\"_t\":\"x\"}")]
    [InlineData("")]
    public void Says_why_it_cannot_read_something(string json)
    {
        Assert.False(new JsonEvent().TryRead(Encoding.UTF8.GetBytes(json), out string? reason));
        Assert.NotNull(reason);
    }

    static (ValueKind, string) Find(JsonEvent e, string field)
    {
        ValueKind kind = e.Find(FieldId.Of(field), out ReadOnlySpan<byte> value);
        return (kind, Encoding.UTF8.GetString(value));
    }
}
