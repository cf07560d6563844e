using System.Text;
using SysmonWatch.Detection.Sigma.Files;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>Reads <c>sysmonwatch.yaml</c>. Secrets are looked up at every call, so that a reload gets new ones.</summary>
static class ConfigurationLoader
{
    /// <summary>The configuration that is read where no other is named.</summary>
    public const string DefaultPath = "/etc/sysmonwatch/sysmonwatch.yaml";

    const int LongestFile = 1 << 20;

    // The deepest thing that has a meaning is webhooks[].retry.first.
    const int DeepestNesting = 32;

    /// <summary>Reads a configuration and reports everything that is wrong with it at once.</summary>
    /// <param name="path">The file; null for the one at <see cref="DefaultPath"/>, without which the defaults are used.</param>
    /// <param name="environment">Looks up an environment variable; by default that of this process.</param>
    /// <param name="onlyChecking">True where nothing is going to be run, so that credentials, which only the service gets, may be missing.</param>
    /// <param name="service">Whose rights count where it is root who checks.</param>
    public static LoadedConfiguration Load(string? path, Func<string, string?>? environment = null, bool onlyChecking = false, ServiceUser? service = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        if (path is null && !Exists(DefaultPath)) return new LoadedConfiguration(null, Defaults(environment), []);
        path ??= DefaultPath;
        var problems = new ProblemList(path);
        string full = Path.GetFullPath(path);
        SysmonWatchOptions? options = null;
        if (TryReadText(full, problems, out string text) && TryParse(text, problems, out YamlNode? root))
        {
            var surroundings = new Surroundings(environment, Path.GetDirectoryName(full)!)
            {
                ConfigurationIsReadableByAll = Surroundings.IsReadableByAll(full),
                OnlyChecking = onlyChecking,
                Service = service,
                IsTheServices = full == DefaultPath,
            };
            if (surroundings.IsTheServices && service?.WhyUnreadable(full) is { } hidden)
            {
                problems.ErrorElsewhere(Start, $"the file cannot be read by the service ({hidden}), which will not start; {ServiceUser.RightsAdvice} it, or chmod 0644 where no secret is in it.");
            }
            options = new OptionsReader(surroundings, problems).Read(root);
        }
        return new LoadedConfiguration(path, problems.RefusesTheFile ? null : options, problems.InOrderOfTheFile());
    }

    /// <summary>Also where this user may not look into its directory: what may be there must not be passed over.</summary>
    static bool Exists(string path)
    {
        try
        {
            return File.GetAttributes(path) >= 0;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    static SysmonWatchOptions Defaults(Func<string, string?> environment) =>
        new OptionsReader(new Surroundings(environment, "/"), new ProblemList("")).Read(null);

    static bool TryReadText(string path, ProblemList problems, out string text)
    {
        text = "";
        if (NamedPipes.Is(path))
        {
            problems.Error(Start, $"the file is {NamedPipes.Fix}.");
            return false;
        }
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[LongestFile + 1];
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > LongestFile)
            {
                problems.Error(Start, $"the file is longer than {Wording.SayBytes(LongestFile)}.");
                return false;
            }
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length).TrimStart('\uFEFF');
            return true;
        }
        catch (DecoderFallbackException e)
        {
            problems.Error(Start, $"the file is not UTF-8 (at byte {e.Index}); save it as UTF-8.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Error(Start, "the file does not exist; create it, or leave out --config to use the defaults.");
        }
        catch (UnauthorizedAccessException)
        {
            problems.Error(Start, Directory.Exists(path) ? "is a directory; expected a file." : "the file cannot be read by this user; for the service, " + ServiceUser.RightsAdvice + " it.");
        }
        catch (IOException e)
        {
            problems.Error(Start, $"the file cannot be read: {e.Message}");
        }
        return false;
    }

    static bool TryParse(string text, ProblemList problems, out YamlNode? root)
    {
        root = null;
        var scanner = new Scanner(new StringReader(text));
        try
        {
            if (!IsOneSaneDocument(new Parser(scanner), problems)) return false;
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            root = stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
            return true;
        }
        catch (YamlException e)
        {
            // Some of YamlDotNet's errors have no place; then the scanner stands where it could not go on.
            problems.Error(e.End.Index > 0 ? e.End : scanner.CurrentPosition, $"not YAML: {(IsDuplicate(e) ? "this key is there twice" : e.Message.TrimEnd('.').ReplaceLineEndings(" "))}.");
            return false;
        }
    }

    /// <summary>The event parser keeps its own stack; building nodes recurses, so depth is looked at before.</summary>
    static bool IsOneSaneDocument(Parser parser, ProblemList problems)
    {
        var anchors = new HashSet<AnchorName>();
        int depth = 0, documents = 0;
        while (parser.MoveNext())
        {
            if (parser.Current is NodeEvent { Anchor.IsEmpty: false } anchored) anchors.Add(anchored.Anchor);
            switch (parser.Current)
            {
                case DocumentStart when ++documents > 1:
                    problems.Error(parser.Current.Start, "a second document begins here; expected one. Remove the '---'.");
                    return false;
                case AnchorAlias alias when !anchors.Contains(alias.Value):
                    problems.Error(alias.Start, "an alias to an anchor that does not stand before it; put quotes around a value that begins with '*'.");
                    return false;
                case MappingStart or SequenceStart when ++depth > DeepestNesting:
                    problems.Error(parser.Current.Start, $"nested more than {DeepestNesting} deep.");
                    return false;
                case MappingEnd or SequenceEnd:
                    depth--;
                    break;
            }
        }
        return true;
    }

    /// <summary>The one message with a part of the file in it, which may be a secret.</summary>
    static bool IsDuplicate(YamlException e) => e.Message.StartsWith("Duplicate key", StringComparison.Ordinal);

    static Mark Start => new(0, 1, 1);
}
