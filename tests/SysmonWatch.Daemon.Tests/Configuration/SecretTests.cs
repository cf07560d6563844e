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

    public static TheoryData<string, string> WrongSecrets => new()
    {
        { "{file: absent}", "47: error: webhooks[0].url.file: 'absent' does not exist; it must hold the value on one line and be readable by the service's user." },
        { "{file: .}", "47: error: webhooks[0].url.file: 'DIRECTORY' is a directory; it must hold the value on one line and be readable by the service's user." },
        { "{file: empty}", "47: error: webhooks[0].url.file: 'empty' is empty." },
        { "{file: two-lines}", "47: error: webhooks[0].url.file: 'two-lines' holds a line break or another control character." },
        { "{file: long}", "47: error: webhooks[0].url.file: 'long' is longer than 16 KiB." },
        { "{env: ABSENT}", "46: error: webhooks[0].url.env: the environment variable 'ABSENT' is not set; set it with EnvironmentFile= in the unit (systemctl edit sysmonwatch), or use credential:." },
        { "{credential: absent}", "53: error: webhooks[0].url.credential: systemd passed no credentials; add LoadCredential=absent:/etc/sysmonwatch/credentials/absent to the unit (systemctl edit sysmonwatch) and restart it." },
        { "{credential: ../x}", "53: error: webhooks[0].url.credential: '../x' is a path; expected the name that LoadCredential= gives it." },
        { "{vault: x}", "41: error: unknown key 'vault' in webhooks[0].url. Known: file, env, credential." },
        { "{file: a, env: b}", "40: error: webhooks[0].url: a mapping where a value, or exactly one of file:, env: or credential: is expected." },
        { "{file: [a]}", "47: error: webhooks[0].url.file: a list where a single value is expected." },
        { "[a]", "40: error: webhooks[0].url: a list where a value, or exactly one of file:, env: or credential: is expected." },
        { "", "40: error: webhooks[0].url: nothing where a value is expected; give it a value, or file:, env: or credential:." },
        { "hooks.example/hush", "40: error: webhooks[0].url: is not an absolute URL that begins with https:// or http:// (it is not shown because it is a secret)." },
        { "ftp://h.example/hush", "40: error: webhooks[0].url: is not an absolute URL that begins with https:// or http:// (it is not shown because it is a secret)." },
        { "'https://hush:hush@h.example/'", "40: error: webhooks[0].url: the URL for h.example has a user name or password in it, which is not sent; use headers: with Authorization." },
    };

    [Theory]
    [MemberData(nameof(WrongSecrets))]
    public void Says_what_is_wrong_without_showing_it(string url, string expected)
    {
        using var file = new ConfigurationFile($"webhooks: [{{name: a, type: slack, url: {url}}}]");
        file.Put("empty", "\n");
        file.Put("two-lines", "https://h.example/hush\nhttps://h.example/hush");
        file.Put("long", new string('h', 20_000));

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
            ["sysmonwatch.yaml:1:53: error: webhooks[0].url.credential: the credential 'absent' does not exist; add LoadCredential=absent:/etc/sysmonwatch/credentials/absent to the unit (systemctl edit sysmonwatch) and restart it."],
            file.Problems());
    }

    [Fact]
    public void Only_warns_of_a_missing_credential_where_nothing_is_run()
    {
        using var file = new ConfigurationFile(Hook("{credential: hook}"));

        Assert.NotNull(file.Load(onlyChecking: true).Options);
        Assert.Equal(
            ["sysmonwatch.yaml:1:53: warning: webhooks[0].url.credential: 'hook' was not looked at, because systemd passes credentials to the service only."],
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
                "sysmonwatch.yaml:1:47: warning: webhooks[0].url.file: 'hook.url' can be read by every user; chmod 0640 it.",
            ],
            file.Problems());
        Assert.Equal(
            ["sysmonwatch.yaml:1:40: warning: webhooks[0].url: is a secret in a file that every user can read; put it into a file of its own and write {file: PATH}, or chmod 0640 the configuration."],
            literal.Problems());
    }
}
