namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>Room for what is decoded, between bytes that nobody may write.</summary>
internal sealed class GuardedOutput
{
    public const byte Untouched = 0xA5;

    private const int Guard = 80;
    private readonly byte[] _bytes;

    public GuardedOutput(int length)
    {
        _bytes = new byte[length + (2 * Guard)];
        _bytes.AsSpan().Fill(Untouched);
    }

    public Span<byte> Span => _bytes.AsSpan(Guard, _bytes.Length - (2 * Guard));

    public bool IsGuardUntouched => !_bytes.AsSpan(0, Guard).ContainsAnyExcept(Untouched) && !_bytes.AsSpan(_bytes.Length - Guard).ContainsAnyExcept(Untouched);
}
