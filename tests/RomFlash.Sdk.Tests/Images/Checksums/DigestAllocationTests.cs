using RomFlash.Sdk.Images.Checksums;

namespace RomFlash.Sdk.Tests.Images.Checksums;

/// <summary>What the process allocates while streams are digested; other tests would allocate meanwhile, so this one is alone.</summary>
[Collection("Alone")]
public sealed class DigestAllocationTests
{
    // 64 MiB are 256 buffers, and the smallest object has 24 bytes: one for every second buffer would be more than this. The thread pool allocates by itself now and then.
    private const long Bound = 256 / 2 * 24;

    [Fact]
    public async Task AppendAsync_FurtherMiB_AllocatesNothing()
    {
        // What each call costs is there with a little and with a lot; what is gated is each further MiB. The smallest of several, because others allocate, too.
        using var digest = new MultiDigest(MultiDigest.All);
        var (small, large) = (new Zeros(4 << 20), new Zeros(68 << 20));
        var further = new List<long>();
        for (var run = 0; run < 40 && (run < 3 || further.Min() >= Bound); run++)
        {
            further.Add(-await AllocatedAsync(digest, small) + await AllocatedAsync(digest, large));
        }

        Assert.True(further.Min() < Bound, $"64 further MiB allocated {string.Join(", ", further)} bytes");

        static async Task<long> AllocatedAsync(MultiDigest digest, Zeros stream)
        {
            stream.Position = 0;
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await digest.AppendAsync(stream, CancellationToken.None);
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
    }

    private sealed class Zeros(long length) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, length - Position);
            Position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
