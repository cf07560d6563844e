using Microsoft.Extensions.DependencyInjection;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Pipeline;

static class PipelineRegistration
{
    extension(IServiceCollection services)
    {
        /// <summary>Adds the pipeline and what reloads it.</summary>
        public IServiceCollection AddPipeline(RunSettings settings) => services
            .AddSingleton(settings)
            .AddSingleton<IntakeCounters>()
            .AddSingleton<SourceFactory>()
            .AddSingleton<AlertOutbox>()
            .AddSingleton<PipelineService>()
            .AddSingleton<IStatusSource, PipelineStatus>()
            .AddSingleton<ReloadService>()
            .AddHostedService<PipelineMetrics>()
            .AddHostedService(static provider => provider.GetRequiredService<PipelineService>())
            .AddHostedService(static provider => provider.GetRequiredService<ReloadService>());
    }
}
