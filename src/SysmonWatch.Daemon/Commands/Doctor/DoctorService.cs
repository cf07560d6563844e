using System.Diagnostics;
using System.Runtime.InteropServices;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.State;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary>Whether SysmonWatch's own service runs, will run after the next boot, and delivers; and whether the libraries it needs are there.</summary>
static class DoctorService
{
    public const string Unit = "sysmonwatch.service";

    const string Properties = "LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainCode,ExecMainStatus,StatusText,MainPID";

    /// <summary>The words of the status line that say what does not work.</summary>
    static readonly string[] Troubles = ["FAILING", "RELOAD REFUSED", "cannot be used", "cannot be written"];

    /// <summary>What systemctl says of the unit; null where no systemd answers.</summary>
    public static string? Ask()
    {
        try
        {
            using var systemctl = Process.Start(new ProcessStartInfo("systemctl", ["show", Unit, $"--property={Properties}"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> errors = systemctl.StandardError.ReadToEndAsync();
            string said = systemctl.StandardOutput.ReadToEnd();
            systemctl.WaitForExit();
            errors.Wait();
            return systemctl.ExitCode == 0 ? said : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <param name="said">What <see cref="Ask"/> gave.</param>
    public static IEnumerable<DoctorFinding> OfUnit(string? said)
    {
        if (said is null)
        {
            yield return new(Health.Warning, "service", "no systemd answers here, so nothing is known about it", "run doctor on the host where the service is to run");
            yield break;
        }
        string[] lines = said.Split('\n');
        string Of(string property) => DoctorFiles.Value(lines, property) ?? "";

        if (Of("LoadState") != "loaded")
        {
            yield return new(Health.Error, "service", $"{Unit} is not installed ({Of("LoadState")})", "install the package, or copy deploy/sysmonwatch.service to /etc/systemd/system, and systemctl daemon-reload");
            yield break;
        }
        string status = Of("StatusText");
        yield return Of("ActiveState") switch
        {
            "active" or "reloading" when Troubles.Any(t => status.Contains(t, StringComparison.Ordinal)) =>
                new(Health.Error, "service", $"it runs, and says: {status}", "mend what it names; journalctl -u sysmonwatch -p warning has the details"),
            "active" or "reloading" => DoctorFinding.Good("service", $"it runs (pid {Of("MainPID")}): {status}"),
            "failed" => new(
                Health.Error, "service", $"it has failed ({Of("Result")}{(Of("ExecMainStatus") is { Length: > 0 } code ? $", exit code {code}" : "")})",
                $"{(Of("ExecMainStatus") == "78" ? "the configuration is wrong or cannot be read: sysmonwatch check shows where; then " : "journalctl -u sysmonwatch says why; then ")}systemctl restart sysmonwatch"),
            "activating" => new(Health.Error, "service", $"it is being started ({Of("SubState")})", "if that lasts: journalctl -u sysmonwatch says what it waits for, or why it ended"),
            _ => new(Health.Error, "service", $"it does not run ({Of("ActiveState")})", "systemctl enable --now sysmonwatch"),
        };
        if (Of("UnitFileState") is "disabled" or "masked" or "masked-runtime")
        {
            yield return new(Health.Warning, "service", $"it is {Of("UnitFileState")}: it will not run after the next boot", Of("UnitFileState") == "disabled" ? "systemctl enable sysmonwatch" : "systemctl unmask sysmonwatch, and systemctl enable sysmonwatch");
        }
    }

    /// <summary>Webhooks that could not be delivered to, as the outbox of a service that has ended has it, and those that cannot be used at all.</summary>
    public static IEnumerable<DoctorFinding> OfWebhooks(SysmonWatchOptions options, IReadOnlyList<SinkTrouble> troubles)
    {
        foreach (WebhookOptions webhook in options.Webhooks)
        {
            if (webhook.Unusable is { } problem && !webhook.IsNotLookedAt)
            {
                yield return new(Health.Error, webhook.Name, $"it cannot be used: {problem}", "mend it as check says, and systemctl reload sysmonwatch; alerts for it are kept meanwhile");
            }
        }
        foreach (SinkTrouble trouble in troubles)
        {
            yield return new(Health.Error, trouble.Sink, $"{Wording.Count(trouble.Waiting, "alert")} could not be delivered ({trouble.Reason})", "mend what the reason says; they are tried again while the service runs");
        }
    }

    /// <summary>Libraries that are loaded only when they are used.</summary>
    /// <param name="canLoad">Tries one; by default the loader of this system.</param>
    public static IEnumerable<DoctorFinding> OfLibraries(Func<string, bool>? canLoad = null)
    {
        canLoad ??= static name => NativeLibrary.TryLoad(name, out _);
        if (SqliteLibrary.Problem is { } sqlite) yield return new(Health.Error, "libsqlite3", sqlite.Split(';')[0], sqlite.Split("; ")[1]);
        if (!canLoad("libsystemd.so.0")) yield return new(Health.Error, "libsystemd", "libsystemd.so.0 cannot be loaded, so that the journal cannot be read", "install libsystemd0 (Debian, Ubuntu) or systemd-libs (Fedora, RHEL)");
        if (!canLoad("libssl.so.3") && !canLoad("libssl.so.1.1"))
        {
            yield return new(Health.Error, "libssl", "libssl.so.3 cannot be loaded, so that no https webhook can be reached", "install libssl3 or libssl3t64 (Debian, Ubuntu) or openssl-libs (Fedora, RHEL)");
        }
    }
}
