using System.Text;
using RomFlash.Sdk.Targets;

namespace RomFlash.Sdk.Transports.Ssh.Connection;

/// <summary>
/// What ssh asks for the password (SSH_ASKPASS of ssh(1)): a program that answers one question, the one for this account of this host, and no other. It is inherited by whatever ssh starts, the ssh
/// to a jump host among it, which asks for something else and gets nothing; a server can't word the question of this method.
/// </summary>
internal sealed class SshAskPass : IDisposable
{
    // sshconnect2.c: the user's name is cut off there.
    private const int MaxPromptUser = 30;
    private const int MaxPromptHost = 128;

    private readonly string _secret;

    private SshAskPass(string program, string secret)
    {
        Program = program;
        _secret = secret;
    }

    /// <summary>The program's path.</summary>
    public string Program { get; }

    /// <summary>
    /// Writes the program and the password into a folder that this user alone can enter. Not where something is between: the ssh to a jump host inherits the program, and before OpenSSH 8.5 that host could word
    /// the one question.
    /// </summary>
    public static TransportResult<SshAskPass> Create(SshConfiguration configuration, SshPrivateFolder folder, SshAddress address, PasswordCredentials credentials) =>
        configuration.Value("proxyjump") is not null || configuration.Value("proxycommand") is not null
            ? new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "a password is not given to ssh where it connects through a jump host or a command: log on by key")
            : Create(folder, address.User ?? string.Empty, AskedName(configuration, address), credentials);

    // As ssh(1) asks: by the alias of the host key, or by the name that the configuration makes of the address.
    private static string AskedName(SshConfiguration configuration, SshAddress address) => configuration.Value("hostkeyalias") ?? configuration.Value("hostname") ?? address.Host;

    private static TransportResult<SshAskPass> Create(SshPrivateFolder folder, string user, string host, PasswordCredentials credentials)
    {
        if (OperatingSystem.IsWindows())
        {
            return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "a password can't be given to ssh on Windows");
        }

        // ssh takes one line for the answer.
        var bytes = credentials.UsePassword(0, static (_, password) => password.IndexOfAny('\n', '\r', '\0') < 0 && TryEncode(password, out var encoded) ? encoded : null);
        if (bytes is null)
        {
            return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, "a password with a line break or half of a surrogate pair can't be given to ssh");
        }

        var asked = new SshAskPass(folder["ask"], folder["answer"]);
        try
        {
            var prompt = $"{Cut(user, MaxPromptUser)}@{Cut(host.ToLowerInvariant(), MaxPromptHost)}'s password: ";
            Write(asked._secret, bytes, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Write(
                asked.Program,
                Encoding.UTF8.GetBytes($"#!/bin/sh\n[ \"$1\" = {ShellText.Quote(prompt)} ] && exec cat {ShellText.Quote(asked._secret)}\nexit 1\n"),
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return asked;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            asked.Dispose();
            return new TransportFault(TransportFaultKind.TransportBroken, FaultEffect.NotSent, "the password can't be handed to ssh: " + e.Message);
        }
        finally
        {
            Array.Clear(bytes);
        }
    }

    /// <summary>Removes the password.</summary>
    public void Dispose()
    {
        try
        {
            File.Delete(_secret);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It goes with its folder.
        }
    }

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];

    private static bool TryEncode(ReadOnlySpan<char> password, out byte[]? encoded)
    {
        encoded = null;
        try
        {
            encoded = new byte[ShellText.Encoding.GetByteCount(password)];
            ShellText.Encoding.GetBytes(password, encoded);
            return true;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static void Write(string path, byte[] bytes, UnixFileMode mode)
    {
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode });
        file.Write(bytes);
    }
}
