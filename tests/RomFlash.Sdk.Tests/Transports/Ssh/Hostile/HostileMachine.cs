using System.Diagnostics;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Pipeline;
using RomFlash.Sdk.Probing;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Tests.Pipeline;
using RomFlash.Sdk.Tests.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports;
using RomFlash.Sdk.Transports.Ssh;

namespace RomFlash.Sdk.Tests.Transports.Ssh.Hostile;

/// <summary>What an upgrade does, in its order.</summary>
internal enum HostileStep
{
    Connect,
    Facts,
    Claim,
    Open,
    Write,
    Digest,
    Commit,
    Arm,
    Armed,
    Restart,
}

/// <summary>A staged machine, and programs in the place of ssh that run everything on it with tools of a test's own before the system's.</summary>
public sealed class HostileMachine : IAsyncLifetime
{
    internal static readonly SimulatedRom Rom = Bench.SystemRom("U30 v2.50 (03/12/2021)", 0x0002_5000, 2, payloadLength: 100_000);

    internal static readonly string Digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Rom.Content.Span));

    internal SshTarget Target { get; private set; } = null!;

    // Each step asks stat whether the volume is still what is seen at its place: a lie that is meant for another question is none there.
    internal const string ButForTheGuard = "case \"$*\" in *%d:%i*) exec /usr/bin/stat \"$@\" ;; esac; ";

    public async Task InitializeAsync() => Target = await SshTarget.StartAsync();

    public async Task DisposeAsync() => await Target.DisposeAsync();

    // A tool of no name is a script that goes on beside each shell, and prints where the shell does.
    internal FakeSsh Ssh(string tool, string script)
    {
        var ssh = new FakeSsh("""
            here=$(dirname "$0")
            PATH=$here/bin:$PATH; export PATH
            if [ -e "$here/beside" ]; then
              ( while kill -0 $$ 2>/dev/null; do [ -e "$here/hostile" ] && . "$here/beside"; sleep 0.05; done ) &
            fi
            """ + "\n" + FakeSsh.Honest);
        System.IO.Directory.CreateDirectory(ssh["bin"]);
        if (tool.Length == 0)
        {
            if (script != ":")
            {
                File.WriteAllText(ssh["beside"], script + "\n");
            }
        }
        else
        {
            Add(ssh, tool, script, isAtOnce: false);
        }

        return ssh;
    }

    internal void Add(FakeSsh ssh, string tool, string script, bool isAtOnce = true)
    {
        var path = ssh["bin/" + tool];
        var real = tool == "shutdown" ? Target.Root.ShutdownProgram : tool;
        File.WriteAllText(path, $"#!/bin/sh\n{(isAtOnce ? string.Empty : $"[ -e '{ssh["hostile"]}' ] || {{ PATH=${{PATH#*/bin:}}; exec {real} \"$@\"; }}\n")}{script}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    internal SshTransportOptions Options(FakeSsh ssh) => Target.Options with { Program = ssh.Program, Multiplex = false, ConfigurationFile = null, ShutdownProgram = File.Exists(ssh["bin/shutdown"]) ? ssh["bin/shutdown"] : Target.Root.ShutdownProgram };

    internal async Task<FlashReport> FlashAsync(FakeSsh ssh, SimulatedRom rom, Func<FlashPolicy, FlashPolicy>? change)
    {
        Target.Wipe();
        File.WriteAllText(ssh["hostile"], string.Empty);
        await using var world = await SshWorld.CreateAsync(Target, Options(ssh), rom);
        return await world.FlashAsync(
            "ssh://host/boot/efi",
            p => (change ?? (x => x))(p with { Reboot = RebootMode.LeaveToOperator, Waivers = [.. p.Waivers, new("disk-encryption-unknown", "test", "the staged machine has no disks")] }),
            rom.Image);
    }

    /// <summary>What an upgrade does, until the first fault; it is hostile from a step on, and that one has a deadline.</summary>
    internal async Task<(TransportFault? Fault, HostileStep Step, TimeSpan Took)> WalkAsync(FakeSsh ssh, HostileStep? from, TimeSpan deadline)
    {
        Target.Wipe();
        var step = HostileStep.Connect;
        var watch = new Stopwatch();
        TransportFault? fault = null;
        ITargetSession? session = null;
        IDeposit? deposit = null;
        try
        {
            var claim = new TargetClaim("client", 0);
            var manifest = new DepositManifest("d1", 1, [new("image.cap", Rom.Content.Length, new ContentDigest(Convert.FromHexString(Digest)), "system")]);
            if (await TryAsync(HostileStep.Connect, async t => session = Value(await new SshTransport(Options(ssh)).ConnectAsync(SshTarget.Request("ssh://host/boot/efi"), t)))

                // What no lie is about takes half of the time.
                && (from > HostileStep.Facts || await TryAsync(HostileStep.Facts, async t => Value(await ((IFactsCapability)session!).ReadFactsAsync(FactKinds.All, t))))
                && await TryAsync(HostileStep.Claim, async t => claim = Value(await ((IClaimCapability)session!).AcquireClaimAsync(new("client"), t)))
                && await TryAsync(HostileStep.Open, async t => deposit = Value(await ((IDepositCapability)session!).OpenDepositAsync(manifest, t)))
                && await TryAsync(HostileStep.Write, async t => Value(await deposit!.WriteAsync(0, 0, Rom.Content, t)))
                && await TryAsync(HostileStep.Digest, async t => Value(await deposit!.DigestOnTargetAsync(0, t)))
                && await TryAsync(HostileStep.Commit, async t => Value(await deposit!.CommitAsync(t)))
                && await TryAsync(HostileStep.Arm, async t => Value(await ((IArmingCapability)session!).ArmAsync(new(manifest, ArmingMethod.CapsuleOnDisk), t)))
                && await TryAsync(HostileStep.Armed, async t => Value(await ((IArmingCapability)session!).ReadArmedStateAsync(true, t))))
            {
                await TryAsync(HostileStep.Restart, async t =>
                {
                    Value(await ((IPowerCapability)session!).ScheduleRebootAsync(new(TimeSpan.FromMinutes(1), "test", false), t));
                    Value(await ((IPowerCapability)session!).AbortRebootAsync(t));
                });
            }
        }
        finally
        {
            if (deposit is not null)
            {
                await deposit.DisposeAsync();
            }

            if (session is not null)
            {
                await session.DisposeAsync();
            }
        }

        return (fault, step, watch.Elapsed);

        async Task<bool> TryAsync(HostileStep next, Func<CancellationToken, Task> run)
        {
            step = next;
            if (from == next)
            {
                File.WriteAllText(ssh["hostile"], string.Empty);
            }

            using var stop = new CancellationTokenSource(next < from || from is null ? TimeSpan.FromMinutes(1) : from == HostileStep.Connect && next > from ? TimeSpan.FromMinutes(1) : deadline);
            watch.Restart();
            try
            {
                await run(stop.Token);
                return true;
            }
            catch (FaultException e)
            {
                watch.Stop();
                fault = e.Fault;
                return false;
            }
        }
    }

    private static T Value<T>(TransportResult<T> result)
        where T : notnull => result.TryGetValue(out var value, out var fault) ? value : throw new FaultException(fault);

    private sealed class FaultException(TransportFault fault) : Exception(fault.ToString())
    {
        public TransportFault Fault => fault;
    }
}
