#!/usr/bin/env bash
# Builds everything with warnings as errors and runs all tests. The last line is "N passed, N failed, N skipped".
#
#   ./test.sh                  everything; installs the peers that tests compare with, where it may
#   ./test.sh --fast           without the tests that need a peer or take long (traits Category=Peer and Category=Slow)
#   ./test.sh --long           with long sweeps (ROMFLASH_LONG=1; each prints its seed) and the tests with Category=Long
#   ./test.sh --require-peers  a peer that is missing is an error
set -euo pipefail
cd "$(dirname "$0")"

# What the tests drive or compare with: "program package", or "file package" for the real images that they read.
peers=(
  "mkeficapsule u-boot-tools"
  "OVMF_CODE.fd ovmf"
  "mkfs.vfat dosfstools"
  "mcopy mtools"
  "openssl openssl"
  "xz xz-utils"
  "tmux tmux"
  "python3 python3"
  "rhash rhash"
  "gcab gcab"
  "cabextract cabextract"
  "zip zip"
  "UEFIExtract uefitool-cli"
  "fwupdtool fwupd"
  "ifdtool coreboot-utils"
  "/usr/share/AAVMF/AAVMF_CODE.fd qemu-efi-aarch64"
  "/usr/share/seabios/bios.bin seabios"
  "/usr/share/qemu/linuxboot.bin qemu-system-data"
  "/usr/lib/ipxe/qemu/efi-e1000.rom ipxe-qemu"
  "/usr/lib/ipxe/snponly.efi ipxe"
  "/usr/lib/u-boot/qemu_arm64/u-boot.bin u-boot-qemu"
  "/usr/lib/systemd/boot/efi/systemd-bootx64.efi systemd-boot-efi"
  "/usr/lib/python3/dist-packages/flask python3-flask"
  "/usr/lib/python3/dist-packages/sushy python3-sushy"
  "redfishtool redfishtool"
  "/usr/libexec/installed-tests/fwupd/redfish-self-test fwupd-tests"
  "curl curl"
  "smbd samba"
  "pdbedit samba"
  "smbclient smbclient"
  "net samba-common-bin"
  "/usr/lib/python3/dist-packages/impacket python3-impacket"
  "/usr/sbin/sshd openssh-server"
  "ssh openssh-client"
  "sftp openssh-client"
  "setsid util-linux"
  "mount mount"
  "qemu-system-aarch64 qemu-system-arm"
  "sfdisk fdisk"
  "fdtput device-tree-compiler"
  "aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu"
  "/usr/aarch64-linux-gnu/include/stdio.h libc6-dev-arm64-cross"
  "bison bison"
  "flex flex"
  "bc bc"
  "make make"
  "gcc gcc"
  "/usr/include/openssl/ssl.h libssl-dev"
  "dpkg-source dpkg-dev"
)

fast=0
long=0
require_peers=0
for argument in "$@"; do
  case "$argument" in
    --fast) fast=1 ;;
    --long) long=1; export ROMFLASH_LONG=1 ;;
    --require-peers) require_peers=1 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "test.sh: unknown option '$argument'; see --help" >&2; exit 2 ;;
  esac
done

