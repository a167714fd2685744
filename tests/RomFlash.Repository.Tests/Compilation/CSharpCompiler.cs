using System.Globalization;
using System.Text.RegularExpressions;

namespace RomFlash.Repository.Tests.Compilation;

/// <summary>Calls the compiler of the SDK that built this test. One call takes seconds, so callers hand in many files at once.</summary>
internal static partial class CSharpCompiler
{
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    /// <summary>Compiles files to a library, with nullable enabled and warnings as errors.</summary>
    /// <param name="output">The library to write.</param>
    /// <param name="files">The sources.</param>
    /// <param name="references">Libraries besides the framework's.</param>
    /// <returns>The errors; empty when the library was written.</returns>
    public static IReadOnlyList<CompilerError> Compile(string output, IEnumerable<string> files, params string[] references)
    {
        var pack = RepositoryFiles.Baked("TargetingPack");
        var folder = Path.GetDirectoryName(output)!;
        var usings = output + ".usings.cs";
        File.WriteAllText(usings, ImplicitUsings);
        List<string> lines =
        [
            "-nologo", "-noconfig", "-nostdlib", "-target:library", "-langversion:14", "-nullable:enable", "-warnaserror", "-nowarn:1701,1702",
            "-utf8output", "-fullpaths", "-define:NET10_0_OR_GREATER", $"-out:\"{output}\"", $"\"{usings}\"",
            .. Directory.GetFiles(Path.Combine(pack, "ref", "net10.0"), "*.dll").Concat(references).Select(r => $"-reference:\"{r}\""),
            .. Directory.GetFiles(Path.Combine(pack, "analyzers", "dotnet", "cs"), "*.dll").Select(a => $"-analyzer:\"{a}\""),
            .. files.Select(f => $"\"{f}\""),
        ];
        var response = output + ".rsp";
        File.WriteAllLines(response, lines);
        var result = RepositoryFiles.DotNet(folder, "exec", RepositoryFiles.Baked("Compiler"), "@" + response);
        var errors = ErrorLine().Matches(result.Text)
            .Select(m => new CompilerError(m.Groups["file"].Value, m.Groups["code"].Value, int.Parse(m.Groups["line"].ValueSpan, CultureInfo.InvariantCulture), m.Groups["text"].Value.Trim()))
            .ToList();
        Assert.True((result.ExitCode == 0) == (errors.Count == 0), $"the compiler ended with {result.ExitCode}:\n{result.Text}\n{result.Errors}");
        return errors;
    }

    [GeneratedRegex(@"^(?<file>[^(\r\n]+)\((?<line>[0-9]+),[0-9]+\): error (?<code>[A-Z]+[0-9]+): (?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex ErrorLine();
}

/// <summary>One line of the compiler.</summary>
internal sealed record CompilerError(string File, string Code, int Line, string Text);
