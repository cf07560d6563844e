namespace Serilog.Sinks.Journald.Tests;

public class FieldNamingTests
{
    [Theory]
    [InlineData("RequestId", "REQUEST_ID")]
    [InlineData("HTTPMethod", "HTTP_METHOD")]
    [InlineData("Ipv4Address", "IPV4_ADDRESS")]
    [InlineData("already_snake", "ALREADY_SNAKE")]
    [InlineData("with.dots-and spaces", "WITH_DOTS_AND_SPACES")]
    [InlineData("_PID", "PID")]
    [InlineData("0", "PROPERTY_0")]
    [InlineData("___", "PROPERTY_")]
    [InlineData("Größe", "GR__E")]
    [InlineData("A\nPRIORITY=0", "A_PRIORITY_0")]
    [InlineData("Message", "PROPERTY_MESSAGE")]
    [InlineData("Priority", "PROPERTY_PRIORITY")]
    [InlineData("MessageId", "PROPERTY_MESSAGE_ID")]
    [InlineData("EventId", "EVENT_ID")]
    [InlineData("SourceContext", "LOGGER")]
    public void Makes_a_field_name_that_journald_takes(string property, string expected)
    {
        FieldNaming naming = new("", new Dictionary<string, string>());

        Assert.Equal(expected, naming.FieldFor(property));
        Assert.True(JournalEntry.IsValidName(naming.FieldFor(property)));
    }

    [Theory]
    [InlineData("Message", "MY_APP_MESSAGE")]
    [InlineData("9", "MY_APP_9")]
    [InlineData("SourceContext", "LOGGER")]
    [InlineData("Mapped", "OTHER")]
    public void Puts_the_prefix_before_every_name_that_is_not_given(string property, string expected)
    {
        FieldNaming naming = new("MyApp_", new Dictionary<string, string> { ["Mapped"] = "Other" });

        Assert.Equal(expected, naming.FieldFor(property));
    }

    [Fact]
    public void Cuts_a_name_that_is_too_long()
    {
        FieldNaming naming = new("", new Dictionary<string, string>());

        Assert.Equal(new string('X', 64), naming.FieldFor(new string('x', 5000)));
        Assert.True(JournalEntry.IsValidName(naming.FieldFor("1" + new string('x', 5000))));
    }
}
