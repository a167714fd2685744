using System.Security.Cryptography;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>One algorithm at work.</summary>
internal abstract class DigestUnit(ChecksumAlgorithms algorithm, int length) : IDisposable
{
    public ChecksumAlgorithms Algorithm => algorithm;

    public int Length => length;

    public abstract void Append(ReadOnlySpan<byte> bytes);

    public abstract void Write(Span<byte> destination);

    public abstract void Reset();

    public virtual void Dispose()
    {
    }

    /// <summary>Those that are asked for, the slowest first: whoever schedules them begins with what takes longest.</summary>
    public static DigestUnit[] Create(ChecksumAlgorithms algorithms)
    {
        ReadOnlySpan<ChecksumAlgorithms> slowestFirst =
        [
            ChecksumAlgorithms.Md5, ChecksumAlgorithms.Sha512, ChecksumAlgorithms.Sha384, ChecksumAlgorithms.Sha256, ChecksumAlgorithms.Sha1,
            ChecksumAlgorithms.Adler32, ChecksumAlgorithms.Crc32C, ChecksumAlgorithms.Crc32, ChecksumAlgorithms.Sum16, ChecksumAlgorithms.Sum8,
        ];
        var units = new List<DigestUnit>(slowestFirst.Length);
        foreach (var algorithm in slowestFirst)
        {
            if ((algorithms & algorithm) != 0)
            {
                units.Add(Of(algorithm));
            }
        }

        return [.. units];
    }

    private static DigestUnit Of(ChecksumAlgorithms algorithm) => algorithm switch
    {
        ChecksumAlgorithms.Sum8 => new Checksum(algorithm, new Sum8()),
        ChecksumAlgorithms.Sum16 => new Checksum(algorithm, new Sum16()),
        ChecksumAlgorithms.Crc32 => new Checksum(algorithm, new Crc32()),
        ChecksumAlgorithms.Crc32C => new Checksum(algorithm, new Crc32C()),
        ChecksumAlgorithms.Adler32 => new Checksum(algorithm, new Adler32()),
        ChecksumAlgorithms.Md5 => new Digest(algorithm, HashAlgorithmName.MD5),
        ChecksumAlgorithms.Sha1 => new Digest(algorithm, HashAlgorithmName.SHA1),
        ChecksumAlgorithms.Sha256 => new Digest(algorithm, HashAlgorithmName.SHA256),
        ChecksumAlgorithms.Sha384 => new Digest(algorithm, HashAlgorithmName.SHA384),
        _ => new Digest(algorithm, HashAlgorithmName.SHA512),
    };

    private sealed class Checksum(ChecksumAlgorithms algorithm, RomChecksum checksum) : DigestUnit(algorithm, checksum.LengthInBytes)
    {
        public override void Append(ReadOnlySpan<byte> bytes) => checksum.Append(bytes);

        public override void Write(Span<byte> destination) => checksum.TryGetCurrentValue(destination, out _);

        public override void Reset() => checksum.Reset();
    }

    private sealed class Digest : DigestUnit
    {
        private readonly IncrementalHash _hash;

        public Digest(ChecksumAlgorithms algorithm, HashAlgorithmName name)
            : this(algorithm, IncrementalHash.CreateHash(name))
        {
        }

        private Digest(ChecksumAlgorithms algorithm, IncrementalHash hash)
            : base(algorithm, hash.HashLengthInBytes) => _hash = hash;

        public override void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

        public override void Write(Span<byte> destination) => _hash.GetCurrentHash(destination);

        public override void Reset()
        {
            Span<byte> thrownAway = stackalloc byte[64];
            _hash.GetHashAndReset(thrownAway);
        }

        public override void Dispose()
        {
            _hash.Dispose();
            base.Dispose();
        }
    }
}
