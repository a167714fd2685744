using System.Collections.Immutable;
using RomFlash.Sdk.Images.Formats;

namespace RomFlash.Sdk.Images;

/// <summary>The formats that come with the library.</summary>
public static class RomImageFormats
{
    /// <summary>All of them; the order does not matter.</summary>
    public static ImmutableArray<IRomImageFormat> All =>
    [
        new CabFormat(),
        new FirmwareVolumeFormat(),
        new FwpkgFormat(),
        new HpImageFormat(),
        new HpSignedFileFormat(),
        new IntelFlashDescriptorFormat(),
        new LegacySystemRomFormat(),
        new OptionRomFormat(),
        new RomPaqBundleFormat(),
        new UefiCapsuleFormat(),
    ];
}
