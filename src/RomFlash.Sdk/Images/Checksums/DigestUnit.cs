using System.Security.Cryptography;

namespace RomFlash.Sdk.Images.Checksums;

/// <summary>One algorithm at work, or several that are faster together.</summary>
internal abstract class DigestUnit(ChecksumAlgorithms algorithms) : IDisposable
{
    public ChecksumAlgorithms Algorithms => algorithms;

    public abstract void Append(ReadOnlySpan<byte> bytes);

    /// <summary>The size in bytes of the value of one of its algorithms.</summary>
    public abstract int LengthOf(ChecksumAlgorithms algorithm);

    /// <summary>Writes the value of one of its algorithms; more may be appended.</summary>
    public abstract void Write(ChecksumAlgorithms algorithm, Span<byte> destination);

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
        const ChecksumAlgorithms Pair = ChecksumAlgorithms.Md5 | ChecksumAlgorithms.Sha1;
        if ((algorithms & Pair) == Pair && Md5WithSha1.IsSupported)
        {
            units.Add(new Together());
            algorithms &= ~Pair;
        }

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

    private sealed class Checksum(ChecksumAlgorithms algorithm, RomChecksum checksum) : DigestUnit(algorithm)
    {
        public override void Append(ReadOnlySpan<byte> bytes) => checksum.Append(bytes);

        public override int LengthOf(ChecksumAlgorithms one) => checksum.LengthInBytes;

        public override void Write(ChecksumAlgorithms one, Span<byte> destination) => checksum.TryGetCurrentValue(destination, out _);

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
            : base(algorithm) => _hash = hash;

        public override void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

        public override int LengthOf(ChecksumAlgorithms one) => _hash.HashLengthInBytes;

        public override void Write(ChecksumAlgorithms one, Span<byte> destination) => _hash.GetCurrentHash(destination);

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

    private sealed class Together() : DigestUnit(ChecksumAlgorithms.Md5 | ChecksumAlgorithms.Sha1)
    {
        private readonly Md5WithSha1 _digests = new();

        public override void Append(ReadOnlySpan<byte> bytes) => _digests.Append(bytes);

        public override int LengthOf(ChecksumAlgorithms one) => one == ChecksumAlgorithms.Md5 ? Md5WithSha1.Md5Length : Md5WithSha1.Sha1Length;

        public override void Write(ChecksumAlgorithms one, Span<byte> destination)
        {
            if (one == ChecksumAlgorithms.Md5)
            {
                _digests.WriteMd5(destination);
            }
            else
            {
                _digests.WriteSha1(destination);
            }
        }

        public override void Reset() => _digests.Reset();
    }
}
