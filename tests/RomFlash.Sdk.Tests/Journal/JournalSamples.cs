using System.Collections.Immutable;
using System.Text;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Recovery;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Tests.Journal;

internal static class JournalSamples
{
    public static readonly DateTimeOffset Now = new(2024, 5, 17, 8, 30, 0, TimeSpan.Zero);

    public static readonly ImmutableArray<string> HostileTexts =
    [
        string.Empty, "[/]", "\u001b]0;x\a", "<script>", "a\r\nb", "\0\0", "\ud800", "x\udc00y", "\ud83d\ude00", new('\0', 1500), "\u202e", new('x', 5000),
    ];

    public static FlashJournalRecord Record(FlashJournalRecordKind kind, string operation = "op-1", string target = "dir:/a", TargetIdentity? identity = null) =>
        new() { Kind = kind, OperationId = operation, TargetId = target, Time = Now, Identity = identity };

    public static TargetIdentity Machine(int number) => new()
    {
        SmbiosUuid = new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        SerialNumber = $"SN{number}",
        Manufacturer = "Maker",
        Product = "Product",
    };

    public static FlashJournalRecord Full(string text) => new()
    {
        Kind = FlashJournalRecordKind.Observed,
        OperationId = "op" + text,
        TargetId = "t" + text,
        Time = new DateTimeOffset(2024, 2, 29, 23, 59, 59, TimeSpan.FromMinutes(-570)).AddTicks(7),
        Identity = new() { SmbiosUuid = Guid.Parse("01020304-0506-0708-090a-0b0c0d0e0f10"), SerialNumber = text, Manufacturer = text, Product = text, Sku = text },
        Boot = new(text) { Source = text.Length > 3 ? "redfish" : string.Empty },
        DepositId = text,
        Generation = long.MaxValue,
        Method = text,
        FlashesAtOnce = true,
        WritesBeforeRestart = true,
        RebootDelay = TimeSpan.FromTicks(71),
        Verification = VerificationMethod.ReadBack,
        Components =
        [
            new()
            {
                ComponentId = text,
                Kind = RomKind.ArrayController,
                Sha256 = new(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()),
                Length = 1L << 40,
                From = [new(FactSource.Smbios, RomVersion.Parse("U30 v2.50 (03/12/2021)")), new(new FactSource(text), RomVersion.FromPacked(uint.MaxValue))],
                Expected = [new(FactSource.Esrt, RomVersion.Parse("[/] <script>"))],
                Version = RomVersion.Parse("2.60"),
                ReleasesToFollow = 3,
                AttemptBefore = new LastAttempt(RomVersion.Parse("2.40"), new PeerCode(PeerCode.UefiLastAttempt, ulong.MaxValue, text)) { Id = text.Length > 3 ? text : null },
            },
        ],
        Waivers = [new(text, text, text), new("a", "b", "c")],
        Outcome = FlashOutcomeKind.NotFlashed,
        FailureCode = text,
        TargetState = TargetState.Armed,
        Detail = text,
        Recovery =
        [
            new()
            {
                ComponentId = text,
                Before = [new(FactSource.Smbios, RomVersion.Parse("U30 v2.50 (03/12/2021)"))],
                Image = new(new(Enumerable.Range(0, 32).Select(i => (byte)(255 - i)).ToArray()), 1L << 33, text),
                Copy = BackupCopy.Staged,
                CopyLocation = text,
                Road = RecoveryRoad.Controller,
            },
            new() { ComponentId = "b" },
        ],
    };

    /// <summary>Every field in one text, so that two records can be compared.</summary>
    public static string Show(FlashJournalRecord r)
    {
        var b = new StringBuilder();
        void Put(object? value) => b.Append(value is null ? "null" : $"'{value}'").Append('|');
        void PutAll(ImmutableArray<ReportedVersion> versions)
        {
            foreach (var v in versions)
            {
                Put(v.Source.Name);
                Put(v.Version.Text);
                Put(v.Version.Kind);
            }

            b.Append(';');
        }

        foreach (var value in new object?[] { r.Version, r.Kind, r.OperationId, r.TargetId, r.Time.Ticks, r.Time.Offset, r.Identity, r.Boot, r.DepositId, r.Generation, r.Method, r.FlashesAtOnce, r.WritesBeforeRestart, r.RebootDelay, r.Verification, r.Outcome, r.FailureCode, r.TargetState, r.Detail })
        {
            Put(value);
        }

        foreach (var c in r.Components)
        {
            Put(c.ComponentId);
            Put(c.Kind);
            Put(c.Sha256);
            Put(c.Length);
            PutAll(c.From);
            PutAll(c.Expected);
            Put(c.Version.Text);
            Put(c.ReleasesToFollow);
            Put(c.AttemptBefore?.Version?.Text);
            Put(c.AttemptBefore?.Status.Dialect);
            Put(c.AttemptBefore?.Status.Number);
            Put(c.AttemptBefore?.Status.Symbol);
            Put(c.AttemptBefore?.Id);
        }

        foreach (var p in r.Recovery)
        {
            Put(p.ComponentId);
            PutAll(p.Before);
            Put(p.Image);
            Put(p.Copy);
            Put(p.CopyLocation);
            Put(p.Road);
        }

        foreach (var w in r.Waivers)
        {
            Put(w.Blocker);
            Put(w.Who);
            Put(w.Why);
        }

        return b.ToString();
    }
}

internal sealed class FixedClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>A folder of its own for one test.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch() => Root = Directory.CreateTempSubdirectory("romflash-test-").FullName;

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
