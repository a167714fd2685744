using RomFlash.Sdk.Outcomes;

namespace RomFlash.Repository.Tests.Snippets;

internal static class FailureGroups
{
    // snippet: groups
    public static string Queue(FlashFailure failure) => failure.Match(new FlashFailureCases<string>
    {
        Request = _ => "me",
        Connection = _ => "network",
        Access = f => f is RemoteRegistryStopped ? "server team" : "accounts",
        Compatibility = _ => "catalog",
        Image = _ => "catalog",
        Staging = _ => "server team",
        Arming = _ => "server team",
        Flashing = _ => "on call",
        Operation = _ => "me",
        Other = _ => "on call",
    });
    // end snippet
}
