using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Pipeline.Contracts;
using Pipeline.Functions.Adapters;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.DeadLetters;
using Pipeline.Functions.Models;
using Pipeline.Functions.Notices;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Retraining;
using Pipeline.Functions.Review;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Training;
using Pipeline.Functions.Verdicts;
using Pipeline.Functions.Withdrawals;
using Pipeline.Storage;
using Pipeline.Tokenization;

namespace Pipeline.Functions;

/// <summary>What the functions are given, the same under both hosts.</summary>
public static class PipelineServices
{
    /// <summary>Adds the app's services.</summary>
    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.Configure<JsonOptions>(options => ContractJson.Configure(options.SerializerOptions));
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ =>
            PipelineStorage.FromSettings(name =>
                configuration[name] ?? configuration[name.Replace("__", ":", StringComparison.Ordinal)]
            )
        );
        services.AddSingleton(_ => new BaseCatalog(
            new BaseModelFolders(configuration["PIPELINE_MODELS"] is { Length: > 0 } folders ? folders : "models")
        ));
        services.AddHostedService<StorageSetup>(); // before any that a host adds
        services.AddSingleton<RunIdentity>();
        services.AddSingleton<IWaitingRuns>(s => s.GetRequiredService<RunStarter>());
        services.AddSingleton<IRetrainingResumption, RetrainingOrchestrations>();
        services.AddSingleton<RunStarter>();
        services.AddSingleton<ProjectReader>();
        services.AddSingleton<CodeBooks>();
        services.AddSingleton<DatasetRows>();
        services.AddSingleton<ReviewQueues>();
        services.AddSingleton<AnswerBell>();
        services.AddSingleton<DatasetSources>();
        services.AddSingleton<DatasetParts>();
        services.AddSingleton<ModelClients>();
        services.AddSingleton<JobSubmission>();
        services.AddSingleton<JobStopper>();
        services.AddSingleton<InterruptedRuns>();
        services.AddSingleton<DropStarter>();
        services.AddSingleton<DeadLetterReturn>();
        services.AddSingleton<RetrainingStarter>();
        AddLinks(services);
        services.AddSingleton<VerdictLog>();
        services.AddSingleton<CorrectionBatches>();
        services.AddSingleton<KnownAnswers>();
        services.AddSingleton<VerdictContexts>();
        services.AddSingleton<VerdictIntake>();
        services.AddSingleton<RegistryChanges>();
        services.AddSingleton<AffectedRows>();
        services.AddSingleton<RunPurge>();
        services.AddSingleton<NoticeSender>();
    }

    /// <summary>Signed links, with keys that all instances of the app share.</summary>
    private static void AddLinks(IServiceCollection services)
    {
        services.AddSingleton<LinkSigner>();
        services.AddDataProtection().SetApplicationName("pipeline");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(s => new ConfigureOptions<KeyManagementOptions>(
            options => options.XmlRepository = new LinkKeys(s.GetRequiredService<PipelineStorage>().Files)
        ));
    }
}
