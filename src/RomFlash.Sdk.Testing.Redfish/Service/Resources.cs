using System.Globalization;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Probing;
using static RomFlash.Sdk.Testing.Redfish.Service.ServiceState;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>The resources that can be read (DSP0268). The versions of their types are real ones.</summary>
internal static class Resources
{
    /// <summary>Finds a resource; null when there is none at the path.</summary>
    public static JsonObject? Find(string path, ServiceState state, ClientSession[] sessions)
    {
        var resource = path == Paths.Root ? Root(state)
            : path.StartsWith(Paths.Systems, StringComparison.Ordinal) ? FindSystem(path, state)
            : path.StartsWith(Paths.Managers, StringComparison.Ordinal) ? FindManager(path, state)
            : path.StartsWith(Paths.Chassis, StringComparison.Ordinal) ? FindChassis(path, state)
            : path.StartsWith(Paths.UpdateService, StringComparison.Ordinal) ? FindUpdate(path, state)
            : path.StartsWith(Paths.TaskService, StringComparison.Ordinal) ? FindTask(path, state)
            : path.StartsWith(Paths.SessionService, StringComparison.Ordinal) ? FindSession(path, state, sessions)
            : path.StartsWith(Paths.AccountService, StringComparison.Ordinal) ? FindAccount(path, state)
            : path.StartsWith(Paths.Registries, StringComparison.Ordinal) ? FindRegistry(path)
            : null;
        resource ??= state.Vendor.Find(path, state);
        if (resource is not null)
        {
            state.Vendor.Shape(path, resource, state);
        }

        return resource;
    }

    private static JsonObject Root(ServiceState state) => new()
    {
        ["@odata.id"] = Paths.Root + "/",
        ["@odata.type"] = "#ServiceRoot.v1_17_0.ServiceRoot",
        ["Id"] = "RootService",
        ["Name"] = "Root Service",
        ["RedfishVersion"] = "1.20.0",
        ["UUID"] = Uuid(state),
        ["Vendor"] = state.Vendor.VendorName ?? state.Identity.Manufacturer ?? "Simulated",
        ["Product"] = state.Identity.Product,
        ["Systems"] = Link(Paths.Systems),
        ["Managers"] = Link(Paths.Managers),
        ["Chassis"] = Link(Paths.Chassis),
        ["UpdateService"] = Link(Paths.UpdateService),
        ["Tasks"] = Link(Paths.TaskService),
        ["SessionService"] = Link(Paths.SessionService),
        ["AccountService"] = Link(Paths.AccountService),
        ["Registries"] = Link(Paths.Registries),
        ["Links"] = new JsonObject { ["Sessions"] = Link(Paths.Sessions) },
    };

    private static JsonObject? FindSystem(string path, ServiceState state)
    {
        var system = state.SystemPath;
        if (path == Paths.Systems)
        {
            return Collection(path, "#ComputerSystemCollection.ComputerSystemCollection", "Computer System Collection", [system]);
        }

        if (path == system)
        {
            return System(state);
        }

        if (path == system + "/Bios")
        {
            return new()
            {
                ["@odata.id"] = path,
                ["@odata.type"] = "#Bios.v1_2_1.Bios",
                ["Id"] = "Bios",
                ["Name"] = "BIOS Configuration",
                ["Attributes"] = new JsonObject(),
            };
        }

        var storage = system + "/Storage";
        var arrays = state.Roms.Where(r => r.Kind == RomKind.ArrayController);
        if (path == storage)
        {
            return Collection(path, "#StorageCollection.StorageCollection", "Storage Collection", arrays.Select(r => $"{storage}/{r.Id}"));
        }

        foreach (var rom in arrays)
        {
            var own = $"{storage}/{rom.Id}";
            if (path == own)
            {
                return new()
                {
                    ["@odata.id"] = path,
                    ["@odata.type"] = "#Storage.v1_16_0.Storage",
                    ["Id"] = rom.Id,
                    ["Name"] = NameOf(rom, state),
                    ["Status"] = Status(state),
                    ["Controllers"] = Link(own + "/Controllers"),
                    ["Drives"] = new JsonArray(),
                    ["Drives@odata.count"] = 0,
                };
            }

            if (path == own + "/Controllers")
            {
                return Collection(path, "#StorageControllerCollection.StorageControllerCollection", "Storage Controller Collection", [own + "/Controllers/0"]);
            }

            if (path == own + "/Controllers/0")
            {
                return new()
                {
                    ["@odata.id"] = path,
                    ["@odata.type"] = "#StorageController.v1_8_0.StorageController",
                    ["Id"] = "0",
                    ["Name"] = NameOf(rom, state),
                    ["FirmwareVersion"] = VersionOf(rom),
                    ["SerialNumber"] = state.ItemOf(rom).SerialNumber,
                    ["Status"] = Status(state),
                    ["Links"] = new JsonObject { ["PCIeFunctions"] = state.PciOf(rom) is null ? new JsonArray() : Links([FunctionOf(rom, state)]) },
                };
            }
        }

        return null;
    }

