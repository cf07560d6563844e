using System.Runtime.InteropServices;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sequence;

/// <summary>The numbers of one computer: which came, which are missing, and what the last ones held.</summary>
sealed class ComputerSequence(string name, byte[] utf8)
{
    /// <summary>How many events' contents are remembered. Two ways to the same event differ by far less.</summary>
    public const int Remembered = 4096;

    /// <summary>How many later events a missing number is waited for. Real logs show swaps of neighbours only.</summary>
    public const int ReorderEvents = 64;

    /// <summary>How long a missing number is waited for, in microseconds of event time.</summary>
    public const long ReorderTime = 10_000_000;

    const int MostRanges = 64;
    const int ConfirmReset = 3;

    /// <summary>What is remembered of one event.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public record struct Slot(ulong RecordId, long Time, ulong Hash, int PrefixAt, short EventId, byte FieldCount, SlotState State, int Epoch);

    /// <summary>Whether a slot is used, and how its event came.</summary>
    [Flags]
    public enum SlotState : byte
    {
        Empty = 0,
        Used = 1,
        Truncated = 2,
        Trusted = 4,
        Forged = 8,
    }

    /// <summary>Numbers that have not come yet.</summary>
    /// <param name="From">First.</param>
    /// <param name="To">Last.</param>
    /// <param name="Seen">Events of this computer when they were missed.</param>
    /// <param name="Time">Time of the event that showed it.</param>
    /// <param name="EventId">Its id.</param>
    /// <param name="Below">How many filled it from below since.</param>
    /// <param name="Above">How many came above it since.</param>
    public record struct Missing(ulong From, ulong To, long Seen, long Time, int EventId, int Below, int Above);

    /// <summary>Numbers that may be the beginning of a new count.</summary>
    public record struct Candidate(ulong First, ulong Last, int Count, long Time, int EventId);

    public string Name { get; } = name;
    public byte[] Utf8 { get; } = utf8;
    public Slot[] Slots { get; set; } = new Slot[64];
    public List<Slot> Displaced { get; } = [];
    public List<Missing> Ranges { get; } = [];
    public Candidate Reset;
    public ulong[] Prefixes { get; set; } = [];
    public int PrefixesWritten;
    public long Seen;
    public long LastUsed;
    public ulong Highest;
    public long HighestTime;
    public int Epoch;
    public long EpochStart = long.MinValue;
    public ulong PreviousHighest;
    public bool HasPrevious;

    /// <summary>Takes one event's number into account.</summary>
    public void Follow(SysmonEvent e, List<SequenceFact> facts)
    {
        ulong n = e.RecordId;
        long time = e.Time;
        Seen++;
        if (Seen == 1)
        {
            Advance(n, time);
            return;
        }
        if (n == Highest + 1)
        {
            Advance(n, time);
        }
        else if (n > Highest)
        {
            // A straggler from before the count began anew.
            if (time < EpochStart) return;
            if (HasPrevious && n > PreviousHighest && n - PreviousHighest <= ReorderEvents && n - Highest > ReorderEvents)
            {
                // The old count goes on, so the new one was none.
                facts.Add(new OutlierFact(Name, Highest, n, Identity(e.EventId, Highest, HighestTime)));
                HasPrevious = false;
                Ranges.Clear();
                Highest = PreviousHighest;
                EpochStart = long.MinValue;
            }
            if (n > Highest + 1)
            {
                if (Ranges.Count >= MostRanges) Settle(0, facts);
                Ranges.Add(new Missing(Highest + 1, n - 1, Seen, time, e.EventId, 0, 0));
            }
            Advance(n, time);
        }
        else if (!Fill(n))
        {
            Stray(e, facts);
            return;
        }

        if (Reset.Count > 0)
        {
            facts.Add(new OutlierFact(Name, Reset.First, Highest + 1, Identity(Reset.EventId, Reset.First, Reset.Time)));
            Reset = default;
        }
        if (Ranges.Count == 0) return;
        foreach (ref Missing range in CollectionsMarshal.AsSpan(Ranges))
        {
            if (n > range.To) range.Above++;
        }
        while (Ranges.Count > 0 && (Seen - Ranges[0].Seen >= ReorderEvents || HighestTime - Ranges[0].Time >= ReorderTime)) Settle(0, facts);
    }

