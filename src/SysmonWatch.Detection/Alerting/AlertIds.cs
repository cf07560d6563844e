using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Alerting;

/// <summary>Gives alerts their ids: a function of rule, group and completing event, so that raising one again is no new alert.</summary>
static class AlertIds
{
    /// <summary>32 hexadecimal digits: the first half of SHA-256 over the parts, each preceded by its length.</summary>
    public static string For(string ruleId, string groupKey, EventIdentity completedBy)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, ruleId);
        Append(hash, groupKey);
        Append(hash, completedBy.Computer);
        Append(hash, (ulong)completedBy.EventId);
        Append(hash, completedBy.RecordId);
        Append(hash, (ulong)completedBy.Time);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }

    static void Append(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Append(hash, (ulong)bytes.Length);
        hash.AppendData(bytes);
    }

    static void Append(IncrementalHash hash, ulong number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
