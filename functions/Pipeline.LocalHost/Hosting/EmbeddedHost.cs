using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pipeline.Functions;
using Pipeline.LocalHost.Durable;
using Pipeline.LocalHost.Files;
using Pipeline.LocalHost.Processes;
using Pipeline.LocalHost.Triggers;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Hosting;

/// <summary>
/// The function app in one process: storage, engine, triggers, worker. Disposing it stops everything that it started.
/// </summary>
public sealed class EmbeddedHost : IAsyncDisposable
{
    /// <summary>
    /// When retraining is looked at where <c>RetrainingSchedule</c> does not say it: every night at three.
    /// </summary>
    public const string DefaultSchedule = "0 0 3 * * *";

    private readonly FileStream _lock;
    private readonly Azurite? _azurite;
    private readonly WebApplication _app;

    private EmbeddedHost(FileStream @lock, Azurite? azurite, WebApplication app, StorageAccount account)
    {
        (_lock, _azurite, _app, Account) = (@lock, azurite, app, account);
    }

    /// <summary>The storage account.</summary>
    public StorageAccount Account { get; }

    /// <summary>The storage emulator's process; <c>null</c> when an account is used.</summary>
    public int? EmulatorProcessId => _azurite?.ProcessId;

    /// <summary>The app's storage.</summary>
    public PipelineStorage Storage => _app.Services.GetRequiredService<PipelineStorage>();

    /// <summary>The durable client.</summary>
    public DurableTaskClient Durable => _app.Services.GetRequiredService<DurableTaskClient>();

    /// <summary>Where HTTP functions answer.</summary>
    public Uri Address
    {
        get
        {
            var bound = new Uri(
                _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
            );
            return bound.Host is "0.0.0.0" or "[::]" ? new UriBuilder(bound) { Host = "127.0.0.1" }.Uri : bound;
        }
    }

    /// <summary>Starts everything.</summary>
    /// <param name="options">How.</param>
    /// <param name="say">Told what takes long.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <exception cref="HostException">It cannot start; what was started is stopped again.</exception>
    public static async Task<EmbeddedHost> StartAsync(
        HostOptions options,
        Action<string> say,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(say);
        FileStream @lock = DataFolder.Lock(options.DataDirectory);
        Azurite? azurite = null;
        WebApplication? app = null;
        try
        {
            StorageAccount? account = StorageAccount.From(options.Settings, Environment.GetEnvironmentVariable);
            if (account is null)
            {
                azurite = await Azurite.StartAsync(Path.Combine(options.DataDirectory, "azurite"), say, cancellation);
                account = new StorageAccount(azurite.ConnectionString, null);
            }

            app = Build(options, account);
            TimerRunner.RequireSchedules(app.Services.GetRequiredService<FunctionCatalog>(), app.Configuration);
            if (options.StartWorker)
            {
                _ = RepositoryLayout.Worker(); // said now rather than by a service that cannot start
            }

            await app.Services.GetRequiredService<TriggerTable>().EnsureCreatedAsync(cancellation);
            await app.StartAsync(cancellation);
            return new EmbeddedHost(@lock, azurite, app, account);
        }
        catch (Exception fault)
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }

            if (azurite is not null)
            {
                await azurite.DisposeAsync();
            }

            await @lock.DisposeAsync();
            if (fault is IOException { InnerException: AddressInUseException })
            {
                throw new HostException($"Port {options.Port} is in use; name another with --port.");
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        if (_azurite is not null)
        {
            await _azurite.DisposeAsync();
        }

        await _lock.DisposeAsync();
    }

    private static WebApplication Build(HostOptions options, StorageAccount account)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        string models = builder.Configuration["PIPELINE_MODELS"] is { Length: > 0 } named
            ? named
            : RepositoryLayout.Models;
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["PIPELINE_MODELS"] = models,
                ["RetrainingSchedule"] = builder.Configuration["RetrainingSchedule"] ?? DefaultSchedule,
                ["AllowedHosts"] = string.Join(';', options.AllowedHosts.Prepend("127.0.0.1").Prepend("localhost")),
            }
        );
        builder.Configuration.AddInMemoryCollection(options.Settings);
        builder.Configuration.AddInMemoryCollection(
            account.Settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))
        );
        AddLogging(builder, options);
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(options.Listen ?? System.Net.IPAddress.Loopback, options.Port)
        );
        AddServices(builder, options, account);
        WebApplication app = builder.Build();
        app.UseHostFiltering();
        app.Use(OwnPages.CheckAsync);
        app.MapGet("/", () => Microsoft.AspNetCore.Http.Results.Redirect("/api/dashboard"));
        HttpRoutes.Map(app, app.Services.GetRequiredService<FunctionCatalog>(), options.Key);
        return app;
    }

    private static void AddLogging(WebApplicationBuilder builder, HostOptions options)
    {
        builder.Logging.ClearProviders();
        if (options.LogToConsole)
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss ";
            });
        }

        if (options.Logs is { } logs)
        {
            builder.Logging.AddProvider(logs);
        }

        builder
            .Logging.AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.DurableTask", LogLevel.Error)
            .AddFilter("DurableTask", LogLevel.Warning)
            .AddFilter("Azure", LogLevel.Error);
    }

    private static void AddServices(WebApplicationBuilder builder, HostOptions options, StorageAccount account)
    {
        IServiceCollection services = builder.Services;
        PipelineServices.Add(services, builder.Configuration);
        services.AddSingleton<TriggerTable>();
        services.AddSingleton(s => new FunctionCatalog(s, typeof(PipelineServices).Assembly));
        services.AddSingleton(s => new EmbeddedTaskHub(
            new TaskHubOptions(account, options.WorkerId, options.VisibilityTimeout, HostFile.Read()),
            stopping => new FunctionTaskFactory(s.GetRequiredService<FunctionCatalog>(), options, stopping),
            s,
            s.GetRequiredService<ILoggerFactory>()
        ));
        services.AddSingleton<DurableTaskClient, EmbeddedDurableClient>();
        // before the triggers that start orchestrations, and stopped after them
        services.AddHostedService(s => s.GetRequiredService<EmbeddedTaskHub>());
        services.AddHostedService<BlobPoller>();
        services.AddHostedService<QueuePoller>();
        services.AddHostedService<TimerRunner>();
        if (options.StartWorker)
        {
            services.AddHostedService(s =>
                ActivatorUtilities.CreateInstance<WorkerProcess>(s, account, builder.Configuration["PIPELINE_MODELS"]!)
            );
        }
    }
}
