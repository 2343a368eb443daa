#!/bin/sh
# The power fails and processes are killed while stores are changed, with every driver and serializer, on ext4, XFS and btrfs:
# nothing that was acknowledged is lost, and what was under way is old or new.
# STRATA_SECONDS: how long (60). From 600 on, processes are killed at every changing system call of every change in turn, else
# at some; 2400 see some 10,000 cuts and 9,000 kills on two processors. STRATA_SEED: of the choices; how the times fall is
# chance. STRATA_JOBS: at once (1, from 600 seconds on as many as there are processors). STRATA_ONLY: words of settings and
# ways, as tests/crash_recovery/main.cpp says. Disks of failures are kept in STRATA_KEEP (/var/tmp/strata-crash).
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
: "${STRATA_SECONDS:=60}" "${STRATA_SEED:=$(date +%s)}" "${STRATA_ONLY:=}" "${STRATA_KEEP:=/var/tmp/strata-crash}"
if [ "$STRATA_SECONDS" -lt 600 ]; then : "${STRATA_JOBS:=1}"; else : "${STRATA_JOBS:=$(nproc)}"; fi

leave() { skip crash_recovery "$1"; exit 0; }
kernel_has() { modprobe -q "$1" 2>/dev/null; grep -qw "$1" /proc/filesystems; }
kernel_is() { [ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ]; }  # this one or later

is_root || leave 'needs root'
modprobe -q loop 2>/dev/null
losetup -f >/dev/null 2>&1 || leave 'no loop devices here'
{ has mkfs.xfs && kernel_has xfs; } || leave 'needs XFS, to copy disks in a moment'
without=
without() { skip "crash_recovery: $1" "$2"; without="$without $1"; }
{ has mkfs.ext4 && kernel_has ext4; } || without ext4 'no mkfs.ext4, or not in this kernel'
{ has mkfs.btrfs && kernel_has btrfs; } || without btrfs 'no mkfs.btrfs, or not in this kernel'
kernel_is 6.7 || without btrfs 'before Linux 6.7, no copy of a disk can be mounted beside it'
kernel_has overlay || without overlay 'not in this kernel'
{ [ -e /dev/fuse ] && kernel_has fuse; } || without cached 'no FUSE, which makes a device with a cache'
has containers-storage || skip 'crash_recovery: containers-storage beside it' 'not installed'

[ -n "${STRATA_BUILT:-}" ] || build "$STRATA_BUILD" '' build-crash_recovery || exit 1
in=/var/tmp
if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')" -gt 2000000 ] 2>/dev/null; then in=/dev/shm; fi
scratch=$(mktemp -d $in/strata-crash.XXXXXX) || exit 1
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
"$STRATA_BUILD/tests/crash_recovery/crash_recovery" --scratch "$scratch" --seconds "$STRATA_SECONDS" --seed "$STRATA_SEED" \
  --lanes "$STRATA_JOBS" --only "$STRATA_ONLY" --without "$without" --keep "$STRATA_KEEP"
