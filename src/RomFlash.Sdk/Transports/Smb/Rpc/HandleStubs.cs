namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>An operation's handle and its result.</summary>
internal readonly record struct HandleAnswer(ContextHandle Handle, uint Code);

/// <summary>Parameters that are a context handle alone: of the registry's operations as of the service control manager's.</summary>
internal static class HandleStubs
{
    /// <summary>A request with nothing but a handle.</summary>
    public static byte[] Only(ContextHandle handle)
    {
        var writer = new NdrWriter(new byte[32]);
        writer.WriteContextHandle(handle);
        return writer.ToArray();
    }

    /// <summary>Reads the answer of an operation that gives a handle.</summary>
    public static bool ReadOpened(ReadOnlySpan<byte> stub, out HandleAnswer answer)
    {
        // One that was opened is not the one that stands for none.
        return ReadClosed(stub, out answer) && (answer.Code != 0 || !answer.Handle.IsNull);
    }

    /// <summary>Reads the answer of an operation that takes a handle back.</summary>
    public static bool ReadClosed(ReadOnlySpan<byte> stub, out HandleAnswer answer)
    {
        var reader = new NdrReader(stub);
        answer = new(reader.ReadContextHandle(), reader.ReadUInt32());
        return reader.IsAtEnd;
    }
}
