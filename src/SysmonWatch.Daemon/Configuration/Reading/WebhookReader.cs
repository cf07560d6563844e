using System.Buffers;
using System.Text;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>Reads one item of <c>webhooks</c>.</summary>
sealed class WebhookReader(SecretReader secrets, ProblemList problems)
{
    static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    // RFC 9110 §5.6.2, token.
    static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    static readonly string[] OurHeaders = ["Content-Type", "Content-Length", "Content-Encoding", "Host", "Connection", "Transfer-Encoding", "X-SysmonWatch-Alert-Id"];

    /// <summary>The webhook, or null where anything about it is wrong, which has then been reported.</summary>
    public WebhookOptions? Read(YamlSection section)
    {
        var defaults = new RetryOptions();
        bool good = section.Require("name", Name, "a name such as 'team-chat'", out string name);
        good &= section.Require(
            "type", Values.OneOf(("slack", WebhookType.Slack), ("generic", WebhookType.Generic)), "slack or generic", out WebhookType type);
        (Secret Url, string Endpoint)? target = Url(section);
        RuleLevel level = section.Read("minimum_level", RuleLevel.Informational, Values.Level);
        TimeSpan timeout = section.Read("timeout", TimeSpan.FromSeconds(10), Values.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)));
        IReadOnlyList<KeyValuePair<string, Secret>> headers = Headers(section.Section("headers"));
        YamlSection retry = section.Section("retry");
        var retryOptions = new RetryOptions
        {
            First = retry.Read("first", defaults.First, Values.Duration(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1))),
            Longest = retry.Read("longest", defaults.Longest, Values.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))),
            GiveUpAfter = retry.Read("give_up_after", defaults.GiveUpAfter, Values.Duration(TimeSpan.FromMinutes(1), TimeSpan.FromDays(30))),
        };
        if (retryOptions.First > retryOptions.Longest)
        {
            problems.Error(retry.At, $"{retry.Path}: first, {Wording.Say(retryOptions.First)}, is more than longest, {Wording.Say(retryOptions.Longest)}.");
        }
        retry.End();
        section.End();
        if (!good || target is not { } to) return null;
        return new WebhookOptions
        {
            Name = name,
            Type = type,
            Url = to.Url,
            Endpoint = to.Endpoint,
            MinimumLevel = level,
            Timeout = timeout,
            Headers = headers,
            Retry = retryOptions,
        };
    }

    static Parsed<string> Name(string text) =>
        text.Length is 0 or > 64 || text.AsSpan().ContainsAnyExcept(NameCharacters) ? Parsed<string>.Bad(text, "is not a name; expected 1 to 64 of a-z, 0-9, '-' and '_'.")
        : text == "journal" ? Parsed<string>.Bad("'journal' is the name of the journal itself; expected another name.")
        : Parsed<string>.Good(text);

    (Secret Url, string Endpoint)? Url(YamlSection section)
    {
        string name = section.Name("url");
        if (section.Take("url") is not { } node)
        {
            problems.Error(section.At, $"{name}: is missing; expected an http or https URL, or file:, env: or credential:.");
            return null;
        }
        if (secrets.Read(node, name) is not { } secret) return null;
        if (secret.Problem is not null) return (secret, "?");
        // Only the host may be shown: whoever has the rest of a webhook's URL can write to the chat.
        if (!Uri.TryCreate(secret.Reveal(), UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
        {
            return Wrong("is not an absolute URL that begins with https:// or http:// (it is not shown because it is a secret)");
        }
        if (uri.UserInfo.Length > 0)
        {
            return Wrong("has a user name or password in it, which is not sent; use headers: with Authorization");
        }
        if (uri.Scheme == "http" && !uri.IsLoopback)
        {
            problems.Warning(node.Start, $"{name}: alerts go to {uri.Host} unencrypted; use https.");
        }
        return (secret, uri.GetLeftPart(UriPartial.Authority));

        (Secret, string)? Wrong(string what)
        {
            string message = $"{name}: {what}.";
            if (node is YamlScalarNode)
            {
                problems.Error(node.Start, message);
                return null;
            }
            problems.ErrorElsewhere(node.Start, message);
            return (new Secret("", $"value {what}"), "?");
        }
    }

    List<KeyValuePair<string, Secret>> Headers(YamlSection section)
    {
        var headers = new List<KeyValuePair<string, Secret>>();
        int number = 0;
        foreach ((YamlScalarNode key, YamlNode value) in section.Entries)
        {
            string name = key.Value!, at = $"{section.Path}[{number++}]";
            if (name.Length is 0 or > 128 || name.AsSpan().ContainsAnyExcept(TokenCharacters))
            {
                problems.Error(key.Start, $"{at}: this cannot be the name of a header; expected letters, digits and '-'.");
            }
            else if (OurHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                problems.Error(key.Start, $"{section.Name(name)}: is set by sysmonwatch itself; remove it.");
            }
            else if (headers.Exists(h => string.Equals(h.Key, name, StringComparison.OrdinalIgnoreCase)))
            {
                problems.Error(key.Start, $"{at}: the same header is there before; remove one.");
            }
            else if (secrets.Read(value, at) is { } secret)
            {
                if (Ascii.IsValid(secret.Reveal())) headers.Add(new KeyValuePair<string, Secret>(name, secret));
                else problems.Error(value.Start, $"{at}: the value holds a character that is not ASCII.");
            }
        }
        return headers;
    }
}
