using System.Collections.Frozen;
using System.Collections.Immutable;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Targets;

namespace RomFlash.Cli.Hosting;

/// <summary>
/// The credentials of a run. Passwords come from an environment variable, from a file that nobody else can read, or from a prompt without echo;
/// each is got once, before any target is contacted. No message repeats where a secret was looked for: somebody may have put the secret itself there.
/// </summary>
internal sealed class Secrets(Terminal terminal) : ITargetCredentialSource
{
    private FrozenDictionary<string, Held> _byReference = FrozenDictionary<string, Held>.Empty;
    private Held? _default;

    /// <summary>Gets what the targets of a file refer to, and nothing else.</summary>
    public async Task<FlashResult<bool>> DeclareAsync(IReadOnlyDictionary<string, CredentialDeclaration> declared, ImmutableArray<FlashTarget> targets, string folder, CancellationToken cancellationToken)
    {
        var held = new Dictionary<string, Held>(StringComparer.Ordinal);
        foreach (var name in targets.SelectMany(t => t.Endpoints).Select(e => e.CredentialReference).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            if (!declared.TryGetValue(name, out var declaration))
            {
                return new CredentialsUnavailable { Detail = "a target refers to credentials, and the targets file does not declare them under 'credentials'" };
            }

            var from = declaration.Origin == CredentialOrigin.File ? declaration with { Source = Path.Combine(folder, declaration.Source) } : declaration;
            if (!(await GetAsync(from, $"credentials '{name}'", cancellationToken)).TryGetValue(out var one, out var failure))
            {
                return failure;
            }

            held.Add(name, one);
        }

        _byReference = held.ToFrozenDictionary(StringComparer.Ordinal);
        return true;
    }

    /// <summary>Gets what is used where a target refers to nothing.</summary>
    public async Task<FlashResult<bool>> DeclareDefaultAsync(CredentialDeclaration declaration, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(declaration.UserName))
        {
            return new InvalidParameter { Parameter = "--user", Detail = "--user is the name of an account" };
        }

        if (!(await GetAsync(declaration, "--user", cancellationToken)).TryGetValue(out var held, out var failure))
        {
            return failure;
        }

        _default = held;
        return true;
    }

    public ValueTask<FlashResult<TargetCredentials>> GetAsync(FlashTarget target, TargetEndpoint endpoint, CancellationToken cancellationToken)
    {
        var held = endpoint.CredentialReference is { } reference ? _byReference.GetValueOrDefault(reference) : _default ?? Held.CurrentUser;
        return new(held is not null ? FlashResult<TargetCredentials>.From(held.Copy()) : new CredentialsUnavailable { TargetId = target.Id, Detail = "nobody declared the credentials that the target refers to" });
    }

    private async Task<FlashResult<Held>> GetAsync(CredentialDeclaration from, string what, CancellationToken cancellationToken)
    {
        if (from.Origin == CredentialOrigin.CurrentUser)
        {
            return Held.CurrentUser;
        }

        var read = from.Origin switch
        {
            CredentialOrigin.File => await SecretFile.ReadAsync(from.Source, cancellationToken),
            CredentialOrigin.Environment => FromEnvironment(from.Source),
            _ => await AskAsync(from.UserName, cancellationToken),
        };
        if (read.TryGetValue(out var secret, out var failure))
        {
            return new Held(from.UserName, secret);
        }

        var place = from.Origin switch { CredentialOrigin.File => "the password file", CredentialOrigin.Environment => "the environment variable", _ => "the prompt" };
        return failure with { Detail = $"{what}: {place}: {failure.Detail}" };
    }

    /// <summary>Reads an environment variable; no message repeats its name.</summary>
    public static FlashResult<Secret> FromEnvironment(string name) =>
        name.Contains('=', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal) || Environment.GetEnvironmentVariable(name) is not { Length: > 0 } value
            ? new CredentialsUnavailable { Detail = "it is not set, or empty" }
            : new Secret(value);

    private async Task<FlashResult<Secret>> AskAsync(string user, CancellationToken cancellationToken)
    {
        if (!terminal.CanAsk)
        {
            return new CredentialsUnavailable { Detail = "there is no terminal at which somebody could be asked" };
        }

        terminal.Error.Write($"Password of {UntrustedText.ForTerminal(user)}: ");
        try
        {
            return await Task.Run(ReadWithoutEcho, CancellationToken.None).WaitAsync(cancellationToken);
        }
        finally
        {
            terminal.Error.WriteLine(string.Empty);
        }
    }

    /// <summary>Reads a line from the terminal and shows none of it.</summary>
    public static FlashResult<Secret> ReadWithoutEcho()
    {
        const int Longest = 1024;
        Span<char> typed = stackalloc char[Longest];
        var count = 0;
        try
        {
            while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
            {
                if (key.Key == ConsoleKey.Backspace)
                {
                    count = Math.Max(0, count - 1);
                }
                else if (!char.IsControl(key.KeyChar) && count < Longest)
                {
                    typed[count++] = key.KeyChar;
                }
            }

            return count == 0 ? new CredentialsUnavailable { Detail = "nothing was typed" } : new Secret(typed[..count]);
        }
        finally
        {
            typed.Clear();
        }
    }

    /// <summary>What was got. Each connection has a copy, and wipes it.</summary>
    private sealed class Held(string userName, Secret? secret)
    {
        public static Held CurrentUser { get; } = new(string.Empty, null);

        public TargetCredentials Copy() =>
            secret is null ? TargetCredentials.CurrentUser : TargetCredentials.Password(userName, secret.Use(0, static (_, characters) => new Secret(characters)));
    }
}
