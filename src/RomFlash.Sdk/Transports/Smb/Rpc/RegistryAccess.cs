namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>What a key is opened for (MS-RRP, 2.2.4). Nothing here writes.</summary>
[Flags]
internal enum RegistryAccess : uint
{
    None = 0,

    /// <summary>KEY_QUERY_VALUE: values by name or one after the other, and what the key is like.</summary>
    QueryValues = 0x0000_0001,

    /// <summary>KEY_ENUMERATE_SUB_KEYS.</summary>
    EnumerateKeys = 0x0000_0008,

    /// <summary>KEY_READ: both, notifications, and the key's protection.</summary>
    Read = 0x0002_0019,
}
