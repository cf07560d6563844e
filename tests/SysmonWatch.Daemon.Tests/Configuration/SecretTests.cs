using SysmonWatch.Daemon.Configuration;

namespace SysmonWatch.Daemon.Tests.Configuration;

public sealed class SecretTests
{
    const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead;

    static string Hook(string url) => $"webhooks: [{{name: a, type: slack, url: {url}}}]";

    [Fact]
    public void Prints_nothing_of_itself()
    {
        var secret = new Secret("https://hooks.example/hush");

        Assert.Equal("***", secret.ToString());
        Assert.Equal("***", $"{secret}");
        Assert.Equal(new Secret("https://hooks.example/hush"), secret);
        Assert.NotEqual(new Secret("other"), secret);
    }

    [Fact]
    public void Is_not_in_the_text_of_the_options()
    {
        using var file = new ConfigurationFile("webhooks: [{name: a, type: slack, url: 'https://h.example/hush', headers: {Authorization: hush}}]");

        SysmonWatchOptions options = file.Load().Options!;

        Assert.DoesNotContain("hush", options.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hush", options.Webhooks[0].ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hush", options.Webhooks[0].Headers[0].ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file: hook.url")]
    [InlineData("env: HOOK")]
    [InlineData("credential: hook.url")]
    public void Comes_from_where_the_file_says(string source)
    {
        using ConfigurationFile file = new ConfigurationFile(Hook($"{{{source}}}")).With("HOOK", "https://h.example/hush");
        file.With("CREDENTIALS_DIRECTORY", file.Directory).Put("hook.url", "  https://h.example/hush\n");

        Assert.Empty(file.Problems());
        Assert.Equal("https://h.example/hush", file.Load().Options!.Webhooks[0].Url.Reveal());
    }

    [Fact]
    public void Is_looked_up_again_at_every_load()
    {
        using var file = new ConfigurationFile(Hook("{file: hook.url}"));
        file.Put("hook.url", "https://h.example/old");
        Assert.Equal("https://h.example/old", file.Load().Options!.Webhooks[0].Url.Reveal());

        file.Put("hook.url", "https://h.example/new");

        Assert.Equal("https://h.example/new", file.Load().Options!.Webhooks[0].Url.Reveal());
    }

    const string FileFix = "; it must hold the value on one line, and the service must be able to read it: let systemd pass it ({credential: NAME}, see docs/install.md).";
    const string CredentialFix = "; add LoadCredential=NAME:/etc/sysmonwatch/credentials/NAME, with this name, to the unit (systemctl edit sysmonwatch) and restart it.";

    public static TheoryData<string, string> WrongSecrets => new()
    {
        { "{file: absent}", "47: error: webhooks[0].url.file: the file does not exist" + FileFix },
        { "{file: .}", "47: error: webhooks[0].url.file: the file is a directory" + FileFix },
        { "{file: pipe}", "47: error: webhooks[0].url.file: the file is a named pipe" + FileFix },
        { "{file: empty}", "47: error: webhooks[0].url.file: the file is empty." },
        { "{file: two-lines}", "47: error: webhooks[0].url.file: the file holds a line break or another control character." },
        { "{file: long}", "47: error: webhooks[0].url.file: the file is longer than 16 KiB." },
        { "{env: ABSENT}", "46: error: webhooks[0].url.env: the environment variable is not set; set it with EnvironmentFile= in the unit (systemctl edit sysmonwatch), or use credential:." },
        { "{credential: absent}", "53: error: webhooks[0].url.credential: systemd passed no credentials" + CredentialFix },
        { "{credential: ../x}", "53: error: webhooks[0].url.credential: is a path or a URL; expected the name that LoadCredential= in the unit gives the credential." },
        { "{vault: x}", "41: error: unknown key in webhooks[0].url. Known: file, env, credential." },
        { "{file: a, env: b}", "40: error: webhooks[0].url: a mapping where a value, or exactly one of file:, env: or credential: is expected." },
        { "{file: [a]}", "47: error: webhooks[0].url.file: a list where a single value is expected." },
        { "[a]", "40: error: webhooks[0].url: a list where a value, or exactly one of file:, env: or credential: is expected." },
        { "", "40: error: webhooks[0].url: nothing where a value is expected; give it a value, or file:, env: or credential:." },
        { "hooks.example/hush", "40: error: webhooks[0].url: is not an absolute URL that begins with https:// or http:// (it is not shown because it is a secret)." },
        { "ftp://h.example/hush", "40: error: webhooks[0].url: is not an absolute URL that begins with https:// or http:// (it is not shown because it is a secret)." },
        { "{file: no-url}", "40: error: webhooks[0].url: is not an absolute URL that begins with https:// or http:// (it is not shown because it is a secret)." },
        { "'https://hush:hush@h.example/'", "40: error: webhooks[0].url: has a user name or password in it, which is not sent; use headers: with Authorization." },
    };

    [Theory]
    [MemberData(nameof(WrongSecrets))]
    public void Says_what_is_wrong_without_showing_it(string url, string expected)
    {
        using var file = new ConfigurationFile($"webhooks: [{{name: a, type: slack, url: {url}}}]");
        file.Put("empty", "\n");
        file.Put("two-lines", "https://h.example/hush\nhttps://h.example/hush");
        file.Put("long", new string('h', 20_000));
        file.Put("no-url", "hush");
        MakePipe(Path.Combine(file.Directory, "pipe"));

        string problem = Assert.Single(file.Problems()).Replace(file.Directory, "DIRECTORY", StringComparison.Ordinal);

        Assert.Equal("sysmonwatch.yaml:1:" + expected, problem);
        Assert.DoesNotContain("hush", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_the_fix_for_a_credential_that_systemd_did_not_pass()
    {
        using var file = new ConfigurationFile(Hook("{credential: absent}"));
        file.With("CREDENTIALS_DIRECTORY", file.Directory);

        Assert.Equal(
            ["sysmonwatch.yaml:1:53: error: webhooks[0].url.credential: the credential does not exist" + CredentialFix],
            file.Problems());
    }

    [Fact]
    public void Only_warns_of_a_missing_credential_where_nothing_is_run()
    {
        using var file = new ConfigurationFile(Hook("{credential: hook}"));

        Assert.NotNull(file.Load(onlyChecking: true).Options);
        Assert.Equal(
            ["sysmonwatch.yaml:1:53: warning: webhooks[0].url.credential: was not looked at, because systemd passes credentials to the service only."],
            file.Problems(onlyChecking: true));
    }

    [Fact]
    public void Warns_where_every_user_can_read_it_or_it_travels_unencrypted()
    {
        using var file = new ConfigurationFile(Hook("{file: hook.url}"));
        file.Put("hook.url", "http://h.example/hush", ForAll);
        using var literal = new ConfigurationFile(Hook("https://h.example/hush"));
        File.SetUnixFileMode(literal.Path, ForAll);

        Assert.NotNull(file.Load().Options);
        Assert.Equal(
            [
                "sysmonwatch.yaml:1:40: warning: webhooks[0].url: alerts go to h.example unencrypted; use https.",
                "sysmonwatch.yaml:1:47: warning: webhooks[0].url.file: the file can be read by every user; let systemd pass it ({credential: NAME}, see docs/install.md), or chown root:adm and chmod 0640 it.",
            ],
            file.Problems());
        Assert.Equal(
            ["sysmonwatch.yaml:1:40: warning: webhooks[0].url: is a secret in a file that every user can read; let systemd pass it ({credential: NAME}, see docs/install.md), or chown root:adm and chmod 0640 the configuration."],
            literal.Problems());
    }

    [Theory]
    [InlineData("{file: absent}", "the file does not exist")]
    [InlineData("{file: pipe}", "the file is a named pipe")]
    [InlineData("{env: ABSENT}", "the environment variable is not set")]
    [InlineData("{credential: absent}", "the credential was not passed by systemd")]
    [InlineData("{file: no-url}", "the value is not an absolute URL that begins with https:// or http:// (it is not shown because it is a secret)")]
    public void What_cannot_be_read_makes_only_its_own_webhook_unusable(string url, string why)
    {
        using var file = new ConfigurationFile($"webhooks: [{{name: a, type: slack, url: {url}}}, {{name: b, type: slack, url: 'https://h.example/x'}}]");
        file.Put("no-url", "hush");
        MakePipe(Path.Combine(file.Directory, "pipe"));

        IReadOnlyList<WebhookOptions> webhooks = file.Load().Options!.Webhooks;

        Assert.Equal(["a", "b"], webhooks.Select(w => w.Name));
        Assert.Equal($"its URL cannot be used: {why}", webhooks[0].Unusable);
        Assert.Null(webhooks[1].Unusable);
    }

    [Fact]
    public void A_header_that_cannot_be_read_makes_its_webhook_unusable()
    {
        using var file = new ConfigurationFile("webhooks: [{name: a, type: slack, url: 'https://h.example/x', headers: {Authorization: {env: ABSENT}}}]");

        Assert.Equal("one of its headers cannot be used: the environment variable is not set", Assert.Single(file.Load().Options!.Webhooks).Unusable);
    }

    const string Typed = "xoxb-hush";

    public static TheoryData<string> WrongPlaces =>
    [
        $"webhooks: [{{name: a, type: slack, url: {{env: {Typed}}}}}]",
        $"webhooks: [{{name: a, type: slack, url: {{env: https://h.example/{Typed}}}}}]",
        $"webhooks: [{{name: a, type: slack, url: {{credential: {Typed}}}}}]",
        $"webhooks: [{{name: a, type: slack, url: {{credential: https://h.example/{Typed}}}}}]",
        $"webhooks: [{{name: a, type: slack, url: {{file: {Typed}}}}}]",
        $"webhooks: [{{name: a, type: slack, url: {{{Typed}: x}}}}]",
        $"webhooks: [{{name: 'https://h.example/{Typed}', type: slack, url: 'https://h/'}}]",
        $"webhooks: [{{name: {Typed}, type: slack, url: 'https://h/'}}, {{name: {Typed}, type: slack, url: 'https://h/'}}]",
        $"webhooks: [{{name: a, type: 'https://h.example/{Typed}', url: 'https://h/'}}]",
        $"webhooks: [{{name: a, type: slack, url: 'https://h/', minimum_level: {Typed}}}]",
        $"webhooks: [{{name: a, type: slack, url: 'https://h/', timeout: {Typed}}}]",
        $"webhooks: [{{name: a, type: slack, url: 'https://h/', {Typed}: x}}]",
        $"webhooks: [{{name: a, type: slack, url: 'https://h/', headers: {{'Bearer {Typed}': x}}}}]",
        $"webhooks: [{{name: a, type: slack, url: 'https://h/', headers: {{{Typed}: {{env: ABSENT}}}}}}]",
        $"webhooks: [{{name: a, type: slack, url: 'https://h/', headers: {{{Typed}: x, {Typed.ToUpperInvariant()}: y}}}}]",
        $"webhooks: [{{name: a, type: slack, url: 'https://h/', headers: {{{Typed}: x, {Typed}: y}}}}]",
        $"webhooks: [{{name: a, type: slack, url: *{Typed}}}]",
        $"https://h.example/{Typed}: x",
        $"input: {{files: 'https://h.example/{Typed}'}}",
    ];

    [Theory]
    [MemberData(nameof(WrongPlaces))]
    public void Is_not_shown_wherever_it_was_typed_by_mistake(string text)
    {
        using var file = new ConfigurationFile(text);

        string[] said = [.. file.Problems(), .. file.Problems(onlyChecking: true)];

        Assert.NotEmpty(said);
        Assert.All(said, line => Assert.DoesNotContain("hush", line, StringComparison.OrdinalIgnoreCase));
    }

    static void MakePipe(string path)
    {
        using System.Diagnostics.Process made = System.Diagnostics.Process.Start("mkfifo", [path]);
        made.WaitForExit();
    }
}
