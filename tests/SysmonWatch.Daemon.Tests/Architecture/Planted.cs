#pragma warning disable IDE0130 // The folders of the planted violation exist only as namespaces.

namespace SysmonWatch.Daemon.Tests.Architecture.Planted.High
{
    public sealed class Manager
    {
        public Low.Innocent Uses { get; } = new();
    }
}

namespace SysmonWatch.Daemon.Tests.Architecture.Planted.Low
{
    public sealed class Innocent;

    public sealed class Guilty
    {
        public High.Manager UsesWhatIsAbove { get; } = new();
    }
}
