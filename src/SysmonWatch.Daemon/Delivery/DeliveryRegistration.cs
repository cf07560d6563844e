using Microsoft.Extensions.DependencyInjection;

namespace SysmonWatch.Daemon.Delivery;

static class DeliveryRegistration
{
    extension(IServiceCollection services)
    {
        /// <summary>Adds the dispatcher. It tells nobody until it is given routes.</summary>
        public IServiceCollection AddDelivery() => services.AddSingleton<AlertDispatcher>();
    }
}
