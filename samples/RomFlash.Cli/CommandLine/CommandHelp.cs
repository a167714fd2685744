using System.Collections.Immutable;
using System.CommandLine;

namespace RomFlash.Cli.CommandLine;

/// <summary>A line that a person can type, and what it does.</summary>
internal sealed record CommandExample(string Line, string What);

/// <summary>Options that belong together in the help.</summary>
internal sealed record OptionGroup(string Title, ImmutableArray<Option> Options);

/// <summary>What the help of a command has beyond its summary and its options.</summary>
internal sealed record CommandHelp
{
    /// <summary>For a command that says nothing of itself.</summary>
    public static CommandHelp None { get; } = new();

    /// <summary>The groups, in order; options in none of them come behind.</summary>
    public ImmutableArray<OptionGroup> Groups { get; init; } = [];

    public ImmutableArray<CommandExample> Examples { get; init; } = [];

    /// <summary>The exit codes that it can end with, besides 2, 3 and 130, which all have.</summary>
    public ImmutableArray<int> ExitCodes { get; init; } = [];
}
