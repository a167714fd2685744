namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>An interface that a Windows-like peer serves on a named pipe.</summary>
/// <param name="Pipe">The pipe's name.</param>
/// <param name="Name">The service behind it, for people: what has to run when the pipe is not there.</param>
/// <param name="Interface">The interface's identifier.</param>
/// <param name="Major">The interface's major version.</param>
/// <param name="Minor">The interface's minor version.</param>
internal sealed record RpcService(string Pipe, string Name, Guid Interface, ushort Major, ushort Minor)
{
    /// <summary>The remote registry (MS-RRP, 2.1 and appendix A).</summary>
    public static RpcService Registry { get; } = new("winreg", "RemoteRegistry", new Guid("338cd001-2244-31f1-aaaa-900038001003"), 1, 0);

    /// <summary>The service control manager (MS-SCMR, 1.9).</summary>
    public static RpcService ServiceControl { get; } = new("svcctl", "service control manager", new Guid("367abb81-9844-35f1-ad32-98f038001003"), 2, 0);

    /// <summary>Remote shutdown (MS-RSP, 1.9).</summary>
    public static RpcService Shutdown { get; } = new("InitShutdown", "remote shutdown", new Guid("894de0c0-0d55-11d3-a322-00c04fa321a1"), 1, 0);

    /// <summary>The server service (MS-SRVS, 1.9).</summary>
    public static RpcService Server { get; } = new("srvsvc", "LanmanServer", new Guid("4b324fc8-1670-01d3-1278-5a47bf6ee188"), 3, 0);
}
