using System.Globalization;
using RomFlash.Peers.Ssh;

namespace RomFlash.Peers.Firmware;

/// <summary>
/// A board with Linux on it: the firmware is real, and Linux is a private sshd on a staged machine. The system partition is one folder for both, and efivarfs is carried to the firmware's own store and back, one
/// to one; nothing else passes between them.
/// </summary>
public sealed class VirtualLinux : IAsyncDisposable
{
    private VirtualLinux(VirtualBoard board, SshServer server, LinuxRoot root)
    {
        Board = board;
        Server = server;
        Root = root;
    }

    /// <summary>The board.</summary>
    public VirtualBoard Board { get; }

    /// <summary>Who answers while it runs.</summary>
    public SshServer Server { get; }

    /// <summary>What Linux shows.</summary>
    public LinuxRoot Root { get; }

    private string Efivars => Root.Combine("sys/firmware/efi/efivars");

    /// <summary>As the ESRT tells a version of the lab's.</summary>
    /// <param name="version">1 to 9.</param>
    /// <returns>The packed version.</returns>
    public static uint Packed(int version) => 0x0001_0000u + (uint)version;

    /// <summary>As SMBIOS tells a version of the lab's.</summary>
    /// <param name="version">1 to 9.</param>
    /// <returns>The text.</returns>
    public static string Smbios(int version) => string.Create(CultureInfo.InvariantCulture, $"LAB v1.{version}0 (0{version}/01/2024)");

    /// <summary>Makes one that runs, with version 1 of each ROM.</summary>
    /// <param name="kind">Its firmware.</param>
    /// <param name="trusts">Whose capsules it takes, where it asks for signatures.</param>
    /// <param name="hasArray">Whether its table tells of the second ROM, too.</param>
    /// <returns>The machine.</returns>
    public static async Task<VirtualLinux> StartAsync(FirmwareKind kind, FirmwareSigner? trusts = null, bool hasArray = false)
    {
        var board = await VirtualBoard.CreateAsync(FirmwareBuild.Load(kind), trusts);
        SshServer? server = null;
        try
        {
            server = await SshServer.StartAsync(new SshServerOptions());
            var root = await LinuxRoot.CreateAsync(server, new()
            {
                // No two machines are the same one.
                Uuid = Guid.NewGuid(),
                BiosVersion = Smbios(1),
                SystemFirmware = new(FirmwareBuild.SystemClass, 1, Packed(1)),
                TakesAnyFile = kind is FirmwareKind.TakesAnyFile,
                PartitionId = VirtualBoard.PartitionId,
            });
            if (hasArray)
            {
                root.SetFirmware(new(FirmwareBuild.ArrayClass, 2, Packed(1)));
                root.NameFirmware(FirmwareBuild.ArrayClass);
            }

            return new(board, server, root);
        }
        catch
        {
            await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
            await board.DisposeAsync();
            throw;
        }
    }

    /// <summary>It goes down, boots, and comes up again, unless it is dead.</summary>
    /// <param name="cut">As for <see cref="VirtualBoard.BootAsync"/>.</param>
    /// <returns>The boots.</returns>
    public async Task<IReadOnlyList<BoardBoot>> RestartAsync(Func<bool>? cut = null)
    {
        await Server.KillAsync();
        GiveVariables();
        return await PowerOnAsync(cut);
    }

    /// <summary>It is switched on, boots, and comes up, unless it is dead.</summary>
    /// <param name="cut">As for <see cref="VirtualBoard.BootAsync"/>.</param>
    /// <returns>The boots.</returns>
    public async Task<IReadOnlyList<BoardBoot>> PowerOnAsync(Func<bool>? cut = null)
    {
        var boots = await Board.BootThroughAsync(Root.SystemPartition, cut);
        if (boots[^1] is { End: BoardEnd.WentOn, Version: { } version })
        {
            TakeVariables();

            // What Linux does, and what the machine tells it of itself: which program ran at power-on, what lies in the second ROM. There is no attempt in this firmware's table.
            Root.PlayRestart();
            Root.Write("sys/class/dmi/id/bios_version", Smbios(version) + "\n");
            Root.SetFirmware(Root.GetFirmware(FirmwareBuild.SystemClass)! with { Version = Packed(version) });
            if (Root.GetFirmware(FirmwareBuild.ArrayClass) is { } array)
            {
                Root.SetFirmware(array with { Version = Packed(await Board.FlashedVersionAsync(VirtualBoard.ArrayOffset)) });
            }

            await Server.RestartAsync();
        }

        return boots;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Board.DisposeAsync();
    }

    private static FirmwareVariable Read(string file)
    {
        // A dash, and a GUID of 36 characters.
        var name = Path.GetFileName(file);
        var bytes = File.ReadAllBytes(file);
        return new(name[..^37], Guid.Parse(name[^36..]), BitConverter.ToUInt32(bytes), bytes[4..]);
    }

    // Those that are stored; the others are what the firmware tells anew at each boot.
    private IEnumerable<FirmwareVariable> Stored() => Directory.EnumerateFiles(Efivars).Select(Read).Where(v => (v.Attributes & 1) != 0);

    // What only the firmware sees stays as it is.
    private void GiveVariables() => Board.Variables = [.. Board.Variables.Where(v => (v.Attributes & 4) == 0), .. Stored().OrderBy(v => v.FileName, StringComparer.Ordinal)];

    private void TakeVariables()
    {
        foreach (var variable in Stored().ToList())
        {
            File.Delete(Path.Combine(Efivars, variable.FileName));
        }

        // An operating system sees what is there at run time.
        foreach (var variable in Board.Variables.Where(v => (v.Attributes & 4) != 0))
        {
            File.WriteAllBytes(Path.Combine(Efivars, variable.FileName), [.. BitConverter.GetBytes(variable.Attributes), .. variable.Value]);
        }
    }
}
