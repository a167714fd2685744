using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Pipeline;

/// <summary>One flash at a time for a target in this process: by its id, and by the machine behind it, so that an alias does not help.</summary>
internal sealed class RunningTargets
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);

    /// <summary>Enters under the target's id.</summary>
    /// <returns>A lease, or null when the target is being worked on.</returns>
    public Lease? TryEnter(string targetId)
    {
        var key = "id:" + targetId;
        lock (_lock)
        {
            return _keys.Add(key) ? new Lease(this, key) : null;
        }
    }

    internal sealed class Lease(RunningTargets owner, string first) : IDisposable
    {
        private readonly List<string> _held = [first];

        /// <summary>Enters also under the machine's identity.</summary>
        /// <returns>False when the same machine is being worked on under another id.</returns>
        public bool TryEnter(TargetIdentity identity)
        {
            lock (owner._lock)
            {
                foreach (var key in Keys(identity))
                {
                    if (_held.Contains(key))
                    {
                        continue;
                    }

                    if (!owner._keys.Add(key))
                    {
                        return false;
                    }

                    _held.Add(key);
                }

                return true;
            }
        }

        public void Dispose()
        {
            lock (owner._lock)
            {
                foreach (var key in _held)
                {
                    owner._keys.Remove(key);
                }

                _held.Clear();
            }
        }

        private static IEnumerable<string> Keys(TargetIdentity identity)
        {
            if (identity.SmbiosUuid is { } uuid && uuid != Guid.Empty && uuid != Guid.AllBitsSet)
            {
                yield return $"uuid:{uuid:N}";
            }

            if (!string.IsNullOrWhiteSpace(identity.SerialNumber))
            {
                yield return $"serial:{identity.SerialNumber}";
            }
        }
    }
}
