using System.Collections.Immutable;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Compatibility;

/// <summary>
/// What of a catalog comes nearest to something that it does not support: for a person who mistyped, or whose machine is a sibling. Says nothing about
/// what may be flashed.
/// </summary>
internal sealed class NearestEntries
{
    private const int MaxNamed = 3;

    // The work is bounded however large the catalog: neighbours in the order of names, and a few entries for each word, class and device.
    private const int MaxNeighbours = 4;
    private const int MaxWords = 4;
    private const int MaxForOne = 4;
    private const int MaxRoms = 64;

    private readonly SupportedSystem[] _byProduct;
    private readonly Dictionary<string, SupportedSystem[]> _byWord;
    private readonly Dictionary<string, SupportedSystem[]>.AlternateLookup<ReadOnlySpan<char>> _words;
    private readonly Dictionary<Guid, List<SupportedRom>> _byClass = [];
    private readonly Dictionary<(ushort, ushort), List<SupportedRom>> _byDevice = [];

    public NearestEntries(IReadOnlyCollection<SupportedSystem> systems)
    {
        _byProduct = [.. systems.Where(s => s.Entry.Product is not null).OrderBy(s => s.Entry.Product, StringComparer.OrdinalIgnoreCase)];
        _byWord = _byProduct
            .SelectMany(s => s.Entry.Product!.Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.OrdinalIgnoreCase), (system, word) => (system, word: word.Trim('*')))
            .Where(p => p.word.Length > 1)
            .GroupBy(p => p.word, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(g => g.Key, g => g.Select(p => p.system).Take(MaxForOne).ToArray(), StringComparer.OrdinalIgnoreCase);
        _words = _byWord.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var rom in systems.SelectMany(s => s.Roms))
        {
            if (rom.Entry.FirmwareClass is { } firmwareClass)
            {
                File(_byClass, firmwareClass, rom);
            }

            if (rom.Entry.Pci is { } pci)
            {
                File(_byDevice, (pci.Vendor, pci.Device), rom);
            }
        }
    }

    /// <summary>The systems that a target may be meant to be.</summary>
    public ImmutableArray<string> To(TargetIdentity identity)
    {
        var product = identity.Product.AsSpan().Trim();
        if (product.IsEmpty || _byProduct.Length == 0)
        {
            return [];
        }

        var best = new Best<SupportedSystem>();
        var at = LowerBound(product);
        for (var i = Math.Max(0, at - MaxNeighbours); i < Math.Min(_byProduct.Length, at + MaxNeighbours); i++)
        {
            best.Offer(_byProduct[i], Likeness(_byProduct[i], product, identity));
        }

        var words = 0;
        foreach (var range in product.Split(' '))
        {
            if (_words.TryGetValue(product[range], out var same))
            {
                foreach (var system in same)
                {
                    best.Offer(system, Likeness(system, product, identity));
                }

                if (++words == MaxWords)
                {
                    break;
                }
            }
        }

        return best.Name();
    }

    /// <summary>The entries that an installed ROM may be meant to be, of its system first.</summary>
    public ImmutableArray<string> To(InstalledRom rom, ReadOnlySpan<SupportedSystem> systems)
    {
        var best = new Best<SupportedRom>();
        var looked = 0;
        foreach (var system in systems)
        {
            foreach (var entry in system.Roms)
            {
                if (looked++ < MaxRoms)
                {
                    best.Offer(entry, Likeness(entry, rom, isOwn: true));
                }
            }
        }

        var sameClass = rom.FirmwareClass is { } firmwareClass ? _byClass.GetValueOrDefault(firmwareClass) : null;
        var sameDevice = rom.Pci is { } pci ? _byDevice.GetValueOrDefault((pci.Vendor, pci.Device)) : null;
        foreach (var entry in (sameClass ?? []).Concat(sameDevice ?? []))
        {
            best.Offer(entry, Likeness(entry, rom, isOwn: false));
        }

        return best.Name();
    }

    private static void File<TKey>(Dictionary<TKey, List<SupportedRom>> index, TKey key, SupportedRom rom)
        where TKey : notnull
    {
        if (!index.TryGetValue(key, out var same))
        {
            index.Add(key, same = []);
        }

        if (same.Count < MaxForOne)
        {
            same.Add(rom);
        }
    }

    private static int Likeness(SupportedSystem system, ReadOnlySpan<char> product, TargetIdentity identity)
    {
        var same = product.CommonPrefixLength(system.Entry.Product, UpperCase.Instance);
        var words = 0;
        foreach (var range in product.Split(' '))
        {
            if (product[range].Length > 1 && system.Entry.Product.AsSpan().Contains(product[range], StringComparison.OrdinalIgnoreCase))
            {
                words++;
            }
        }

        // One letter in common is chance; the maker alone says nothing about the machine.
        return same < 2 && words == 0
            ? 0
            : same + (8 * words) + (SystemPattern.Matches(system.Entry.Manufacturer!, identity.Manufacturer) ? 8 : 0);
    }

    private static int Likeness(SupportedRom entry, InstalledRom rom, bool isOwn)
    {
        var likeness = entry.Entry.Component == rom.Kind ? 2 : 0;
        if (entry.Entry.FirmwareClass is { } firmwareClass && firmwareClass == rom.FirmwareClass)
        {
            likeness += 8;
        }

        if (entry.Entry.Pci is { } pattern && rom.Pci is { } pci && pattern.Vendor == pci.Vendor)
        {
            likeness += pattern.Device == pci.Device ? 8 : 1;
        }

        return likeness == 0 ? 0 : likeness + (isOwn ? 4 : 0);
    }

    private int LowerBound(ReadOnlySpan<char> product)
    {
        var (low, high) = (0, _byProduct.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_byProduct[middle].Entry.Product.AsSpan().CompareTo(product, StringComparison.OrdinalIgnoreCase) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private sealed class UpperCase : IEqualityComparer<char>
    {
        public static UpperCase Instance { get; } = new();

        public bool Equals(char x, char y) => char.ToUpperInvariant(x) == char.ToUpperInvariant(y);

        public int GetHashCode(char obj) => char.ToUpperInvariant(obj);
    }

    /// <summary>The few best of many, the first of equals first.</summary>
    private sealed class Best<T>
        where T : class
    {
        private readonly (T Entry, int Likeness)[] _best = new (T, int)[MaxNamed];
        private int _count;

        public void Offer(T entry, int likeness)
        {
            var place = 0;
            foreach (var (other, better) in _best.AsSpan(0, _count))
            {
                if (ReferenceEquals(other, entry))
                {
                    return;
                }

                place += better >= likeness ? 1 : 0;
            }

            if (likeness == 0 || place == MaxNamed)
            {
                return;
            }

            _count = Math.Min(_count + 1, MaxNamed);
            _best.AsSpan(place, _count - place - 1).CopyTo(_best.AsSpan(place + 1));
            _best[place] = (entry, likeness);
        }

        public ImmutableArray<string> Name()
        {
            var names = ImmutableArray.CreateBuilder<string>(_count);
            foreach (var (entry, _) in _best.AsSpan(0, _count))
            {
                names.Add(entry.ToString()!);
            }

            return names.MoveToImmutable();
        }
    }
}
