using System.Globalization;
using System.Text;

namespace RomFlash.Peers.Firmware;

/// <summary>
/// The firmware that tests/firmware-lab/build.sh has built, and the ROMs and capsules that are made of it. A ROM of another version is the same program with another number in its name, of which the firmware
/// prints the first thing.
/// </summary>
public sealed class FirmwareBuild
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string Variable = "ROMFLASH_FIRMWARE_LAB";

    /// <summary>The class of the board's own ROM (U-Boot, include/configs/qemu-arm.h).</summary>
    public static readonly Guid SystemClass = new("058b7d83-50d5-4c47-a195-60d86ad341c4");

    /// <summary>The class of the board's second ROM, which stands for an array controller's (tests/firmware-lab/build.sh).</summary>
    public static readonly Guid ArrayClass = new("7a1c0f3e-52b6-4d0c-9a61-3b0e5d2f8814");

    private const string Marker = "-romflash-";

    private readonly byte[] _rom;

    private FirmwareBuild(string folder, FirmwareKind kind, byte[] rom)
    {
        Folder = folder;
        Kind = kind;
        _rom = rom;
    }

    /// <summary>Where the builds are.</summary>
    public string Folder { get; }

    /// <summary>Which one it is.</summary>
    public FirmwareKind Kind { get; }

    /// <summary>Reads a build.</summary>
    /// <param name="kind">Which one.</param>
    /// <returns>The build.</returns>
    /// <exception cref="PeerUnavailableException">It was not built.</exception>
    public static FirmwareBuild Load(FirmwareKind kind)
    {
        var folder = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : throw new PeerUnavailableException($"{Variable} is not set: ./test.sh sets it to what tests/firmware-lab/build.sh prints");
        var file = Path.Combine(folder, kind switch { FirmwareKind.NeedsIndications => "indications.bin", FirmwareKind.TakesAnyFile => "any-file.bin", _ => "authenticated.bin" });
        return File.Exists(file) ? new(folder, kind, File.ReadAllBytes(file)) : throw new PeerUnavailableException($"{file} was not built");
    }

    /// <summary>The board's ROM.</summary>
    /// <param name="version">1 to 9.</param>
    /// <returns>Its content.</returns>
    public byte[] Rom(int version)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(version, 9);
        var rom = (byte[])_rom.Clone();
        var built = Encoding.ASCII.GetBytes(Marker + "1");
        var places = 0;
        for (var at = 0; rom.AsSpan(at).IndexOf(built) is >= 0 and var found; at += found + 1)
        {
            rom[at + found + built.Length - 1] = (byte)('0' + version);
            places++;
        }

        return places > 0 ? rom : throw new InvalidOperationException("the build does not tell its version");
    }

    /// <summary>The second ROM: not a program, but something that tells its version and fills some blocks.</summary>
    /// <param name="version">1 to 9.</param>
    /// <returns>Its content.</returns>
    public static byte[] ArrayRom(int version)
    {
        var rom = new byte[600_000];
        new Random(version).NextBytes(rom);
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"ARRAY ROM {version}\n")).CopyTo(rom, 0);
        return rom;
    }

    /// <summary>The version that a console tells, or a second ROM's first line; null when none is told.</summary>
    /// <param name="text">What was printed.</param>
    /// <returns>The version.</returns>
    public static int? VersionIn(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (var marker in new[] { Marker, "ARRAY ROM " })
        {
            if (text.IndexOf(marker, StringComparison.Ordinal) is >= 0 and var at && at + marker.Length < text.Length && char.IsAsciiDigit(text[at + marker.Length]))
            {
                return text[at + marker.Length] - '0';
            }
        }

        return null;
    }

    /// <summary>Has mkeficapsule make a capsule.</summary>
    /// <param name="rom">What is in it.</param>
    /// <param name="firmwareClass">For which firmware; the board's own when null.</param>
    /// <param name="index">The image's index there.</param>
    /// <param name="signer">Who signs it; nobody when null.</param>
    /// <returns>The capsule.</returns>
    public static async Task<byte[]> CapsuleAsync(byte[] rom, Guid? firmwareClass = null, int index = 1, FirmwareSigner? signer = null)
    {
        ArgumentNullException.ThrowIfNull(rom);
        var folder = Directory.CreateTempSubdirectory("romflash-capsule-").FullName;
        try
        {
            var (from, to) = (Path.Combine(folder, "rom"), Path.Combine(folder, "capsule"));
            await File.WriteAllBytesAsync(from, rom);
            string[] signing = signer is null ? [] : ["--monotonic-count", "1", "--private-key", signer.Key, "--certificate", signer.Certificate];
            string[] arguments = ["--index", index.ToString(CultureInfo.InvariantCulture), "--instance", "0", "--guid", (firmwareClass ?? SystemClass).ToString("D"), .. signing, from, to];
            (await PeerProgram.RunAsync(PeerProgram.Find("mkeficapsule", "u-boot-tools"), arguments)).Required("mkeficapsule");
            return await File.ReadAllBytesAsync(to);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>What starts a flash.</summary>
public enum FirmwareKind
{
    /// <summary>OsIndications asks for it.</summary>
    NeedsIndications,

    /// <summary>Any file in the folder.</summary>
    TakesAnyFile,

    /// <summary>OsIndications, and a signature.</summary>
    Authenticates,
}
