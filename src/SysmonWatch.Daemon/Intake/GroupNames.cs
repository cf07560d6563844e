namespace SysmonWatch.Daemon.Intake;

/// <summary>Names of groups, for advice.</summary>
static class GroupNames
{
    /// <summary>The name of a group; null where /etc/group has none for it, and for root, whose group nobody should be given.</summary>
    public static string? Of(uint number)
    {
        if (number == 0) return null;
        try
        {
            foreach (string line in File.ReadLines("/etc/group"))
            {
                string[] parts = line.Split(':');
                if (parts.Length >= 3 && uint.TryParse(parts[2], out uint id) && id == number) return parts[0];
            }
        }
        catch (IOException)
        {
            // Then the advice names no group.
        }
        catch (UnauthorizedAccessException)
        {
            // The same.
        }
        return null;
    }
}
