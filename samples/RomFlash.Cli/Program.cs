using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;

using var interruption = new Interruption();
return await RomFlashCommandLine.RunAsync(args, Terminal.OfProcess(), interruption.Token);
