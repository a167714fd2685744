using System.Text;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>
/// What ssh asks for the password (SSH_ASKPASS of ssh(1)): a program that answers one question, the one for this account of this host, and no other. It is inherited by whatever ssh starts, the ssh
/// to a jump host among it, which asks for something else and gets nothing; a server can't word the question of this method. The program takes the password out of a pipe with a name, which is in no file:
/// whoever takes it has taken it, and when this process ends, however it does, so does the password.
/// </summary>
internal sealed class SshAskPass : IDisposable
{
    // sshconnect2.c: the user's name is cut off there.
    private const int MaxPromptUser = 30;
    private const int MaxPromptHost = 128;

    // readpass.c: the rest of a longer answer is not read. With the line's end it is no longer than what a pipe takes at once.
    private const int MaxPassword = 1023;

    // Both ends: the pipe keeps what nobody has read yet for as long as one is open.
    private readonly FileStream _answer;

    private SshAskPass(string program, FileStream answer)
    {
        Program = program;
        _answer = answer;
    }

    /// <summary>The program's path.</summary>
    public string Program { get; }

    /// <summary>
    /// Writes the program and makes the pipe in a folder that this user alone can enter. Not where something is between: the ssh to a jump host inherits the program, and before OpenSSH 8.5 that host could word
    /// the one question.
    /// </summary>
    public static async Task<TransportResult<SshAskPass>> CreateAsync(OpenSshClient client, SshConfiguration configuration, SshPrivateFolder folder, SshAddress address, PasswordCredentials credentials, CancellationToken cancellationToken)
    {
        if (configuration.Value("proxyjump") is not null || configuration.Value("proxycommand") is not null)
        {
            return Unsupported("a password is not given to ssh where it connects through a jump host or a command: log on by key");
        }

        if (OperatingSystem.IsWindows())
        {
            return Unsupported("a password can't be given to ssh on Windows");
        }

        // ssh takes one line for the answer.
        var line = credentials.UsePassword(0, static (_, password) => password.IndexOfAny('\n', '\r', '\0') < 0 ? TryEncode(password) : null);
        if (line is null)
        {
            return Unsupported("a password with a line break or half of a surrogate pair can't be given to ssh");
        }

        try
        {
            if (line.Length - 1 > MaxPassword)
            {
                return Unsupported("ssh takes no password of more than 1023 bytes");
            }

            var (program, pipe) = (folder["ask"], folder["answer"]);
            if (await MakePipeAsync(client, pipe, cancellationToken).ConfigureAwait(false) is { } fault)
            {
                return fault;
            }

            var prompt = $"{Cut(address.User ?? string.Empty, MaxPromptUser)}@{Cut(AskedName(configuration, address).ToLowerInvariant(), MaxPromptHost)}'s password: ";
            WriteProgram(program, $"#!/bin/sh\n[ \"$1\" = {ShellText.Quote(prompt)} ] && IFS= read -r answer <{ShellText.Quote(pipe)} && printf %s \"$answer\"\n");
            return Open(program, pipe, line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new TransportFault(TransportFaultKind.TransportBroken, FaultEffect.NotSent, "the password can't be handed to ssh: " + e.Message);
        }
        finally
        {
            Array.Clear(line);
        }
    }

    /// <summary>Drops the password, when nobody has taken it: who asks from now on gets nothing.</summary>
    public void Dispose() => _answer.Dispose();

    private static TransportFault Unsupported(string why) => new(TransportFaultKind.Unsupported, FaultEffect.NotSent, why);

    // As ssh(1) asks: by the alias of the host key, or by the name that the configuration makes of the address.
    private static string AskedName(SshConfiguration configuration, SshAddress address) => configuration.Value("hostkeyalias") ?? configuration.Value("hostname") ?? address.Host;

    // An open end of its own for each direction would wait for the other.
    private static SshAskPass Open(string program, string pipe, byte[] line)
    {
        var answer = new FileStream(pipe, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite, BufferSize = 0 });
        try
        {
            answer.Write(line);
            return new(program, answer);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private static async Task<TransportFault?> MakePipeAsync(OpenSshClient client, string path, CancellationToken cancellationToken)
    {
        if (!client.StartTool("mkfifo", ["-m", "600", path]).TryGetValue(out var process, out var fault))
        {
            return fault;
        }

        await using (process.ConfigureAwait(false))
        {
            try
            {
                return await process.WaitAsync(client.Options.ConnectTimeout, cancellationToken).ConfigureAwait(false) && process.ExitCode is 0
                    ? null
                    : new(TransportFaultKind.TransportBroken, FaultEffect.NotSent, "the password can't be handed to ssh: " + SshFaults.Detail(process.Errors.ToString()));
            }
            catch (OperationCanceledException)
            {
                return new(TransportFaultKind.Cancelled, FaultEffect.NotSent);
            }
        }
    }

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];

    private static byte[]? TryEncode(ReadOnlySpan<char> password)
    {
        var encoded = new byte[ShellText.Encoding.GetMaxByteCount(password.Length) + 1];
        try
        {
            var length = ShellText.Encoding.GetBytes(password, encoded);
            encoded[length] = (byte)'\n';
            return encoded[..(length + 1)];
        }
        catch (EncoderFallbackException)
        {
            return null;
        }
        finally
        {
            Array.Clear(encoded);
        }
    }

    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static void WriteProgram(string path, string script)
    {
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute });
        file.Write(Encoding.UTF8.GetBytes(script));
    }
}
