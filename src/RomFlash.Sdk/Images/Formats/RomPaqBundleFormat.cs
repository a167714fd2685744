using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Images.Formats;

/// <summary>
/// A bundle of system configuration and ROMPaq files: a folder with a manifest that names each file with its length and SHA-256. No layout of ROMPaq media is public, so
/// the manifest is this library's own (docs/images.md); the image that is read is the manifest, and the files lie beside it.
/// </summary>
/// <remarks>Thread-safe and without state. What a target takes are the files of the role <c>rom</c>; the others have to be there, and whole.</remarks>
public sealed class RomPaqBundleFormat : IRomImageFormat
{
    /// <summary>The manifest's file name in a bundle's folder.</summary>
    public const string ManifestName = "bundle.romflash";

    /// <summary>The largest manifest in bytes: 64 KiB.</summary>
    public const int MaxManifestLength = 64 << 10;

    private const int MaxNameLength = 128;

    /// <inheritdoc/>
    public string Name => "rompaq-bundle";

    private static ReadOnlySpan<byte> FirstLine => "romflash-bundle 1\n"u8;

    /// <inheritdoc/>
    public RomRecognition Recognize(IRomImageContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Span<byte> head = stackalloc byte[FirstLine.Length];
        return content.TryRead(0, head) && head.SequenceEqual(FirstLine) ? RomRecognition.Signature : RomRecognition.None;
    }

    /// <inheritdoc/>
    public void Read(RomImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        if (reading.Nesting > 0)
        {
            // Nothing lies beside what is in another image.
            reading.Part.Note("a bundle's manifest; its files are not looked for");
            return;
        }

        if (reading.Content.Length > MaxManifestLength)
        {
            reading.GiveUp(0, $"the manifest has {reading.Content.Length} bytes, at most {MaxManifestLength} are read");
            return;
        }

        var bytes = new byte[(int)reading.Content.Length];
        if (!reading.Content.TryRead(0, bytes))
        {
            return;
        }

        if (!Utf8.IsValid(bytes))
        {
            reading.Malformed(0, $"the manifest is not UTF-8");
            return;
        }

        if (bytes[^1] != '\n')
        {
            reading.Truncated($"the manifest's last line does not end");
            return;
        }

        var manifest = new Manifest(reading);
        for (int at = FirstLine.Length, next; at < bytes.Length; at = next)
        {
            next = at + Array.IndexOf(bytes, (byte)'\n', at) - at + 1;
            if (!manifest.ReadLine(at, Encoding.UTF8.GetString(bytes, at, next - 1 - at)))
            {
                return;
            }
        }

        manifest.Conclude();
    }

    private sealed class Manifest(RomImageReading reading)
    {
        private readonly List<(string Role, FilePayload Payload, ContentDigest Sha256, RomPartBuilder Part)> _files = [];
        private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
        private readonly ImmutableArray<Guid>.Builder _firmwareClasses = ImmutableArray.CreateBuilder<Guid>();
        private readonly ImmutableArray<Guid>.Builder _deviceClasses = ImmutableArray.CreateBuilder<Guid>();
        private readonly ImmutableArray<PciId>.Builder _pciIds = ImmutableArray.CreateBuilder<PciId>();
        private readonly ImmutableArray<string>.Builder _models = ImmutableArray.CreateBuilder<string>();
        private RomKind? _kind;
        private RomVersion? _version;

        // A word, and what belongs to it.
        public bool ReadLine(int at, string line)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var (word, rest) = space < 0 ? (line, string.Empty) : (line[..space], line[(space + 1)..]);
            var isRight = word switch
            {
                "rom" or "system-configuration" or "other" => ReadFile(at, line.Length, word, rest),
                "kind" => _kind is null && (_kind = rest switch { "system-rom" => RomKind.SystemRom, "array-controller" => RomKind.ArrayController, "controller" => RomKind.Controller, "other" => RomKind.Other, _ => null }) is not null,
                "model" => rest.Length is > 0 and <= MaxNameLength && !rest.Any(char.IsControl) && Add(_models, rest),
                "version" => _version is null && RomVersion.TryParse(rest, out _version),
                "firmware-class" => Guid.TryParseExact(rest, "D", out var firmwareClass) && Add(_firmwareClasses, firmwareClass),
                "device-class" => Guid.TryParseExact(rest, "D", out var deviceClass) && Add(_deviceClasses, deviceClass),
                "pci" => TryPci(rest, out var pci) && Add(_pciIds, pci),
                _ => false,
            };
            if (!isRight)
            {
                reading.Malformed(at, $"the manifest's line '{line}' is none that it may have, or says something twice");
            }

            return isRight;
        }

        public void Conclude()
        {
            reading.Identity = new()
            {
                Kind = _kind,
                FirmwareClasses = _firmwareClasses.ToImmutable(),
                DeviceClasses = _deviceClasses.ToImmutable(),
                PciIds = _pciIds.ToImmutable(),
                Models = _models.ToImmutable(),
                Version = _version,
            };
            if (!_files.Exists(f => f.Role == "rom"))
            {
                reading.Malformed(0, $"the bundle has no ROM");
                return;
            }

            foreach (var (role, payload, sha256, part) in _files)
            {
                if (role == "rom")
                {
                    reading.AddPayload(part, payload, reading.Identity, sha256);
                }
                else
                {
                    reading.AddCompanion(part, payload, sha256);
                }
            }
        }

        private static bool Add<T>(ImmutableArray<T>.Builder values, T value)
        {
            values.Add(value);
            return true;
        }

        private static bool TryPci(string text, out PciId pci)
        {
            pci = default;
            var parts = text.Split(':');
            Span<ushort> ids = stackalloc ushort[4];
            if (parts.Length is not (2 or 4))
            {
                return false;
            }

            for (var i = 0; i < parts.Length; i++)
            {
                if (parts[i].Length != 4 || !ushort.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ids[i]))
                {
                    return false;
                }
            }

            pci = parts.Length == 2 ? new(ids[0], ids[1]) : new(ids[0], ids[1], ids[2], ids[3]);
            return true;
        }

        // SHA-256, length, and the rest of the line is a plain name.
        private bool ReadFile(int at, int length, string role, string rest)
        {
            var parts = rest.Split(' ', 3);
            if (parts.Length != 3
                || !ContentDigest.TryParse(parts[0], out var sha256)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                || size < 1
                || parts[2].Length is 0 or > MaxNameLength
                || parts[2][^1] is '.' or ' '
                || parts[2].AsSpan().ContainsAny("/\\:")
                || parts[2].Any(char.IsControl)
                || parts[2].Equals(ManifestName, StringComparison.OrdinalIgnoreCase)
                || !_names.Add(parts[2]))
            {
                return false;
            }

            var part = reading.Add("bundle-file", at, length);
            part.Name = parts[2];
            part.Note(role);
            _files.Add((role, new FilePayload(parts[2], size), sha256, part));
            return true;
        }
    }

    /// <summary>A file beside the manifest.</summary>
    private sealed class FilePayload(string name, long length) : RomPayload(name, length)
    {
        public override async ValueTask<FlashResult<Stream>> OpenAsync(Stream package, IRomImageSource source, CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(package);
            await package.DisposeAsync().ConfigureAwait(false);
            return source is IRomImageNeighbours neighbours && await neighbours.TryOpenNeighbourAsync(Name, cancellationToken).ConfigureAwait(false) is { } opened
                ? opened
                : new ImageUnreadable { Stage = FlashStage.Validate, Detail = $"{Name}: the bundle's file is not beside its manifest" };
        }
    }
}
