using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Journal;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Directory;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Tests.Transports.Directory;

/// <summary>A folder that is a system partition, and sessions on it.</summary>
internal sealed class EspFixture : IDisposable
{
    public const string TakesFiles = """{ "arming": ["capsule-file-only"] }""";

    private readonly Scratch _scratch = new();

    public EspFixture(string? facts = TakesFiles)
    {
        System.IO.Directory.CreateDirectory(Path.Combine(Root, "EFI"));
        if (facts is not null)
        {
            File.WriteAllText(FactsFile, facts);
        }
    }

    /// <summary>The machine of <see cref="WriteFacts"/>.</summary>
    public static TargetIdentity Machine { get; } = new() { SmbiosUuid = new Guid("00112233-4455-6677-8899-aabbccddeeff"), SerialNumber = "CZ1234" };

    public string Root => _scratch["esp"];

    public string FactsFile => _scratch["esp.facts.json"];

    public string Capsules => Path.Combine(Root, "EFI", "UpdateCapsule");

    public string RomFlash => Path.Combine(Root, "EFI", "RomFlash");

    public void Dispose() => _scratch.Dispose();

    public static (DepositManifest Manifest, ImmutableArray<byte[]> Contents) Sample(string id, long generation, params ReadOnlySpan<int> lengths)
    {
        var contents = ImmutableArray.CreateBuilder<byte[]>();
        var files = ImmutableArray.CreateBuilder<DepositFile>();
        foreach (var length in lengths)
        {
            var bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            contents.Add(bytes);
            files.Add(new($"rom{files.Count}.cap", length, new ContentDigest(SHA256.HashData(bytes)), $"component {files.Count} <&>\n"));
        }

        return (new(id, generation, files.ToImmutable()), contents.ToImmutable());
    }

    public static async Task<TransportResult<Done>> Fill(IDeposit deposit, ImmutableArray<byte[]> contents)
    {
        for (var i = 0; i < contents.Length; i++)
        {
            for (var at = 0; at < contents[i].Length; at += 4096)
            {
                var result = await deposit.WriteAsync(i, at, contents[i].AsMemory(at, Math.Min(4096, contents[i].Length - at)), default);
                if (!result.TryGetValue(out _, out _))
                {
                    return result;
                }
            }
        }

        return await deposit.CommitAsync(default);
    }

    public async Task<DirectorySession> Connect(IFolderOperations? operations = null)
    {
        var result = await new DirectoryTransport(operations ?? new FolderOperations()).ConnectAsync(Request("dir:" + Root), default);
        return (DirectorySession)result.Ok();
    }

    public static TransportConnectRequest Request(string address) =>
        new(TargetEndpoint.TryCreate(address).GetValueOrThrow(), TargetCredentials.None, new FixedClock(JournalSamples.Now));

    /// <summary>Claims, deposits and commits.</summary>
    public async Task<DepositManifest> Commit(DirectorySession session, string id = "d-1", string owner = "me", params int[] lengths)
    {
        var claim = (await session.AcquireClaimAsync(new(owner), default)).Ok();
        var (manifest, contents) = Sample(id, claim.Generation, lengths is [] ? [10_000, 500] : lengths);
        await using var deposit = (await session.OpenDepositAsync(manifest, default)).Ok();
        (await Fill(deposit, contents)).Ok();
        return manifest;
    }

    /// <summary>What firmware does, and then the operating system: the files are taken out of the folder, and what runs now is told.</summary>
    public void PlayBoot(string? boot, SimulatedRom rom)
    {
        foreach (var capsule in System.IO.Directory.GetFiles(Capsules))
        {
            File.Delete(capsule);
        }

        WriteFacts(boot, rom);
    }

