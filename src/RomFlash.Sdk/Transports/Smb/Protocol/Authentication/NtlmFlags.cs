namespace RomFlash.Sdk.Transports.Smb.Protocol.Authentication;

/// <summary>What both sides of NTLM can do (MS-NLMP, 2.2.2.5); those that are asked for, or looked at.</summary>
[Flags]
internal enum NtlmFlags : uint
{
    None = 0,
    Unicode = 0x0000_0001,
    RequestTarget = 0x0000_0004,
    Sign = 0x0000_0010,
    Ntlm = 0x0000_0200,
    AlwaysSign = 0x0000_8000,
    TargetTypeServer = 0x0002_0000,
    ExtendedSessionSecurity = 0x0008_0000,
    TargetInfo = 0x0080_0000,
    Version = 0x0200_0000,
    Key128 = 0x2000_0000,
    KeyExchange = 0x4000_0000,

    /// <summary>What the client asks for. No LM key, no OEM names, no 56 bits: they are for peers that are not spoken to.</summary>
    Asked = Unicode | RequestTarget | Sign | Ntlm | AlwaysSign | ExtendedSessionSecurity | TargetInfo | Version | Key128 | KeyExchange,

    /// <summary>Without these there is no NTLMv2, no key of 128 bits that the peer did not choose alone, or no checksum.</summary>
    Required = Unicode | Sign | ExtendedSessionSecurity | TargetInfo | Key128 | KeyExchange,
}

/// <summary>What a pair of a target's description is (MS-NLMP, 2.2.2.1).</summary>
internal enum NtlmPair : ushort
{
    End = 0,
    ComputerName = 1,
    DomainName = 2,
    DnsComputerName = 3,
    Flags = 6,
    Timestamp = 7,
    SingleHost = 8,
    TargetName = 9,
    ChannelBindings = 10,
}
