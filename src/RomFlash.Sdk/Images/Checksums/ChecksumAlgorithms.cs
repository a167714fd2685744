namespace RomFlash.Sdk.Images.Checksums;

/// <summary>The checksums and digests that can be computed together.</summary>
[Flags]
public enum ChecksumAlgorithms
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><see cref="Checksums.Sum8"/>, 1 byte.</summary>
    Sum8 = 1 << 0,

    /// <summary><see cref="Checksums.Sum16"/>, 2 bytes.</summary>
    Sum16 = 1 << 1,

    /// <summary><see cref="Checksums.Crc32"/>, 4 bytes.</summary>
    Crc32 = 1 << 2,

    /// <summary><see cref="Checksums.Crc32C"/>, 4 bytes.</summary>
    Crc32C = 1 << 3,

    /// <summary><see cref="Checksums.Adler32"/>, 4 bytes.</summary>
    Adler32 = 1 << 4,

    /// <summary>MD5 (RFC 1321), 16 bytes. Only to match what vendors publish; it proves nothing.</summary>
    Md5 = 1 << 5,

    /// <summary>SHA-1 (FIPS 180-4), 20 bytes. Only to match what vendors publish; it proves nothing.</summary>
    Sha1 = 1 << 6,

    /// <summary>SHA-256 (FIPS 180-4), 32 bytes.</summary>
    Sha256 = 1 << 7,

    /// <summary>SHA-384 (FIPS 180-4), 48 bytes.</summary>
    Sha384 = 1 << 8,

    /// <summary>SHA-512 (FIPS 180-4), 64 bytes.</summary>
    Sha512 = 1 << 9,
}
