namespace RomFlash.Sdk.Transports.Smb.Protocol.Security;

/// <summary>The dialects that are spoken (MS-SMB2, 2.2.3). What is older has no signatures worth the name.</summary>
internal enum SmbDialect : ushort
{
    Smb210 = 0x0210,
    Smb300 = 0x0300,
    Smb302 = 0x0302,
    Smb311 = 0x0311,
}

/// <summary>The ciphers (MS-SMB2, 2.2.3.1.2). 3.0 and 3.0.2 know the first alone.</summary>
internal enum SmbCipher : ushort
{
    None = 0,
    Aes128Ccm = 1,
    Aes128Gcm = 2,
    Aes256Ccm = 3,
    Aes256Gcm = 4,
}

/// <summary>The algorithms of signatures (MS-SMB2, 2.2.3.1.7). Below 3.1.1 the dialect decides: HMAC-SHA256 for 2.1, AES-CMAC for 3.0 and 3.0.2.</summary>
internal enum SmbSigningAlgorithm : ushort
{
    HmacSha256 = 0,
    AesCmac = 1,
    AesGmac = 2,
}

/// <summary>Whose keys are meant: each side seals with what the other one opens.</summary>
internal enum SmbRole
{
    Client = 0,
    Server,
}
