using System.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.CommandLine;

/// <summary>The options that say which catalogs decide, who vouches for them, and what is accepted all the same. The same for every command that has them.</summary>
internal sealed class CatalogOptions
{
    public const string Synopsis = "--catalog FILE [--catalog FILE] " + TrustSynopsis;
    public const string TrustSynopsis = "[--trust CERT] [--allow-unsigned-catalog] [--allow-expired-catalog] [--allow-older-catalog] [--catalog-history FILE]";

    private readonly Option<string[]> _catalogs = new("--catalog")
    {
        Description = "A catalog, in JSON, with its signature beside it (docs/catalog.md, docs/catalog-trust.md); give it again for each further layer, the strongest first.",
        HelpName = "FILE",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string[]> _trust = new("--trust")
    {
        Description = "A certificate, PEM or DER: that of a catalog's signer, or of the authority that it chains to. Give it again for each.",
        HelpName = "CERT",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _allowUnsigned = new("--allow-unsigned-catalog") { Description = "Accepts a catalog that nobody signed; reports name it. A wrong signature is never accepted." };
    private readonly Option<bool> _allowExpired = new("--allow-expired-catalog") { Description = "Accepts a catalog whose time has passed; reports name it." };
    private readonly Option<bool> _allowOlder = new("--allow-older-catalog") { Description = "Accepts a catalog that is older than one that was seen, or of which nobody can tell; reports name it." };
    private readonly Option<string> _history = new("--catalog-history") { Description = $"Where the newest editions that were seen are remembered. Default: {CatalogHistoryFile.DefaultInWords}.", HelpName = "FILE" };

    public IEnumerable<Option> All => [_catalogs, .. Trust];

    /// <summary>Without the catalogs themselves, for commands that name files in another way.</summary>
    public IEnumerable<Option> Trust => [_trust, _allowUnsigned, _allowExpired, _allowOlder, _history];

    public string[] Paths(ParseResult parsed) => parsed.GetRequiredValue(_catalogs);

    /// <summary>Reads what the options say of trust.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="remember">Whether a catalog that passes counts as seen from now on.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async Task<FlashResult<CatalogTrust>> ReadTrustAsync(ParseResult parsed, bool remember, CancellationToken cancellationToken) =>
        (await TrustedCertificates.LoadAsync("--trust", parsed.GetValue(_trust) ?? [], cancellationToken)).TryGetValue(out var certificates, out var failure)
        && CatalogHistoryFile.Open(parsed.GetValue(_history), remember).TryGetValue(out var history, out failure)
            ? new CatalogTrust
            {
                Certificates = certificates,
                AllowUnsigned = parsed.GetValue(_allowUnsigned),
                AllowExpired = parsed.GetValue(_allowExpired),
                AllowOlder = parsed.GetValue(_allowOlder),
                History = history,
                TimeProvider = TimeProvider.System,
            }
            : failure;

    /// <summary>Reads the catalogs, and says on the error stream what was accepted of them.</summary>
    public async Task<FlashResult<JsonCompatibilityCatalog>> LoadAsync(ParseResult parsed, Terminal terminal, bool remember, CancellationToken cancellationToken)
    {
        if (!(await ReadTrustAsync(parsed, remember, cancellationToken)).TryGetValue(out var trust, out var failure)
            || !(await JsonCompatibilityCatalog.LoadAsync(Paths(parsed), trust, cancellationToken)).TryGetValue(out var catalog, out failure))
        {
            return failure;
        }

        foreach (var provenance in catalog.Catalogs)
        {
            foreach (var weakness in provenance.Accepted)
            {
                terminal.Error.WriteLine($"romflash: the catalog '{UntrustedText.ForTerminal(provenance.Name)}' {Describe(weakness)}; it was accepted because an option says so");
            }
        }

        return catalog;
    }

    private static string Describe(CatalogWeakness weakness) => weakness switch
    {
        CatalogWeakness.Unsigned => "is not signed",
        CatalogWeakness.Expired => "has expired",
        CatalogWeakness.OlderThanSeen => "is older than one that was seen, or nobody can tell",
        _ => $"lacks something ({weakness})",
    };
}
