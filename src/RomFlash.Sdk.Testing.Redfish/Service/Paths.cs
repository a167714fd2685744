using System.Globalization;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>The addresses that are the same with every vendor.</summary>
internal static class Paths
{
    public const string Root = "/redfish/v1";
    public const string Systems = Root + "/Systems";
    public const string Managers = Root + "/Managers";
    public const string Chassis = Root + "/Chassis";
    public const string UpdateService = Root + "/UpdateService";
    public const string Inventory = UpdateService + "/FirmwareInventory";
    public const string StartUpdate = UpdateService + "/Actions/UpdateService.StartUpdate";
    public const string TaskService = Root + "/TaskService";
    public const string Tasks = TaskService + "/Tasks";
    public const string TaskMonitors = TaskService + "/TaskMonitors";
    public const string SessionService = Root + "/SessionService";
    public const string Sessions = SessionService + "/Sessions";
    public const string AccountService = Root + "/AccountService";
    public const string Accounts = AccountService + "/Accounts";
    public const string Roles = AccountService + "/Roles";
    public const string Registries = Root + "/Registries";

    /// <summary>A time as DSP0266, 9.10 has it.</summary>
    public static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
