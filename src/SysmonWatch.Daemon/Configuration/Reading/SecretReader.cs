using System.Diagnostics.CodeAnalysis;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>
/// Reads a value that is written in place, or that lives in a file, an environment variable or a systemd credential.
/// No message of it holds any part of a secret.
/// </summary>
/// <param name="surroundings">Environment and where relative paths start.</param>
/// <param name="problems">Where problems go.</param>
sealed class SecretReader(Surroundings surroundings, ProblemList problems)
{
    const int LongestSecret = 16 * 1024;

    /// <summary>
    /// The secret a node names, or null where it cannot be had, which has then been reported.
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
                problems.Warning(node.Start, $"{name}: is a secret in a file that every user can read; put it into a file of its own and write {{file: PATH}}, or chmod 0640 the configuration.");
            }
            return Accept(node.Start, name, literal, "the value");
        }
        if (node is not YamlMappingNode { Children: { Count: 1 } children } || children.First() is not (YamlScalarNode { Value: { } source } key, YamlNode argument))
        {
            problems.Error(node.Start, $"{name}: {YamlSection.Kind(node)} where a value, or exactly one of file:, env: or credential: is expected.");
            return null;
        }
        if (argument is not YamlScalarNode { Value: { Length: > 0 } text })
        {
            problems.Error(argument.Start, $"{name}.{source}: {YamlSection.Kind(argument)} where a single value is expected.");
            return null;
        }
        switch (source)
        {
            case "file": return FromFile(argument.Start, $"{name}.file", text);
            case "env": return FromEnvironment(argument.Start, $"{name}.env", text);
            case "credential": return FromCredential(argument.Start, $"{name}.credential", text);
            default:
                string[] known = ["file", "env", "credential"];
                problems.Error(key.Start, $"unknown key {Wording.Quote(source)} in {name}. Known: {string.Join(", ", known)}.");
                return null;
        }
    }

    Secret? FromFile(Mark at, string name, string path)
    {
        string full = Path.GetFullPath(path, surroundings.Directory);
        if (!TryReadFile(full, out string? text, out string? why))
        {
            problems.Error(at, $"{name}: {Wording.Quote(full)} {why}; it must hold the value on one line and be readable by the service's user.");
            return null;
        }
        if (Surroundings.IsReadableByAll(full)) problems.Warning(at, $"{name}: {Wording.Quote(full)} can be read by every user; chmod 0640 it.");
        return Accept(at, name, text, Wording.Quote(full));
    }

    Secret? FromEnvironment(Mark at, string name, string variable)
    {
        if (surroundings.Environment(variable) is { } text) return Accept(at, name, text, $"the environment variable {Wording.Quote(variable)}");
        problems.Error(at, $"{name}: the environment variable {Wording.Quote(variable)} is not set; set it with EnvironmentFile= in the unit (systemctl edit sysmonwatch), or use credential:.");
        return null;
    }

    Secret? FromCredential(Mark at, string name, string credential)
    {
        if (credential.Contains('/', StringComparison.Ordinal) || credential is "." or "..")
        {
            problems.Error(at, $"{name}: {Wording.Quote(credential)} is a path; expected the name that LoadCredential= gives it.");
            return null;
        }
        string directive = $"add LoadCredential={credential}:/etc/sysmonwatch/credentials/{credential} to the unit (systemctl edit sysmonwatch) and restart it";
        if (surroundings.Environment("CREDENTIALS_DIRECTORY") is not { Length: > 0 } directory)
        {
            if (surroundings.OnlyChecking)
            {
                problems.Warning(at, $"{name}: {Wording.Quote(credential)} was not looked at, because systemd passes credentials to the service only.");
                return Surroundings.NotLookedAt;
            }
            problems.Error(at, $"{name}: systemd passed no credentials; {directive}.");
            return null;
        }
        if (TryReadFile(Path.Combine(directory, credential), out string? text, out string? why)) return Accept(at, name, text, $"the credential {Wording.Quote(credential)}");
        problems.Error(at, $"{name}: the credential {Wording.Quote(credential)} {why}; {directive}.");
        return null;
    }

    Secret? Accept(Mark at, string name, string text, string holder)
    {
        string trimmed = text.Trim();
        string? wrong = trimmed.Length == 0 ? "is empty" : trimmed.Length > LongestSecret ? $"is longer than {Wording.SayBytes(LongestSecret)}" : trimmed.Any(char.IsControl) ? "holds a line break or another control character" : null;
        if (wrong is null) return new Secret(trimmed);
        problems.Error(at, $"{name}: {holder} {wrong}.");
        return null;
    }

    static bool TryReadFile(string path, [NotNullWhen(true)] out string? text, [NotNullWhen(false)] out string? why)
    {
        text = why = null;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[LongestSecret * 4 + 1];
            text = Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            why = "does not exist";
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or NotSupportedException)
        {
            why = Directory.Exists(path) ? "is a directory" : e is UnauthorizedAccessException ? "may not be read by this user" : "cannot be read";
        }
        return false;
    }
}
