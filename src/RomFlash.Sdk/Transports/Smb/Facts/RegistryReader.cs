using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Transports.Smb.Rpc;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Smb.Facts;

/// <summary>Reads facts of a registry. What is not there, or has another type, is null; what breaks the connection ends the step.</summary>
internal sealed class RegistryReader(RegistryClient registry, CancellationToken cancellationToken)
{
    private const int MaxText = 1024;

    public async ValueTask<RegistryKey?> OpenAsync(string path) =>
        Keep(await registry.OpenKeyAsync(path, RegistryAccess.QueryValues, cancellationToken).ConfigureAwait(false));

    /// <summary>Whether there is such a key; null when it may be there, but nobody is told.</summary>
    public async ValueTask<bool?> IsThereAsync(string path)
    {
        var opened = await registry.OpenKeyAsync(path, RegistryAccess.QueryValues, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var key, out var fault))
        {
            return IsNo(fault);
        }

        await key.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>Whether a value holds any text, however long; null when nobody is told.</summary>
    public async ValueTask<bool?> HoldsTextAsync(string path, string name)
    {
        var read = await registry.ReadValueAsync(path, name, cancellationToken).ConfigureAwait(false);
        return !read.TryGetValue(out var value, out var fault) ? RegistryKey.IsTooLong(fault) ? true : IsNo(fault)
            : value.TryGetTexts(out var texts) ? texts.Any(t => t.Length > 0)
            : value.TryGetText(out var text) ? text.Length > 0
            : null;
    }

    /// <summary>The keys below one; none where it is not there, and null when nobody is told.</summary>
    public async ValueTask<ImmutableArray<string>?> ListKeysAsync(string path, int max)
    {
        var opened = await registry.OpenKeyAsync(path, RegistryAccess.EnumerateKeys, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGetValue(out var key, out var fault))
        {
            return IsNo(fault) is false ? [] : null;
        }

        await using (key.ConfigureAwait(false))
        {
            var keys = await key.ListKeysAsync(max, cancellationToken).ConfigureAwait(false);
            return keys.TryGetValue(out var names, out fault) ? names : PartitionFaultException.IsOfTheTarget(fault) ? null : throw new PartitionFaultException(fault);
        }
    }

    public async ValueTask<RegistryValue?> ReadAsync(RegistryKey key, string name) => Keep(await key.ReadAsync(name, cancellationToken).ConfigureAwait(false));

    public async ValueTask<RegistryValue?> ReadAsync(string path, string name) => Keep(await registry.ReadValueAsync(path, name, cancellationToken).ConfigureAwait(false));

    /// <summary>A text that says something: not empty, and of a sane length.</summary>
    public async ValueTask<string?> ReadTextAsync(RegistryKey key, string name) =>
        await ReadAsync(key, name).ConfigureAwait(false) is { } value && value.TryGetText(out var text) && text.Length <= MaxText && text.Trim() is { Length: > 0 } trimmed ? trimmed : null;

    public async ValueTask<uint?> ReadNumberAsync(RegistryKey key, string name) =>
        await ReadAsync(key, name).ConfigureAwait(false) is { } value && value.TryGetNumber(out var number) && number <= uint.MaxValue ? (uint)number : null;

    /// <summary>All texts of a REG_MULTI_SZ, or the one of a REG_SZ.</summary>
    public async ValueTask<ImmutableArray<string>> ReadTextsAsync(RegistryKey key, string name) =>
        await ReadAsync(key, name).ConfigureAwait(false) is not { } value ? []
        : value.TryGetTexts(out var texts) ? texts
        : value.TryGetText(out var text) ? [text]
        : [];

    // Only what is not found is not there.
    private static bool? IsNo(TransportFault fault) =>
        fault.Kind is TransportFaultKind.NotFound ? false : PartitionFaultException.IsOfTheTarget(fault) ? null : throw new PartitionFaultException(fault);

    private static T? Keep<T>(TransportResult<T> result)
        where T : class => result.TryGetValue(out var value, out var fault) ? value : PartitionFaultException.IsOfTheTarget(fault) ? null : throw new PartitionFaultException(fault);
}
