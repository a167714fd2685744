#!/usr/bin/env bash
# debian-source.sh PACKAGE FOLDER: downloads a package's source (the .dsc and all that belongs to it) into a folder, from wherever this machine
# has its packages from. The machine's configuration stays as it is. Exit code 1, and the reason on the standard error, where it can't be had.
set -euo pipefail

package=$1
folder=$(realpath -m "$2")
command -v apt-get >/dev/null || { echo "debian-source.sh: there is no apt-get here" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial" "$folder"

# The sources that are enabled, each asked for source packages in place of programs.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [[ ! -f $list ]] || sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]/deb-src /p' "$list" >"$work/parts/$(basename "$list" .list).list"
done
for list in /etc/apt/sources.list.d/*.sources; do
  [[ ! -f $list ]] || sed -E 's/^Types:.*/Types: deb-src/I' "$list" >"$work/parts/$(basename "$list")"
done

options=(
  -qq
  -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$work/parts"
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
  -o "Acquire::Retries=2" -o "Acquire::http::Timeout=60" -o "Acquire::https::Timeout=60"
)
if ((EUID == 0)); then
  # Everything lies in a folder that nobody else may enter, the account that apt downloads with included.
  options+=(-o "APT::Sandbox::User=root")
fi

# A source that does not answer need not be the one that has the package.
apt-get "${options[@]}" update </dev/null >&2 || true
cd "$folder" && apt-get "${options[@]}" source --download-only "$package" </dev/null >&2
