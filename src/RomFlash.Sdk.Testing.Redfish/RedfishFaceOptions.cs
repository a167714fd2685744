using System.Collections.Immutable;
using RomFlash.Sdk.Images;

namespace RomFlash.Sdk.Testing.Redfish;

/// <summary>Whose controller a face behaves like.</summary>
public enum RedfishVendor
{
    /// <summary>As the specifications say (DSP0266, DSP0268), and no vendor's extension.</summary>
    Generic = 0,

    /// <summary>OpenBMC: updates at once or at the restart, and the raw push's apply time is a property that clients set.</summary>
    OpenBmc,

    /// <summary>Dell iDRAC: a task is a job, and after success only the job is left.</summary>
    Dell,

    /// <summary>Supermicro: one task verifies what was pushed, StartUpdate makes a second one; one update at a time.</summary>
    Supermicro,

    /// <summary>HPE iLO: no task; the state of an update is a property of the update service.</summary>
    Hpe,
}

/// <summary>When what was pushed is applied (DSP0268, UpdateService, <c>OperationApplyTime</c>).</summary>
public enum RedfishApplyTime
{
    /// <summary>At once.</summary>
    Immediate = 0,

    /// <summary>At the next restart.</summary>
    OnReset,

    /// <summary>When a client calls StartUpdate.</summary>
    OnStartUpdateRequest,
}

/// <summary>The ways to push an image that a face offers.</summary>
[Flags]
public enum RedfishPushKinds
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><c>MultipartHttpPushUri</c> (DSP0266, 12.6.2).</summary>
    Multipart = 1,

    /// <summary><c>HttpPushUri</c>: the body is the image.</summary>
    Http = 2,

    /// <summary>Both.</summary>
    All = Multipart | Http,
}

/// <summary>An account of a face.</summary>
public sealed class RedfishAccount
{
    /// <summary>Creates an account.</summary>
    /// <param name="userName">The name, compared as it is.</param>
    /// <param name="password">The password.</param>
    /// <param name="isAdministrator">Whether it may change anything; an account that may not can read.</param>
    public RedfishAccount(string userName, string password, bool isAdministrator = true)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(userName);
        ArgumentNullException.ThrowIfNull(password);
        UserName = userName;
        Password = password;
        IsAdministrator = isAdministrator;
    }

    /// <summary>The name.</summary>
    public string UserName { get; }

    /// <summary>Whether it may change anything.</summary>
    public bool IsAdministrator { get; }

    internal string Password { get; }

    /// <summary>The name; the password is not shown.</summary>
    /// <returns><see cref="UserName"/>.</returns>
    public override string ToString() => UserName;
}

/// <summary>What the firmware inventory says of one ROM beside, or instead of, what the target tells. Whatever is null follows from the target.</summary>
public sealed record RedfishInventoryItem
{
    /// <summary>The name for people.</summary>
    public string? Name { get; init; }

    /// <summary>Who made it.</summary>
    public string? Manufacturer { get; init; }

    /// <summary>What the item tells as <c>SoftwareId</c>; by default the firmware class.</summary>
    public string? SoftwareId { get; init; }

    /// <summary>The lowest version that is accepted, as text.</summary>
    public string? LowestSupportedVersion { get; init; }

    /// <summary>When the installed release was made, as the device writes it.</summary>
    public string? ReleaseDate { get; init; }

    /// <summary>The serial number of the device that runs it.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>The PCI ids of the device that runs it.</summary>
    public PciId? Pci { get; init; }

    /// <summary>The class of its PCI function (DSP0268, PCIeFunction, <c>DeviceClass</c>), such as <c>NetworkController</c>.</summary>
    public string? PciDeviceClass { get; init; }

    /// <summary>HPE's device class, or null where there is none.</summary>
    public Guid? DeviceClass { get; init; }

    /// <summary>HPE's target ids.</summary>
    public ImmutableArray<Guid> Targets { get; init; } = [];

    /// <summary>Whether it can be updated.</summary>
    public bool Updateable { get; init; } = true;
}

/// <summary>What a face is. Where a property is null, it is as the vendor has it.</summary>
public sealed record RedfishFaceOptions
{
    /// <summary>The accounts; at least one.</summary>
    public required ImmutableArray<RedfishAccount> Accounts { get; init; }

    /// <summary>Whose controller it behaves like.</summary>
    public RedfishVendor Vendor { get; init; }

    /// <summary>The port on the loopback address; 0 for any that is free.</summary>
    public int Port { get; init; }

    /// <summary>Whether it speaks HTTP without TLS: for clients that know nothing else, on loopback.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>The ways to push, or null.</summary>
    public RedfishPushKinds? PushKinds { get; init; }

    /// <summary>The apply times offered; the first one is what a push without any gets. Default: the vendor's.</summary>
    public ImmutableArray<RedfishApplyTime> ApplyTimes { get; init; }

    /// <summary>Whether the controller writes as soon as an update starts, so that its task is complete before the restart. The target shows the new version after the restart in any case.</summary>
    public bool AppliesWhileRunning { get; init; }

    /// <summary>How long that takes.</summary>
    public TimeSpan ApplyDuration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether the controller restarts the target itself after an <see cref="RedfishApplyTime.Immediate"/> update.</summary>
    public bool RestartsByItself { get; init; }

    /// <summary>Whether a task that succeeded is gone at once, or null.</summary>
    public bool? PurgesFinishedTasks { get; init; }

    /// <summary>Whether <c>Location</c> names the task instead of its monitor, or null.</summary>
    public bool? LocationNamesTask { get; init; }

    /// <summary>Whether an upload whose length is not told beforehand is refused, or null.</summary>
    public bool? RefusesChunkedUploads { get; init; }

    /// <summary>Whether a raw push must name the push URI's current ETag in <c>If-Match</c>.</summary>
    public bool PushNeedsIfMatch { get; init; }

    /// <summary>The largest image in bytes, told as <c>MaxImageSizeBytes</c>.</summary>
    public long MaxImageSizeBytes { get; init; } = 1L << 28;

    /// <summary>What <c>Retry-After</c> tells, in whole seconds.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a session may be idle.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The version of the controller's own firmware.</summary>
    public string ManagerVersion { get; init; } = "1.0.0";

    /// <summary>What the inventory says of a ROM beside what the target tells, by the ROM's id.</summary>
    public ImmutableDictionary<string, RedfishInventoryItem> Inventory { get; init; } = ImmutableDictionary<string, RedfishInventoryItem>.Empty;

    /// <summary>Dell's number of the model.</summary>
    public int DellSystemId { get; init; } = 2300;

    /// <summary>Whether a Supermicro controller has the license that its update service needs.</summary>
    public bool IsLicensed { get; init; } = true;
}
