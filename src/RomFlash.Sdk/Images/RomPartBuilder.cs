using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace RomFlash.Sdk.Images;

/// <summary>A part of the report while an image is being read. Made by <see cref="RomImageReading.Add(string, long, long, RomPartBuilder)"/>.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class RomPartBuilder
{
    private readonly long _offset;
    private readonly bool _isInFile;
    private List<string>? _notes;
    private List<RomImageCheck>? _checks;
    private List<RomPartBuilder>? _parts;

    internal RomPartBuilder(string kind, long offset, long length, bool isInFile)
    {
        Kind = kind;
        _offset = offset;
        Length = length;
        _isInFile = isInFile;
    }

    /// <summary>What it is; see <see cref="RomImagePart.Kind"/>.</summary>
    public string Kind { get; set; }

    /// <summary>Its name, or empty.</summary>
    public string Name { get; set; } = string.Empty;

    /// <summary>Its length in bytes.</summary>
    public long Length { get; set; }

    /// <summary>The GUID that names it, or null.</summary>
    public Guid? Id { get; set; }

    /// <summary>The PCI device that it is for, or null.</summary>
    public PciId? Pci { get; set; }

    /// <summary>Its version as it says it, or empty.</summary>
    public string Version { get; set; } = string.Empty;

    /// <summary>How long its content is when it is decoded, in bytes, or null.</summary>
    public long? DecodedLength { get; set; }

    /// <summary>Says something else of it; the first 64 are kept.</summary>
    /// <param name="what">A statement. Untrusted text.</param>
    public void Note(string what)
    {
        const int Most = 64;
        if ((_notes ??= []).Count < Most)
        {
            _notes.Add(what);
        }
    }

    internal void Add(RomImageCheck check) => (_checks ??= []).Add(check);

    internal void Add(RomPartBuilder part) => (_parts ??= []).Add(part);

    // Nesting is bounded by the reading, so this ends.
    internal RomImagePart Build()
    {
        var parts = _parts is null ? [] : new RomImagePart[_parts.Count];
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = _parts![i].Build();
        }

        return new()
        {
            Kind = Kind,
            Name = Name,
            Offset = _offset,
            Length = Length,
            IsInFile = _isInFile,
            DecodedLength = DecodedLength,
            Id = Id,
            Pci = Pci,
            Version = Version,
            Notes = _notes is null ? [] : [.. _notes],
            Checks = _checks is null ? [] : [.. _checks],
            Parts = ImmutableCollectionsMarshal.AsImmutableArray(parts),
        };
    }
}
