using System.Collections.Immutable;

namespace RomFlash.Sdk.Outcomes;

/// <summary>The image is not what it should be.</summary>
public abstract record ImageFailure : FlashFailure
{
    private protected ImageFailure(FailureDescriptor descriptor)
        : base(descriptor)
    {
    }

    internal static ImmutableArray<FailureDescriptor> Descriptors =>
    [
        ImageUnreadable.Info,
        ImageEmpty.Info,
        ImageTooLarge.Info,
        ImageFormatUnknown.Info,
        ImageMalformed.Info,
        ImageTruncated.Info,
        ImageChecksumWrong.Info,
        ImageChangedOnClient.Info,
        ImageAmbiguous.Info,
        ImageUnsigned.Info,
        ImageSignerUntrusted.Info,
        ImageSignatureInvalid.Info,
        PackageAmbiguous.Info,
    ];

    /// <summary>Closes the group.</summary>
    internal abstract void Seal();

    internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Image is { } handle ? handle(this) : cases.Other(this);
}

/// <summary>RF5001: The file can't be opened or read.</summary>
public sealed record ImageUnreadable : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5001",
        "The image can't be read",
        "The file is missing, is not a file, or can't be opened.",
        "Correct the path or the permissions.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageUnreadable()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5002: The file has no bytes.</summary>
public sealed record ImageEmpty : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5002",
        "The image is empty",
        "The file has no bytes.",
        "Get the image again.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageEmpty()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5003: The file exceeds a limit.</summary>
public sealed record ImageTooLarge : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5003",
        "The image is too large",
        "The file is larger than the limit of the validator.",
        "Check that the file is a ROM image; raise the limit if it is.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageTooLarge()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5004: No format recognises the file.</summary>
public sealed record ImageFormatUnknown : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5004",
        "The image's format is not known",
        "No registered format recognises the content.",
        "Check that the file is a ROM image; register the format that reads it.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageFormatUnknown()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5005: The structure is wrong.</summary>
public sealed record ImageMalformed : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5005",
        "The image is malformed",
        "The structure of the image contradicts its format.",
        "Get the image again from its maker.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageMalformed()
        : base(Info)
    {
    }

    /// <summary>Where in the file, in bytes, or null.</summary>
    public long? ByteOffset { get; init; }

    internal override void Seal()
    {
    }
}

/// <summary>RF5006: The file ends too early.</summary>
public sealed record ImageTruncated : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5006",
        "The image is truncated",
        "The file ends before its format says that it should.",
        "Get the image again from its maker.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageTruncated()
        : base(Info)
    {
    }

    /// <summary>Where the data ends, in bytes.</summary>
    public long? ByteOffset { get; init; }

    internal override void Seal()
    {
    }
}

/// <summary>RF5007: A checksum does not hold.</summary>
public sealed record ImageChecksumWrong : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5007",
        "A checksum in the image is wrong",
        "The bytes do not match a checksum or a digest: the image is corrupted.",
        "Get the image again from its maker.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageChecksumWrong()
        : base(Info)
    {
    }

    /// <summary>Where the checked range begins, in bytes.</summary>
    public long? ByteOffset { get; init; }

    internal override void Seal()
    {
    }
}

/// <summary>RF5008: The bytes to send are not the validated ones.</summary>
public sealed record ImageChangedOnClient : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5008",
        "The image changed after it was validated",
        "What was read for sending is not what was validated: the file was replaced or is being written.",
        "Leave the file alone during the upgrade, and start again.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageChangedOnClient()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5009: Several formats recognise the file.</summary>
public sealed record ImageAmbiguous : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5009",
        "The image fits several formats",
        "More than one format recognises the content, and they disagree on what it is.",
        "Name the format explicitly.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageAmbiguous()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5010: The image has no signature.</summary>
public sealed record ImageUnsigned : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5010",
        "The image is not signed",
        "Nobody vouches for the image but the catalog that lists it.",
        "Get a signed image, or put a detached signature beside it; or waive the blocker image-unsigned by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageUnsigned()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5011: The image is signed by somebody whom the caller did not name.</summary>
public sealed record ImageSignerUntrusted : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5011",
        "The image's signer is not trusted",
        "The signature is right, but its signer is none of those whom the caller trusts.",
        "Name the signer's certificate as trusted after checking its fingerprint with the image's maker; or waive the blocker image-signer-untrusted by name.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageSignerUntrusted()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5012: A signature of the image is wrong.</summary>
public sealed record ImageSignatureInvalid : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5012",
        "The image's signature is invalid",
        "The image was changed after it was signed, the signature belongs to something else, or it uses an algorithm that proves nothing.",
        "Get the image again from its maker. No policy accepts it as it is.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public ImageSignatureInvalid()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}

/// <summary>RF5013: The package holds several payloads.</summary>
public sealed record PackageAmbiguous : ImageFailure
{
    internal static readonly FailureDescriptor Info = new(
        "RF5013",
        "The package holds several payloads",
        "One image was asked for, and the package holds more than one.",
        "Use all of them, or extract the one that is meant.",
        RetryClass.AfterCorrection,
        TargetState.Untouched);

    /// <summary>Creates the failure; say what happened with an initializer.</summary>
    public PackageAmbiguous()
        : base(Info)
    {
    }

    internal override void Seal()
    {
    }
}