    private static JsonObject System(ServiceState state)
    {
        var bios = state.Roms.FirstOrDefault(r => r.Kind == RomKind.SystemRom);
        var actions = new JsonObject();
        if (state.HasPower)
        {
            actions["#ComputerSystem.Reset"] = new JsonObject
            {
                ["target"] = state.SystemPath + "/Actions/ComputerSystem.Reset",
                ["ResetType@Redfish.AllowableValues"] = Strings("On", "GracefulRestart", "ForceRestart", "PowerCycle"),
            };
        }

        return new()
        {
            ["@odata.id"] = state.SystemPath,
            ["@odata.type"] = "#ComputerSystem.v1_22_0.ComputerSystem",
            ["Id"] = state.Vendor.SystemId,
            ["Name"] = "System",
            ["SystemType"] = "Physical",
            ["UUID"] = Uuid(state),
            ["SerialNumber"] = state.Identity.SerialNumber,
            ["Manufacturer"] = state.Identity.Manufacturer,
            ["Model"] = state.Identity.Product,
            ["SKU"] = state.Identity.Sku,
            ["BiosVersion"] = bios is null ? null : VersionOf(bios),
            ["PowerState"] = "On",
            ["Status"] = Status(state),
            ["LastResetTime"] = Paths.Time(state.LastReset),
            ["BootProgress"] = new JsonObject
            {
                ["LastState"] = state.IsAway ? "SystemHardwareInitializationComplete" : "OSRunning",
                ["LastStateTime"] = Paths.Time(state.LastReset),
            },
            ["Boot"] = new JsonObject
            {
                ["BootSourceOverrideEnabled"] = "Disabled",
                ["BootSourceOverrideTarget"] = "None",
                ["BootSourceOverrideMode"] = "UEFI",
            },
            ["Bios"] = Link(state.SystemPath + "/Bios"),
            ["Storage"] = Link(state.SystemPath + "/Storage"),
            ["PCIeDevices"] = Links(DevicesOf(state)),
            ["Links"] = new JsonObject
            {
                ["Chassis"] = Links([state.ChassisPath]),
                ["ManagedBy"] = Links([state.ManagerPath]),
            },
            ["Actions"] = actions,
        };
    }

    private static JsonObject? FindManager(string path, ServiceState state) => path == Paths.Managers
        ? Collection(path, "#ManagerCollection.ManagerCollection", "Manager Collection", [state.ManagerPath])
        : path != state.ManagerPath ? null
        : new()
        {
            ["@odata.id"] = path,
            ["@odata.type"] = "#Manager.v1_19_0.Manager",
            ["Id"] = state.Vendor.ManagerId,
            ["Name"] = "Manager",
            ["ManagerType"] = "BMC",
            ["UUID"] = Uuid(state),
            ["FirmwareVersion"] = state.Roms.FirstOrDefault(r => r.Kind == RomKind.Controller) is { } own ? VersionOf(own) : state.Options.ManagerVersion,
            ["PowerState"] = "On",
            ["Status"] = new JsonObject { ["State"] = "Enabled", ["Health"] = "OK" },
            ["DateTime"] = Paths.Time(state.Now),
            ["LastResetTime"] = Paths.Time(state.ManagerLastReset),
            ["Links"] = new JsonObject
            {
                ["ManagerForServers"] = Links([state.SystemPath]),
                ["ManagerForChassis"] = Links([state.ChassisPath]),
            },
            ["Actions"] = new JsonObject
            {
                ["#Manager.Reset"] = new JsonObject
                {
                    ["target"] = path + "/Actions/Manager.Reset",
                    ["ResetType@Redfish.AllowableValues"] = Strings("GracefulRestart", "ForceRestart"),
                },
            },
        };

