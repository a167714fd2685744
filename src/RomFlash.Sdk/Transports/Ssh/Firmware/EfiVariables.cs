using System.Globalization;
using System.Text;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.Ssh.Reading;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh.Firmware;

/// <summary>The EFI variables of a target, as Linux's efivarfs shows them. Those that are written are global ones (UEFI 2.10, 3.3).</summary>
internal sealed class EfiVariables(IRemoteScripts scripts)
{
    /// <summary>Where efivarfs is mounted, below the target's root.</summary>
    public const string Folder = "/sys/firmware/efi/efivars";

    // UEFI 2.10, 3.3: EFI_GLOBAL_VARIABLE.
    private const string GlobalVariable = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

    private const int NotThere = 44;
    private const int NoPlainFile = 45;
    private const int NotAllowed = 46;

    public static string PathOf(string name) => PathOf(name, GlobalVariable);

    /// <summary>Where a variable is that may be another vendor's: one whom UEFI itself names.</summary>
    public static string PathOf(string name, string vendor) => IsName(name) ? $"{Folder}/{name}-{vendor}" : throw new ArgumentException("the name of an EFI variable that is used here has letters and digits only", nameof(name));

    /// <summary>Whether there are EFI variables at all: a mounted efivarfs has some, and an empty folder is where it would be mounted.</summary>
    public async ValueTask<bool> IsThereAsync(CancellationToken cancellationToken)
    {
        var reply = await RunAsync($"for f in {ShellText.Quote(scripts.Root + Folder)}/*; do if [ -e \"$f\" ]; then exit 0; fi; done; exit {NotThere}", 0, cancellationToken).ConfigureAwait(false);
        return reply.ExitStatus switch
        {
            0 => true,
            NotThere => false,
            _ => throw Failed("the EFI variables can't be looked for", reply, FaultEffect.NotSent),
        };
    }

    /// <summary>Reads a variable.</summary>
    /// <returns>Null when it is not there.</returns>
    /// <exception cref="PartitionFaultException">It can't be read, or is none.</exception>
    public async ValueTask<EfiVariable?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var path = scripts.Root + PathOf(name);
        var script = $$"""
            f={{ShellText.Quote(path)}}
            if [ -d "${f%/*}" ] && ! [ -x "${f%/*}" ]; then exit {{NotAllowed}}; fi
            if ! [ -e "$f" ] && ! [ -L "$f" ]; then exit {{NotThere}}; fi
            [ -f "$f" ] || exit {{NoPlainFile}}
            head -c {{EfiVariable.MaxBytes + 1}} "$f"
            """;
        var reply = await RunAsync(script, EfiVariable.MaxBytes + 1, cancellationToken).ConfigureAwait(false);
        return reply.ExitStatus switch
        {
            // Linux shows a variable that was never written as an empty file.
            0 when reply.Output.Length == 0 => null,
            0 => EfiVariable.TryParse(reply.Output) ?? throw PartitionFaultException.Violation(string.Create(CultureInfo.InvariantCulture, $"the EFI variable {name} has {(reply.Output.Length > EfiVariable.MaxBytes ? "too many" : reply.Output.Length)} bytes")),
            NotThere => null,
            NoPlainFile => throw PartitionFaultException.Violation($"{path} is not a plain file"),
            NotAllowed => throw new PartitionFaultException(new TransportFault(TransportFaultKind.AccessDenied, FaultEffect.NotSent, $"{path} can't be reached")),
            _ => throw Failed($"the EFI variable {name} can't be read", reply, FaultEffect.NotSent),
        };
    }

    /// <summary>Writes a variable, or makes it.</summary>
    /// <exception cref="PartitionFaultException">It was refused. Whether it was written nevertheless is for the caller to read.</exception>
    public async ValueTask WriteAsync(string name, EfiVariable variable, CancellationToken cancellationToken)
    {
        var path = scripts.Root + PathOf(name);
        var bytes = variable.ToBytes();
        if (bytes.Length > EfiVariable.MaxBytes)
        {
            throw new ArgumentException("the variable is too long", nameof(variable));
        }

        // efivarfs makes one call to the firmware of each write(2), which therefore has to hold everything. A shell that buffers by lines, as bash does, writes before each byte 0a: dd collects what
        // comes, and writes it as one block. Nothing is truncated: a call that is refused leaves the variable as it is. What printf says is not heard: that dd has ended already, when dd says why.
        var script = $"printf {ShellText.Quote(Escape(bytes))} 2>/dev/null | dd obs={EfiVariable.MaxBytes} conv=notrunc of={ShellText.Quote(path)}";
        var reply = await RunAsync(script, 0, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus != 0)
        {
            throw Failed($"the EFI variable {name} can't be written", reply, FaultEffect.MayHaveApplied);
        }
    }

    private static bool IsName(string name) => name.Length is > 0 and <= 64 && name.All(char.IsAsciiLetterOrDigit);

    private static string Escape(byte[] bytes)
    {
        var text = new StringBuilder(bytes.Length * 4);
        foreach (var b in bytes)
        {
            text.Append('\\').Append((char)('0' + (b >> 6))).Append((char)('0' + ((b >> 3) & 7))).Append((char)('0' + (b & 7)));
        }

        return text.ToString();
    }

    private static PartitionFaultException Failed(string what, ShellReply reply, FaultEffect effect)
    {
        var fault = RemoteErrors.Of(reply.ExitStatus, reply.ErrorText, isChange: false);
        return new(fault with { Effect = effect, Detail = $"{what}: {fault.Detail}" });
    }

    private ValueTask<ShellReply> RunAsync(string script, int maxOutput, CancellationToken cancellationToken) =>
        scripts.RunAsync("LC_ALL=C; export LC_ALL\n" + script, ShellRequest.Default with { MaxOutput = maxOutput }, cancellationToken);
}
