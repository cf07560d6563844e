using System.Text;
using CsCheck;
using SysmonWatch.Tests.Shared;

namespace Serilog.Sinks.Journald.Tests;

public class JournalEntryTests
{
    [Theory]
    [InlineData("plain", "A=plain\n")]
    [InlineData("", "A=\n")]
    [InlineData("a=b", "A=a=b\n")]
    [InlineData("grüße", "A=grüße\n")]
    [InlineData("two\nlines", "A\n\u0009\0\0\0\0\0\0\0two\nlines\n")]
    [InlineData("\n", "A\n\u0001\0\0\0\0\0\0\0\n\n")]
    [InlineData("x\nPRIORITY=0", "A\n\u000c\0\0\0\0\0\0\0x\nPRIORITY=0\n")]
    [InlineData("tab\t", "A\n\u0004\0\0\0\0\0\0\0tab\t\n")]
    [InlineData("\0", "A\n\u0001\0\0\0\0\0\0\0\0\n")]
    [InlineData("\u007f", "A\n\u0001\0\0\0\0\0\0\0\u007f\n")]
    public void Writes_text_as_the_protocol_has_it(string value, string expected)
    {
        using JournalEntry entry = new();

        entry.Add("A", value);

        Assert.Equal(Encoding.UTF8.GetBytes(expected), entry.Serialized.ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 0x41 }, new byte[] { (byte)'B', (byte)'=', 0x41, 10 })]
    [InlineData(new byte[] { 0xc3, 0x28 }, new byte[] { (byte)'B', 10, 2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x28, 10 })]
    [InlineData(new byte[] { }, new byte[] { (byte)'B', (byte)'=', 10 })]
    public void Writes_bytes_that_are_not_UTF8_with_their_length(byte[] value, byte[] expected)
    {
        using JournalEntry entry = new();

        entry.Add("B", value);

        Assert.Equal(expected, entry.Serialized.ToArray());
    }

    [Fact]
    public void Writes_half_a_surrogate_pair_as_the_replacement_character()
    {
        using JournalEntry entry = new();

        entry.Add("A", "half \ud83d");

        Assert.Equal("A=half \ufffd\n", Encoding.UTF8.GetString(entry.Serialized));
    }

    [Fact]
    public void Keeps_the_order_and_every_value_of_a_repeated_name()
    {
        using JournalEntry entry = new();

        entry.Add("T", "T1485").Add("NUMBER", long.MinValue).Add("T", "T1529");

        Assert.Equal("T=T1485\nNUMBER=-9223372036854775808\nT=T1529\n", Encoding.UTF8.GetString(entry.Serialized));
        Assert.Equal(3, entry.FieldCount);
    }

    [Theory]
    [InlineData("")]
    [InlineData("_PID")]
    [InlineData("1A")]
    [InlineData("lower")]
    [InlineData("A-B")]
    [InlineData("A=B")]
    [InlineData("A\nPRIORITY")]
    [InlineData("Ä")]
    [InlineData("A23456789012345678901234567890123456789012345678901234567890123456")]
    public void Refuses_a_name_that_journald_would_drop(string name)
    {
        using JournalEntry entry = new();

        Assert.False(JournalEntry.IsValidName(name));
        Assert.Throws<ArgumentException>(() => entry.Add(name, "x"));
        Assert.Equal(0, entry.Length);
    }

    [Fact]
    public void Takes_a_name_of_64_characters()
    {
        string name = "A_" + new string('9', 62);
        using JournalEntry entry = new();

        entry.Add(name, "x");

        Assert.Equal(name, Assert.Single(JournalProtocol.Parse(entry.Serialized.ToArray())).Name);
    }

    [Fact]
    public void Says_that_it_has_more_fields_than_journald_takes()
    {
        using JournalEntry entry = new();

        for (int i = 0; i < JournalEntry.MaxFields; i++) entry.Add("A", i);
        Assert.False(entry.IsTooLarge);
        entry.Add("A", "one more");

        Assert.True(entry.IsTooLarge);
        Assert.Equal(JournalEntry.MaxFields, entry.FieldCount);
    }

    [Fact]
    public void Is_as_new_after_it_was_cleared()
    {
        using JournalEntry entry = new();
        for (int i = 0; i <= JournalEntry.MaxFields; i++) entry.Add("A", i);

        entry.Clear();
        entry.Add("B", "2");

        Assert.False(entry.IsTooLarge);
        Assert.Equal("B=2\n", Encoding.UTF8.GetString(entry.Serialized));
    }

    [Fact]
    public void Any_values_come_back_and_none_makes_another_field()
    {
        Gen<string> names = Gen.String[Gen.Char["ABCXYZ019_"], 1, 64].Where(name => JournalEntry.IsValidName(name));

        // What an attacker would try, beside everything else.
        string[] attempts = ["\nPRIORITY=0", "\n\nMESSAGE=forged\n", "x\nMESSAGE\n\u0004\0\0\0\0\0\0\0evil\n", "=", "\n"];
        Gen<byte[]> hostile = Gen.OneOf([.. attempts.Select(text => Gen.Const(Encoding.UTF8.GetBytes(text)))]);
        Gen<byte[]> values = Gen.OneOf(Gen.Byte.Array[0, 300], hostile, Gen.Select(hostile, Gen.Byte.Array[0, 20], (a, b) => (byte[])[.. a, .. b]));

        Gen.Select(names, values).Array[0, 20].Sample(fields =>
        {
            using JournalEntry entry = new();
            foreach ((string name, byte[] value) in fields) entry.Add(name, value);

            List<JournalField> read = JournalProtocol.Parse(entry.Serialized.ToArray());

            return read.Count == fields.Length
                && read.Zip(fields).All(pair => pair.First.Name == pair.Second.Item1 && pair.First.Value.AsSpan().SequenceEqual(pair.Second.Item2));
        });
    }

    [Fact]
    public void Any_text_comes_back_as_its_UTF8()
    {
        Gen.String[0, 3000].Sample(text =>
        {
            using JournalEntry entry = new();
            entry.Add("BEFORE", 1).Add("TEXT", text).Add("AFTER", 2);

            List<JournalField> read = JournalProtocol.Parse(entry.Serialized.ToArray());

            return read.Count == 3 && read[1].Value.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text)) && read[2].Text == "2";
        });
    }
}
