using RomFlash.Sdk.Images.Compression;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images.Formats.Packages;

/// <summary>A file of a cabinet as what a target takes.</summary>
internal sealed class CabinetPayload(CabinetFile file) : RomPayload(file.Name, file.Length)
{
    public override ValueTask<FlashResult<Stream>> OpenAsync(Stream package, IRomImageSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(package);
        return new(FlashResult<Stream>.From(new CabinetStream(package, file)));
    }
}

/// <summary>A file of a cabinet while it is extracted: a block at a time, in 96 KiB of memory. Owns the package's stream.</summary>
internal sealed class CabinetStream : ForwardStream
{
    private readonly Stream _package;
    private readonly CabinetFolder _folder;
    private readonly byte[] _compressed = new byte[ushort.MaxValue];
    private readonly byte[] _block = new byte[Cabinet.MaxBlockLength];
    private readonly MsZipDecoder _decoder = new();
    private int _next;
    private int _start;
    private int _end;
    private long _toSkip;
    private long _left;

    public CabinetStream(Stream package, CabinetFile file)
    {
        _package = package;
        _folder = file.Folder;
        _toSkip = file.Offset;
        _left = file.Length;

        // What is stored needs nothing that lies before it; what is compressed needs all of it.
        while (!_folder.IsCompressed && _next < _folder.Blocks.Length && _toSkip >= _folder.Blocks[_next].Length)
        {
            _toSkip -= _folder.Blocks[_next++].Length;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        while (_start == _end && _left > 0)
        {
            Extract();
        }

        var count = (int)Math.Min(Math.Min(buffer.Length, _end - _start), _left);
        _block.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        _left -= count;
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _package.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Extract()
    {
        if (_next == _folder.Blocks.Length)
        {
            throw new IOException("The cabinet's folder ends before the file does.");
        }

        var block = _folder.Blocks[_next++];
        var compressed = _compressed.AsSpan(0, block.CompressedLength);
        _package.Position = block.DataOffset;
        _package.ReadExactly(compressed);
        if (!_folder.IsCompressed)
        {
            compressed.CopyTo(_block);
        }
        else if (_decoder.Decode(compressed, _block.AsSpan(0, block.Length), out _) is not DecodeStatus.Done and var status)
        {
            throw new IOException($"A block of the cabinet can't be decoded ({status}).");
        }

        var skipped = (int)Math.Min(_toSkip, block.Length);
        _toSkip -= skipped;
        (_start, _end) = (skipped, block.Length);
    }
}
