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

    /// <summary>The machine goes down and boots: once to flash, and when that ended in a restart, once more. A dead one stays down.</summary>
    /// <returns>The boots.</returns>
    public async Task<IReadOnlyList<BoardBoot>> BootAsync(Func<bool>? cut = null)
    {
        await StopAsync();
        GiveVariables();
        var boots = new List<BoardBoot> { await board.BootAsync(Tree, cut) };
        while (boots[^1].End is BoardEnd.Restarted && boots.Count < 4)
        {
            boots.Add(await board.BootAsync(Tree));
        }

        await ComeUpAsync(boots[^1]);
        return boots;
    }

    /// <summary>Switched on again, after the power was cut or the ROM was restored.</summary>
    public async Task<BoardBoot> PowerOnAsync()
    {
        var boot = await board.BootAsync(Tree);
        await ComeUpAsync(boot);
        return boot;
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

    /// <summary>What the operating system's variables are becomes the firmware's store.</summary>
    protected virtual void GiveVariables()
    {
    }

    /// <summary>The firmware's store becomes the operating system's variables.</summary>
    protected virtual void TakeVariables()
    {
    }

    private async Task ComeUpAsync(BoardBoot boot)
    {
        if (boot is { End: BoardEnd.WentOn, Version: { } version })
        {
            TakeVariables();
            var last = board.Variables.Where(v => v.Vendor == FirmwareVariable.CapsuleReport && v.Name.Length == 11 && v.Value.Length >= 48).OrderBy(v => v.Name, StringComparer.Ordinal).LastOrDefault();
            await StartAsync(new(version, await board.FlashedVersionAsync(VirtualBoard.ArrayOffset), last is null ? null : BitConverter.ToUInt64(last.Value, 40)));
        }
    }
}
