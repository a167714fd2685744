using System.Security.Cryptography;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Images.Formats;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Tests.Images;

public sealed class RomImageValidatorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("romflash-image-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(32767)]
    [InlineData(32768)]
    [InlineData(262143)]
    [InlineData(262144)]
    [InlineData(262145)]
    [InlineData(1_000_000)]
    public async Task Validate_AnyLength_DigestIsThatOfAllBytes(int length)
    {
        var bytes = Bytes(length);

        var image = (await Validate(new MemoryImageSource("m", bytes), new ProbeFormat())).GetValueOrThrow();

        Assert.Equal(length, image.Length);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), image.Sha256.ToString());
    }

    [Fact]
    public async Task Validate_SourceThatGivesFewBytesAtATime_DigestIsThatOfAllBytes()
    {
        var bytes = Bytes(700_000);

        var image = (await Validate(new StreamSource(() => new TestStream(bytes) { MaxRead = 1013 }), new ProbeFormat())).GetValueOrThrow();

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), image.Sha256.ToString());
    }

    [Fact]
    public async Task Validate_MissingFile_IsUnreadable()
    {
        var failure = await Fails(new FileImageSource(Path.Combine(_folder, "none")));

        Assert.Equal("RF5001", failure.Code);
        Assert.Equal(PeerCode.HResult, failure.PeerCode!.Value.Dialect);
        Assert.Equal(TargetState.Untouched, failure.TargetState);
    }

    [Theory]
    [InlineData("directory")]
    [InlineData("/dev/zero")]
    [InlineData("bad\0name")]
    public async Task Validate_NoRegularFile_IsUnreadable(string what) =>
        Assert.Equal("RF5001", (await Fails(new FileImageSource(what == "directory" ? _folder : what))).Code);

    [Fact]
    public async Task Validate_NamedPipe_IsUnreadableWithoutWaitingForAWriter()
    {
        var path = Path.Combine(_folder, "pipe");
        using (var process = System.Diagnostics.Process.Start("mkfifo", [path]))
        {
            await process.WaitForExitAsync();
        }

        var failure = await Fails(new FileImageSource(path));

        Assert.Equal("RF5001", failure.Code);
        Assert.Contains("pipe", failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_AccessDenied_IsUnreadable()
    {
        // A test that runs as root may read everything, so the refusal comes from the source here.
        var failure = await Fails(new StreamSource(() => throw new UnauthorizedAccessException("denied")));

        Assert.Equal("RF5001", failure.Code);
    }

    [Fact]
    public async Task Validate_FileWithoutPermissions_IsUnreadableUnlessTheAccountReadsEverything()
    {
        var path = Path.Combine(_folder, "secret");
        await File.WriteAllBytesAsync(path, CapsuleBuilder.Small());
        using (var process = System.Diagnostics.Process.Start("chmod", ["000", path]))
        {
            await process.WaitForExitAsync();
        }

        var result = await Validate(new FileImageSource(path), new UefiCapsuleFormat());

        Assert.Equal(Environment.IsPrivilegedProcess, result.TryGetValue(out _, out var failure));
        Assert.True(failure is null || failure.Code == "RF5001");
    }

    [Fact]
    public async Task Validate_EmptyFile_IsEmpty()
    {
        var path = Path.Combine(_folder, "empty");
        await File.WriteAllBytesAsync(path, []);

        Assert.Equal("RF5002", (await Fails(new FileImageSource(path))).Code);
    }

    [Fact]
    public async Task Validate_HugeSparseFile_IsTooLargeAndNotRead()
    {
        var path = Path.Combine(_folder, "huge");
        using (var file = File.Create(path))
        {
            file.SetLength(1L << 40);
        }

        Assert.Equal("RF5003", (await Fails(new FileImageSource(path))).Code);
    }

    [Fact]
    public async Task Validate_LargestAllowedLength_PassesAndOneMoreFails()
    {
        var validator = new RomImageValidator([new ProbeFormat()], new() { MaxLength = 100 });

        Assert.True((await validator.ValidateAsync(new MemoryImageSource("m", Bytes(100)), CancellationToken.None)).TryGetValue(out _, out _));
        Assert.False((await validator.ValidateAsync(new MemoryImageSource("m", Bytes(101)), CancellationToken.None)).TryGetValue(out _, out var failure));
        Assert.Equal("RF5003", failure!.Code);
    }

    [Fact]
    public async Task Validate_UnknownContent_IsFormatUnknown() => Assert.Equal("RF5004", (await Fails(new MemoryImageSource("m", Bytes(500)))).Code);

    [Fact]
    public async Task Validate_TwoFormatsRecogniseIt_IsAmbiguous()
    {
        Assert.False((await Validate(new MemoryImageSource("m", Bytes(500)), new ProbeFormat(), new ProbeFormat())).TryGetValue(out _, out var failure));
        Assert.Equal("RF5009", failure!.Code);
    }

    [Fact]
    public async Task Validate_SourceThatCantSeek_IsUnreadable()
    {
        var failure = await Fails(new StreamSource(() => new TestStream(CapsuleBuilder.Small()) { Seekable = false }));

        Assert.Equal("RF5001", failure.Code);
        Assert.Contains("twice", failure.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(300_000)]
    public async Task Validate_ReadFails_IsUnreadable(int goodBytes)
    {
        Assert.False((await Validate(new StreamSource(() => new TestStream(Bytes(600_000)) { FailsFrom = goodBytes }), new ProbeFormat())).TryGetValue(out _, out var failure));
        Assert.Equal("RF5001", failure!.Code);
    }

    [Theory]
    [InlineData(5, true)]
    [InlineData(400_005, true)]
    [InlineData(599_999, false)]
    public async Task Validate_ByteChangesAfterItWasParsed_IsChangedOnClient(int at, bool wasParsed)
    {
        var bytes = Bytes(600_000);
        var format = new ProbeFormat { Reads = [(0, 16), (400_000, 64)], Afterwards = () => bytes[at] ^= 1 };

        var result = await Validate(new MemoryImageSource("m", bytes), format);

        // What nobody parsed may change: the digest is of what is there when it is read.
        Assert.Equal(!wasParsed, result.TryGetValue(out var image, out var failure));
        Assert.Equal(wasParsed ? "RF5008" : null, failure?.Code);
        Assert.True(wasParsed || image!.Sha256.ToString() == Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    [Fact]
    public async Task Validate_ContentChangesBetweenTwoReadsOfTheSameBytes_IsChangedOnClient()
    {
        var bytes = Bytes(1 << 20);
        var format = new ProbeFormat
        {
            Reads = [(0, 16), (100_000, 1), (200_000, 1), (300_000, 1), (400_000, 1), (500_000, 1), (0, 16)],
            BeforeRead = i =>
            {
                if (i == 6)
                {
                    bytes[3] ^= 1;
                }
            },
            Afterwards = () => bytes[3] ^= 1,
        };

        Assert.False((await Validate(new MemoryImageSource("m", bytes), format)).TryGetValue(out _, out var failure));
        Assert.Equal("RF5008", failure!.Code);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public async Task Validate_FileGrowsOrShrinksMeanwhile_IsChangedOnClient(int by)
    {
        var path = Path.Combine(_folder, "growing");
        await File.WriteAllBytesAsync(path, Bytes(400_000));
        var format = new ProbeFormat { Afterwards = () => Resize(path, 400_000 + by) };

        Assert.False((await Validate(new FileImageSource(path), format)).TryGetValue(out _, out var failure));
        Assert.Equal("RF5008", failure!.Code);
    }

    [Fact]
    public async Task Validate_FileShrinksBeforeItIsParsed_IsChangedOnClientAndNotTruncated()
    {
        var path = Path.Combine(_folder, "shrinking");
        await File.WriteAllBytesAsync(path, Bytes(400_000));
        var format = new ProbeFormat { Reads = [(399_000, 1000)], BeforeRead = _ => Resize(path, 100) };

        Assert.False((await Validate(new FileImageSource(path), format)).TryGetValue(out _, out var failure));
        Assert.Equal("RF5008", failure!.Code);
    }

    [Fact]
    public async Task Validate_ReadOutsideTheContent_IsRefused()
    {
        foreach (var (offset, count) in new (long, int)[] { (-1, 1), (100, 1), (99, 2), (long.MaxValue, 1), (0, 101) })
        {
            Assert.False((await Validate(new MemoryImageSource("m", Bytes(100)), new ProbeFormat { Reads = [(offset, count)] })).TryGetValue(out _, out var failure));
            Assert.Equal("RF5006", failure!.Code);
        }
    }

    [Fact]
    public async Task Validate_CancelledToken_ThrowsAndOpensNothing()
    {
        var opened = false;
        var source = new StreamSource(() =>
        {
            opened = true;
            return new TestStream(Bytes(1));
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await new RomImageValidator([], new()).ValidateAsync(source, new CancellationToken(true)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await new FileImageSource(_folder).OpenReadAsync(new CancellationToken(true)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await new MemoryImageSource("m", Bytes(1)).OpenReadAsync(new CancellationToken(true)));
        Assert.False(opened);
    }

    [Fact]
    public async Task Validate_CancelledWhileReading_Throws()
    {
        using var cancellation = new CancellationTokenSource();
        var format = new ProbeFormat { Afterwards = cancellation.Cancel };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await new RomImageValidator([format], new()).ValidateAsync(new StreamSource(() => new TestStream(Bytes(600_000))), cancellation.Token));
    }

    [Fact]
    public async Task Validate_AnyEnd_StreamIsDisposed()
    {
        var streams = new List<TestStream>();
        StreamSource Source(int failsFrom) => new(() =>
        {
            streams.Add(new TestStream(Bytes(600_000)) { FailsFrom = failsFrom });
            return streams[^1];
        });

        await Validate(Source(int.MaxValue), new ProbeFormat());
        await Validate(Source(0), new ProbeFormat());
        await Validate(Source(300_000), new ProbeFormat());

        Assert.Equal(3, streams.Count);
        Assert.All(streams, s => Assert.True(s.IsDisposed));
    }

    [Fact]
    public async Task MemoryImageSource_Content_IsSharedNotCopied()
    {
        var bytes = Bytes(10);
        var source = new MemoryImageSource("m", bytes);
        bytes[4] = 99;

        await using var stream = (await source.OpenReadAsync(CancellationToken.None)).GetValueOrThrow();
        stream.Position = 4;

        Assert.Equal(99, stream.ReadByte());
        Assert.False(stream.CanWrite);
    }

    [Fact]
    public void Options_MaxLengthBelowOne_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new RomImageValidatorOptions { MaxLength = 0 });

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static void Resize(string path, long length)
    {
        // As another program would, without regard to locks.
        using var process = System.Diagnostics.Process.Start("truncate", ["-s", length.ToString(System.Globalization.CultureInfo.InvariantCulture), path]);
        process.WaitForExit();
    }

    private static ValueTask<FlashResult<RomImage>> Validate(IRomImageSource source, params IRomImageFormat[] formats) =>
        new RomImageValidator(formats, new()).ValidateAsync(source, CancellationToken.None);

    private static async Task<FlashFailure> Fails(IRomImageSource source)
    {
        Assert.False((await Validate(source, new UefiCapsuleFormat())).TryGetValue(out _, out var failure));
        Assert.Equal(FlashStage.Validate, failure!.Stage);
        return failure;
    }

    private sealed class ProbeFormat : IRomImageFormat
    {
        public string Name => "probe";

        public (long Offset, int Count)[] Reads { get; init; } = [];

        public Action<int> BeforeRead { get; init; } = _ => { };

        public Action Afterwards { get; init; } = () => { };

        public RomRecognition Recognize(IRomImageContent content) => RomRecognition.Signature;

        public void Read(RomImageReading reading)
        {
            for (var i = 0; i < Reads.Length; i++)
            {
                BeforeRead(i);
                if (!reading.Content.TryRead(Reads[i].Offset, new byte[Reads[i].Count]))
                {
                    reading.Truncated($"read {i}");
                    return;
                }
            }

            Afterwards();
        }
    }

    private sealed class StreamSource(Func<Stream> open) : IRomImageSource
    {
        public string Name => "stream";

        public ValueTask<FlashResult<Stream>> OpenReadAsync(CancellationToken cancellationToken) => new(FlashResult<Stream>.From(open()));
    }

    private sealed class TestStream(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public bool Seekable { get; init; } = true;

        public int MaxRead { get; init; } = int.MaxValue;

        public int FailsFrom { get; init; } = int.MaxValue;

        public bool IsDisposed { get; private set; }

        public override bool CanSeek => Seekable;

        public override int Read(Span<byte> buffer) =>
            Position >= FailsFrom ? throw new IOException("broken") : base.Read(buffer[..Math.Min(buffer.Length, Math.Min(MaxRead, FailsFrom))]);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
