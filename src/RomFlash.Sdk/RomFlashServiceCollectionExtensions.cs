using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Scheduling;
using RomFlash.Sdk.Staging;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk;

/// <summary>Registers the SDK in a service collection.</summary>
public static class RomFlashServiceCollectionExtensions
{
    /// <summary>
    /// Registers <see cref="RomFlashClient"/> as a singleton, built from what the collection has: every <see cref="ITransport"/> and
    /// <see cref="IFlashGate"/>, one <see cref="ICompatibilityCatalog"/> and <see cref="IFlashJournal"/> (both required), and, where
    /// registered, the stages, <see cref="ITargetCredentialSource"/>, <see cref="TimeProvider"/> and <see cref="ILoggerFactory"/>.
    /// </summary>
    /// <param name="services">The collection.</param>
    /// <param name="configure">Registers transports, gates and the rest; may be null.</param>
    /// <returns>The same collection.</returns>
    public static IServiceCollection AddRomFlash(this IServiceCollection services, Action<RomFlashBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        configure?.Invoke(new RomFlashBuilder(services));
        services.TryAddSingleton(static provider => new RomFlashClient(new RomFlashClientOptions
        {
            Transports = [.. provider.GetServices<ITransport>()],
            Catalog = provider.GetRequiredService<ICompatibilityCatalog>(),
            Journal = provider.GetRequiredService<IFlashJournal>(),
            Credentials = provider.GetService<ITargetCredentialSource>() ?? CredentialSources.CurrentUser,
            Gates = [.. provider.GetServices<IFlashGate>()],
            Probe = provider.GetService<ITargetProbe>() ?? DefaultStages.Probe,
            Stager = provider.GetService<IImageStager>() ?? DefaultStages.Stager,
            Scheduler = provider.GetService<IFlashScheduler>() ?? DefaultStages.Scheduler,
            Confirmer = provider.GetService<IFlashConfirmer>() ?? DefaultStages.Confirmer,
            TimeProvider = provider.GetService<TimeProvider>(),
            LoggerFactory = provider.GetService<ILoggerFactory>(),
        }));
        return services;
    }
}

/// <summary>Registers the parts of the SDK, one method for each.</summary>
public sealed class RomFlashBuilder
{
    internal RomFlashBuilder(IServiceCollection services) => Services = services;

    /// <summary>The collection, for what has no method here.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a transport.</summary>
    /// <param name="transport">The transport.</param>
    /// <returns>The builder.</returns>
    public RomFlashBuilder AddTransport(ITransport transport)
    {
        Services.AddSingleton(transport);
        return this;
    }

    /// <summary>Adds a gate; gates are asked in the order in which they were added.</summary>
    /// <param name="gate">The gate.</param>
    /// <returns>The builder.</returns>
    public RomFlashBuilder AddGate(IFlashGate gate)
    {
        Services.AddSingleton(gate);
        return this;
    }

    /// <summary>Sets the catalog.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <returns>The builder.</returns>
    public RomFlashBuilder UseCatalog(ICompatibilityCatalog catalog)
    {
        Services.Replace(ServiceDescriptor.Singleton(catalog));
        return this;
    }

    /// <summary>Sets the journal.</summary>
    /// <param name="journal">The journal.</param>
    /// <returns>The builder.</returns>
    public RomFlashBuilder UseJournal(IFlashJournal journal)
    {
        Services.Replace(ServiceDescriptor.Singleton(journal));
        return this;
    }

    /// <summary>Sets the credential source.</summary>
    /// <param name="credentials">The source.</param>
    /// <returns>The builder.</returns>
    public RomFlashBuilder UseCredentials(ITargetCredentialSource credentials)
    {
        Services.Replace(ServiceDescriptor.Singleton(credentials));
        return this;
    }
}
