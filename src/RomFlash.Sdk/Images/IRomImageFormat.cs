namespace RomFlash.Sdk.Images;

/// <summary>Knows one image format: recognises it by content and checks its structure. One file for each format.</summary>
/// <remarks>Thread-safe and without state. Content is hostile: bad content is reported, never thrown, in bounded time and memory.</remarks>
public interface IRomImageFormat
{
    /// <summary>A short lower-case name, such as <c>uefi-capsule</c>.</summary>
    string Name { get; }

    /// <summary>How sure it is that the content has this format. Says nothing about whether it is whole.</summary>
    /// <param name="content">The bytes.</param>
    /// <returns>The surest format reads it; two that are equally sure make it ambiguous.</returns>
    RomRecognition Recognize(IRomImageContent content);

    /// <summary>Checks the structure, and tells the reading what the content is made of and what is wrong with it.</summary>
    /// <param name="reading">The content, and who is told.</param>
    void Read(RomImageReading reading);
}

/// <summary>How sure a format is that a content is its own.</summary>
public enum RomRecognition
{
    /// <summary>It is not.</summary>
    None = 0,

    /// <summary>Bytes are there that files of this format customarily have, such as a jump at the end. Good for a whole file alone, never for a part of another image.</summary>
    Convention,

    /// <summary>A structure that vouches for itself (a signature with a checksum that holds) is somewhere in it.</summary>
    Structure,

    /// <summary>It has the format's signature at its fixed place.</summary>
    Signature,

    /// <summary>It is an envelope of this format around something that may have a signature of its own, and is read by its own format.</summary>
    Envelope,
}
