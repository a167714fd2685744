using System.Reflection;
using System.Text.RegularExpressions;
using RomFlash.Sdk.Confirmation;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Abstractions.Tests.Outcomes;

/// <summary>Holds the failure types, their descriptors, their pages and the register of codes against each other.</summary>
public sealed partial class FailureRegisterTests
{
    private static readonly string Pages = Path.Combine(FindRoot(), "docs", "failures");

    private static readonly Type[] Hierarchy = [.. typeof(FlashFailure).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(FlashFailure)))];

    private static readonly Type[] LeafTypes = [.. Hierarchy.Where(t => !t.IsAbstract)];

    public static TheoryData<Type> Leaves => [.. LeafTypes];

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Leaf_IsSealedPublicAndConstructible(Type leaf)
    {
        Assert.True(leaf.IsSealed && leaf.IsPublic, $"{leaf.Name} is not public and sealed");
        Assert.NotNull(leaf.GetConstructor(Type.EmptyTypes));
        Assert.Equal(typeof(FlashFailure), leaf.BaseType!.BaseType);
        Assert.True(leaf.BaseType.IsAbstract, $"{leaf.Name} is not directly below a group");
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Leaf_SaysWhatItIs(Type leaf)
    {
        var failure = Create(leaf);
        Assert.Matches("^RF[1-9][0-9]{3}$", failure.Code);
        Assert.False(string.IsNullOrWhiteSpace(failure.Descriptor.Title));
        Assert.False(failure.Descriptor.Title.EndsWith('.'), "a title has no full stop");
        Assert.EndsWith(".", failure.Cause, StringComparison.Ordinal);
        Assert.EndsWith(".", failure.Remedy, StringComparison.Ordinal);
        Assert.True(Enum.IsDefined(failure.Retry));
        Assert.True(Enum.IsDefined(failure.TargetState));
        Assert.Equal(failure.Descriptor.DefaultTargetState, failure.TargetState);
        Assert.Contains(failure.Descriptor, FailureDescriptor.All);
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Leaf_HasAPageThatAgreesWithIt(Type leaf)
    {
        var descriptor = Create(leaf).Descriptor;
        var file = Path.Combine(Pages, descriptor.Code + ".md");
        Assert.True(File.Exists(file), $"docs/failures/{descriptor.Code}.md is missing");
        var page = File.ReadAllText(file);
        var lines = page.Split('\n');
        Assert.Equal($"# {descriptor.Code}: {descriptor.Title}", lines[0]);
        Assert.Equal(descriptor.Cause, Section(page, "Cause"));
        Assert.Equal(descriptor.Remedy, Section(page, "Remedy"));
        Assert.True(Section(page, "What to look at").Length > 40, "the page says nothing beyond the descriptor");
        Assert.Contains(lines, l => l.StartsWith($"| Type | `{leaf.Name}` |", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("| Group | ", StringComparison.Ordinal) && l.Contains($"(`{leaf.BaseType!.Name}`)", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith($"| Retry | `{descriptor.Retry}`:", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith($"| Target state | `{descriptor.DefaultTargetState}`", StringComparison.Ordinal));
        if (descriptor.DocumentedAs is { } documented)
        {
            Assert.Contains($"| Documented as | {documented} |", lines);
        }
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Match_Leaf_CallsTheFunctionOfItsGroup(Type leaf)
    {
        var group = Create(leaf).Match(new FlashFailureCases<Type>
        {
            Request = _ => typeof(RequestFailure),
            Connection = _ => typeof(ConnectionFailure),
            Access = _ => typeof(AccessFailure),
            Compatibility = _ => typeof(CompatibilityFailure),
            Image = _ => typeof(ImageFailure),
            Staging = _ => typeof(StagingFailure),
            Arming = _ => typeof(ArmingFailure),
            Flashing = _ => typeof(FlashingFailure),
            Operation = _ => typeof(OperationFailure),
            Other = _ => typeof(FlashFailure),
        });
        Assert.Equal(leaf.BaseType, group);
    }

    [Fact]
    public void Cases_HaveOneRequiredFunctionForEachGroupAndOneForOthers()
    {
        var groups = Hierarchy.Where(t => t.BaseType == typeof(FlashFailure)).ToHashSet();
        var functions = typeof(FlashFailureCases<int>).GetProperties().Select(p => p.PropertyType.GetGenericArguments()[0]).ToList();
        Assert.Equal(groups.Append(typeof(FlashFailure)).Select(t => t.Name).Order(), functions.Select(t => t.Name).Order());
        Assert.All(typeof(FlashFailureCases<int>).GetProperties(), p => Assert.NotNull(p.GetCustomAttribute<System.Runtime.CompilerServices.RequiredMemberAttribute>()));
    }

    [Fact]
    public void All_HoldsEveryLeafOnceInTheOrderOfTheCodes()
    {
        var codes = FailureDescriptor.All.Select(d => d.Code).ToList();
        Assert.Equal(codes.Distinct().Order(StringComparer.Ordinal), codes);
        Assert.Equal(LeafTypes.Select(t => Create(t).Code).Order(StringComparer.Ordinal), codes);
    }

    [Fact]
    public void Pages_WithoutALeaf_AreNone()
    {
        var retired = Register().Where(r => r.IsRetired).Select(r => r.Code);
        var pages = Directory.GetFiles(Pages, "RF*.md").Select(f => Path.GetFileNameWithoutExtension(f)!);
        Assert.Equal(FailureDescriptor.All.Select(d => d.Code).Concat(retired).Order(StringComparer.Ordinal), pages.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Index_ListsEveryPageWithItsTitle()
    {
        var index = File.ReadAllText(Path.Combine(Pages, "README.md"));
        Assert.All(LeafTypes.Select(Create), f =>
            Assert.Contains($"| [{f.Code}]({f.Code}.md) | {f.Descriptor.Title} | `{f.GetType().Name}` | `{f.TargetState}` | `{f.Retry}` |", index, StringComparison.Ordinal));
    }

    [Fact]
    public void Register_EachCode_StillMeansTheSameLeaf()
    {
        var register = Register();
        Assert.Equal(register.Count, register.Select(r => r.Code).Distinct().Count());
        Assert.Equal(register.Count, register.Select(r => r.Leaf).Distinct().Count());
        var now = LeafTypes.ToDictionary(t => Create(t).Code, t => t.Name);
        foreach (var (code, leaf, isRetired) in register)
        {
            if (isRetired)
            {
                Assert.False(now.ContainsKey(code), $"{code} is retired and in use again");
            }
            else
            {
                Assert.True(now.TryGetValue(code, out var name), $"{code} has no leaf: mark it retired, and keep the line");
                Assert.Equal(leaf, name);
            }
        }

        Assert.Empty(now.Keys.Except(register.Select(r => r.Code)));
    }

    // A register that lost its beginning could hand a code out again: what has been published once is repeated here.
    [Theory]
    [InlineData("RF1001", "CommandLineSyntax")]
    [InlineData("RF2001", "ConnectionLost")]
    [InlineData("RF3001", "AccessDenied")]
    [InlineData("RF4001", "TargetNotSupported")]
    [InlineData("RF5001", "ImageUnreadable")]
    [InlineData("RF6001", "SystemPartitionMissing")]
    [InlineData("RF7001", "AnotherFlashPending")]
    [InlineData("RF8001", "FailureDuringFlash")]
    [InlineData("RF9001", "OperationCancelled")]
    public void Register_FirstCodeOfEachGroup_IsThere(string code, string leaf) =>
        Assert.Contains(Register(), r => r.Code == code && r.Leaf == leaf);

    [Theory]
    [InlineData("Command-line syntax error", typeof(CommandLineSyntax))]
    [InlineData("Access denied on target computer", typeof(AccessDenied))]
    [InlineData("Invalid or incorrect command-line parameters", typeof(InvalidParameter))]
    [InlineData("Network connection fails on remote communication", typeof(ConnectionLost))]
    [InlineData("Failure occurs during ROM flash", typeof(FailureDuringFlash))]
    [InlineData("Target system is not supported", typeof(TargetNotSupported))]
    [InlineData("Requirement: an administrative account on each target, with the same user name and password as the local administrative client", typeof(CurrentUserUnavailable))]
    [InlineData("Requirement: targets on the same network, visible from the client", typeof(NetworkUnreachable))]
    [InlineData("Requirement: each target has a system partition of at least 32 MB", typeof(SystemPartitionTooSmall))]
    [InlineData("Requirement: the ROM version can be used for all the servers or array controllers being upgraded", typeof(RomNotForTarget))]
    public void DocumentedRow_IsOneLeaf(string documented, Type leaf)
    {
        var rows = FailureDescriptor.All.Where(d => d.DocumentedAs == documented);
        Assert.Equal(Create(leaf).Descriptor, Assert.Single(rows));
    }

    [Fact]
    public void DocumentedRows_AreAllMapped()
    {
        // Six failures and four of the five requirements. The fifth, "one or more remote servers with system ROMs requiring upgrade",
        // is no failure: a server that requires none ends in the success AlreadyCurrent.
        Assert.Equal(10, FailureDescriptor.All.Count(d => d.DocumentedAs is not null));
        Assert.Equal(4, FailureDescriptor.All.Count(d => d.DocumentedAs?.StartsWith("Requirement: ", StringComparison.Ordinal) == true));
        Assert.True(typeof(AlreadyCurrent).IsSubclassOf(typeof(FlashOutcome)));
        Assert.Equal(FlashOutcomeKind.AlreadyCurrent, new AlreadyCurrent().Kind);
    }

    private static FlashFailure Create(Type leaf) => (FlashFailure)Activator.CreateInstance(leaf)!;

    private static List<(string Code, string Leaf, bool IsRetired)> Register() =>
    [
        .. File.ReadAllLines(Path.Combine(Pages, "codes.txt"))
            .Where(l => !l.StartsWith('#'))
            .Select(l => RegisterLine().Match(l) is { Success: true } m
                ? (m.Groups[1].Value, m.Groups[2].Value, m.Groups[3].Success)
                : throw new InvalidDataException($"codes.txt: '{l}'")),
    ];

    private static string Section(string page, string heading)
    {
        var start = page.IndexOf($"\n## {heading}\n\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"no section '{heading}'");
        start += heading.Length + 6;
        var end = page.IndexOf("\n\n", start, StringComparison.Ordinal);
        return page[start..(end < 0 ? page.Length : end)].Trim();
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "RomFlash.Sdk.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new DirectoryNotFoundException("The repository's root is not above the test's folder.");
    }

    [GeneratedRegex(@"^(RF[0-9]{4}) (\w+)( retired)?$")]
    private static partial Regex RegisterLine();
}
