#!/usr/bin/env bash
# Prints the path of the Redfish service that fwupd tests its own client with. It is in no package but in fwupd's source alone, so that it is
# fetched once from wherever this machine has its packages from, into a folder outside the repository. The machine's configuration stays as it is.
# Exit code 1, and the reason on the standard error, where it can't be had.
set -euo pipefail

readonly inside=plugins/redfish/tests/redfish.py
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/romflash-peers

mkdir -p "$cache"
newest() { find "$cache" -path "$cache/fwupd-*/redfish.py" -size +0 | sort -V | tail -n 1; }

found=$(newest)
if [[ -z $found ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  "$(dirname "$0")/debian-source.sh" fwupd "$work/source"
  shopt -s nullglob
  originals=("$work"/source/fwupd_*.orig.tar.*)
  for original in "${originals[@]}"; do
    [[ $original == *.asc ]] && continue
    version=$(basename "$original")
    version=${version#fwupd_}
    version=${version%.orig.tar.*}
    tar -xf "$original" -O --wildcards "*/$inside" >"$work/redfish.py"
    mkdir -p "$cache/fwupd-$version"

    # Under its name only when it is whole.
    cp "$work/redfish.py" "$cache/fwupd-$version/redfish.py.$$"
    mv "$cache/fwupd-$version/redfish.py.$$" "$cache/fwupd-$version/redfish.py"
  done
  found=$(newest)
fi

[[ -n $found ]] || { echo "fwupd-redfish.sh: fwupd's source has no $inside" >&2; exit 1; }
echo "$found"
