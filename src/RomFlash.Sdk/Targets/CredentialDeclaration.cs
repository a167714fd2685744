namespace RomFlash.Sdk.Targets;

/// <summary>Where a targets file says that credentials come from.</summary>
public enum CredentialOrigin
{
    /// <summary>The account that runs the client; no password is needed.</summary>
    CurrentUser = 0,

    /// <summary>The password is in a file; <see cref="SecretFile"/> reads it.</summary>
    File,

    /// <summary>The password is in an environment variable.</summary>
    Environment,

    /// <summary>A person is asked for the password.</summary>
    Prompt,
}

/// <summary>Credentials as a targets file declares them: where they come from, never what they are.</summary>
/// <param name="Origin">Where they come from.</param>
/// <param name="UserName">The account; empty for the current user. Untrusted text.</param>
/// <param name="Source">The file's path as it is written (relative to the folder of the targets file), or the variable's name; empty for the other origins.</param>
public sealed record CredentialDeclaration(CredentialOrigin Origin, string UserName, string Source);
