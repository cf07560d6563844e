using Microsoft.Extensions.DependencyInjection;
using Serilog.Sinks.Journald;
using SysmonWatch.Daemon.Delivery.Journal;

namespace SysmonWatch.Daemon.Delivery;

static class DeliveryRegistration
{
    extension(IServiceCollection services)
    {
        /// <summary>Adds the dispatcher, which tells nobody until it is configured.</summary>
        public IServiceCollection AddDelivery() => services
            .AddSingleton(static _ => new JournalClient())
            .AddSingleton<AlertJournal>()
            .AddSingleton<AlertDispatcher>()
            .AddSingleton<IAlertRoutes>(static provider => provider.GetRequiredService<AlertDispatcher>());
    }
}
