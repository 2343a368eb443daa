#!/bin/sh
# The power fails and processes are killed while stores are changed, with every driver and serializer, on ext4, XFS and btrfs:
# nothing that was acknowledged is lost, and what was under way is old or new.
# STRATA_SECONDS: how long; nothing is run without it as long as it finds what is still to be mended (issue 10, section 3:
# applydiff is not atomic, vfs and btrfs do not flush at unmount, notes are not flushed). From 600 on, processes are killed at
# every changing system call of every change in turn, else at some. STRATA_SEED: of the choices; how the times fall is chance.
# STRATA_ONLY: words of settings and ways, as tests/crash/main.cpp says.
# Disks of failures are kept in STRATA_KEEP (/var/tmp/strata-crash).
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
: "${STRATA_SEED:=$(date +%s)}" "${STRATA_ONLY:=}" "${STRATA_KEEP:=/var/tmp/strata-crash}"

if [ -z "${STRATA_SECONDS:-}" ]; then skip crash "only with STRATA_SECONDS, until what it finds is mended"; exit 0; fi
if ! is_root; then skip crash "needs root"; exit 0; fi
for program in mkfs.ext4 mkfs.xfs mkfs.btrfs; do
  if ! has $program; then skip crash "needs $program"; exit 0; fi
done
for file_system in xfs ext4 btrfs fuse overlay; do
  modprobe -q $file_system 2>/dev/null || true
  if ! grep -qw $file_system /proc/filesystems; then skip crash "no $file_system in this kernel"; exit 0; fi
done
if [ ! -e /dev/loop-control ] || [ ! -e /dev/fuse ]; then skip crash "no loop devices or FUSE here"; exit 0; fi
in=/var/tmp
if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')" -gt 2000000 ] 2>/dev/null; then in=/dev/shm; fi
scratch=$(mktemp -d $in/strata-crash.XXXXXX) || exit 1
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
"$STRATA_BUILD/tests/crash/crash" --scratch "$scratch" --seconds "$STRATA_SECONDS" --seed "$STRATA_SEED" \
  --only "$STRATA_ONLY" --keep "$STRATA_KEEP"
