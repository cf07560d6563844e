using Microsoft.Extensions.DependencyInjection;

namespace SysmonWatch.Daemon.Configuration;

static class ConfigurationRegistration
{
    extension(IServiceCollection services)
    {
        /// <summary>Adds the options that the daemon starts with, as a whole and by section. A reload hands new ones on by itself.</summary>
        public IServiceCollection AddConfiguration(SysmonWatchOptions options) => services
            .AddSingleton(options)
            .AddSingleton(options.Input)
            .AddSingleton(options.Rules)
            .AddSingleton(options.Journal)
            .AddSingleton(options.Limits)
            .AddSingleton(options.State)
            .AddSingleton(options.Alerts);
    }
}
