using System.IO.Compression;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RomFlash.Cli.Tests.Commands.Catalog;

/// <summary>Catalogs at the command line: who vouches for them, what is wrong with them, where they come from, what they decide.</summary>
public sealed class CatalogCommandTests : IDisposable
{
    private const string Metadata = """
        <?xml version="1.0" encoding="UTF-8"?>
        <components origin="lvfs" version="0.9">
          <component type="firmware">
            <id>com.maker.board.firmware</id>
            <provides><firmware type="flashed">9f1a6c0e-41f5-4e35-9d0b-2a6a3e1c7b11</firmware></provides>
            <categories><category>X-System</category></categories>
            <requires><hardware>3faec92a-3ae3-5744-be88-495e90a7d541</hardware></requires>
            <custom><value key="LVFS::VersionFormat">quad</value><value key="LVFS::UpdateProtocol">org.uefi.capsule</value></custom>
            <releases>
              <release version="1.2.3.4">
                <checksum type="sha256" target="content">5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9</checksum>
                <size type="installed">16777216</size>
              </release>
              <release version="1.2.3.5"><size type="installed">16777216</size></release>
            </releases>
          </component>
        </components>
        """;

    private readonly Bench _bench = new();

    private string History => Path.Combine(_bench.Folder, "catalogs.json");

    private string Certificate => Path.Combine(_bench.Folder, "signer.pem");

    private string Key => Path.Combine(_bench.Folder, "signer.key");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Sign_ThenCheck_NamesTheSignerAndIsUsedWithoutAnyOption()
    {
        WriteSigner();
        _bench.WriteSmallCapsule();
        SetSerial(7);

        var signed = await Cli.RunAsync("catalog", "sign", _bench.Catalog, "--certificate", Certificate, "--key", Key);
        var check = await Cli.RunAsync("catalog", "check", _bench.Catalog, "--trust", Certificate, "--catalog-history", History, "--json");
        var flash = await Cli.RunAsync("flash", "--image", _bench.Image, "--image-trust", _bench.Maker, "--catalog", _bench.Catalog, "--trust", Certificate, "--catalog-history", History, "--target", _bench.Target, "--journal", _bench.Journal, "--json");

        Assert.True(signed.ExitCode == 0, signed.ToString());
        Assert.Contains("signed by CN=Signer", signed.Out, StringComparison.Ordinal);
        var catalog = check.SingleJson.GetProperty("catalog");
        Assert.Equal(("Usable", 7, 0), (check.SingleJson.GetProperty("outcome").GetString(), catalog.GetProperty("serial").GetInt32(), catalog.GetProperty("accepted").GetArrayLength()));
        Assert.Equal((1, 1, 1), (check.SingleJson.GetProperty("systems").GetInt32(), check.SingleJson.GetProperty("roms").GetInt32(), check.SingleJson.GetProperty("releases").GetInt32()));
        Assert.True(flash.ExitCode == 0, flash.ToString());
        Assert.StartsWith("CN=Signer", flash.SingleJson.GetProperty("catalogs")[0].GetProperty("signedBy").GetString(), StringComparison.Ordinal);
        Assert.True(File.Exists(History));
    }

