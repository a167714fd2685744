using RomFlash.Cli.CommandLine;
using RomFlash.Cli.Hosting;
using RomFlash.Cli.Rendering;

var terminal = Terminal.OfProcess();
using var interruption = new Interruption(terminal);
return await RomFlashCommandLine.RunAsync(args, terminal, interruption.Token);
