using System.Collections.Immutable;

namespace RomFlash.Sdk.Compatibility;

/// <summary>Finds stepping stones of one ROM that lead only to each other.</summary>
/// <remarks>
/// A release <em>leads</em> to another one when it meets that one's required minimum, and the step is no downgrade by any source that both know.
/// A release is reachable when it requires nothing; when it reports, by a source that it has a minimum for, a version of that style itself (then
/// something older, perhaps never described, can meet the minimum); when no release leads to it (then only versions that the catalog does not
/// describe can meet it); or when a reachable release leads to it. What is left can be reached from nothing but itself: the cycles are the largest
/// sets in it whose releases all lead to each other, directly or over others.
/// </remarks>
internal sealed class CatalogCycles
{
    // Comparing all with all has to end in a hostile catalog. Only releases that require what they do not report themselves are compared.
    private const int MaxComparisons = 4_000_000;

    private long _comparisons;

    public IEnumerable<(ImmutableArray<RomRelease> Releases, string What)> Find(ImmutableArray<RomRelease> releases)
    {
        var open = releases.Where(r => !IsAnchored(r)).ToArray();
        if (open.Length < 2)
        {
            return [];
        }

        if ((_comparisons += (long)open.Length * releases.Length) > MaxComparisons)
        {
            return [([open[0]], $"{open.Length} of this ROM's releases require what they do not report themselves; that is too many to rule out that they require each other")];
        }

        return new Components(LeftOver(open, releases)).Find()
            .Select(c => ((ImmutableArray<RomRelease>)[.. c.Order().Select(i => open[i])],
                $"the releases {string.Join(", ", c.Order().Select(i => $"'{open[i].Version}'"))} require each other, so that none of them can ever be reached"));
    }

    private static bool IsAnchored(RomRelease release) =>
        release.RequiredMinimum.IsEmpty || release.RequiredMinimum.Any(m => release.ReportedBy(m.Source) is { } own && own.IsComparableTo(m.Version));

    private static bool Leads(RomRelease from, RomRelease to) =>
        VersionSteps.IsMet(to.RequiredMinimum, from.ReportedAs) is true && VersionSteps.Compare(from.ReportedAs, to) is VersionStep.Newer or VersionStep.Unknown;

    // For each open release the open ones that it leads to; null for one that is reachable.
    private static List<int>?[] LeftOver(RomRelease[] open, ImmutableArray<RomRelease> releases)
    {
        var leadsTo = new List<int>[open.Length];
        for (var i = 0; i < open.Length; i++)
        {
            leadsTo[i] = [];
        }

        // By reference: a release may be there twice, and comparing values for each pair would take the number of releases once more.
        var places = new Dictionary<RomRelease, int>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < open.Length; i++)
        {
            places.Add(open[i], i);
        }

        var isReachable = new bool[open.Length];
        var reached = new Queue<int>();
        for (var i = 0; i < open.Length; i++)
        {
            var hasStone = false;
            foreach (var stone in releases)
            {
                if (!ReferenceEquals(stone, open[i]) && Leads(stone, open[i]))
                {
                    hasStone = true;
                    if (places.TryGetValue(stone, out var index))
                    {
                        leadsTo[index].Add(i);
                    }
                    else
                    {
                        isReachable[i] = true;
                    }
                }
            }

            isReachable[i] |= !hasStone;
            if (isReachable[i])
            {
                reached.Enqueue(i);
            }
        }

        while (reached.TryDequeue(out var at))
        {
            foreach (var next in leadsTo[at].Where(n => !isReachable[n]))
            {
                isReachable[next] = true;
                reached.Enqueue(next);
            }
        }

        return [.. leadsTo.Select((l, i) => isReachable[i] ? null : l)];
    }

    /// <summary>Tarjan's strongly connected components, of those that are left. The depth is bounded by the comparisons: 2,000.</summary>
    private sealed class Components(List<int>?[] leadsTo)
    {
        private readonly int[] _index = new int[leadsTo.Length];
        private readonly int[] _low = new int[leadsTo.Length];
        private readonly bool[] _isOnStack = new bool[leadsTo.Length];
        private readonly Stack<int> _stack = [];
        private readonly List<List<int>> _found = [];
        private int _count;

        public List<List<int>> Find()
        {
            for (var i = 0; i < leadsTo.Length; i++)
            {
                if (leadsTo[i] is not null && _index[i] == 0)
                {
                    Visit(i);
                }
            }

            return _found;
        }

        private void Visit(int at)
        {
            _index[at] = _low[at] = ++_count;
            _stack.Push(at);
            _isOnStack[at] = true;
            foreach (var next in leadsTo[at]!)
            {
                // What is left can't be led to from outside, but it can lead to what was reached otherwise.
                if (leadsTo[next] is null)
                {
                    continue;
                }

                if (_index[next] == 0)
                {
                    Visit(next);
                    _low[at] = Math.Min(_low[at], _low[next]);
                }
                else if (_isOnStack[next])
                {
                    _low[at] = Math.Min(_low[at], _index[next]);
                }
            }

            if (_low[at] != _index[at])
            {
                return;
            }

            var component = new List<int>();
            do
            {
                component.Add(_stack.Pop());
                _isOnStack[component[^1]] = false;
            }
            while (component[^1] != at);

            if (component.Count > 1)
            {
                _found.Add(component);
            }
        }
    }
}
