using System.Collections.Immutable;

namespace RomFlash.Sdk.Transports.Smb;

/// <summary>
/// A connection that somebody has logged on to. Shares are connected when they are first named. Paths are relative to the share, with backslashes, without one at the
/// beginning; the empty path is the share's root. A link is opened itself and never followed.
/// </summary>
/// <remarks>
/// Thread-safe. Faults carry the NTSTATUS as their peer code, and their effect is told honestly: <see cref="FaultEffect.NotSent"/> for a refusal and for everything that only reads.
/// Disposing ends the connection; it may be done twice and never throws.
/// </remarks>
public interface ISmbConnection : IAsyncDisposable
{
    /// <summary>How the connection is protected.</summary>
    SmbSecurity Security { get; }

    /// <summary>Opens or creates a file or directory.</summary>
    /// <param name="share">The share's name, such as <c>ESP$</c>.</param>
    /// <param name="path">The path in the share.</param>
    /// <param name="how">What for.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The open file; <see cref="TransportFaultKind.NotFound"/>, <see cref="TransportFaultKind.AlreadyExists"/>, <see cref="TransportFaultKind.AccessDenied"/>, <see cref="TransportFaultKind.Busy"/> when another opener does not share it, ….</returns>
    ValueTask<TransportResult<ISmbFile>> OpenFileAsync(string share, string path, SmbOpen how, CancellationToken cancellationToken);

    /// <summary>Looks at a name without keeping it open.</summary>
    /// <param name="share">The share's name.</param>
    /// <param name="path">The path in the share.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>What is there, or <see cref="TransportFaultKind.NotFound"/>.</returns>
    ValueTask<TransportResult<SmbEntry>> LookAsync(string share, string path, CancellationToken cancellationToken);

    /// <summary>Opens a named pipe for messages.</summary>
    /// <param name="name">The pipe's name, such as <c>winreg</c>.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The open pipe; <see cref="TransportFaultKind.NotFound"/> or <see cref="TransportFaultKind.ServiceNotRunning"/> when nobody serves it.</returns>
    ValueTask<TransportResult<ISmbPipe>> OpenPipeAsync(string name, CancellationToken cancellationToken);

    /// <summary>Asks for the volume behind a share.</summary>
    /// <param name="share">The share's name.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The volume; <see cref="TransportFaultKind.NotFound"/> when there is no such share, <see cref="TransportFaultKind.AccessDenied"/> when the account may not connect it.</returns>
    ValueTask<TransportResult<SmbVolume>> QueryVolumeAsync(string share, CancellationToken cancellationToken);
}

/// <summary>An open file or directory. Disposing of it closes the handle on the peer, as far as the connection still works, and never throws.</summary>
/// <remarks>Thread-safe; reads and writes at different offsets may run at once.</remarks>
public interface ISmbFile : IAsyncDisposable
{
    /// <summary>What it was when it was opened.</summary>
    SmbEntry Entry { get; }

    /// <summary>Whether opening made it.</summary>
    bool IsNew { get; }

    /// <summary>Reads until the buffer is full or the file ends, in as many requests as that takes.</summary>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="buffer">Filled from its beginning.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>How many bytes were read; less than asked for at the end of the file alone, 0 beyond it.</returns>
    ValueTask<TransportResult<int>> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Writes all bytes, in as many requests as that takes.</summary>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="data">What to write; not touched any more once the call has returned.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when the peer has acknowledged all bytes.</returns>
    ValueTask<TransportResult<Done>> WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Has the peer write everything of this file to its disk.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when the peer says so.</returns>
    ValueTask<TransportResult<Done>> FlushAsync(CancellationToken cancellationToken);

    /// <summary>Renames within the share; the handle stays open.</summary>
    /// <param name="path">The new path in the share.</param>
    /// <param name="replace">Whether a file of that name is replaced; directories never are.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done, or <see cref="TransportFaultKind.AlreadyExists"/>.</returns>
    ValueTask<TransportResult<Done>> RenameAsync(string path, bool replace, CancellationToken cancellationToken);

    /// <summary>Marks it to be removed when the last handle is closed, which <see cref="CloseAsync"/> does.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done, or <see cref="TransportFaultKind.Busy"/> for a directory that is not empty.</returns>
    ValueTask<TransportResult<Done>> DeleteAsync(CancellationToken cancellationToken);

    /// <summary>Lists a directory, without <c>.</c> and <c>..</c>.</summary>
    /// <param name="maxEntries">More entries than this are a <see cref="TransportFaultKind.ProtocolViolation"/>.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The entries, in the peer's order.</returns>
    ValueTask<TransportResult<ImmutableArray<SmbEntry>>> ListAsync(int maxEntries, CancellationToken cancellationToken);

    /// <summary>Closes the handle and waits for the answer. Closing twice succeeds.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when the peer has closed it.</returns>
    ValueTask<TransportResult<Done>> CloseAsync(CancellationToken cancellationToken);
}

/// <summary>An open named pipe in message mode. Disposing of it closes the handle.</summary>
/// <remarks>One operation at a time.</remarks>
public interface ISmbPipe : IAsyncDisposable
{
    /// <summary>Writes one message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Done when the peer has taken it.</returns>
    ValueTask<TransportResult<Done>> WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken);

    /// <summary>Reads what there is of a message; a message that is longer than the buffer goes on with the next read.</summary>
    /// <param name="buffer">Filled from its beginning.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>How many bytes were read, at least 1.</returns>
    ValueTask<TransportResult<int>> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Writes one message and reads the beginning of the answer, in one round trip where the peer can do that.</summary>
    /// <param name="message">The message.</param>
    /// <param name="answer">Filled from its beginning.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>How many bytes were read, at least 1; what did not fit is read with <see cref="ReadAsync"/>.</returns>
    ValueTask<TransportResult<int>> TransceiveAsync(ReadOnlyMemory<byte> message, Memory<byte> answer, CancellationToken cancellationToken);
}
