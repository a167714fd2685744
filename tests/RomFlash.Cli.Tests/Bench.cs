using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Compatibility.Trust;

namespace RomFlash.Cli.Tests;

/// <summary>A folder with everything that an upgrade of a directory target takes: the target, its facts, an image and a catalog.</summary>
public sealed class Bench : IDisposable
{
    public const string OldVersion = "OVMF v1.00 (01/01/2020)";
    public const string NewVersion = "OVMF v2.00 (02/02/2023)";

    private const string OldPacked = "0x00010000";
    private const string NewPacked = "0x00020000";
    private static readonly Guid FirmwareClass = new("9f1a6c0e-41f5-4e35-9d0b-2a6a3e1c7b11");

    private readonly string _name;

    public Bench()
        : this("esp")
    {
    }

    /// <summary>A bench whose target has a name of one's own.</summary>
    internal Bench(string name)
    {
        _name = name;
        Folder = Directory.CreateTempSubdirectory("romflash-cli-").FullName;
        Directory.CreateDirectory(Path.Combine(Esp, "EFI"));
        WriteFacts();
    }

    public string Folder { get; }

    public string Esp => Path.Combine(Folder, _name);

    public string Target => "dir:" + Esp;

    public string Image => Path.Combine(Folder, "rom.cap");

    /// <summary>The certificate of whoever signs images; the signature lies beside the image.</summary>
    public string Maker => Path.Combine(Folder, "maker.pem");

    public string Catalog => Path.Combine(Folder, "catalog.json");

    public string Journal => Path.Combine(Folder, "journal.rfj");

    public string UpdateCapsule => Path.Combine(Esp, "EFI", "UpdateCapsule");

    public string[] FlashArguments => ["flash", "--image", Image, "--image-trust", Maker, "--catalog", Catalog, "--allow-unsigned-catalog", "--target", Target, "--journal", Journal];

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Writes the facts of a machine that is ready for anything.</summary>
    public void WriteFacts(string boot = "boot-1", bool isNew = false, string product = "Virtual machine", long totalBytes = 536_870_912, Action<JsonObject>? change = null)
    {
        var facts = new JsonObject
        {
            ["identity"] = new JsonObject { ["smbiosUuid"] = "00112233-4455-6677-8899-aabbccddeeff", ["serialNumber"] = "CZ1", ["manufacturer"] = "Maker", ["product"] = product },
            ["boot"] = boot,
            ["roms"] = new JsonArray(new JsonObject
            {
                ["id"] = "system",
                ["kind"] = "system-rom",
                ["name"] = product,
                ["firmwareClass"] = FirmwareClass.ToString("D"),
                ["versions"] = new JsonObject { ["smbios"] = isNew ? NewVersion : OldVersion, ["esrt"] = isNew ? NewPacked : OldPacked },
                ["lastAttempt"] = new JsonObject { ["version"] = isNew ? NewPacked : OldPacked, ["status"] = 0 },
            }),
            ["systemPartition"] = new JsonObject { ["fileSystem"] = "vfat", ["totalBytes"] = totalBytes, ["freeBytes"] = Math.Min(totalBytes, 30_000_000), ["isBootVolume"] = true, ["isReadOnly"] = false },
            ["account"] = "administrator",
            ["readiness"] = new JsonObject
            {
                ["pendingReboot"] = false,
                ["externalPower"] = true,
                ["batterySufficient"] = true,
                ["diskEncryptionSealed"] = false,
                ["healthy"] = true,
                ["inRecovery"] = false,
            },
            ["arming"] = new JsonArray("capsule-file-only"),
        };
        change?.Invoke(facts);
        File.WriteAllText(Esp + ".facts.json", facts.ToJsonString());
    }

