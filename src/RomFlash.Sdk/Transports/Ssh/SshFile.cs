using System.Globalization;
using System.Text;
using RomFlash.Sdk.Transports.Ssh.Connection;
using RomFlash.Sdk.Transports.SystemPartitions;

namespace RomFlash.Sdk.Transports.Ssh;

/// <summary>A file of a target. What is small goes through the session's shell; the rest is streamed over a channel of its own, which lives for as long as offsets follow each other.</summary>
internal sealed class SshFile(SshScripts scripts, string path) : IPartitionFile
{
    /// <summary>Up to here a whole file is read or written by one request; written bytes take four characters each there.</summary>
    public const int SmallBytes = 16 * 1024;

    // Whoever waits has a deadline of their own: a sync of a slow medium may take minutes.
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private static readonly ShellRequest Flushing = new() { IsPlain = true, Timeout = Long };
    private static readonly ShellRequest Step = new() { IsPlain = true };

    private SshChannel? _writing;
    private SshChannel? _reading;
    private long _writtenTo;
    private long _readTo;

    // Why what was written last is not there as a whole.
    private TransportFault? _failed;

    private string Quoted => ShellText.Quote(path);

    /// <summary>Ends a script unless the path is a plain file's.</summary>
    public static string NeedPlain(string quoted) => $$"""
        [ -f {{quoted}} ] && [ ! -L {{quoted}} ] || { stat -- {{quoted}} >/dev/null || exit 1; echo 'not a plain file: Is a directory' >&2; exit 1; }

        """;

    /// <summary>Writes what the system's cache holds of a file or folder to the medium. Before coreutils 8.24, and in busybox, sync has no operands and writes everything.</summary>
    public static string Sync(string quoted) => $$"""
        e=$(sync -- {{quoted}} 2>&1) || case $e in *': extra operand '*|'sync: unrecognized option'*|'Usage: '*|'BusyBox '*) sync;; *) printf '%s\n' "$e" >&2; exit 1;; esac

        """;

    /// <summary>Drops what the system's cache holds of descriptor 8, where dd can.</summary>
    public const string DropCache = "dd iflag=nocache count=0 <&8 >/dev/null 2>&1";

    /// <summary>Waits a little for the lock of descriptor 8, which whoever writes a file holds for as long as something is on its way into it.</summary>
    public static string Lock(string kind) => SshScripts.WaitForLock(8, kind);

    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (offset == 0 && buffer.Length <= SmallBytes)
        {
            return await ReadSmallAsync(buffer, cancellationToken).ConfigureAwait(false);
        }

        if (_reading is null || _readTo != offset)
        {
            await StopReadingAsync().ConfigureAwait(false);
            _reading = await scripts.OpenChannelAsync(string.Create(CultureInfo.InvariantCulture, $"{NeedPlain(Quoted)}exec 8<{Quoted}\n{Sync(Quoted)}\n{DropCache}\nexec tail -c +{offset + 1} <&8"), cancellationToken).ConfigureAwait(false);
            _readTo = offset;
        }

        var done = 0;
        while (done < buffer.Length)
        {
            var read = PartitionFaultException.Need(await _reading.ReadAsync(buffer[done..], cancellationToken).ConfigureAwait(false));
            if (read == 0)
            {
                await EndReadingAsync(cancellationToken).ConfigureAwait(false);
                break;
            }

            done += read;
            _readTo += read;
        }

