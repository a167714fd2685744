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
  command -v apt-get >/dev/null || { echo "fwupd-redfish.sh: there is no apt-get here" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial" "$work/source"

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
  (cd "$work/source" && apt-get "${options[@]}" source --download-only fwupd </dev/null >&2)
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
