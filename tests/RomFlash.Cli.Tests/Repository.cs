namespace RomFlash.Cli.Tests;

/// <summary>Where the repository is that the tests were built from.</summary>
internal static class Repository
{
    public static string Root
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "RomFlash.Sdk.sln")))
            {
                folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests don't run inside the repository.");
            }

            return folder;
        }
    }
}
