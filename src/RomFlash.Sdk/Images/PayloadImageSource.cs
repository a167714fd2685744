using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>A payload in a package: what is read from it is extracted while it is read.</summary>
internal sealed class PayloadImageSource(IRomImageSource package, RomPayload payload) : IRomImageSource
{
    public string Name { get; } = $"{package.Name}: {payload.Name}";

    public async ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) =>
        (await package.OpenReadAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(out var stream, out var failure)
            ? await payload.OpenAsync(stream, package, cancellationToken).ConfigureAwait(false)
            : failure;

    public override string ToString() => Name;
}
