using RomFlash.Peers.Firmware;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.FirmwareLab;

/// <summary>What the operating system tells of the firmware under it.</summary>
/// <param name="System">The board's ROM: the one that told its version at power-on.</param>
/// <param name="Array">The second ROM: what the device tells of itself.</param>
/// <param name="Attempt">What the firmware has left of its last capsule; null when it left nothing.</param>
internal sealed record LabFacts(int System, int Array, ulong? Attempt);

/// <summary>
/// A board with real firmware, and a way to its system partition that is served as by its operating system. The flash and its result are the firmware's; the tests play the operating system and nothing else:
/// they carry what the firmware left to where a transport looks, and variables between where the transport writes them and the firmware's own store.
/// </summary>
internal abstract class LabTarget(VirtualBoard board) : IAsyncDisposable
{
    public VirtualBoard Board => board;

    public abstract string Name { get; }

    public abstract string Address { get; }

    public abstract ITransport Transport { get; }

    public virtual TargetCredentials Credentials => TargetCredentials.CurrentUser;

    /// <summary>The folder that is the system partition.</summary>
    public abstract string Tree { get; }

    /// <summary>Whether a restart can be asked for over this transport.</summary>
    public virtual bool Restarts => true;

    public string Capsules => Path.Combine(Tree, "EFI", "UpdateCapsule");

    public IReadOnlyList<string> CapsuleFiles => System.IO.Directory.Exists(Capsules) ? [.. System.IO.Directory.GetFiles(Capsules).Order(StringComparer.Ordinal)] : [];

    /// <summary>Whether somebody has asked for a restart.</summary>
    public virtual bool IsRestartAsked => false;

    /// <summary>The machine goes down and boots, to flash and as often as that takes, and comes up again. A dead one stays down.</summary>
    /// <returns>The boots.</returns>
    public virtual async Task<IReadOnlyList<BoardBoot>> BootAsync(Func<bool>? cut = null)
    {
        await StopAsync();
        return await PowerOnAsync(cut);
    }

    /// <summary>Switched on again, after it was dead.</summary>
    /// <returns>The boots.</returns>
    public virtual async Task<IReadOnlyList<BoardBoot>> PowerOnAsync(Func<bool>? cut = null)
    {
        var boots = await board.BootThroughAsync(Tree, cut);
        if (boots[^1] is { End: BoardEnd.WentOn, Version: { } version })
        {
            await StartAsync(new(version, await board.FlashedVersionAsync(VirtualBoard.ArrayOffset), board.LastResult));
        }

        return boots;
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await board.DisposeAsync();
    }

    /// <summary>What runs for it ends, as when a machine goes down.</summary>
    protected abstract Task StopAsync();

    /// <summary>It runs again, and tells this.</summary>
    protected abstract Task StartAsync(LabFacts facts);

    protected abstract ValueTask CloseAsync();
}
