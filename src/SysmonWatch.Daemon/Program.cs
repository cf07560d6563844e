namespace SysmonWatch.Daemon;

static class Program
{
    static int Main() => 0;
}