    [Fact]
    public async Task Flash_UnsignedCatalog_NeedsItsOptionAndIsNamedInTheReport()
    {
        _bench.WriteSmallCapsule();
        string[] arguments = ["flash", "--image", _bench.Image, "--image-trust", _bench.Maker, "--catalog", _bench.Catalog, "--catalog-history", History, "--target", _bench.Target, "--journal", _bench.Journal, "--json"];

        var refused = await Cli.RunAsync(arguments);
        var accepted = await Cli.RunAsync([.. arguments, "--allow-unsigned-catalog"]);

        AssertFails(6, "RF4015", refused);
        Assert.True(accepted.ExitCode == 0, accepted.ToString());
        Assert.Equal("Unsigned", accepted.SingleJson.GetProperty("catalogs")[0].GetProperty("accepted")[0].GetString());
        Assert.Contains("the catalog 'bench' is not signed", accepted.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flash_CatalogChangedAfterItWasSigned_IsRefusedWhateverIsAllowed()
    {
        WriteSigner();
        _bench.WriteSmallCapsule();
        SetSerial(7);
        await Cli.RunAsync("catalog", "sign", _bench.Catalog, "--certificate", Certificate, "--key", Key);
        File.AppendAllText(_bench.Catalog, " ");

        var result = await Cli.RunAsync([.. _bench.FlashArguments, "--trust", Certificate, "--allow-expired-catalog", "--allow-older-catalog", "--catalog-history", History]);

        AssertFails(6, "RF4015", result);
        Assert.False(Directory.Exists(_bench.UpdateCapsule));
    }

    [Fact]
    public async Task Flash_OlderCatalogThanTheLastRun_IsRolledBack()
    {
        WriteSigner();
        _bench.WriteSmallCapsule();
        async Task<RunResult> RunAsync(int serial, params string[] more)
        {
            SetSerial(serial);
            var signed = await Cli.RunAsync("catalog", "sign", _bench.Catalog, "--certificate", Certificate, "--key", Key, "--force");
            Assert.True(signed.ExitCode == 0, signed.ToString());
            return await Cli.RunAsync(["flash", "--image", _bench.Image, "--image-trust", _bench.Maker, "--catalog", _bench.Catalog, "--trust", Certificate, "--catalog-history", History, "--target", _bench.Target, "--journal", _bench.Journal, .. more]);
        }

        AssertFails(6, "RF4017", await After(RunAsync(42, "--dry-run"), () => RunAsync(42), () => RunAsync(41)));

        // A dry run does not change what counts as old; and what only checks does not either.
        AssertFails(6, "RF4017", await Cli.RunAsync("catalog", "check", _bench.Catalog, "--trust", Certificate, "--catalog-history", History));
        Assert.Equal(0, (await Cli.RunAsync("catalog", "check", _bench.Catalog, "--trust", Certificate, "--catalog-history", History, "--allow-older-catalog")).ExitCode);

        static async Task<RunResult> After(Task<RunResult> first, params Func<Task<RunResult>>[] then)
        {
            var last = await first;
            foreach (var next in then)
            {
                Assert.True(last.ExitCode == 0, last.ToString());
                last = await next();
            }

            return last;
        }
    }

    [Fact]
    public async Task Check_BrokenCatalog_TellsEveryProblemWithItsPlace()
    {
        File.WriteAllText(_bench.Catalog, "{\n\"romflashCatalog\": 1,\n\"nane\": \"x\",\n\"systems\": [\n{ \"manufacturer\": 7, \"product\": \"*\", \"roms\": [] } ]\n}");

        var result = await Cli.RunAsync("catalog", "check", _bench.Catalog, "--allow-unsigned-catalog", "--json");

        AssertFails(6, "RF4010", result);
        var lines = result.SingleJson.GetProperty("problems").EnumerateArray().Select(p => p.GetProperty("line").GetInt32()).ToList();
        Assert.Contains(3, lines);
        Assert.Contains(5, lines);
    }

    [Fact]
    public async Task Check_SeveralFiles_EachHasItsLine()
    {
        _bench.WriteSmallCapsule();

        var result = await Cli.RunAsync("catalog", "check", _bench.Catalog, "/nowhere.json", "--allow-unsigned-catalog", "--json");

        Assert.Equal(["Usable", "Unusable"], result.Json.Select(o => o.GetProperty("outcome").GetString()));
        Assert.Equal(6, result.ExitCode);
    }

    [Fact]
    public async Task Sign_KeyThatOthersCanRead_IsRefused()
    {
        WriteSigner();
        _bench.WriteSmallCapsule();
        SetSerial(7);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        }

        AssertFails(4, "RF3010", await Cli.RunAsync("catalog", "sign", _bench.Catalog, "--certificate", Certificate, "--key", Key));
        Assert.False(File.Exists(_bench.Catalog + ".p7s"));
    }

    [Theory]
    [InlineData("right", 0)]
    [InlineData("wrong-and-secret", 4)]
    [InlineData(null, 4)]
    public async Task Sign_KeyWithPassword_TakesItFromTheEnvironmentAlone(string? password, int expected)
    {
        WriteSigner(password: "right");
        _bench.WriteSmallCapsule();
        SetSerial(7);
        (string, string)[] environment = password is null ? [] : [("ROMFLASH_TEST_KEY", password)];

        var result = await Cli.RunAsync(environment, "catalog", "sign", _bench.Catalog, "--certificate", Certificate, "--key", Key, "--key-password-env", "ROMFLASH_TEST_KEY");

        Assert.True(result.ExitCode == expected, result.ToString());
        Assert.DoesNotContain("secret", result.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_Pkcs12_Signs()
    {
        var pfx = Path.Combine(_bench.Folder, "signer.pfx");
        using (var signer = MakeSigner())
        {
            WriteSecret(pfx, signer.Export(X509ContentType.Pkcs12, "right"));
        }

        _bench.WriteSmallCapsule();
        SetSerial(7);

        var result = await Cli.RunAsync([("ROMFLASH_TEST_KEY", "right")], "catalog", "sign", _bench.Catalog, "--pfx", pfx, "--key-password-env", "ROMFLASH_TEST_KEY");

        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Fact]
    public async Task Sign_CatalogThatNobodyCouldUse_IsNotSigned()
    {
        WriteSigner();
        _bench.WriteSmallCapsule();

        // Without a serial nobody could tell it from an older one.
        AssertFails(6, "RF4017", await Cli.RunAsync("catalog", "sign", _bench.Catalog, "--certificate", Certificate, "--key", Key));
        File.WriteAllText(_bench.Catalog, "{}");
        AssertFails(6, "RF4010", await Cli.RunAsync("catalog", "sign", _bench.Catalog, "--certificate", Certificate, "--key", Key));
        Assert.False(File.Exists(_bench.Catalog + ".p7s"));
    }

    [Fact]
    public async Task Import_Gzip_WritesACatalogAndListsWhatIsMissing()
    {
        var from = Path.Combine(_bench.Folder, "firmware.xml.gz");
        using (var gzip = new GZipStream(File.Create(from), CompressionLevel.Optimal))
        {
            gzip.Write(Encoding.UTF8.GetBytes(Metadata));
        }

        var result = await Cli.RunAsync("catalog", "import", "--from", from, "--to", _bench.Catalog, "--serial", "3", "--expires", "2099-01-31T00:00:00Z", "--json");
        var check = await Cli.RunAsync("catalog", "check", _bench.Catalog, "--allow-unsigned-catalog", "--catalog-history", History, "--json");
        var again = await Cli.RunAsync("catalog", "import", "--from", from, "--to", _bench.Catalog);
        var forced = await Cli.RunAsync("catalog", "import", "--from", from, "--to", _bench.Catalog, "--force");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("1.2.3.5", Assert.Single(result.SingleJson.GetProperty("omissions").EnumerateArray()).GetProperty("release").GetString());
        Assert.Equal(("lvfs", 3), (check.SingleJson.GetProperty("catalog").GetProperty("name").GetString(), check.SingleJson.GetProperty("catalog").GetProperty("serial").GetInt32()));
        AssertFails(3, "RF1002", again);
        Assert.Equal(0, forced.ExitCode);
        Assert.Contains("left out: com.maker.board.firmware 1.2.3.5", forced.Out, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Import_Xz_GoesThroughTheProgramOfThatName()
    {
        var xml = Path.Combine(_bench.Folder, "firmware.xml");
        File.WriteAllText(xml, Metadata);
        Assert.Equal(0, (await Cli.RunProgramAsync("xz", ["--keep", xml], [])).ExitCode);

        var result = await Cli.RunAsync("catalog", "import", "--from", xml + ".xz", "--to", _bench.Catalog, "--json");
        var content = File.ReadAllBytes(xml + ".xz");
        File.WriteAllBytes(xml + ".xz", content[..^20]);
        var cut = await Cli.RunAsync("catalog", "import", "--from", xml + ".xz", "--to", _bench.Catalog, "--force");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(1, result.SingleJson.GetProperty("releases").GetInt32());
        AssertFails(6, "RF4010", cut);
    }

    [Fact]
    public async Task Import_XzWithoutTheProgram_SaysWhatToDo()
    {
        var from = Path.Combine(_bench.Folder, "firmware.xml.xz");
        File.WriteAllBytes(from, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 0, 0]);

        var result = await Cli.RunAsync([("PATH", _bench.Folder)], "catalog", "import", "--from", from, "--to", _bench.Catalog);

        AssertFails(6, "RF4010", result);
        Assert.Contains("xz-utils", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_TargetWithAnImage_TellsThePathAndWhichCatalogAnswered()
    {
        _bench.WriteSmallCapsule();
        var before = Directory.EnumerateFileSystemEntries(_bench.Esp, "*", SearchOption.AllDirectories).ToList();
        string[] arguments = ["catalog", "explain", "--target", _bench.Target, "--catalog", _bench.Catalog, "--allow-unsigned-catalog", "--catalog-history", History, "--image", _bench.Image];

        var text = await Cli.RunAsync(arguments);
        var json = await Cli.RunAsync([.. arguments, "--json"]);

        Assert.True(text.ExitCode == 0, text.ToString());
        Assert.Contains("rom system: Approved", text.Out, StringComparison.Ordinal);
        Assert.Contains("step 1: " + Bench.NewVersion, text.Out, StringComparison.Ordinal);
        Assert.Contains("catalog 'bench', no serial, never expires, not signed; accepted: Unsigned", text.Out, StringComparison.Ordinal);
        var explanation = json.SingleJson.GetProperty("explanation");
        Assert.Equal((true, 1), (explanation.GetProperty("isTargetSupported").GetBoolean(), explanation.GetProperty("boots").GetInt32()));
        Assert.Equal("Approved", explanation.GetProperty("roms")[0].GetProperty("decision").GetString());
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(_bench.Esp, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Explain_TargetThatIsNotSupported_EndsWithSixAndHostileNamesAreNotRaw()
    {
        _bench.WriteSmallCapsule();
        _bench.WriteFacts(product: Output.Hostile);
        File.WriteAllText(_bench.Catalog, File.ReadAllText(_bench.Catalog).Replace("\"product\":\"*\"", "\"product\":\"Server 380\"", StringComparison.Ordinal));

        var result = await Cli.RunAsync("catalog", "explain", "--target", _bench.Target, "--catalog", _bench.Catalog, "--allow-unsigned-catalog", "--catalog-history", History);

        Assert.True(result.ExitCode == 6, result.ToString());
        Assert.Contains("not supported", result.Out, StringComparison.Ordinal);
        Output.AssertPlain(result);
    }

    [Theory]
    [InlineData("catalog")]
    [InlineData("catalog", "check")]
    [InlineData("catalog", "sign", "c.json")]
    [InlineData("catalog", "sign", "c.json", "--certificate", "a", "--key", "b", "--pfx", "c")]
    [InlineData("catalog", "import", "--from", "a")]
    [InlineData("catalog", "import", "--from", "a", "--to", "b", "--manufacturer", "c")]
    [InlineData("catalog", "explain", "--target", "dir:/x")]
    public async Task Catalog_WrongCommandLine_EndsWithTwoAndTheCorrectForm(params string[] arguments)
    {
        var result = await Cli.RunAsync(arguments);

        AssertFails(2, "RF1001", result);
        Assert.Contains("Correct form: romflash catalog", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("check")]
    [InlineData("import")]
    [InlineData("sign")]
    [InlineData("explain")]
    public async Task Catalog_Help_HasExamples(string command)
    {
        var result = await Cli.RunAsync("catalog", command, "--help");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Examples:", result.Out, StringComparison.Ordinal);
        Assert.Contains("romflash catalog " + command, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trust_FileThatIsNoCertificate_IsAnInvalidParameter()
    {
        File.WriteAllText(Certificate, "no certificate");

        AssertFails(3, "RF1002", await Cli.RunAsync("catalog", "check", "c.json", "--trust", Certificate));
        AssertFails(3, "RF1002", await Cli.RunAsync("catalog", "check", "c.json", "--trust", "/nowhere.pem"));
    }

    private static void AssertFails(int exitCode, string code, RunResult result)
    {
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Contains($"romflash: {code} ", result.Error, StringComparison.Ordinal);
    }

    private static X509Certificate2 MakeSigner()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=Signer", key, HashAlgorithmName.SHA256).CreateSelfSigned(new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2099, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }

    private static void WriteSecret(string path, byte[] content)
    {
        File.WriteAllBytes(path, content);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    private void WriteSigner(string? password = null)
    {
        using var signer = MakeSigner();
        using var key = signer.GetECDsaPrivateKey()!;
        File.WriteAllText(Certificate, signer.ExportCertificatePem());
        WriteSecret(Key, Encoding.ASCII.GetBytes(password is null
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000))));
    }

    private void SetSerial(int serial)
    {
        var catalog = JsonNode.Parse(File.ReadAllText(_bench.Catalog))!.AsObject();
        catalog["serial"] = serial;
        File.WriteAllText(_bench.Catalog, catalog.ToJsonString(JsonSerializerOptions.Default));
    }
}
