using Microsoft.Extensions.DependencyInjection;

namespace SysmonWatch.Daemon.Delivery;

static class DeliveryRegistration
{
    extension(IServiceCollection services)
    {
        /// <summary>Adds the dispatcher, which tells nobody until it is configured. The journal client comes from Operations.</summary>
        public IServiceCollection AddDelivery() => services
            .AddSingleton<AlertJournal>()
            .AddSingleton<AlertDispatcher>()
            .AddSingleton<IAlertRoutes>(static provider => provider.GetRequiredService<AlertDispatcher>());
    }
}
