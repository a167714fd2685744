namespace RomFlash.Repository.Tests.Compilation;

/// <summary>Compiles all snippets once, in one call of the compiler for each kind.</summary>
public sealed class SnippetCompilation : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, List<CompilerError>> _errors = new(StringComparer.Ordinal);

    public SnippetCompilation()
    {
        foreach (var kind in ContractSnippets.All.GroupBy(s => s.Kind))
        {
            var files = kind.ToDictionary(s => _folder.Write(s.Name + ".cs", s.ToFile()), s => s.Name);
            var found = CSharpCompiler.Compile(
                Path.Combine(_folder.Path, kind.Key + ".dll"), files.Keys, RepositoryFiles.AssemblyPath("RomFlash.Sdk.Abstractions"));
            foreach (var (file, name) in files)
            {
                _errors[name] = [.. found.Where(e => e.File == file)];
            }

            Assert.DoesNotContain(found, e => !files.ContainsKey(e.File));
        }
    }

    internal IReadOnlyList<CompilerError> ErrorsOf(string name) => _errors[name];

    public void Dispose() => _folder.Dispose();
}

/// <summary>What a caller, or a plug-in's author, can't write.</summary>
public sealed class ContractCompilationTests(SnippetCompilation compilation) : IClassFixture<SnippetCompilation>
{
    public static TheoryData<string> Names => [.. ContractSnippets.All.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Compile_Snippet_GivesExactlyTheErrors(string name)
    {
        var snippet = ContractSnippets.All.Single(s => s.Name == name);
        var found = compilation.ErrorsOf(name);
        Assert.True(
            snippet.Errors.Order(StringComparer.Ordinal).SequenceEqual(found.Select(e => e.Code).Distinct().Order(StringComparer.Ordinal)),
            $"expected [{string.Join(", ", snippet.Errors)}], found:\n{string.Join('\n', found.Select(e => $"{e.Code} {e.Text}"))}");
    }

    [Fact]
    public void Snippets_OfEachKind_AreThere()
    {
        Assert.All(Enum.GetValues<SnippetKind>(), kind => Assert.Contains(ContractSnippets.All, s => s.Kind == kind));
        Assert.All(ContractSnippets.All, s => Assert.Equal(s.Kind == SnippetKind.Control, s.Errors.Length == 0));
    }
}
