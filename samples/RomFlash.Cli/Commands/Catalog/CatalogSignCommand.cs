using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Compatibility.Trust;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Commands.Catalog;

/// <summary><c>romflash catalog sign</c>: puts a detached signature beside a catalog, after checking that it could be used.</summary>
internal sealed class CatalogSignCommand : CliCommand
{
    private readonly Argument<string> _file = new("FILE") { Description = "The catalog; the signature goes beside it, with .p7s behind the name." };
    private readonly Option<string> _certificate = new("--certificate") { Description = "The signer's certificate, in PEM.", HelpName = "FILE" };
    private readonly Option<string> _key = new("--key") { Description = "The private key, in PEM, in a file that nobody else can read (chmod 600).", HelpName = "FILE" };
    private readonly Option<string> _pfx = new("--pfx") { Description = "Certificate and key in one PKCS#12 file that nobody else can read, in place of --certificate and --key.", HelpName = "FILE" };
    private readonly Option<string> _passwordVariable = new("--key-password-env") { Description = "The environment variable that holds the key's password.", HelpName = "NAME" };
    private readonly Option<string> _passwordFile = new("--key-password-file") { Description = "A file that holds the key's password, and that nobody else can read.", HelpName = "FILE" };
    private readonly Option<bool> _ask = new("--ask-key-password") { Description = "Asks for the key's password at the terminal." };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the signature that is there." };
    private readonly Option<bool> _json = SharedOptions.Json();

    public CatalogSignCommand(Terminal terminal)
        : base(terminal, "sign", "Signs a catalog: checks it, and puts a detached CMS signature beside it. Contacts nobody.")
    {
        Add(_file);
        foreach (var option in (Option[])[_certificate, _key, _pfx, _passwordVariable, _passwordFile, _ask, _force, _json])
        {
            Add(option);
        }

        Validators.Add(r =>
        {
            var isPair = r.GetResult(_certificate) is not null && r.GetResult(_key) is not null;
            var isPart = r.GetResult(_certificate) is not null || r.GetResult(_key) is not null;
            if (r.GetResult(_pfx) is not null ? isPart : !isPair)
            {
                r.AddError("Option '--certificate' with '--key' is needed, or '--pfx' in their place.");
            }

            if (new[] { r.GetResult(_passwordVariable) is not null, r.GetResult(_passwordFile) is not null, r.GetResult(_ask) is not null }.Count(given => given) > 1)
            {
                r.AddError("Option '--key-password-env', '--key-password-file' or '--ask-key-password': one of them at most.");
            }
        });
    }

    public override string Synopsis =>
        "romflash catalog sign FILE --certificate FILE --key FILE | --pfx FILE [--key-password-env NAME | --key-password-file FILE | --ask-key-password] [--force] [--json]";

    public override CommandHelp Help => new()
    {
        Examples =
        [
            new("romflash catalog sign catalog.json --certificate signer.pem --key signer.key", "with a key that has no password"),
            new("romflash catalog sign catalog.json --pfx signer.pfx --key-password-env SIGNER_PASSWORD", "with one that has"),
        ],
        ExitCodes = [ExitCode.Success, ExitCode.Access, ExitCode.Compatibility],
    };

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var file = parsed.GetRequiredValue(_file);
        var signatureFile = file + CatalogSignature.Extension;
        var force = parsed.GetValue(_force);
        if (!OutputFile.MayWrite("FILE", signatureFile, force, out var failure)
            || !(await ReadAsync(file, cancellationToken)).TryGetValue(out var catalog, out failure)
            || !(await LoadKeyAsync(parsed, cancellationToken)).TryGetValue(out var signer, out failure))
        {
            return Fail(failure);
        }

