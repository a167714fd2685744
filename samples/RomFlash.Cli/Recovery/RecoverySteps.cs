using System.Collections.Immutable;
using RomFlash.Cli.Rendering;
using RomFlash.Sdk.Recovery;

namespace RomFlash.Cli.Recovery;

/// <summary>What to do in each situation, in order; the last step is the command that confirms. Background: docs/recovery.md.</summary>
internal static class RecoverySteps
{
    private const string DontSwitchOff = "Do not switch the target off: it may be flashing, and its screens may stay dark for many minutes. Wait at least 45 minutes from the restart.";
    private const string LookAtIt = "Look at the target's console (its management processor's, or a screen): is it on, is it in POST, does it beep, what is the last POST code?";

    private static readonly ImmutableArray<string> Bricked =
    [
        "Switch to the redundant ROM where the machine has one: choose the backup ROM in its setup program, or set the switch that its maintenance guide names (on ProLiant servers switches 1, 5 and 6 on: boot, wait for the beeps or the message, switch off, set them back).",
        "Without a redundant ROM: let the boot block restore the ROM. A short and a long beep, or a POST code that stays (105 and its neighbours on many machines), say that it waits for an image on removable media.",
        "Make that medium on another machine with the maker's tool (for example ROMPaq), from the image named above or, if there is none, from the image that ran before; insert it, switch the target on, and do not touch it until it restarts by itself.",
        "When nothing of this helps, the ROM or the system board has to be replaced. Do not try the same image on another target before it is known why.",
    ];

    public static ImmutableArray<string> Of(RecoveryFindings findings, RecoveryImageResult? image, string confirm, string cancel)
    {
        ImmutableArray<string> use =
        [
            image is null
                ? "Get the maker's recovery image for this machine; no catalog named one (--catalog FILE looks in a catalog)."
                : $"Get the recovery image {image.Name} and check that its SHA-256 is {image.Sha256}.",

            // What lies there already need not be got, and what takes images by itself needs no medium.
            .. findings.Plans.Where(p => p.Copy is BackupCopy.Staged || p.Road is RecoveryRoad.Controller).SelectMany(p => p.Steps.SkipLast(1).Select(s => $"{p.ComponentId}: {s}")),
        ];
        return findings.Situation switch
        {
            RecoverySituation.NothingKnown => ["Nothing to do: no flash of this target is known here."],
            RecoverySituation.NotArmed => findings.IsOpen
                ? ["Nothing will flash. Take away what was prepared, or run romflash flash again, which does so.", cancel]
                : ["Nothing to do: nothing was armed."],
            RecoverySituation.StillArmed => ["Nothing is broken: the target has not booted since it was armed.", "Restart the target in the orderly way to flash it; or disarm it: " + cancel, confirm],
            RecoverySituation.PerhapsArmed =>
            [
                "What was armed may still wait: the next boot may flash it. Do not flash the target again, and do not restart it before that is wanted.",
                "If it is not wanted, disarm it: " + cancel,
                confirm,
            ],
            RecoverySituation.Restarting =>
            [
                DontSwitchOff,
                "It was told to restart and still answers, so it may be on its way down, or its management processor answers while the ROM is flashed. Do not flash it again and do not restart it.",
                LookAtIt,
                "If it visibly runs its operating system an hour after it was told, restart it from there to flash it; or disarm it: " + cancel,
                confirm,
            ],
            RecoverySituation.ConcludedRecovery =>
            [
                "The target runs, but its last flash was concluded as one that needs recovery: the redundant (backup) ROM may be what runs. See in its setup program or event log which ROM it is.",
                "If the primary ROM was restored since, nothing is left to do. If not, restore it before flashing or switching ROMs.",
                .. use,
                confirm,
            ],
            RecoverySituation.PromisedRuns => findings.IsOpen ? ["The promised version runs. Have that confirmed, so that the journal knows.", confirm] : ["Nothing to do: the promised version runs.", confirm],
            RecoverySituation.PreviousRuns => ["The target runs, with the ROM that it had before: the flash was not applied. Have that confirmed.", confirm, "Find out why before flashing again: the last attempt's status (romflash probe), and the machine's own event log."],
            RecoverySituation.NotBack =>
            [
                DontSwitchOff,
                LookAtIt,
                "If it is in POST or shows that it flashes, wait on; then confirm.",
                "If it runs and only the network is missing, put that right; then confirm.",
                "If it is off, switch it on. Only if it is on and nothing at all has changed on its console for an hour, switch it off for thirty seconds and on again, once.",
                .. use,
                .. Bricked,
                confirm,
            ],
            RecoverySituation.Unreachable =>
            [
                "No flash of this target that the journal knows is under way: that it does not answer now probably has another reason. Check network and address, and its console before its power.",
                LookAtIt,
                "If it hangs in POST, go on as after a failed flash: romflash recover has the steps once the target is known to be at fault; docs/recovery.md has all of them.",
                confirm,
            ],
            RecoverySituation.InRecovery =>
            [
                "Do not switch the target off while it restores itself.",
                .. use,
                "Put the image where the machine's recovery looks for it: on its system partition where the maker says so, otherwise on removable media.",
                .. Bricked,
                confirm,
            ],
            RecoverySituation.UnexpectedVersion =>
            [
                "The target runs, with a ROM that is neither the promised one nor the one from before. Do not flash it again before it is known which one it is.",
                "Find out who else updates this machine: its operating system, its management processor, an update that was waiting.",
                "If the redundant (backup) ROM is running, the setup program or the event log says so: then the flash failed, and the primary ROM has to be restored from there.",
                .. use,
                confirm,
            ],
            RecoverySituation.VersionUnknown =>
            [
                "The target answers and does not tell its versions. Read them from its setup program, its management processor or its operating system.",
                "If it tells nothing because it is not up yet, wait; then confirm.",
                confirm,
            ],
            RecoverySituation.AnotherMachine =>
            [
                "Another machine answers at this address. Find the one that was flashed, by the serial number in romflash history.",
                "If a system board was replaced, that is why: nothing is left to confirm, and the old board's fate is known to you alone.",
                confirm,
            ],
            RecoverySituation.Foreign =>
            [
                "Do not restart the target: something that this client did not put there would be flashed.",
                "Find out who put it there. If it is yours, let its owner finish; otherwise take it away as its owner's documentation says (files in EFI/UpdateCapsule of the system partition).",
                confirm,
            ],
            _ => [confirm],
        };
    }
}