has_peer() {
  case "$1" in
    /*) [[ -e $1 ]] ;;
    *.fd) [[ -e /usr/share/OVMF/$1 || -e /usr/share/OVMF/${1%.fd}_4M.fd ]] ;;
    *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ;;
  esac
}

missing_packages() {
  local peer
  for peer in "${peers[@]}"; do
    has_peer "${peer% *}" || echo "${peer#* }"
  done | sort -u
}

install_peers() {
  local missing root=()
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  if command -v apt-get >/dev/null; then
    if ((EUID != 0)); then
      root=(sudo -n)
    fi
    if ((EUID == 0)) || sudo -n true 2>/dev/null; then
      echo "installing ${missing[*]}"
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 update </dev/null >/dev/null || true
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install --no-install-recommends -y "${missing[@]}" </dev/null >/dev/null || true
      mapfile -t missing < <(missing_packages)
      ((${#missing[@]})) || return 0
    fi
  fi
  lack "${missing[@]}"
}

# A peer that is in no package: fwupd's Redfish service for its own tests, out of fwupd's source.
fetch_redfish_service() {
  if [[ -s ${ROMFLASH_FWUPD_REDFISH:-} ]]; then
    return 0
  fi
  if ROMFLASH_FWUPD_REDFISH=$(eng/fwupd-redfish.sh); then
    export ROMFLASH_FWUPD_REDFISH
  else
    lack "fwupd's source package (for its Redfish service)"
  fi
}

# Real firmware for a virtual machine, out of Debian's source of U-Boot; some two minutes when it is built for the first time.
build_firmware() {
  local kinds=()
  ((!long)) || kinds=(indications any-file authenticated)
  if ROMFLASH_FIRMWARE_LAB=$(tests/firmware-lab/build.sh "${kinds[@]}"); then
    export ROMFLASH_FIRMWARE_LAB
  else
    echo "missing peers: U-Boot for the firmware lab"
    if ((require_peers)); then
      echo "test.sh: --require-peers, and the lab's firmware could not be built" >&2
      exit 1
    fi
    skip_firmware=1
  fi
}

# The tests of a peer that is not there can't run; they are left out by name, never passed.
lack() {
  echo "missing peers: $*"
  if ((require_peers)); then
    echo "test.sh: --require-peers, and these could not be installed: $*" >&2
    exit 1
  fi
  skip_peers=1
}

export HOME="${HOME:-$(mktemp -d)}"
skip_peers=0
skip_firmware=0
if ((!fast)); then
  install_peers
  fetch_redfish_service
  if ((!skip_peers)); then
    build_firmware
  fi
fi

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en DOTNET_GENERATE_ASPNET_CERTIFICATE=false MSBUILDDISABLENODEREUSE=1
export PATH="$PATH:/usr/sbin:/sbin"

dotnet build RomFlash.Sdk.sln --configuration Release --nologo --verbosity quiet -warnaserror -nodeReuse:false </dev/null

without=()
if ((fast)); then
  without=(Peer Slow)
elif ((skip_peers)); then
  without=(Peer)
fi
if ((!long)); then
  without+=(Long)
fi
if ((skip_firmware)); then
  without+=(Firmware)
fi
filter=()
if ((${#without[@]})); then
  echo "left out: tests with Category=${without[*]}"
  filter=(--filter "$(printf '&Category!=%s' "${without[@]}" | cut -c 2-)")
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
passed=0 failed=0 skipped=0 broken=0

# Takes one number of the counters in a trx file; 0 where there is none.
counter() {
  local value
  value=$(grep -o '<Counters [^>]*>' "$1" | grep -o " $2=\"[0-9]*\"" | head -n 1 | tr -dc '0-9') || true
  echo "${value:-0}"
}

while IFS= read -r project; do
  name=$(basename "$project" .csproj)
  code=0
  dotnet test "$project" --configuration Release --no-build --nologo --verbosity quiet "${filter[@]}" \
    --results-directory "$results" --logger "trx;LogFileName=$name.trx" >"$results/$name.log" 2>&1 </dev/null || code=$?
  if [[ -s $results/$name.trx ]]; then
    p=$(counter "$results/$name.trx" passed)
    f=$(counter "$results/$name.trx" failed)
    e=$(counter "$results/$name.trx" error)
    t=$(counter "$results/$name.trx" total)
    f=$((f + e))
    s=$((t - p - f))
    line="$name: $p passed, $f failed, $s skipped"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  elif ((code == 0)) && grep -q "No test " "$results/$name.log"; then
    line="$name: no test to run"
  else
    line="$name: did not run"
    code=1
  fi
  if ((code != 0)); then
    broken=1
    cat "$results/$name.log"
    # Why, which the quiet log does not say.
    if [[ -s $results/$name.trx ]]; then
      sed -n '/<ErrorInfo>/,/<\/ErrorInfo>/p' "$results/$name.trx" | head -n 400
    fi
  fi
  # What tests print for their reader (numbers of schedules, seeds), each line marked.
  if [[ -s $results/$name.trx ]]; then
    grep -o '\[romflash\][^<&]*' "$results/$name.trx" | sort -u || true
  fi
  echo "$line"
done < <(find tests $([[ -d samples ]] && echo samples) -name '*.csproj' -not -path '*/obj/*' -not -path '*/bin/*' -exec grep -l 'Test.targets' {} + | sort)

if ((passed + failed == 0)); then
  echo "test.sh: no test ran" >&2
  broken=1
fi
if ((failed > 0)); then
  broken=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$broken"
