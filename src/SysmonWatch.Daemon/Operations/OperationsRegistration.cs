using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.Operations;

static class OperationsRegistration
{
    extension(IServiceCollection services)
    {
        /// <summary>
        /// Counters and the messages about losses, watchdog, status and the messages to the service manager. Register an
        /// <see cref="IStatusSource"/> to have a status line. To be the first of the registrations with a loop, so that it ends last.
        /// </summary>
        public IServiceCollection AddOperations() =>
            services.AddOperations(ServiceNotifier.FromEnvironment(TimeProvider.System), WatchdogSettings.FromEnvironment());

        /// <summary>The same with a service manager that is not the environment's.</summary>
        public IServiceCollection AddOperations(ServiceNotifier notifier, WatchdogSettings watchdog)
        {
            services.TryAddSingleton(TimeProvider.System);
            services.AddSingleton(provider => new LossReporter(
                new Lazy<ILogger>(() => provider.GetRequiredService<ILogger<LossReporter>>()), provider.GetRequiredService<TimeProvider>()));
            services.AddSingleton<ILossListener>(provider => provider.GetRequiredService<LossReporter>());
            services.AddSingleton<Counters>();
            services.AddSingleton<Watchdog>();
            services.AddSingleton<StatusLine>();
            services.AddSingleton(watchdog);
            services.AddSingleton(notifier);
            services.AddSingleton(provider => new SharedTimer(watchdog, provider.GetRequiredService<ILogger<SharedTimer>>()));
            services.AddHostedService<Heartbeat>();
            if (notifier.IsActive) services.AddSystemdLifetime();
            return services;
        }

        /// <summary>
        /// The host's life under systemd. AddSystemd() would look whether systemd is the parent process, and under ProtectProc=invisible it
        /// cannot see it.
        /// </summary>
        IServiceCollection AddSystemdLifetime() => services
            .AddSingleton<ISystemdNotifier, SilentNotifier>()
            .AddSingleton<IHostLifetime, SystemdLifetime>();
    }

    /// <summary>The lifetime would say READY as soon as the host runs, before input is open and rules are loaded. We say it ourselves.</summary>
    sealed class SilentNotifier : ISystemdNotifier
    {
        public bool IsEnabled => false;

        public void Notify(ServiceState state)
        {
        }
    }
}