        return done;
    }

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_writing is null && offset == 0 && bytes.Length <= SmallBytes)
        {
            await WriteSmallAsync(bytes, cancellationToken).ConfigureAwait(false);
            _writtenTo = bytes.Length;
            return;
        }

        if (_writing is null || _writtenTo != offset)
        {
            await EndWritingAsync(cancellationToken).ConfigureAwait(false);
            _writing = await scripts.OpenWarmChannelAsync(Upload(offset), cancellationToken).ConfigureAwait(false);
            (_writtenTo, _failed) = (offset, null);
        }

        if (!(await _writing.WriteAsync(bytes, cancellationToken).ConfigureAwait(false)).TryGetValue(out _, out var fault))
        {
            throw Explain(_writing, fault);
        }

        _writtenTo += bytes.Length;
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_writing is not null)
        {
            await EndWritingAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        if (_failed is { } failed)
        {
            throw new PartitionFaultException(failed);
        }

        var reply = await scripts.RunAsync(Sync(Quoted), Flushing, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus != 0)
        {
            throw RemoteErrors.From(reply, isChange: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopReadingAsync().ConfigureAwait(false);
        if (_writing is { } writing)
        {
            _writing = null;
            await writing.DisposeAsync().ConfigureAwait(false);
        }
    }

    // A script that ended by itself says why; the channel only that it ended.
    private static PartitionFaultException Explain(SshChannel channel, TransportFault fault) => new(
        fault.Kind is TransportFaultKind.Lost && channel.End is { ExitStatus: not 0 } end
            ? RemoteErrors.Of(end.ExitStatus, end.Errors, isChange: true) with { Effect = FaultEffect.MayHaveApplied }
            : fault with { Effect = FaultEffect.MayHaveApplied });

    // What an earlier client sent may still be on its way into the file: it holds the same lock until all of it has been written. What lies behind the offset is written anew.
    private string Upload(long offset) => string.Create(CultureInfo.InvariantCulture, $$"""
        {{NeedPlain(Quoted)}}exec 8>>{{Quoted}}
        {{Lock("-x")}}
        n=$(stat -c %s -- {{Quoted}}) || exit 1
        if [ "$n" -gt {{offset}} ]; then
          truncate -s {{offset}} -- {{Quoted}} || exit 1
        elif [ "$n" -lt {{offset}} ]; then
          echo 'the file has become shorter' >&2
          exit 1
        fi
        cat >&8 || exit 1
        {{Sync(Quoted)}}
        """);

    // od(1) prints each byte as a blank and two digits, sixteen in a line.
    private async ValueTask<int> ReadSmallAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var request = new ShellRequest { IsPlain = true, MaxOutput = (4 * buffer.Length) + 64 };
        var reply = await scripts.RunAsync(string.Create(CultureInfo.InvariantCulture, $"{NeedPlain(Quoted)}od -An -v -tx1 -N {buffer.Length} <{Quoted}"), request, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus != 0)
        {
            throw RemoteErrors.From(reply, isChange: false);
        }

        var length = 0;
        var text = reply.Text.AsSpan();
        foreach (var word in text.SplitAny(' ', '\n'))
        {
            var digits = text[word];
            if (digits.IsEmpty)
            {
                continue;
            }

            if (digits.Length != 2 || length == buffer.Length || !byte.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out buffer.Span[length]))
            {
                throw PartitionFaultException.Violation("what the target says of a file's bytes is no list of bytes");
            }

            length++;
        }

        return length;
    }

    // printf(1) of a POSIX shell makes a byte of a backslash and three octal digits, a NUL as well.
    private async ValueTask WriteSmallAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var text = new StringBuilder(bytes.Length * 4);
        foreach (var b in bytes.Span)
        {
            text.Append('\\').Append((char)('0' + (b >> 6))).Append((char)('0' + ((b >> 3) & 7))).Append((char)('0' + (b & 7)));
        }

        var reply = await scripts.RunAsync($"{NeedPlain(Quoted)}exec 8>>{Quoted}\n{Lock("-x")}\nprintf '{text}' >{Quoted}", Step, cancellationToken).ConfigureAwait(false);
        if (reply.ExitStatus != 0)
        {
            throw new PartitionFaultException(RemoteErrors.Of(reply.ExitStatus, reply.ErrorText, isChange: true) with { Effect = FaultEffect.MayHaveApplied });
        }
    }

    private async ValueTask EndWritingAsync(CancellationToken cancellationToken)
    {
        if (_writing is not { } writing)
        {
            return;
        }

        _writing = null;
        await using (writing.ConfigureAwait(false))
        {
            var ended = await writing.FinishAsync(Long, cancellationToken).ConfigureAwait(false);
            _failed = !ended.TryGetValue(out var end, out var fault) ? Explain(writing, fault).Fault
                : end.ExitStatus != 0 ? RemoteErrors.Of(end.ExitStatus, end.Errors, isChange: true) with { Effect = FaultEffect.MayHaveApplied }
                : null;
            if (_failed is { } failed)
            {
                throw new PartitionFaultException(failed);
            }
        }
    }

    private async ValueTask EndReadingAsync(CancellationToken cancellationToken)
    {
        var reading = _reading!;
        _reading = null;
        await using (reading.ConfigureAwait(false))
        {
            var end = PartitionFaultException.Need(await reading.FinishAsync(Long, cancellationToken).ConfigureAwait(false));
            if (end.ExitStatus != 0)
            {
                throw new PartitionFaultException(RemoteErrors.Of(end.ExitStatus, end.Errors, isChange: false));
            }
        }
    }

    private async ValueTask StopReadingAsync()
    {
        if (_reading is { } reading)
        {
            _reading = null;
            await reading.DisposeAsync().ConfigureAwait(false);
        }
    }
}
