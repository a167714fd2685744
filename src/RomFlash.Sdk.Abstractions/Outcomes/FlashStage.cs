namespace RomFlash.Sdk.Outcomes;

/// <summary>The step of an upgrade that something belongs to, in the order in which the steps happen.</summary>
public enum FlashStage
{
    /// <summary>Reading what the caller asked for; nothing has been contacted.</summary>
    Request = 0,

    /// <summary>Reading an image on the client and checking that it is whole.</summary>
    Validate,

    /// <summary>Opening a session to the target.</summary>
    Connect,

    /// <summary>Reading facts from the target.</summary>
    Probe,

    /// <summary>Comparing journal and target after an interrupted operation.</summary>
    Reconcile,

    /// <summary>Asking the catalog, and looking for blockers.</summary>
    Check,

    /// <summary>Claiming the target and putting the image on it. The first remote write is here.</summary>
    Stage,

    /// <summary>Proving that what lies on the target is what was validated.</summary>
    Verify,

    /// <summary>Waiting for the window and for the caller's gates.</summary>
    Wait,

    /// <summary>Arming the flash for the next boot.</summary>
    Arm,

    /// <summary>Asking the target to restart.</summary>
    Reboot,

    /// <summary>The offline flash, on the target.</summary>
    Flash,

    /// <summary>Reading back what really happened.</summary>
    Confirm,

    /// <summary>Disarming, after a caller asked to stop.</summary>
    Cancel,

    /// <summary>Removing what was put on the target.</summary>
    CleanUp,
}
