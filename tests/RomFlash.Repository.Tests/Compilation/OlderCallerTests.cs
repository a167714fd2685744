using System.Reflection;
using System.Runtime.Loader;

namespace RomFlash.Repository.Tests.Compilation;

/// <summary>A caller that was compiled before a group of failures existed must keep working when the library has it.</summary>
public sealed class OlderCallerTests : IDisposable
{
    private const string Library = "RomFlash.Sdk.Abstractions";

    private const string NewGroup = """
        using System.Collections.Immutable;

        namespace RomFlash.Sdk.Outcomes;

        public abstract record NovelFailure : FlashFailure
        {
            private protected NovelFailure(FailureDescriptor descriptor)
                : base(descriptor)
            {
            }

            internal static ImmutableArray<FailureDescriptor> Descriptors => [NovelMode.Info];

            internal abstract void Seal();

            internal sealed override T Dispatch<T>(FlashFailureCases<T> cases) => cases.Novel is { } handle ? handle(this) : cases.Other(this);
        }

        public sealed record NovelMode : NovelFailure
        {
            internal static readonly FailureDescriptor Info = new("RF0901", "Novel", "Novel.", "None.", RetryClass.Never, TargetState.Untouched);

            public NovelMode()
                : base(Info)
            {
            }

            internal override void Seal()
            {
            }
        }
        """;

    private const string Caller = """
        using RomFlash.Sdk.Outcomes;

        public static class Caller
        {
            public static string Name(FlashFailure failure) => failure.Match(new FlashFailureCases<string>
            {
                Request = _ => "request",
                Connection = _ => "connection",
                Access = _ => "access",
                Compatibility = _ => "compatibility",
                Image = _ => "image",
                Staging = _ => "staging",
                Arming = _ => "arming",
                Flashing = _ => "flashing",
                Operation = _ => "operation",
                Other = f => "other:" + f.Code,
            });
        }
        """;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Match_CallerOlderThanTheGroup_CallsOther()
    {
        var caller = Path.Combine(_folder.Path, "OldCaller.dll");
        Assert.Empty(CSharpCompiler.Compile(caller, [_folder.Write("Caller.cs", Caller)], RepositoryFiles.AssemblyPath(Library)));
        var newer = CompileNewerLibrary();

        // What the old caller does not know, a new one must name.
        var recompiled = CSharpCompiler.Compile(Path.Combine(_folder.Path, "Recompiled.dll"), [Path.Combine(_folder.Path, "Caller.cs")], newer);
        Assert.Equal("CS9035", Assert.Single(recompiled).Code);

        var context = new TwoVersions(newer);
        try
        {
            var library = context.LoadFromAssemblyPath(newer);
            var name = context.LoadFromAssemblyPath(caller).GetType("Caller", throwOnError: true)!.GetMethod("Name")!;
            string Call(string leaf) => (string)name.Invoke(null, [Activator.CreateInstance(library.GetType("RomFlash.Sdk.Outcomes." + leaf, throwOnError: true)!)])!;

            Assert.Equal("other:RF0901", Call("NovelMode"));
            Assert.Equal("request", Call("CommandLineSyntax"));
            Assert.Equal("connection", Call("ConnectionLost"));
            Assert.Equal("access", Call("AccessDenied"));
            Assert.Equal("compatibility", Call("TargetNotSupported"));
            Assert.Equal("image", Call("ImageEmpty"));
            Assert.Equal("staging", Call("StagedCopyDiffers"));
            Assert.Equal("arming", Call("WindowMissed"));
            Assert.Equal("flashing", Call("FailureDuringFlash"));
            Assert.Equal("operation", Call("DeadlineExceeded"));
        }
        finally
        {
            context.Unload();
        }
    }

    public void Dispose() => _folder.Dispose();

    private string CompileNewerLibrary()
    {
        var sources = RepositoryFiles.SourcesOf(Library).ToDictionary(f => Path.GetFileName(f)!, f => f);
        sources["FlashFailureCases.cs"] = Patch(sources["FlashFailureCases.cs"], "    /// <summary>A group that", "    public required Func<NovelFailure, T> Novel { get; init; }\n\n    /// <summary>A group that");
        sources["FailureDescriptor.cs"] = Patch(sources["FailureDescriptor.cs"], "        .. OperationFailure.Descriptors,", "        .. OperationFailure.Descriptors,\n        .. NovelFailure.Descriptors,");
        sources["NovelFailures.cs"] = _folder.Write("NovelFailures.cs", NewGroup);
        sources["Version.cs"] = _folder.Write("Version.cs", "[assembly: System.Reflection.AssemblyVersion(\"99.0.0.0\")]");
        var newer = Path.Combine(_folder.Path, Library + ".dll");
        Assert.Empty(CSharpCompiler.Compile(newer, sources.Values));
        return newer;
    }

    private string Patch(string file, string find, string replace)
    {
        var text = File.ReadAllText(file);
        Assert.Equal(2, text.Split(find).Length);
        return _folder.Write(Path.GetFileName(file), text.Replace(find, replace, StringComparison.Ordinal));
    }

    /// <summary>Gives the newer library to whoever asks for any version of it.</summary>
    private sealed class TwoVersions(string newer) : AssemblyLoadContext(isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName assemblyName) => assemblyName.Name == Library ? LoadFromAssemblyPath(newer) : null;
    }
}
