using Microsoft.Extensions.Logging;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Diagnostics;

/// <summary>Every log event, with a stable id: 1xxx the run, 2xxx connections, 3xxx stages, 4xxx the journal. Texts from outside are escaped by the callers.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Upgrade {OperationId} of {Target} begins with {Images} image(s)")]
    public static partial void UpgradeBegins(ILogger logger, string operationId, string target, int images);

    [LoggerMessage(1001, LogLevel.Information, "Upgrade {OperationId} of {Target} ended: {Outcome}")]
    public static partial void UpgradeEnded(ILogger logger, string operationId, string target, FlashOutcomeKind outcome);

    [LoggerMessage(1002, LogLevel.Warning, "Upgrade {OperationId} of {Target} failed with {Code}: {Failure}")]
    public static partial void UpgradeFailed(ILogger logger, string operationId, string target, string code, FlashFailure failure);

    [LoggerMessage(1003, LogLevel.Warning, "{Target} is blocked by {Blocker}: {Failure}")]
    public static partial void Blocked(ILogger logger, string target, string blocker, FlashFailure failure);

    [LoggerMessage(1004, LogLevel.Warning, "{Target}: blocker {Blocker} is waived by {Who}: {Why}")]
    public static partial void Waived(ILogger logger, string target, string blocker, string who, string why);

    [LoggerMessage(1005, LogLevel.Information, "{Target}: an interrupted operation {OperationId} is reconciled; its last record is {Record}")]
    public static partial void Reconciling(ILogger logger, string target, string operationId, string record);

    [LoggerMessage(1006, LogLevel.Warning, "{Target}: could not be cleaned up, left inert for the next run: {Leftovers}")]
    public static partial void LeftBehind(ILogger logger, string target, string leftovers);

    [LoggerMessage(2000, LogLevel.Warning, "{Target}: connecting over {Scheme} failed: {Fault}")]
    public static partial void ConnectFailed(ILogger logger, string target, string scheme, TransportFault fault);

    [LoggerMessage(2001, LogLevel.Debug, "{Target}: reading facts is tried again ({Attempt}) after {Failure}")]
    public static partial void ReadAgain(ILogger logger, string target, int attempt, FlashFailure failure);

    [LoggerMessage(3000, LogLevel.Debug, "{Target}: {Stage} begins")]
    public static partial void StageBegins(ILogger logger, string target, FlashStage stage);

    [LoggerMessage(3001, LogLevel.Error, "{Target}: {PlugIn} broke its contract in {Stage}: {What}")]
    public static partial void PlugInBroke(ILogger logger, string target, string plugIn, FlashStage stage, string what);

    [LoggerMessage(3002, LogLevel.Warning, "{Target}: the claim of {Owner} (generation {Generation}) is taken over")]
    public static partial void TakingOver(ILogger logger, string target, string owner, long generation);

    [LoggerMessage(4000, LogLevel.Error, "{Target}: the journal could not be written: {Failure}")]
    public static partial void JournalFailed(ILogger logger, string target, FlashFailure failure);
}
