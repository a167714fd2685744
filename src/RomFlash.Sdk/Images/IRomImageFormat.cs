using System.Collections.Immutable;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images;

/// <summary>Knows one image format: recognises it by content and checks its structure. One file for each format.</summary>
/// <remarks>Thread-safe and without state. Content is hostile: bad content gives a failure, never an exception, in bounded time and memory.</remarks>
public interface IRomImageFormat
{
    /// <summary>A short lower-case name, such as <c>uefi-capsule</c>.</summary>
    string Name { get; }

    /// <summary>Whether the content has this format, judged by its beginning. Says nothing about whether it is whole.</summary>
    /// <param name="head">The first bytes: 4096, or all of a shorter file.</param>
    /// <param name="length">The file's length in bytes.</param>
    /// <returns>True when this format should read it.</returns>
    bool Recognizes(ReadOnlySpan<byte> head, long length);

    /// <summary>Checks the structure.</summary>
    /// <param name="content">The bytes.</param>
    /// <returns>What the image says of itself; <see cref="ImageMalformed"/>, <see cref="ImageTruncated"/> or <see cref="ImageChecksumWrong"/> with the offset otherwise.</returns>
    FlashResult<RomFormatEvidence> Read(IRomImageContent content);
}

/// <summary>The bytes of an image, by offset. What is read here is compared with what is digested afterwards.</summary>
public interface IRomImageContent
{
    /// <summary>A name for messages.</summary>
    string Name { get; }

    /// <summary>The length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads bytes at an offset; all that were asked for, or none.</summary>
    /// <param name="offset">The offset in bytes.</param>
    /// <param name="destination">Filled when this returns true.</param>
    /// <returns>False when the range does not lie in the content.</returns>
    bool TryRead(long offset, Span<byte> destination);
}

/// <summary>What a format found.</summary>
public sealed record RomFormatEvidence
{
    /// <summary>What the image says that it is for.</summary>
    public RomIdentity Identity { get; init; } = RomIdentity.None;

    /// <summary>What a person should know although the image is valid. Untrusted text.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];
}