    /// <summary>Writes a catalog with one release: the image as it lies there now.</summary>
    public void WriteCatalog()
    {
        var image = File.ReadAllBytes(Image);
        SignImage();
        var catalog = new JsonObject
        {
            ["romflashCatalog"] = 1,
            ["name"] = "bench",
            ["systems"] = new JsonArray(new JsonObject
            {
                ["manufacturer"] = "Maker",
                ["product"] = "*",
                ["roms"] = new JsonArray(new JsonObject
                {
                    ["component"] = "system-rom",
                    ["firmwareClass"] = FirmwareClass.ToString("D"),
                    ["releases"] = new JsonArray(new JsonObject
                    {
                        ["version"] = NewVersion,
                        ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(image)),
                        ["size"] = image.Length,
                        ["reportedAs"] = new JsonObject { ["smbios"] = NewVersion, ["esrt"] = NewPacked },
                    }),
                }),
            }),
        };
        File.WriteAllText(Catalog, catalog.ToJsonString());
    }

    /// <summary>Writes an image to come back with, which the catalog's release names from now on, and says where it is.</summary>
    public string WriteBackup()
    {
        var path = Path.Combine(Folder, "previous.cap");
        var content = File.ReadAllBytes(Image);
        content[^1] ^= 1;
        File.WriteAllBytes(path, content);
        var catalog = JsonNode.Parse(File.ReadAllBytes(Catalog))!;
        catalog["systems"]![0]!["roms"]![0]!["releases"]![0]!["recovery"] = new JsonObject
        {
            ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)),
            ["size"] = content.Length,
            ["name"] = "previous.cap",
        };
        File.WriteAllText(Catalog, catalog.ToJsonString());
        return path;
    }

    /// <summary>Writes the image's signature beside it, and its maker's certificate. A detached signature is the same thing, whatever it is of.</summary>
    public void SignImage() => SignImage(Image);

    /// <summary>Writes another image's signature beside it; its maker is the one that counts from now on.</summary>
    public void SignImage(string image)
    {
        var now = DateTimeOffset.UtcNow;
        using var maker = MakeSigner("CN=Image maker", now);
        File.WriteAllText(Maker, maker.ExportCertificatePem());
        File.WriteAllBytes(image + ".p7s", CatalogSignature.Sign(File.ReadAllBytes(image), maker, now).Span);
    }

    /// <summary>Writes a targets file with the one server in a group.</summary>
    public void WriteTargets() => File.WriteAllText(
        Path.Combine(Folder, "targets.json"),
        new JsonObject
        {
            ["romflashTargets"] = 1,
            ["groups"] = new JsonObject { ["rack7"] = new JsonObject { ["targets"] = new JsonArray(new JsonObject { ["id"] = "web-1", ["endpoints"] = new JsonArray(Target) }) } },
        }.ToJsonString());

    public void SetSerial(int serial)
    {
        var catalog = JsonNode.Parse(File.ReadAllBytes(Catalog))!.AsObject();
        catalog["serial"] = serial;
        File.WriteAllText(Catalog, catalog.ToJsonString());
    }

    /// <summary>Writes a signer's certificate and key into a file that nobody else can read, and says where it is.</summary>
    public string WriteSigner()
    {
        var path = Path.Combine(Folder, "signer.pfx");
        using var signer = MakeSigner("CN=Catalog maker", DateTimeOffset.UtcNow);
        File.WriteAllBytes(path, signer.Export(X509ContentType.Pkcs12));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return path;
    }

    /// <summary>Gives the catalog a serial, and signs it.</summary>
    public void SignCatalog()
    {
        SetSerial(1);
        var now = DateTimeOffset.UtcNow;
        using var signer = MakeSigner("CN=Catalog maker", now);
        File.WriteAllText(Path.Combine(Folder, "signer.pem"), signer.ExportCertificatePem());
        File.WriteAllBytes(Catalog + CatalogSignature.Extension, CatalogSignature.Sign(File.ReadAllBytes(Catalog), signer, now).Span);
    }

    private static X509Certificate2 MakeSigner(string name, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest(name, key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    /// <summary>Makes a small capsule without any tool (UEFI 2.10, 23.3.2: a firmware management capsule with one payload).</summary>
    public void WriteSmallCapsule()
    {
        const int CapsuleHeader = 28;
        const int Payload = 5000;
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            // EFI_CAPSULE_HEADER: GUID, header size, flags, image size.
            writer.Write(new Guid("6dcbd5ed-e82d-4c44-bda1-7194199ad92a").ToByteArray());
            writer.Write(CapsuleHeader);
            writer.Write(0x00050000);
            writer.Write(CapsuleHeader + 16 + 48 + Payload);

            // EFI_FIRMWARE_MANAGEMENT_CAPSULE_HEADER: version, no drivers, one payload, its offset.
            writer.Write(1);
            writer.Write((ushort)0);
            writer.Write((ushort)1);
            writer.Write(16L);

            // EFI_FIRMWARE_MANAGEMENT_CAPSULE_IMAGE_HEADER, version 3.
            writer.Write(3);
            writer.Write(FirmwareClass.ToByteArray());
            writer.Write(1);
            writer.Write(Payload);
            writer.Write(0);
            writer.Write(0L);
            writer.Write(0L);
            writer.Write(Enumerable.Range(0, Payload).Select(i => (byte)(i * 7)).ToArray());
        }

        File.WriteAllBytes(Image, stream.ToArray());
        WriteCatalog();
    }

    /// <summary>Makes a capsule around real firmware, with another implementation's tool.</summary>
    internal async Task MakeCapsuleAsync()
    {
        var made = await Cli.RunProgramAsync("mkeficapsule", ["-i", "1", "-I", "0", "-g", FirmwareClass.ToString("D"), "/usr/share/OVMF/OVMF_CODE.fd", Image], []);
        Assert.True(made.ExitCode == 0, made.ToString());
        WriteCatalog();
    }

    /// <summary>Does what the firmware does at a boot: takes what is armed, and tells another boot and perhaps another version.</summary>
    public void PlayBoot(bool isFlashed)
    {
        foreach (var file in Directory.EnumerateFiles(UpdateCapsule))
        {
            File.Delete(file);
        }

        WriteFacts(boot: "boot-2", isNew: isFlashed);
    }
}