    private static JsonObject? FindChassis(string path, ServiceState state)
    {
        var chassis = state.ChassisPath;
        if (path == Paths.Chassis)
        {
            return Collection(path, "#ChassisCollection.ChassisCollection", "Chassis Collection", [chassis]);
        }

        if (path == chassis)
        {
            return new()
            {
                ["@odata.id"] = path,
                ["@odata.type"] = "#Chassis.v1_25_0.Chassis",
                ["Id"] = state.Vendor.ChassisId,
                ["Name"] = "Chassis",
                ["ChassisType"] = "RackMount",
                ["Manufacturer"] = state.Identity.Manufacturer,
                ["Model"] = state.Identity.Product,
                ["SKU"] = state.Identity.Sku,
                ["SerialNumber"] = state.Identity.SerialNumber,
                ["PowerState"] = "On",
                ["Status"] = Status(state),
                ["PCIeDevices"] = Link(chassis + "/PCIeDevices"),
                ["Links"] = new JsonObject
                {
                    ["ComputerSystems"] = Links([state.SystemPath]),
                    ["ManagedBy"] = Links([state.ManagerPath]),
                },
            };
        }

        if (path == chassis + "/PCIeDevices")
        {
            return Collection(path, "#PCIeDeviceCollection.PCIeDeviceCollection", "PCIe Device Collection", DevicesOf(state));
        }

        foreach (var rom in state.Roms)
        {
            if (state.PciOf(rom) is { } pci && path.StartsWith(DeviceOf(rom, state), StringComparison.Ordinal))
            {
                return FindDevice(path, rom, pci, state);
            }
        }

        return null;
    }

    private static JsonObject? FindDevice(string path, InstalledRom rom, PciId pci, ServiceState state)
    {
        var device = DeviceOf(rom, state);
        var item = state.ItemOf(rom);
        if (path == device)
        {
            return new()
            {
                ["@odata.id"] = path,
                ["@odata.type"] = "#PCIeDevice.v1_14_0.PCIeDevice",
                ["Id"] = rom.Id,
                ["Name"] = NameOf(rom, state),
                ["DeviceType"] = "SingleFunction",
                ["Manufacturer"] = item.Manufacturer ?? state.Identity.Manufacturer,
                ["SerialNumber"] = item.SerialNumber ?? state.Identity.SerialNumber,
                ["FirmwareVersion"] = VersionOf(rom),
                ["Status"] = Status(state),
                ["PCIeFunctions"] = Link(device + "/PCIeFunctions"),
                ["Links"] = new JsonObject { ["Chassis"] = Links([state.ChassisPath]) },
            };
        }

        if (path == device + "/PCIeFunctions")
        {
            return Collection(path, "#PCIeFunctionCollection.PCIeFunctionCollection", "PCIe Function Collection", [FunctionOf(rom, state)]);
        }

        if (path != FunctionOf(rom, state))
        {
            return null;
        }

        var function = new JsonObject
        {
            ["@odata.id"] = path,
            ["@odata.type"] = "#PCIeFunction.v1_5_0.PCIeFunction",
            ["Id"] = "0",
            ["Name"] = "PCIe Function",
            ["FunctionId"] = 0,
            ["FunctionType"] = "Physical",
            ["DeviceClass"] = item.PciDeviceClass ?? (rom.Kind == RomKind.ArrayController ? "MassStorageController" : "Other"),
            ["VendorId"] = Hex(pci.Vendor),
            ["DeviceId"] = Hex(pci.Device),
            ["Links"] = new JsonObject { ["PCIeDevice"] = Link(device) },
        };
        if (pci.SubsystemVendor is { } subsystemVendor)
        {
            function["SubsystemVendorId"] = Hex(subsystemVendor);
        }

        if (pci.Subsystem is { } subsystem)
        {
            function["SubsystemId"] = Hex(subsystem);
        }

        return function;
    }

