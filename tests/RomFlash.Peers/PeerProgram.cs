using System.Diagnostics;

namespace RomFlash.Peers;

/// <summary>Runs a program of somebody else to its end, with a bound on its time.</summary>
public static class PeerProgram
{
    // Servers are no commands for everybody: a user's PATH has no folder for them.
    private static readonly string[] ServerFolders = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

    /// <summary>Where a program is.</summary>
    /// <param name="name">Its name without a folder.</param>
    /// <param name="package">The Debian package that has it, for the exception's text.</param>
    /// <returns>The full path.</returns>
    /// <exception cref="PeerUnavailableException">It is not installed.</exception>
    public static string Find(string name, string package) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(ServerFolders)
            .Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists)
        ?? throw new PeerUnavailableException($"{name} is not installed (Debian package {package})");

    /// <summary>Runs a program and reads what it prints.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads from its standard input, which ends then.</param>
    /// <param name="timeout">When it is ended; 60 s when null.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <returns>What it left.</returns>
    public static async Task<PeerResult> RunAsync(string program, IEnumerable<string> arguments, string? input = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout ?? TimeSpan.FromSeconds(60));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), deadline.Token);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has ended without reading; its exit code says what it thinks.
            }

            await process.WaitForExitAsync(deadline.Token);
            return new(process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}

/// <summary>What a program left.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
public sealed record PeerResult(int ExitCode, string Output, string Errors)
{
    /// <summary>Both outputs.</summary>
    public string Text => Output + Errors;

    /// <summary>Itself, when the program succeeded.</summary>
    /// <param name="what">What was tried, for the exception's text.</param>
    /// <returns>Itself.</returns>
    /// <exception cref="InvalidOperationException">The program failed; the text has what it printed.</exception>
    public PeerResult Required(string what) => ExitCode == 0 ? this : throw new InvalidOperationException($"{what} failed with exit code {ExitCode}: {Text}");
}

/// <summary>A peer can't run on this machine; the text says what it lacks.</summary>
public sealed class PeerUnavailableException : Exception
{
    /// <summary>Without a text.</summary>
    public PeerUnavailableException()
    {
    }

    /// <summary>With what the machine lacks.</summary>
    /// <param name="message">What the machine lacks.</param>
    public PeerUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>With what the machine lacks, and why.</summary>
    /// <param name="message">What the machine lacks.</param>
    /// <param name="innerException">Why.</param>
    public PeerUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