    /// <summary>Decides everything that waits for more events.</summary>
    public void Flush(List<SequenceFact> facts)
    {
        while (Ranges.Count > 0) Settle(0, facts);
        if (Reset.Count == 0) return;
        if (Reset.Count >= 2) Begin(Reset, facts);
        else facts.Add(new OutlierFact(Name, Reset.First, Highest + 1, Identity(Reset.EventId, Reset.First, Reset.Time)));
        Reset = default;
    }

    void Advance(ulong n, long time)
    {
        Highest = n;
        HighestTime = time;
    }

    bool Fill(ulong n)
    {
        Span<Missing> ranges = CollectionsMarshal.AsSpan(Ranges);
        for (int i = 0; i < ranges.Length; i++)
        {
            ref Missing range = ref ranges[i];
            if (n < range.From || n > range.To) continue;
            if (range.From == range.To)
            {
                Ranges.RemoveAt(i);
            }
            else if (n == range.From)
            {
                range.From++;
                range.Below++;
            }
            else if (n == range.To)
            {
                range.To--;
            }
            else
            {
                Missing above = range with { From = n + 1, Below = range.Below + 1 };
                range.To = n - 1;
                if (Ranges.Count < MostRanges) Ranges.Insert(i + 1, above);
            }
            return true;
        }
        return false;
    }

    /// <summary>A number below what has come, which is neither missing nor remembered.</summary>
    void Stray(SysmonEvent e, List<SequenceFact> facts)
    {
        // Older than what came last: an older file after a newer one.
        if (e.Time <= HighestTime) return;
        ulong n = e.RecordId;
        bool near = Reset.Count > 0 && n + ReorderEvents >= Reset.Last && n <= Reset.Last + ReorderEvents;
        if (!near && Reset.Count > 0)
        {
            facts.Add(new OutlierFact(Name, Reset.First, Highest + 1, Identity(Reset.EventId, Reset.First, Reset.Time)));
        }
        Reset = near
            ? Reset with { Last = Math.Max(n, Reset.Last), First = Math.Min(n, Reset.First), Count = Reset.Count + 1 }
            : new Candidate(n, n, 1, e.Time, e.EventId);

        // Sysmon starts with 16 and 4; any other numbers must go on before they are believed.
        bool starts = n <= 1 && e.EventId is 16 or 4;
        if (Reset.Count < ConfirmReset && !starts) return;
        Begin(Reset, facts);
        Reset = default;
        HighestTime = e.Time;
    }

    void Begin(Candidate count, List<SequenceFact> facts)
    {
        while (Ranges.Count > 0) Settle(0, facts);
        facts.Add(new ResetFact(Name, Highest, count.First, Identity(count.EventId, count.First, count.Time)));
        PreviousHighest = Highest;
        HasPrevious = true;
        Epoch++;
        EpochStart = count.Time;
        Highest = count.Last;
        HighestTime = count.Time;
    }

    /// <summary>Decides about missing numbers: lost, or made up by an event whose number is far too high.</summary>
    void Settle(int index, List<SequenceFact> facts)
    {
        Missing range = Ranges[index];
        Ranges.RemoveAt(index);
        EventIdentity evidence = Identity(range.EventId, range.To + 1, range.Time);
        if (range.Below > range.Above)
        {
            // The count went on below, so what lies above is none of it.
            facts.Add(new OutlierFact(Name, range.To + 1, range.From, evidence));
            Ranges.RemoveAll(other => other.From > range.To);
            Highest = range.From - 1;
            return;
        }
        facts.Add(new GapFact(Name, range.From, range.To, evidence));
    }

    EventIdentity Identity(int eventId, ulong recordId, long time) => new(Name, eventId, recordId, time);
}
