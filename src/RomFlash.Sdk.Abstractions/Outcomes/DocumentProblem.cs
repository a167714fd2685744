using System.Globalization;

namespace RomFlash.Sdk.Outcomes;

/// <summary>What is wrong with a document that a person wrote, and where.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column in characters, from 1.</param>
/// <param name="Message">What is wrong. May quote the document: untrusted text.</param>
public readonly record struct DocumentProblem(int Line, int Column, string Message)
{
    /// <summary>The place and what is wrong.</summary>
    /// <returns>Such as <c>line 3, column 7: the field 'x' is not known here</c>.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"line {Line}, column {Column}: {Message}");
}
