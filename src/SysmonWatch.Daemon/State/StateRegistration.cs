using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.State;

static class StateRegistration
{
    extension(IServiceCollection services)
    {
        /// <summary>Adds the store in the configured directory; opened when it is first asked for.</summary>
        public IServiceCollection AddState() => services.AddSingleton(static provider =>
        {
            var limits = provider.GetRequiredService<LimitsOptions>();
            var state = provider.GetRequiredService<StateOptions>();
            return StateStore.Open(
                state.Directory, new OutboxLimits(limits.OutboxAlerts, limits.OutboxBytes, state.KeepAlerts), limits.MemoryAlerts,
                provider.GetRequiredService<Counters>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<StateStore>>());
        }).AddSingleton<IAlertStore>(static provider => provider.GetRequiredService<StateStore>());
    }
}
