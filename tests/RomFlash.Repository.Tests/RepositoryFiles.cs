using System.Diagnostics;
using System.Reflection;

namespace RomFlash.Repository.Tests;

/// <summary>Where things are, and how programs are run.</summary>
internal static class RepositoryFiles
{
    public static readonly string Root = Baked("RepoRoot");

    public static readonly string Configuration = Baked("Configuration");

    /// <summary>The projects that are shipped as packages.</summary>
    public static readonly string[] Shipped = ["RomFlash.Sdk.Abstractions", "RomFlash.Sdk", "RomFlash.Sdk.Testing", "RomFlash.Sdk.Testing.Redfish"];

    public static string Baked(string key) =>
        typeof(RepositoryFiles).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;

    /// <summary>The built assembly of a shipped project, from the folder of this test.</summary>
    public static string AssemblyPath(string project) => Path.Combine(AppContext.BaseDirectory, project + ".dll");

    public static IEnumerable<string> SourcesOf(string project) =>
        Directory.EnumerateFiles(Path.Combine(Root, "src", project), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));

    /// <summary>The files of the repository, relative to the root; what builds and editors leave is not among them.</summary>
    public static IReadOnlyList<string> All()
    {
        string[] left = [".git", "bin", "obj", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts", ".vs", ".idea"];
        return
        [
            .. Directory.EnumerateFiles(Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
                .Select(f => Path.GetRelativePath(Root, f))
                .Where(f => !f.Split('/').Any(p => left.Contains(p)) && !f.EndsWith(".user", StringComparison.Ordinal)),
        ];
    }

    public static RunResult DotNet(string directory, params string[] arguments) => Run(Baked("DotNetHost"), directory, arguments);

    public static RunResult Run(string program, string directory, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What the test runner's own host was given is not meant for the programs that a test starts.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || k is "DOTNET_ROOT_X64").ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}

/// <summary>What a program left.</summary>
internal sealed record RunResult(int ExitCode, string Text, string Errors);

/// <summary>A folder outside the repository, removed at the end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("romflash-").FullName;

    public string Write(string name, string content)
    {
        var file = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content);
        return file;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