    private static JsonObject? FindUpdate(string path, ServiceState state)
    {
        if (path == Paths.UpdateService)
        {
            return UpdateService(state);
        }

        if (path == Paths.Inventory)
        {
            return Collection(path, "#SoftwareInventoryCollection.SoftwareInventoryCollection", "Firmware Inventory Collection", state.Roms.Select(InventoryOf));
        }

        foreach (var rom in state.Roms)
        {
            if (path == InventoryOf(rom))
            {
                return Inventory(rom, state);
            }
        }

        return null;
    }

    private static JsonObject UpdateService(ServiceState state)
    {
        var service = new JsonObject
        {
            ["@odata.id"] = Paths.UpdateService,
            ["@odata.type"] = "#UpdateService.v1_14_0.UpdateService",
            ["Id"] = "UpdateService",
            ["Name"] = "Update Service",
            ["ServiceEnabled"] = true,
            ["Status"] = new JsonObject { ["State"] = "Enabled", ["Health"] = "OK" },
            ["MaxImageSizeBytes"] = state.Options.MaxImageSizeBytes,
            ["FirmwareInventory"] = Link(Paths.Inventory),
        };
        var times = Strings([.. state.ApplyTimes.Select(t => t.ToString())]);
        if (state.PushKinds.HasFlag(RedfishPushKinds.Multipart))
        {
            service["MultipartHttpPushUri"] = state.Vendor.MultipartPushUri;
            service["MultipartHttpPushUri@Redfish.OperationApplyTimeSupport"] = new JsonObject
            {
                ["@odata.type"] = "#Settings.v1_4_0.OperationApplyTimeSupport",
                ["SupportedValues"] = times.DeepClone(),
            };
        }

        if (state.PushKinds.HasFlag(RedfishPushKinds.Http))
        {
            service["HttpPushUri"] = state.Vendor.HttpPushUri;
            service["HttpPushUriOptions"] = new JsonObject
            {
                ["HttpPushUriApplyTime"] = new JsonObject { ["ApplyTime"] = state.PushApplyTime.ToString() },
                ["HttpPushUriApplyTime@Redfish.OperationApplyTimeSupport"] = new JsonObject { ["SupportedValues"] = times.DeepClone() },
            };
            service["HttpPushUriTargets"] = Strings([.. state.PushTargets]);
        }

        // Clients expect the object even where it is empty.
        var actions = new JsonObject();
        if (state.ApplyTimes.Contains(RedfishApplyTime.OnStartUpdateRequest))
        {
            actions["#UpdateService.StartUpdate"] = new JsonObject { ["target"] = Paths.StartUpdate };
        }

        service["Actions"] = actions;
        return service;
    }

    private static JsonObject Inventory(InstalledRom rom, ServiceState state)
    {
        var item = state.ItemOf(rom);
        var inventory = new JsonObject
        {
            ["@odata.id"] = InventoryOf(rom),
            ["@odata.type"] = "#SoftwareInventory.v1_10_0.SoftwareInventory",
            ["Id"] = rom.Id,
            ["Name"] = NameOf(rom, state),
            ["Manufacturer"] = item.Manufacturer ?? state.Identity.Manufacturer,
            ["Version"] = VersionOf(rom),
            ["Updateable"] = item.Updateable,
            ["SoftwareId"] = item.SoftwareId ?? rom.FirmwareClass?.ToString(),
            ["Status"] = Status(state),
            ["RelatedItem"] = Links([RelatedTo(rom, state)]),
            ["RelatedItem@odata.count"] = 1,
        };
        if (item.LowestSupportedVersion is { } lowest)
        {
            inventory["LowestSupportedVersion"] = lowest;
        }
        else if (rom.LowestSupportedVersion.TryGet(out var told))
        {
            inventory["LowestSupportedVersion"] = told.Text;
        }

        if (item.ReleaseDate is { } date)
        {
            inventory["ReleaseDate"] = date;
        }

        if ((item.DeviceClass ?? rom.DeviceClass) is { } deviceClass)
        {
            inventory["Oem"] = new JsonObject
            {
                ["Hpe"] = new JsonObject
                {
                    ["@odata.type"] = "#HpeiLOSoftwareInventory.v1_0_0.HpeiLOSoftwareInventory",
                    ["DeviceClass"] = deviceClass.ToString(),
                    ["Targets"] = Strings([.. item.Targets.Select(t => t.ToString())]),
                },
            };
        }

        return inventory;
    }

