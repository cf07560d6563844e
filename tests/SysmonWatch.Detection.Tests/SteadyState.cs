namespace SysmonWatch.Detection.Tests;

/// <summary>What something puts on the heap once it is warm.</summary>
static class SteadyState
{
    const int MostRounds = 50;

    /// <summary>
    /// Bytes of each round until one makes nothing. The runtime may compile its own methods anew at any time, first in a form that counts and makes
    /// what the final one does not; what makes something by itself does so in every round.
    /// </summary>
    /// <returns>The last one is 0 where the steady state makes nothing.</returns>
    public static List<long> BytesOf(Action round)
    {
        var made = new List<long>();
        while (made.Count < MostRounds && (made.Count == 0 || made[^1] > 0))
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            made.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return made;
    }
}
