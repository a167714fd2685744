using System.Runtime.InteropServices;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>
/// Finds the systems that a target may be without looking at all of them. Each system is filed under one thing that it names, the most telling one; who is
/// found there is then compared in full.
/// </summary>
/// <remarks>Only patterns that begin and end with a star, for the product and for the manufacturer, are looked at one by one.</remarks>
internal sealed class SystemIndex
{
    private readonly Dictionary<Guid, List<SupportedSystem>> _byUuid = [];
    private readonly Dictionary<Guid, List<SupportedSystem>> _byHardwareId = [];
    private readonly Affixes _skus = new();
    private readonly Affixes _products = new();
    private readonly Affixes _productPrefixes = new();
    private readonly Affixes _productSuffixes = new();
    private readonly Affixes _makers = new();
    private readonly List<SupportedSystem> _rest = [];

    public SystemIndex(IEnumerable<SupportedSystem> systems)
    {
        foreach (var system in systems)
        {
            File(system);
        }
    }

    /// <summary>Whether any system is told by its hardware ids: only then are a target's ids worth computing.</summary>
    public bool HasHardwareIds { get; private set; }

    public void Find(TargetIdentity? identity, ReadOnlySpan<Guid> hardwareIds, ref Pooled<SupportedSystem> found)
    {
        if (identity is not null)
        {
            var product = identity.Product.AsSpan().Trim();
            if (identity.SmbiosUuid is { } uuid && _byUuid.TryGetValue(uuid, out var exact))
            {
                Take(exact, identity, hardwareIds, ref found);
            }

            Take(_skus.Whole(identity.Sku.AsSpan().Trim()), identity, hardwareIds, ref found);
            Take(_products.Whole(product), identity, hardwareIds, ref found);
            foreach (var length in _productPrefixes.LengthsUpTo(product.Length))
            {
                Take(_productPrefixes.Whole(product[..length]), identity, hardwareIds, ref found);
            }

            foreach (var length in _productSuffixes.LengthsUpTo(product.Length))
            {
                Take(_productSuffixes.Whole(product[^length..]), identity, hardwareIds, ref found);
            }

            var maker = identity.Manufacturer.AsSpan().Trim();
            foreach (var length in _makers.LengthsUpTo(maker.Length))
            {
                Take(_makers.Whole(maker[..length]), identity, hardwareIds, ref found);
            }

            Take(_rest, identity, hardwareIds, ref found);
        }

        for (var i = 0; i < hardwareIds.Length; i++)
        {
            if (_byHardwareId.TryGetValue(hardwareIds[i], out var same))
            {
                Take(same, identity, hardwareIds, ref found, mayBeThere: true);
            }
        }
    }

    private static void Take(List<SupportedSystem>? systems, TargetIdentity? identity, ReadOnlySpan<Guid> hardwareIds, ref Pooled<SupportedSystem> found, bool mayBeThere = false)
    {
        if (systems is null)
        {
            return;
        }

        foreach (var system in systems)
        {
            // A system is filed under each of its hardware ids, and under nothing else twice.
            if (system.Matches(identity, hardwareIds) && !(mayBeThere && found.Items.Contains(system)))
            {
                found.Add(system);
            }
        }
    }

    private void File(SupportedSystem system)
    {
        var entry = system.Entry;
        HasHardwareIds |= !entry.HardwareIds.IsEmpty;
        if (!entry.SmbiosUuids.IsEmpty)
        {
            File(_byUuid, entry.SmbiosUuids.AsSpan(), system);
        }
        else if (!entry.HardwareIds.IsEmpty)
        {
            File(_byHardwareId, entry.HardwareIds.AsSpan(), system);
        }
        else if (IsWhole(entry.Sku))
        {
            _skus.Add(entry.Sku!, system);
        }
        else if (IsWhole(entry.Product))
        {
            _products.Add(entry.Product!, system);
        }
        else if (SystemPattern.Prefix(entry.Product!) is { Length: > 0 } prefix)
        {
            _productPrefixes.Add(prefix, system);
        }
        else if (SystemPattern.Suffix(entry.Product!) is { Length: > 0 } suffix)
        {
            _productSuffixes.Add(suffix, system);
        }
        else if (SystemPattern.Prefix(entry.Manufacturer!) is { Length: > 0 } maker)
        {
            _makers.Add(maker, system);
        }
        else
        {
            _rest.Add(system);
        }
    }

    private static bool IsWhole(string? pattern) => pattern is not null && !pattern.Contains('*', StringComparison.Ordinal);

    private static void File(Dictionary<Guid, List<SupportedSystem>> index, ReadOnlySpan<Guid> keys, SupportedSystem system)
    {
        foreach (var key in keys)
        {
            if (!index.TryGetValue(key, out var same))
            {
                index.Add(key, same = []);
            }

            same.Add(system);
        }
    }

    /// <summary>Systems by a text, whose case does not matter.</summary>
    private sealed class Affixes
    {
        private readonly Dictionary<string, List<SupportedSystem>> _systems = new(StringComparer.OrdinalIgnoreCase);
        private readonly Dictionary<string, List<SupportedSystem>>.AlternateLookup<ReadOnlySpan<char>> _lookup;
        private readonly List<int> _lengths = [];

        public Affixes() => _lookup = _systems.GetAlternateLookup<ReadOnlySpan<char>>();

        public void Add(string text, SupportedSystem system)
        {
            if (!_systems.TryGetValue(text, out var same))
            {
                _systems.Add(text, same = []);
                if (_lengths.BinarySearch(text.Length) is < 0 and var place)
                {
                    _lengths.Insert(~place, text.Length);
                }
            }

            same.Add(system);
        }

        public List<SupportedSystem>? Whole(ReadOnlySpan<char> text) => _systems.Count > 0 && _lookup.TryGetValue(text, out var same) ? same : null;

        /// <summary>The lengths that texts have here, the shortest first.</summary>
        public ReadOnlySpan<int> LengthsUpTo(int most)
        {
            var lengths = CollectionsMarshal.AsSpan(_lengths);
            var count = lengths.BinarySearch(most);
            return lengths[..(count < 0 ? ~count : count + 1)];
        }
    }
}
