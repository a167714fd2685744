using System.Collections.Immutable;
using System.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Images.Signatures;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Cli.CommandLine;

/// <summary>The options that name images, and whom to believe about them. The same for every command that has them.</summary>
internal sealed class ImageOptions
{
    public const string Synopsis = "--image FILE [--image FILE] " + TrustSynopsis;
    public const string TrustSynopsis = "[--image-trust CERT]";
    public const string BackupSynopsis = "[--backup-image FILE]";

    private readonly Option<string[]> _images;
    private readonly Option<string[]> _trust = new("--image-trust")
    {
        Description = "A certificate, PEM or DER: that of whoever signs images, or of the authority that it chains to (docs/image-signatures.md). Give it again for each.",
        HelpName = "CERT",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string[]> _backups = new("--backup-image")
    {
        Description = "An image to come back with, usually that of the previous ROM; give it again for each. The one that the catalog names for a target is staged beside the new one, and never armed.",
        HelpName = "FILE",
        Arity = ArgumentArity.OneOrMore,
    };

    public ImageOptions(bool isRequired = true) => _images = new("--image")
    {
        Description = isRequired
            ? "A ROM image, a package of them, or a bundle's folder; give it again for each further one."
            : "A ROM image at hand; give it again for each further image. Without any, the systems alone are explained.",
        HelpName = "FILE",
        Required = isRequired,
        Arity = ArgumentArity.OneOrMore,
    };

    public ImmutableArray<Option> All => [_images, _trust];

    /// <summary>The same, and that of images to come back with, for the commands that stage them.</summary>
    public ImmutableArray<Option> AllWithBackups => [_images, _backups, _trust];

    /// <summary>The images that the command line names; of a folder, the bundle that it is.</summary>
    public IEnumerable<FileImageSource> Sources(ParseResult parsed) => (parsed.GetValue(_images) ?? []).Select(ToSource);

    /// <summary>The validator that goes by what the options say.</summary>
    public async Task<FlashResult<RomImageValidator>> ReadValidatorAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!(await TrustedCertificates.LoadAsync("--image-trust", parsed.GetValue(_trust) ?? [], cancellationToken)).TryGetValue(out var certificates, out var failure))
        {
            return failure;
        }

        return ClientFactory.CreateValidator(new ImageSignatureTrust { Certificates = certificates, TimeProvider = TimeProvider.System });
    }

    /// <summary>Validates all images that the command line names, payloads of packages one by one, or gives the first failure.</summary>
    public Task<FlashResult<ImmutableArray<RomImage>>> ValidateAsync(ParseResult parsed, CancellationToken cancellationToken) => ValidateAsync(parsed, Sources(parsed), cancellationToken);

    /// <summary>Validates all images to come back with, or gives the first failure.</summary>
    public Task<FlashResult<ImmutableArray<RomImage>>> ValidateBackupsAsync(ParseResult parsed, CancellationToken cancellationToken) =>
        ValidateAsync(parsed, (parsed.GetValue(_backups) ?? []).Select(ToSource), cancellationToken);

    private async Task<FlashResult<ImmutableArray<RomImage>>> ValidateAsync(ParseResult parsed, IEnumerable<FileImageSource> sources, CancellationToken cancellationToken)
    {
        if (!(await ReadValidatorAsync(parsed, cancellationToken)).TryGetValue(out var validator, out var failure))
        {
            return failure;
        }

        var images = ImmutableArray.CreateBuilder<RomImage>();
        foreach (var source in sources)
        {
            if (!(await validator.ValidateAllAsync(source, cancellationToken)).TryGetValue(out var found, out failure))
            {
                return failure;
            }

            images.AddRange(found);
        }

        return images.ToImmutable();
    }

    private static FileImageSource ToSource(string path) => new(Directory.Exists(path) ? Path.Combine(path, RomPaqBundleFormat.ManifestName) : path);
}
