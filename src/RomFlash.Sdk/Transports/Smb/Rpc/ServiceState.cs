namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>What a service does (MS-SCMR, 2.2.47, dwCurrentState).</summary>
internal enum ServiceState : uint
{
    Stopped = 1,
    Starting = 2,
    Stopping = 3,
    Running = 4,
    Continuing = 5,
    Pausing = 6,
    Paused = 7,
}
