#!/usr/bin/env bash
# build.sh [KIND…]: builds the lab's firmware once, and prints the folder that holds KIND.bin. U-Boot of Debian's source package for QEMU's virt
# machine (arm64), with capsules on disk; the kinds are
#
#   indications     looks for capsules when OsIndications asks for it
#   any-file        takes any file in \EFI\UpdateCapsule
#   authenticated   as the first, and takes only what the certificate in the machine's device tree has signed
#
# and the first two when none is named. Everything lies outside the repository, under a key of all inputs: this file, the source package, the
# compiler. Exit code 1, and the reason on the standard error, where it can't be built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

readonly target=aarch64-linux-gnu-
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/romflash-lab
mkdir -p "$cache"

for program in "${target}gcc" bison flex bc make dpkg-source; do
  command -v "$program" >/dev/null || { echo "build.sh: there is no $program here" >&2; exit 1; }
done

# One at a time; who comes second finds what the first has built.
exec 9>"$cache/lock"
flock -w 900 9 || { echo "build.sh: somebody else has been building for a quarter of an hour" >&2; exit 1; }

newest_source() { find "$cache" -path "$cache/source/u-boot_*.dsc" -size +0 | sort -V | tail -n 1; }

if [[ -z $(newest_source) ]]; then
  rm -rf "$cache/source.new"
  "$here/../../eng/debian-source.sh" u-boot "$cache/source.new" || { echo "build.sh: the source package of u-boot can't be had" >&2; exit 1; }
  rm -rf "$cache/source"
  mv "$cache/source.new" "$cache/source"
fi
dsc=$(newest_source)

key=$( (sha256sum <"${BASH_SOURCE[0]}"; sha256sum <"$dsc"; "${target}gcc" --version | head -n 1) | sha256sum | cut -c 1-16)
built=$cache/$key
kinds=("$@")
((${#kinds[@]})) || kinds=(indications any-file)
missing=()
for kind in "${kinds[@]}"; do
  [[ -s $built/$kind.bin ]] || missing+=("$kind")
done
if ((${#missing[@]} == 0)); then
  echo "$built"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out
dpkg-source --no-check --extract "$dsc" "$work/source" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
cd "$work/source"

# QEMU takes the two commands of a buffered write at the block's own address alone, and U-Boot sends them to the start of the sector.
sed -i \
  -e 's/flash_write_cmd(info, sector, 0, write_cmd);/flash_write_cmd(info, sector, (dest - info->start[sector]) >> shift, write_cmd);/' \
  -e 's/flash_write_cmd(info, sector, 0, cnt - 1);/flash_write_cmd(info, sector, (dest - info->start[sector]) >> shift, cnt - 1);/' \
  drivers/mtd/cfi_flash.c

# A second thing to flash: the board's other partition, which stands for an array controller's ROM. Firmware of this table counts from 1.
sed -i '/^#elif defined(CONFIG_TARGET_QEMU_ARM_64BIT)/,/^#endif/ s/^#endif/\t{\
\t\t.image_type_id = EFI_GUID(0x7a1c0f3e, 0x52b6, 0x4d0c, 0x9a, 0x61, 0x3b, 0x0e, 0x5d, 0x2f, 0x88, 0x14),\
\t\t.fw_name = u"Array-Controller",\
\t\t.image_index = 2,\
\t},\
#endif/' board/emulation/qemu-arm/qemu-arm.c

export SOURCE_DATE_EPOCH=1700000000 KBUILD_BUILD_USER=romflash KBUILD_BUILD_HOST=lab
run_make() { make -j"$(nproc)" O="$out" CROSS_COMPILE="$target" "$@" >>"$work/log" 2>&1 </dev/null || { tail -n 30 "$work/log" >&2; exit 1; }; }

configure() { # option=value…
  local option
  for option; do
    if [[ $option == *=n ]]; then
      scripts/config --file "$out/.config" --disable "${option%%=*}"
    elif [[ $option == *=y ]]; then
      scripts/config --file "$out/.config" --enable "${option%%=*}"
    else
      scripts/config --file "$out/.config" --set-str "${option%%=*}" "${option#*=}"
    fi
  done
  scripts/config --file "$out/.config" --set-val BOOTDELAY -2
  run_make olddefconfig
}

run_make qemu_arm64_defconfig
configure EFI_RUNTIME_UPDATE_CAPSULE=y EFI_CAPSULE_ON_DISK=y EFI_CAPSULE_ON_DISK_EARLY=y EFI_CAPSULE_FIRMWARE_MANAGEMENT=y EFI_CAPSULE_FIRMWARE_RAW=y \
  MTD_PARTITIONS=y MTDPARTS_NOR0="2m(u-boot),2m(spare)" MTDPARTS_NOR1="64m(u-boot-env)" SYS_FLASH_CFI_WIDTH_32BIT=y TOOLS_MKEFICAPSULE=n \
  LOCALVERSION=-romflash-1 LOCALVERSION_AUTO=n
mkdir -p "$built"
for kind in "${missing[@]}"; do
  case $kind in
    indications) configure EFI_IGNORE_OSINDICATIONS=n EFI_CAPSULE_AUTHENTICATE=n ;;
    any-file) configure EFI_IGNORE_OSINDICATIONS=y EFI_CAPSULE_AUTHENTICATE=n ;;
    authenticated) configure EFI_IGNORE_OSINDICATIONS=n EFI_CAPSULE_AUTHENTICATE=y ;;
    *) echo "build.sh: there is no kind '$kind'" >&2; exit 1 ;;
  esac
  run_make u-boot.bin

  # Under its name only when it is whole.
  cp "$out/u-boot.bin" "$built/$kind.new"
  mv "$built/$kind.new" "$built/$kind.bin"
done
echo "$built"
