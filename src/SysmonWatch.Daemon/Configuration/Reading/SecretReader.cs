using System.Diagnostics.CodeAnalysis;
using System.Text;
using SysmonWatch.Detection.Sigma.Files;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>
/// Reads a value that is written in place, or that lives in a file, an environment variable or a systemd credential.
/// No message of it holds any part of a secret, and none of what stands where one may have been put by mistake: the place says what is meant.
/// </summary>
/// <param name="surroundings">Environment and where relative paths start.</param>
/// <param name="problems">Where problems go.</param>
sealed class SecretReader(Surroundings surroundings, ProblemList problems)
{
    const int LongestSecret = 16 * 1024;

    /// <summary>
    /// The secret a node names, or null where the configuration is wrong. Where what it names cannot be had, a secret with a
    /// <see cref="Secret.Problem"/>. Both have then been reported.
    /// </summary>
    public Secret? Read(YamlNode node, string name)
    {
        if (YamlSection.IsEmpty(node))
        {
            problems.Error(node.Start, $"{name}: nothing where a value is expected; give it a value, or file:, env: or credential:.");
            return null;
        }
        if (node is YamlScalarNode { Value: { } literal })
        {
            if (surroundings.ConfigurationIsReadableByAll)
            {
                problems.Warning(node.Start, $"{name}: is a secret in a file that every user can read; {ServiceUser.SecretAdvice}, or {ServiceUser.RightsAdvice} the configuration.");
            }
            if (Wrong(literal.Trim()) is not { } wrong) return new Secret(literal.Trim());
            problems.Error(node.Start, $"{name}: the value {wrong}.");
            return null;
        }
        if (node is not YamlMappingNode { Children: { Count: 1 } children } || children.First() is not (YamlScalarNode { Value: { } source } key, YamlNode argument))
        {
            problems.Error(node.Start, $"{name}: {YamlSection.Kind(node)} where a value, or exactly one of file:, env: or credential: is expected.");
            return null;
        }
        if (source is not ("file" or "env" or "credential"))
        {
            problems.Error(key.Start, $"unknown key in {name}. Known: file, env, credential.");
            return null;
        }
        if (argument is not YamlScalarNode { Value: { Length: > 0 } text })
        {
            problems.Error(argument.Start, $"{name}.{source}: {YamlSection.Kind(argument)} where a single value is expected.");
            return null;
        }
        return source switch
        {
            "file" => FromFile(argument.Start, $"{name}.file", text),
            "env" => FromEnvironment(argument.Start, $"{name}.env", text),
            _ => FromCredential(argument.Start, $"{name}.credential", text),
        };
    }

    Secret FromFile(Mark at, string name, string path)
    {
        string full = Path.GetFullPath(path, surroundings.Directory);
        if (!TryReadFile(full, out string? text, out string? why))
        {
            return Missing(at, $"{name}: the file {why}; it must hold the value on one line, and the service must be able to read it: {ServiceUser.SecretAdvice}.", $"file {why}");
        }
        if (surroundings.Service?.WhyUnreadable(full) is { } hidden)
        {
            string message = $"{name}: the file cannot be read by the service ({hidden}); {ServiceUser.SecretAdvice}, or {ServiceUser.RightsAdvice} the file.";
            if (surroundings.IsTheServices) problems.ErrorElsewhere(at, message);
            else problems.Warning(at, message);
        }
        else if (Surroundings.IsReadableByAll(full))
        {
            problems.Warning(at, $"{name}: the file can be read by every user; {ServiceUser.SecretAdvice}, or {ServiceUser.RightsAdvice} it.");
        }
        return Accept(at, name, text, "file");
    }

    Secret FromEnvironment(Mark at, string name, string variable) => surroundings.Environment(variable) is { } text
        ? Accept(at, name, text, "environment variable")
        : Missing(at, $"{name}: the environment variable is not set; set it with EnvironmentFile= in the unit (systemctl edit sysmonwatch), or use credential:.", "environment variable is not set");

    Secret? FromCredential(Mark at, string name, string credential)
    {
        if (credential.Contains('/', StringComparison.Ordinal) || credential is "." or "..")
        {
            problems.Error(at, $"{name}: is a path or a URL; expected the name that LoadCredential= in the unit gives the credential.");
            return null;
        }
        const string directive = "add LoadCredential=NAME:/etc/sysmonwatch/credentials/NAME, with this name, to the unit (systemctl edit sysmonwatch) and restart it";
        if (surroundings.Environment("CREDENTIALS_DIRECTORY") is not { Length: > 0 } directory)
        {
            if (!surroundings.OnlyChecking) return Missing(at, $"{name}: systemd passed no credentials; {directive}.", "credential was not passed by systemd");
            problems.Warning(at, $"{name}: was not looked at, because systemd passes credentials to the service only.");
            return Secret.NotLookedAt;
        }
        return TryReadFile(Path.Combine(directory, credential), out string? text, out string? why)
            ? Accept(at, name, text, "credential")
            : Missing(at, $"{name}: the credential {why}; {directive}.", $"credential {why}");
    }

    Secret Accept(Mark at, string name, string text, string holder)
    {
        string trimmed = text.Trim();
        return Wrong(trimmed) is { } wrong ? Missing(at, $"{name}: the {holder} {wrong}.", $"{holder} {wrong}") : new Secret(trimmed);
    }

    Secret Missing(Mark at, string message, string problem)
    {
        problems.ErrorElsewhere(at, message);
        return new Secret("", problem);
    }

    static string? Wrong(string text) =>
        text.Length == 0 ? "is empty"
        : text.Length > LongestSecret ? $"is longer than {Wording.SayBytes(LongestSecret)}"
        : text.Any(char.IsControl) ? "holds a line break or another control character"
        : null;

    static bool TryReadFile(string path, [NotNullWhen(true)] out string? text, [NotNullWhen(false)] out string? why)
    {
        text = why = null;
        try
        {
            if (NamedPipes.Is(path))
            {
                why = "is a named pipe";
                return false;
            }
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[LongestSecret * 4 + 1];
            text = Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            why = "does not exist";
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or NotSupportedException or ArgumentException)
        {
            why = Directory.Exists(path) ? "is a directory" : e is UnauthorizedAccessException ? "cannot be read by this user" : "cannot be read";
        }
        return false;
    }
}