    private static JsonObject? FindTask(string path, ServiceState state)
    {
        if (path == Paths.TaskService)
        {
            return new()
            {
                ["@odata.id"] = path,
                ["@odata.type"] = "#TaskService.v1_2_1.TaskService",
                ["Id"] = "TaskService",
                ["Name"] = "Task Service",
                ["ServiceEnabled"] = true,
                ["DateTime"] = Paths.Time(state.Now),
                ["CompletedTaskOverWritePolicy"] = "Oldest",
                ["Status"] = new JsonObject { ["State"] = "Enabled", ["Health"] = "OK" },
                ["Tasks"] = Link(Paths.Tasks),
            };
        }

        var visible = state.Vendor.HidesTasks ? [] : state.Tasks.Where(t => !t.IsPurged);
        return path == Paths.Tasks
            ? Collection(path, "#TaskCollection.TaskCollection", "Task Collection", visible.Select(t => $"{Paths.Tasks}/{t.Id}"))
            : visible.FirstOrDefault(t => path == $"{Paths.Tasks}/{t.Id}") is { } update ? Task(update, state) : null;
    }

    public static JsonObject Task(UpdateTask update, ServiceState state)
    {
        var messages = new JsonArray();
        foreach (var message in update.Messages)
        {
            messages.Add((JsonNode)Reply.Message(message.Id, message.Text, message.Severity, message.Arguments));
        }

        var headers = new JsonArray();
        foreach (var header in update.Payload.Headers)
        {
            headers.Add((JsonNode)header);
        }

        var task = new JsonObject
        {
            ["@odata.id"] = $"{Paths.Tasks}/{update.Id}",
            ["@odata.type"] = "#Task.v1_7_4.Task",
            ["Id"] = update.Id,
            ["Name"] = $"Update of {update.Component}",
            ["TaskState"] = update.TaskState,
            ["TaskStatus"] = update.TaskStatus,
            ["StartTime"] = Paths.Time(update.StartTime),
            ["PercentComplete"] = state.PercentOf(update),
            ["TaskMonitor"] = $"{Paths.TaskMonitors}/{update.Id}",
            ["HidePayload"] = false,
            ["Payload"] = new JsonObject
            {
                ["HttpOperation"] = update.Payload.Operation,
                ["TargetUri"] = update.Payload.TargetUri,
                ["HttpHeaders"] = headers,
                ["JsonBody"] = update.Payload.JsonBody,
            },
            ["Messages"] = messages,
        };
        if (update.EndTime is { } end)
        {
            task["EndTime"] = Paths.Time(end);
        }

        return task;
    }

    private static JsonObject? FindSession(string path, ServiceState state, ClientSession[] sessions) => path switch
    {
        Paths.SessionService => new()
        {
            ["@odata.id"] = path,
            ["@odata.type"] = "#SessionService.v1_1_9.SessionService",
            ["Id"] = "SessionService",
            ["Name"] = "Session Service",
            ["ServiceEnabled"] = true,
            ["SessionTimeout"] = (long)state.Options.SessionTimeout.TotalSeconds,
            ["Status"] = new JsonObject { ["State"] = "Enabled", ["Health"] = "OK" },
            ["Sessions"] = Link(Paths.Sessions),
        },
        Paths.Sessions => Collection(path, "#SessionCollection.SessionCollection", "Session Collection", sessions.Select(s => $"{Paths.Sessions}/{s.Id}")),
        _ => Array.Find(sessions, s => path == $"{Paths.Sessions}/{s.Id}") is { } session ? Session(session) : null,
    };

    public static JsonObject Session(ClientSession session) => new()
    {
        ["@odata.id"] = $"{Paths.Sessions}/{session.Id}",
        ["@odata.type"] = "#Session.v1_7_0.Session",
        ["Id"] = session.Id,
        ["Name"] = "User Session",
        ["UserName"] = session.Account.UserName,
        ["CreatedTime"] = Paths.Time(session.CreatedTime),
    };

