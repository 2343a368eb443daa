#!/bin/sh
# The power fails right after an unmount, or a deletion, was acknowledged: what was written in the container is there after
# the cut, whole; what the deletion left is at most garbage, and no damage. An image of what a volatile container wrote is no less
# an image. For each driver and file system below.
# A cut is a reflink copy of the file that the store's disk is, as in power_cut.sh.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh
: "${STRATA_CUTS:=3}"

if ! is_root || ! has mkfs.xfs || ! has mkfs.ext4 || ! has jq; then skip unmount_and_delete_cut "needs root, mkfs.xfs, mkfs.ext4 and jq"; exit 0; fi
make_scratch
mkdir "$scratch/xfs" "$scratch/disk" "$scratch/copy" "$scratch/t"
truncate -s 3G "$scratch/xfs.img"
if ! mkfs.xfs -q -m reflink=1 "$scratch/xfs.img" 2>/dev/null || ! mount -o loop "$scratch/xfs.img" "$scratch/xfs" 2>/dev/null; then
  skip unmount_and_delete_cut "cannot mount an XFS from a file here"
  exit 0
fi
for i in 1 2 3 4 5 6 7 8; do head -c 20000 /dev/urandom >"$scratch/t/file$i"; done
tar -C "$scratch/t" -cf "$scratch/a.tar" .
head -c 500000 /dev/urandom >"$scratch/written"

in_disk() { "$OCI_STORAGE" -g "$scratch/disk/graph" -R "$scratch/run" -s $driver "$@"; }
in_copy() { "$OCI_STORAGE" -g "$scratch/copy/graph" -R "$scratch/run-copy" -s $driver "$@"; }

layer_of() { jq -r --arg id "$1" '.[] | select(.id == $id) | .layer' "$scratch/disk/graph/$driver-containers/containers.json"; }

# cut: the disk as it is now, mounted at copy; the disk itself is away meanwhile, for btrfs knows file systems by their number
cut() {
  cp --reflink=always "$scratch/xfs/disk.img" "$scratch/xfs/cut.img" || return 1
  umount -l "$scratch/disk/graph/$driver" 2>/dev/null
  umount "$scratch/disk" || return 1
  [ $system != btrfs ] || btrfs device scan --forget >/dev/null 2>&1
  rm -rf "$scratch/run-copy"
  mount -o loop "$scratch/xfs/cut.img" "$scratch/copy"
}
end_cut() {
  umount -l "$scratch/copy/graph/$driver" 2>/dev/null
  umount "$scratch/copy" || return 1
  [ $system != btrfs ] || btrfs device scan --forget >/dev/null 2>&1
  rm -f "$scratch/xfs/cut.img"
  mount -o loop "$scratch/xfs/disk.img" "$scratch/disk"
}

for each in vfs:ext4 overlay:ext4 vfs:btrfs overlay:btrfs btrfs:btrfs; do
  driver=${each%:*} system=${each#*:} name="unmount_and_delete_cut: $each"
  has mkfs.$system || { skip "$name" "no mkfs.$system"; continue; }
  rm -f "$scratch/xfs/disk.img"
  truncate -s 600M "$scratch/xfs/disk.img"
  mkfs.$system -q "$scratch/xfs/disk.img" >/dev/null 2>&1 && mount -o loop "$scratch/xfs/disk.img" "$scratch/disk" 2>/dev/null ||
    { skip "$name" "cannot mount a $system from a file here"; continue; }
  [ $driver != overlay ] || overlay_works "$scratch/disk" || { skip "$name" "no overlay here"; umount "$scratch/disk"; continue; }
  : >"$scratch/wrong"
  n=0
  while [ $n -lt "$STRATA_CUTS" ]; do
    n=$((n + 1))
    in_disk import-layer --id "layer$n" --file "$scratch/a.tar" >/dev/null && in_disk create-image --id "image$n" "layer$n" >/dev/null &&
      in_disk create-container --id "box$n" "image$n" >/dev/null && root=$(in_disk mount "box$n") || { echo "no container" >>"$scratch/wrong"; break; }
    case $root in "$scratch"/disk/?*) ;; *) echo "mounted at $root" >>"$scratch/wrong"; break ;; esac
    cp "$scratch/written" "$root/written"
    in_disk unmount "box$n" >/dev/null || echo "unmount box$n" >>"$scratch/wrong"
    in_disk create-container --volatile --id "rash$n" "image$n" >/dev/null && root=$(in_disk mount "rash$n") &&
      cp "$scratch/written" "$root/rashly" && in_disk unmount "rash$n" >/dev/null &&
      in_disk create-image --id "shown$n" "$(layer_of "rash$n")" >/dev/null || echo "no image of rash$n" >>"$scratch/wrong"
    cut || { echo "no cut" >>"$scratch/wrong"; break; }
    root=$(in_copy mount "box$n") && cmp -s "$scratch/written" "$root/written" || echo "box$n: what was written is not there" >>"$scratch/wrong"
    in_copy unmount "box$n" >/dev/null
    root=$(in_copy mount --read-only "shown$n") && cmp -s "$scratch/written" "$root/rashly" || echo "shown$n: what is written is not there" >>"$scratch/wrong"
    in_copy unmount "shown$n" >/dev/null
    end_cut || { echo "the disk does not come back" >>"$scratch/wrong"; break; }
    in_disk delete-image "shown$n" >/dev/null 2>&1 && in_disk delete-container "rash$n" >/dev/null || echo "delete shown$n" >>"$scratch/wrong"
    in_disk delete-container "box$n" >/dev/null && in_disk delete-image "image$n" >/dev/null 2>&1 || echo "delete $n" >>"$scratch/wrong"
    cut || { echo "no cut" >>"$scratch/wrong"; break; }
    in_copy check >"$scratch/out" 2>&1 || { echo "check after a deletion:" && cat "$scratch/out"; } >>"$scratch/wrong"
    [ -z "$(in_copy layers)" ] || echo "deleted layers are there" >>"$scratch/wrong"
    end_cut || { echo "the disk does not come back" >>"$scratch/wrong"; break; }
  done
  umount -l "$scratch/disk/graph/$driver" 2>/dev/null
  umount "$scratch/disk" 2>/dev/null || umount -l "$scratch/disk"
  check_equal "$name" '' "$(cat "$scratch/wrong")"
done
