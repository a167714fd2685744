namespace RomFlash.Peers.Samba;

/// <summary>An account of a private Samba.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Password">Its password.</param>
/// <param name="State">What it may.</param>
public sealed record SambaAccount(string Name, string Password, SambaAccountState State)
{
    /// <summary>The administrator: root on the server.</summary>
    public static SambaAccount Administrator { get; } = new("admin", "Adm1n-pass", SambaAccountState.Administrator);

    /// <summary>May log on, and nothing else.</summary>
    public static SambaAccount Operator { get; } = new("oper1", "Oper-1pass", SambaAccountState.Plain);

    /// <summary>A disabled account.</summary>
    public static SambaAccount Disabled { get; } = new("disabled1", "Disabl3d-pass", SambaAccountState.Disabled);

    /// <summary>An account that has ended.</summary>
    public static SambaAccount Expired { get; } = new("expired1", "Exp1red-pass", SambaAccountState.Expired);

    /// <summary>An account whose password must be changed first.</summary>
    public static SambaAccount MustChangePassword { get; } = new("change1", "Chang3-pass", SambaAccountState.MustChangePassword);
}

/// <summary>What an account may.</summary>
public enum SambaAccountState
{
    /// <summary>May log on, and nothing else.</summary>
    Plain = 0,

    /// <summary>May everything. There can be one.</summary>
    Administrator,

    /// <summary>Refused with ACCOUNT_DISABLED.</summary>
    Disabled,

    /// <summary>Refused with ACCOUNT_EXPIRED.</summary>
    Expired,

    /// <summary>Refused with PASSWORD_MUST_CHANGE.</summary>
    MustChangePassword,
}