    private static JsonObject? FindAccount(string path, ServiceState state)
    {
        if (path == Paths.AccountService)
        {
            return new()
            {
                ["@odata.id"] = path,
                ["@odata.type"] = "#AccountService.v1_15_0.AccountService",
                ["Id"] = "AccountService",
                ["Name"] = "Account Service",
                ["ServiceEnabled"] = true,
                ["Status"] = new JsonObject { ["State"] = "Enabled", ["Health"] = "OK" },
                ["Accounts"] = Link(Paths.Accounts),
                ["Roles"] = Link(Paths.Roles),
            };
        }

        if (path == Paths.Accounts)
        {
            return Collection(path, "#ManagerAccountCollection.ManagerAccountCollection", "Accounts Collection", state.Options.Accounts.Select(a => $"{Paths.Accounts}/{a.UserName}"));
        }

        if (path == Paths.Roles)
        {
            return Collection(path, "#RoleCollection.RoleCollection", "Roles Collection", [Paths.Roles + "/Administrator", Paths.Roles + "/ReadOnly"]);
        }

        if (path is Paths.Roles + "/Administrator" or Paths.Roles + "/ReadOnly")
        {
            var id = path[(Paths.Roles.Length + 1)..];
            return new()
            {
                ["@odata.id"] = path,
                ["@odata.type"] = "#Role.v1_3_1.Role",
                ["Id"] = id,
                ["Name"] = "User Role",
                ["RoleId"] = id,
                ["IsPredefined"] = true,
                ["AssignedPrivileges"] = id == "Administrator"
                    ? Strings("Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents")
                    : Strings("Login", "ConfigureSelf"),
            };
        }

        var account = state.Options.Accounts.FirstOrDefault(a => path == $"{Paths.Accounts}/{a.UserName}");
        var role = account is { IsAdministrator: true } ? "Administrator" : "ReadOnly";
        return account is null ? null : new()
        {
            ["@odata.id"] = path,
            ["@odata.type"] = "#ManagerAccount.v1_12_0.ManagerAccount",
            ["Id"] = account.UserName,
            ["Name"] = "User Account",
            ["UserName"] = account.UserName,
            ["Password"] = null,
            ["RoleId"] = role,
            ["Enabled"] = true,
            ["Locked"] = false,
            ["AccountTypes"] = Strings("Redfish"),
            ["Links"] = new JsonObject { ["Role"] = Link($"{Paths.Roles}/{role}") },
        };
    }

    private static JsonObject? FindRegistry(string path) => path switch
    {
        Paths.Registries => Collection(path, "#MessageRegistryFileCollection.MessageRegistryFileCollection", "Registry File Collection", []),
        _ => null,
    };

    public static string InventoryOf(InstalledRom rom) => $"{Paths.Inventory}/{rom.Id}";

    /// <summary>The resource that a ROM belongs to: its PCI device, the manager, or the system.</summary>
    private static string RelatedTo(InstalledRom rom, ServiceState state) =>
        state.PciOf(rom) is not null ? DeviceOf(rom, state)
        : rom.Kind == RomKind.Controller ? state.ManagerPath
        : rom.Kind == RomKind.ArrayController ? $"{state.SystemPath}/Storage/{rom.Id}/Controllers/0"
        : state.SystemPath;

    private static IEnumerable<string> DevicesOf(ServiceState state) => state.Roms.Where(r => state.PciOf(r) is not null).Select(r => DeviceOf(r, state));

    private static string DeviceOf(InstalledRom rom, ServiceState state) => $"{state.ChassisPath}/PCIeDevices/{rom.Id}";

    private static string FunctionOf(InstalledRom rom, ServiceState state) => DeviceOf(rom, state) + "/PCIeFunctions/0";

    private static string? VersionOf(InstalledRom rom) => rom.Versions.IsDefaultOrEmpty ? null : rom.DisplayVersion;

    private static string NameOf(InstalledRom rom, ServiceState state) => state.ItemOf(rom).Name ?? (rom.Name.Length > 0 ? rom.Name : rom.Id);

    private static string? Uuid(ServiceState state) => state.Identity.SmbiosUuid?.ToString();

    private static string Hex(ushort value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x4}");

    private static JsonObject Status(ServiceState state) => new()
    {
        ["State"] = state.IsAway ? "Starting" : "Enabled",
        ["Health"] = state.IsHealthy ? "OK" : "Critical",
    };

    private static JsonArray Strings(params ReadOnlySpan<string> values)
    {
        var array = new JsonArray();
        foreach (var value in values)
        {
            array.Add((JsonNode)value);
        }

        return array;
    }
}
