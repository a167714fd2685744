using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>Runs scripts on a target, one at a time, and says where its root is there.</summary>
internal interface IRemoteScripts
{
    /// <summary>The folder that stands for the target's root, such as a chroot's: an absolute path without a slash at its end; empty for the root itself.</summary>
    string Root { get; }

    /// <summary>Runs a script, in which each value is a ShellText.Quote; whatever its exit status is comes back.</summary>
    /// <exception cref="PartitionFaultException">The target was lost, was too slow, or answered with what it can't answer with.</exception>
    ValueTask<ShellReply> RunAsync(string script, ShellRequest request, CancellationToken cancellationToken);
}
