// Embeds the SDK in a tool of one's own: validate an image, build a client from services, upgrade a target, confirm the boot.
// The target is a folder made for the purpose; with a mounted system partition the code is the same.
using Embedding;
using Microsoft.Extensions.DependencyInjection;
using RomFlash.Sdk;
using RomFlash.Sdk.Compatibility;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Journal;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports.Directory;

var folder = Directory.CreateTempSubdirectory("romflash-embedding-");
try
{
    // What the world has: a machine with an old ROM, a new ROM in a file, and a catalog that knows it.
    var firmwareClass = new Guid("ffeeddcc-bbaa-9988-7766-554433221100");
    var oldRom = SimulatedRom.Create(firmwareClass, RomKind.SystemRom, "U30 v2.40 (01/12/2020)", 0x0002_4000, payloadLength: 100_000);
    var newRom = SimulatedRom.Create(firmwareClass, RomKind.SystemRom, "U30 v2.50 (03/12/2021)", 0x0002_5000, payloadLength: 100_000);
    var machine = new Machine(Path.Combine(folder.FullName, "esp"), oldRom);
    var imageFile = Path.Combine(folder.FullName, "u30.rom");
    await File.WriteAllBytesAsync(imageFile, newRom.Content.ToArray());

    // 1. Validate. RomImageFormats.All are those of real images; the sample's image is the simulator's.
    var validator = new RomImageValidator([.. RomImageFormats.All, new SimulatedRomFormat()], new RomImageValidatorOptions());
    if (!(await validator.ValidateAsync(new FileImageSource(imageFile), CancellationToken.None)).TryGetValue(out var image, out var failure))
    {
        return Report(failure);
    }

    Console.WriteLine($"image: {image.Evidence.Format}, {image.Length} bytes");

    // 2. Build a client. The journal is what survives a crash of this program.
    var opened = await FileFlashJournal.OpenAsync(
        Path.Combine(folder.FullName, "journal"),
        new FileFlashJournalOptions { TimeProvider = TimeProvider.System },
        CancellationToken.None);
    if (!opened.TryGetValue(out var journal, out failure))
    {
        return Report(failure);
    }

    await using var closing = journal;

    // The catalog decides what goes where, so somebody has to vouch for it. This one is made up here and nobody signed it: that takes an explicit option.
    var trust = new CatalogTrust { AllowUnsigned = true, History = new InMemoryCatalogHistory(), TimeProvider = TimeProvider.System };
    if (!(await CatalogFile.ReadAsync(Catalog.Of(newRom), signature: null, "catalog.json", trust, CancellationToken.None)).TryGetValue(out var layer, out failure)
        || !JsonCompatibilityCatalog.TryCreate([layer], timeProvider: null).TryGetValue(out var catalog, out failure))
    {
        return Report(failure);
    }

    await using var services = new ServiceCollection()
        .AddRomFlash(flash => flash
            .AddTransport(new DirectoryTransport())
            .UseCatalog(catalog)
            .UseJournal(journal)
            .UseCredentials(CredentialSources.None))
        .BuildServiceProvider();
    var client = services.GetRequiredService<RomFlashClient>();

    // 3. Upgrade. A folder can't restart, so the flash stays armed until the machine boots.
    if (!FlashTarget.TryCreate("dir:" + machine.Folder).TryGetValue(out var target, out failure))
    {
        return Report(failure);
    }

    var armed = await client.FlashAsync(new FlashRequest(target, image), null, CancellationToken.None);
    if (!armed.Result.TryGetValue(out var outcome, out failure))
    {
        return Report(failure);
    }

    Console.WriteLine($"flash: {outcome.Kind}, verified by {outcome.Verification}");

    // 4. The boot, and what really came of it.
    machine.Boot();
    var confirmed = await client.ConfirmAsync(target, TimeSpan.Zero, null, CancellationToken.None);
    if (!confirmed.Result.TryGetValue(out outcome, out failure))
    {
        return Report(failure);
    }

    Console.WriteLine($"confirm: {outcome.Kind}");

    // A second run finds nothing to do.
    var again = await client.FlashAsync(new FlashRequest(target, image), null, CancellationToken.None);
    Console.WriteLine($"again: {again.Outcome}");
    return 0;
}
finally
{
    folder.Delete(recursive: true);
}

// A failure says what happened, in what state the target is, and what to do. Text from outside is escaped for where it is shown.
static int Report(FlashFailure failure)
{
    Console.Error.WriteLine($"{failure.Code}: {UntrustedText.ForTerminal(failure.Message)} ({failure.TargetState}). {failure.Remedy}");
    return 1;
}
