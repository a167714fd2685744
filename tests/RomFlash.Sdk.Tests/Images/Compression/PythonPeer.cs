using System.Buffers.Binary;
using RomFlash.Sdk.Tests.Images.Signatures;

namespace RomFlash.Sdk.Tests.Images.Compression;

/// <summary>Python, whose lzma is liblzma and whose zlib is zlib: many cases in one process.</summary>
internal static class PythonPeer
{
    // Each case is a length and so many bytes; so is each result, where all ones stand for an error.
    private const string Frame = """

        import struct, sys
        with open(sys.argv[1], 'rb') as cases, open(sys.argv[2], 'wb') as results:
            while head := cases.read(4):
                case = cases.read(*struct.unpack('<I', head))
                try:
                    result = run(case)
                    results.write(struct.pack('<I', len(result)) + result)
                except errors:
                    results.write(b'\xff\xff\xff\xff')
        """;

    /// <summary>Runs a script's function <c>run</c> on each case.</summary>
    /// <param name="script">Python that defines <c>run(case)</c>, bytes to bytes, and <c>errors</c>, the exceptions by which it refuses a case.</param>
    /// <param name="cases">The cases.</param>
    /// <returns>What it made of each; null where it refused it.</returns>
    public static async Task<IReadOnlyList<byte[]?>> RunAsync(string script, IReadOnlyList<byte[]> cases)
    {
        var folder = Directory.CreateTempSubdirectory("romflash-python-");
        try
        {
            var (input, output) = (Path.Combine(folder.FullName, "cases"), Path.Combine(folder.FullName, "results"));
            await using (var file = File.Create(input))
            {
                var head = new byte[4];
                foreach (var bytes in cases)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(head, bytes.Length);
                    await file.WriteAsync(head);
                    await file.WriteAsync(bytes);
                }
            }

            await PeerProgram.MustRunAsync("python3", "-c", script + Frame, input, output);
            var found = await File.ReadAllBytesAsync(output);
            var results = new List<byte[]?>();
            for (var at = 0; at < found.Length;)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(found.AsSpan(at));
                at += 4;
                results.Add(length < 0 ? null : found[at..(at + length)]);
                at += Math.Max(0, length);
            }

            Assert.Equal(cases.Count, results.Count);
            return results;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
