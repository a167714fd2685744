using System.Collections.Immutable;
using System.Text;

namespace RomFlash.Sdk.Outcomes;

/// <summary>
/// What ended an operation. A closed hierarchy: a group for each part of an upgrade, and below it a leaf for each failure mode.
/// No other assembly can derive from it.
/// </summary>
/// <remarks>Immutable and thread-safe. Holds no secret. Texts that came from a peer are in <see cref="Detail"/> and in members that say so.</remarks>
public abstract record FlashFailure
{
    private protected FlashFailure(FailureDescriptor descriptor)
    {
        Descriptor = descriptor;
        TargetState = descriptor.DefaultTargetState;
    }

    /// <summary>What is the same for every failure with this code.</summary>
    public FailureDescriptor Descriptor { get; }

    /// <summary>The stable code, such as <c>RF3001</c>; also the metric tag and the name of the page in <c>docs/failures</c>.</summary>
    public string Code => Descriptor.Code;

    /// <summary>Why this happens.</summary>
    public string Cause => Descriptor.Cause;

    /// <summary>What to do about it.</summary>
    public string Remedy => Descriptor.Remedy;

    /// <summary>Whether to try again.</summary>
    public RetryClass Retry => Descriptor.Retry;

    /// <summary>The step that failed.</summary>
    public FlashStage Stage { get; init; }

    /// <summary>The id of the target, or empty when the failure is not about one.</summary>
    public string TargetId { get; init; } = string.Empty;

    /// <summary>The address that was used, without credentials, or empty.</summary>
    public string TargetAddress { get; init; } = string.Empty;

    /// <summary>In what state the target was left: "is the machine safe?".</summary>
    public TargetState TargetState { get; init; }

    /// <summary>The peer's own code, where there was one.</summary>
    public PeerCode? PeerCode { get; init; }

    /// <summary>What happened this time. May hold text from a peer: escape it for where it is shown (<see cref="UntrustedText"/>).</summary>
    public string Detail { get; init; } = string.Empty;

    /// <summary>What was left on the target and could not be removed; inert, and removed by the next run. Untrusted text.</summary>
    public ImmutableArray<string> Leftovers { get; init; } = [];

    /// <summary>The title and the detail in one line, escaped for a terminal or a log.</summary>
    public string Message => Detail.Length == 0 ? Descriptor.Title : $"{Descriptor.Title}: {UntrustedText.ForTerminal(Detail)}";

    /// <summary>Calls the function of this failure's group; <see cref="FlashFailureCases{T}.Other"/> where the caller was compiled before the group existed.</summary>
    /// <typeparam name="T">What the functions give.</typeparam>
    /// <param name="cases">One function for each group.</param>
    /// <returns>What the called function gave.</returns>
    public T Match<T>(FlashFailureCases<T> cases)
    {
        ArgumentNullException.ThrowIfNull(cases);
        return Dispatch(cases);
    }

    /// <summary>One line for a log: code, message, state. Control characters are escaped.</summary>
    /// <returns>The line.</returns>
    public sealed override string ToString()
    {
        var builder = new StringBuilder(160).Append(Code).Append(' ').Append(Message).Append(" [stage ").Append(Stage).Append(", target ");
        builder.Append(TargetId.Length == 0 ? "-" : UntrustedText.ForLog(TargetId)).Append(" is ").Append(TargetState);
        if (PeerCode is { } code)
        {
            builder.Append(", peer code ").Append(code);
        }

        return builder.Append(']').ToString();
    }

    /// <summary>Also closes the hierarchy: an internal abstract member can't be implemented elsewhere.</summary>
    internal abstract T Dispatch<T>(FlashFailureCases<T> cases);
}