        using (signer)
        {
            if (!(await SignAsync(file, catalog, signer, cancellationToken)).TryGetValue(out var signed, out failure)
                || !OutputFile.TryWrite("FILE", signatureFile, signed.Signature, force, out failure))
            {
                return Fail(failure);
            }

            var result = CatalogCheckResult.Of(file, signed.Layer);
            if (parsed.GetValue(_json))
            {
                Terminal.Out.WriteLine(RomFlashJson.Line(result));
            }
            else
            {
                Terminal.Out.WriteLine(string.Join(Environment.NewLine, CatalogText.Lines(result)));
            }

            if (signed.Layer.Document.Expires is null)
            {
                Terminal.Error.WriteLine("romflash: the catalog never expires; whoever keeps newer ones away can have it used for ever");
            }

            return ExitCode.Success;
        }
    }

    private static async Task<FlashResult<ReadOnlyMemory<byte>>> ReadAsync(string file, CancellationToken cancellationToken)
    {
        if (!(await new FileImageSource(file).OpenReadAsync(cancellationToken)).TryGetValue(out var stream, out var failure))
        {
            return new CatalogUnusable { Stage = FlashStage.Check, Detail = failure.Detail, PeerCode = failure.PeerCode };
        }

        await using (stream)
        {
            if (stream.Length > Sdk.Compatibility.CatalogDocument.MaxLength)
            {
                return new CatalogUnusable { Stage = FlashStage.Check, Detail = $"{file}: it is larger than {Sdk.Compatibility.CatalogDocument.MaxLength} bytes" };
            }

            var content = new byte[(int)stream.Length];
            try
            {
                await stream.ReadExactlyAsync(content, cancellationToken);
                return (ReadOnlyMemory<byte>)content;
            }
            catch (IOException e)
            {
                return new CatalogUnusable { Stage = FlashStage.Check, Detail = $"{file}: {e.Message}" };
            }
        }
    }

    // What nobody could use is not signed: the signature is verified as a reader would, with nothing accepted that is weak.
    private static async Task<FlashResult<Signed>> SignAsync(string file, ReadOnlyMemory<byte> catalog, X509Certificate2 signer, CancellationToken cancellationToken)
    {
        try
        {
            var signature = CatalogSignature.Sign(catalog.Span, signer, TimeProvider.System.GetUtcNow());
            using var bare = X509CertificateLoader.LoadCertificate(signer.RawData);
            var trust = new CatalogTrust { Certificates = [bare], History = new InMemoryCatalogHistory(), TimeProvider = TimeProvider.System };
            return (await CatalogFile.ReadAsync(catalog, signature, file, trust, cancellationToken)).TryGetValue(out var layer, out var failure) ? new Signed(signature, layer) : failure;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return new InvalidParameter { Parameter = "--key", Detail = e.Message };
        }
    }

    private async Task<FlashResult<X509Certificate2>> LoadKeyAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Secret? password = null;
        if (parsed.GetValue(_passwordVariable) is { } name)
        {
            if (!Secrets.FromEnvironment(name).TryGetValue(out password, out var unset))
            {
                return unset with { Detail = $"--key-password-env: {unset.Detail}" };
            }
        }
        else if (parsed.GetValue(_passwordFile) is { } path)
        {
            if (!(await SecretFile.ReadAsync(path, cancellationToken)).TryGetValue(out password, out var unreadable))
            {
                return unreadable with { Detail = $"--key-password-file: {unreadable.Detail}" };
            }
        }
        else if (parsed.GetValue(_ask) && !(await AskAsync(cancellationToken)).TryGetValue(out password, out var unasked))
        {
            return unasked;
        }

        using (password)
        {
            return parsed.GetValue(_pfx) is { } pfx
                ? await CatalogSigningKey.LoadPkcs12Async(pfx, password, cancellationToken)
                : await CatalogSigningKey.LoadPemAsync(parsed.GetRequiredValue(_certificate), parsed.GetRequiredValue(_key), password, cancellationToken);
        }
    }

    private async Task<FlashResult<Secret>> AskAsync(CancellationToken cancellationToken)
    {
        if (!Terminal.CanAsk)
        {
            return new CredentialsUnavailable { Detail = "--ask-key-password: there is no terminal at which somebody could be asked" };
        }

        Terminal.Error.Write("Password of the key: ");
        var asked = await Task.Run(Secrets.ReadWithoutEcho, CancellationToken.None).WaitAsync(cancellationToken);
        Terminal.Error.WriteLine(string.Empty);
        return asked;
    }

    private sealed record Signed(ReadOnlyMemory<byte> Signature, Sdk.Compatibility.CatalogLayer Layer);
}
