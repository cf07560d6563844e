using System.Text;
using System.Text.Json;
using CsCheck;
using SysmonWatch.Daemon.Delivery.Services.Generic;
using SysmonWatch.Daemon.Delivery.Services.Slack;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Tests.Delivery;

public sealed class SlackBodyTests
{
    readonly SlackBody _body = new();

    static List<string> Texts(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        var texts = new List<string>();
        Collect(document.RootElement);
        return texts;

        void Collect(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array) foreach (JsonElement item in element.EnumerateArray()) Collect(item);
            if (element.ValueKind != JsonValueKind.Object) return;
            foreach (JsonProperty property in element.EnumerateObject())
            {
                if (property.Name == "text" && property.Value.ValueKind == JsonValueKind.String) texts.Add(property.Value.GetString()!);
                else Collect(property.Value);
            }
        }
    }

    [Fact]
    public void Says_what_happened_to_whom()
    {
        List<string> texts = Texts(_body.Of(SomeAlerts.Alert()));

        Assert.Equal(
            [
                "[high] /tmp/.kw3f deleted /sbin/reboot",
                "HIGH: Power control program deleted",
                "/tmp/.kw3f deleted /sbin/reboot",
                "*Host*\n`lab`",
                "*Time*\n2026-11-24T04:14:59.000000Z",
                "*Process*\n`/tmp/.kw3f` (572)",
                "*User*\n`root`",
                "*Started by*\n`sshd → bash → .kw3f`",
                "*First target*\n`/sbin/reboot`",
                "*Last target*\n`/sbin/halt`",
                "*Count*\n2",
                "*Tags*\n`attack.impact attack.t1485`",
                "```/tmp/.kw3f -d```",
                "rule `6f2b0b1c-rule` by SysmonWatch · alert `00112233445566778899aabbccddeeff`",
            ],
            texts);
    }

    [Theory]
    [InlineData("<!channel> hi")]
    [InlineData("<!here|x> <@U123> <#C1> <http://evil.example|click>")]
    [InlineData("@here @channel @everyone #general")]
    [InlineData("``` <!channel> ``` `x` *bold* _it_ ~no~")]
    [InlineData("&lt;!channel&gt; &amp;lt;")]
    [InlineData("a\nb\r\u001b[31m\u202egnp.exe\u2028x\0")]
    public void Nothing_an_attacker_writes_acts(string text)
    {
        Alert alert = SomeAlerts.Alert() with
        {
            RuleTitle = text,
            Message = text,
            Computer = text,
            Image = text,
            User = text,
            CommandLine = text,
            Author = text,
            RuleId = text,
            FirstSubject = text,
            LastSubject = text + "2",
            Chain = [text, text],
            Tags = [text],
            Marks = [text],
            AlertId = text,
        };

        foreach (string shown in Texts(_body.Of(alert)).Concat(Texts(_body.Digest([alert, alert])))) AssertInert(shown);
    }

    [Fact]
    public void Any_text_is_inert_and_within_the_limits() => Gen.String[Gen.Char["<>&@#`*_~!|a \n\u001b\u202e\ud83d\ude00é"], 0, 4000].Sample(
        text =>
        {
            Alert alert = SomeAlerts.Alert() with { RuleTitle = text, Message = text, Computer = text, Image = text, CommandLine = text, Tags = [text], FirstSubject = text };
            byte[] json = _body.Of(alert);
            foreach (string shown in Texts(json))
            {
                AssertInert(shown);
                Assert.InRange(shown.Length, 1, 3000);
            }
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement blocks = document.RootElement.GetProperty("attachments")[0].GetProperty("blocks");
            Assert.InRange(blocks[0].GetProperty("text").GetProperty("text").GetString()!.Length, 1, 150);
            foreach (JsonElement field in blocks[2].GetProperty("fields").EnumerateArray()) Assert.InRange(field.GetProperty("text").GetString()!.Length, 1, 2000);
            Assert.InRange(blocks[2].GetProperty("fields").GetArrayLength(), 1, 10);
        },
        iter: 200);

    [Fact]
    public void Empty_text_leaves_no_block_empty()
    {
        Alert alert = SomeAlerts.Alert() with { RuleTitle = "", Message = "", Computer = "", Image = "", CommandLine = "", Tags = [""], FirstSubject = "" };

        Assert.DoesNotContain("", Texts(_body.Of(alert)));
    }

    static void AssertInert(string shown)
    {
        Assert.DoesNotContain('<', shown);
        Assert.DoesNotContain('>', shown);
        Assert.DoesNotMatch("&(?!amp;|lt;|gt;)", shown);
        Assert.DoesNotMatch("@[a-z]", shown);
        Assert.DoesNotMatch(@"[\x00-\x09\x0b-\x1f\u202e\u2028]", shown);
        int ticks = shown.Count(c => c == '`');
        Assert.True(ticks % 2 == 0 && ticks <= 6, shown);
    }

    [Fact]
    public void Cuts_long_text_and_says_how_much_is_missing()
    {
        List<string> texts = Texts(_body.Of(SomeAlerts.Alert() with { CommandLine = new string('a', 16_000) }));

        string block = texts.Single(t => t.StartsWith("```a", StringComparison.Ordinal));
        Assert.InRange(block.Length, 2800, 2900);
        Assert.Matches(@"^```a+… \(13,\d\d\d more\)```$", block);
    }

    [Fact]
    public void A_digest_keeps_the_details_of_the_worst_and_counts_the_rest_by_rule()
    {
        Alert[] alerts = [.. Enumerable.Range(0, 45).Select(n => SomeAlerts.Alert($"{n}", n == 44 ? RuleLevel.High : RuleLevel.Low) with { RuleTitle = $"Rule {n / 41}", Message = $"{n} on lab: /tmp/.kw3f deleted /sbin/reboot" })];

        List<string> texts = Texts(_body.Digest(alerts));

        Assert.Equal("45 late alerts: 1 high, 44 low", texts[0]);
        Assert.Equal("• [high] 2026-11-24T04:14:59Z 44 on lab: /tmp/.kw3f deleted /sbin/reboot (×2) · alert `44`", texts[3]);
        Assert.Equal("• [low] 2026-11-24T04:14:59Z 0 on lab: /tmp/.kw3f deleted /sbin/reboot (×2) · alert `0`", texts[4]);
        Assert.Equal("and 15 more: 12 × Rule 0, 3 × Rule 1", texts[33]);
        Assert.Equal(35, texts.Count);
        // Slack takes 50 blocks.
        Assert.InRange(JsonDocument.Parse(_body.Digest([.. Enumerable.Repeat(alerts[0], 1000)])).RootElement.GetProperty("attachments")[0].GetProperty("blocks").GetArrayLength(), 30, 50);
    }

    [Fact]
    public void The_generic_body_is_the_alert_in_an_envelope()
    {
        Alert alert = SomeAlerts.Alert() with { CommandLine = "a\u001b<!channel>é" };

        string body = Encoding.UTF8.GetString(new GenericBody().Of(alert));

        Assert.Equal($"{{\"version\":1,\"alert\":{JsonSerializer.Serialize(alert, AlertJson.Default.Alert)}}}", body);
        Assert.True(Ascii.IsValid(body));
    }
}
