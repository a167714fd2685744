#!/usr/bin/env bash
# Measures us beside what we are held against. One line for each row: name, ours, peer (or floor), ratio.
#
#   benchmarks/compare.sh [GROUP…]    all groups when none is named; the rows are kept in benchmarks/results/GROUP.md
set -euo pipefail
cd "$(dirname "$0")/.."

export HOME="${HOME:-$(mktemp -d)}"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1

dotnet build benchmarks/RomFlash.Benchmarks --configuration Release --nologo --verbosity quiet -nodeReuse:false </dev/null >&2
mkdir -p benchmarks/results
ROMFLASH_RESULTS=$PWD/benchmarks/results exec dotnet benchmarks/RomFlash.Benchmarks/bin/Release/net10.0/RomFlash.Benchmarks.dll compare "$@"
