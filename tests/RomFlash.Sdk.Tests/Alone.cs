namespace RomFlash.Sdk.Tests;

/// <summary>For tests that measure the whole process: nothing else runs meanwhile.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
public sealed class Alone;
