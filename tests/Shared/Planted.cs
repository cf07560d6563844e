#if DETECTION
#pragma warning disable IDE0130 // The folders of the planted violation exist only as namespaces.

namespace SysmonWatch.Tests.Planted.High
{
    public sealed class Manager
    {
        public Low.Innocent Uses { get; } = new();
    }
}

namespace SysmonWatch.Tests.Planted.Low
{
    public sealed class Innocent;

    public sealed class Guilty
    {
        public High.Manager UsesWhatIsAbove { get; } = new();
    }
}
#endif