    /// <summary>Tells of a machine that is fit for an upgrade. Renamed into place: it may be read at any time.</summary>
    public void WriteFacts(string? boot, SimulatedRom rom)
    {
        var next = FactsFile + ".next";
        File.WriteAllText(next, $$"""
            {
              "identity": { "smbiosUuid": "{{Machine.SmbiosUuid}}", "serialNumber": "{{Machine.SerialNumber}}" },
              {{(boot is null ? string.Empty : $"\"boot\": \"{boot}\",")}}
              "roms": [ { "id": "system", "kind": "system-rom", "firmwareClass": "{{Bench.SystemClass}}", "versions": { "smbios": "{{rom.Version}}", "esrt": "{{RomVersion.FromPacked(rom.PackedVersion)}}" } } ],
              "systemPartition": { "fileSystem": "vfat", "totalBytes": 33470464, "freeBytes": 30000000, "isBootVolume": true, "isReadOnly": false },
              "account": "administrator",
              "readiness": { "pendingReboot": false, "externalPower": true, "batterySufficient": true, "diskEncryptionSealed": false, "healthy": true, "inRecovery": false },
              "arming": ["capsule-file-only"]
            }
            """);
        File.Move(next, FactsFile, overwrite: true);
    }

    /// <summary>Every name below the folder, with the content's length; the lock aside.</summary>
    public string Tree() => string.Join('\n', System.IO.Directory.EnumerateFileSystemEntries(Root, "*", SearchOption.AllDirectories)
        .Where(p => Path.GetFileName(p) != "lock")
        .Select(p => Path.GetRelativePath(Root, p) + (File.Exists(p) ? $" {new FileInfo(p).Length}" : "/"))
        .Order(StringComparer.Ordinal));
}

internal static class Results
{
    public static T Ok<T>(this TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new InvalidOperationException(fault.ToString());

    public static TransportFault Fault<T>(this TransportResult<T> result)
        where T : notnull => result.TryGetValue(out _, out var fault) ? throw new InvalidOperationException("it succeeded") : fault;
}

/// <summary>Ends the client after so many changing steps, or has a step fail.</summary>
internal sealed class BrokenFolder(int stepsToLive = int.MaxValue) : IFolderOperations
{
    private readonly FolderOperations _inner = new();

    public int Steps { get; private set; }

    /// <summary>The lengths of all writes, in order.</summary>
    public List<int> Writes { get; } = [];

    public Func<string, string, Exception?>? Refuse { get; set; }

    public PartitionEntry Look(string path) => _inner.Look(path);

    public IEnumerable<PartitionEntry> List(string path) => _inner.List(path);

    public SafeFileHandle OpenRead(string path) => _inner.OpenRead(path);

    public void CreateFolder(string path) => Step(nameof(CreateFolder), path, () => _inner.CreateFolder(path));

    public SafeFileHandle CreateFile(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            Step(nameof(CreateFile), path, () => file = _inner.CreateFile(path));
        }
        catch (IOException)
        {
            file?.Dispose();
            throw;
        }

        return file!;
    }

    public SafeFileHandle OpenWrite(string path) => _inner.OpenWrite(path);

    public void Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
    {
        var copy = bytes.ToArray();
        Writes.Add(copy.Length);
        Step(nameof(Write), string.Empty, () => _inner.Write(file, offset, copy));
    }

    public void FlushFile(SafeFileHandle file) => Step(nameof(FlushFile), string.Empty, () => _inner.FlushFile(file));

    public void FlushFolder(string path) => Step(nameof(FlushFolder), path, () => _inner.FlushFolder(path));

    public void RenameFile(string from, string to) => Step(nameof(RenameFile), to, () => _inner.RenameFile(from, to));

    public void RenameFolder(string from, string to) => Step(nameof(RenameFolder), to, () => _inner.RenameFolder(from, to));

    public void DeleteFile(string path) => Step(nameof(DeleteFile), path, () => _inner.DeleteFile(path));

    public void DeleteFolder(string path) => Step(nameof(DeleteFolder), path, () => _inner.DeleteFolder(path));

    private void Step(string name, string path, Action step)
    {
        if (Refuse?.Invoke(name, path) is { } refusal)
        {
            throw refusal;
        }

        if (Steps >= stepsToLive)
        {
            throw new IOException("the client has ended", 5);
        }

        Steps++;
        step();
    }
}
