#!/bin/sh
# A store on btrfs: theirs makes layers, ours reads, changes and adds to them, theirs reads those, and removes them.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has containers-storage || ! has jq || ! has mkfs.btrfs; then
  skip btrfs "needs root, containers-storage, jq and mkfs.btrfs"
  exit 0
fi
make_scratch
truncate -s 2G "$scratch/disk"
mkdir "$scratch/mnt"
if ! { mkfs.btrfs -q "$scratch/disk" && mount -o loop "$scratch/disk" "$scratch/mnt"; } >/dev/null 2>&1; then
  skip btrfs "no btrfs can be mounted here"
  exit 0
fi
graph=$scratch/mnt/graph run=$scratch/run
on_btrfs() { called=$1; shift; "$called" --storage-driver btrfs --graph "$graph" --run "$run" "$@"; }
theirs() { on_btrfs containers-storage "$@"; }
ours() { on_btrfs "$OCI_STORAGE" "$@"; }
listing() { tar --numeric-owner -tvf - | sort -k6; }
tree_of() { (cd "$graph/btrfs/subvolumes/$1" && find . -printf '%p %y %m %U %G %s %l %T@ %n\n' | grep -v ' d .* [0-9.]* [0-9]*$' | sort; find . -type d -printf '%p %m %U %G\n' | sort); }
is_subvolume() { [ "$(stat -c %i "$graph/btrfs/subvolumes/$1")" = 256 ]; }

# two layers: a tree, and changes to it
base=$(busybox_tar) || exit 1
mkdir -p "$scratch/changes/etc" "$scratch/changes/var/new"
echo changed >"$scratch/changes/etc/os-release"
: >"$scratch/changes/etc/.wh.hard"
: >"$scratch/changes/.wh.run"
: >"$scratch/changes/var/new/file"
tar -C "$scratch/changes" --sort=name --numeric-owner -cf "$scratch/changes.tar" .

# the same by each program, in its own layers of one store
for program in theirs ours; do
  check "$program imports a layer" $program import-layer --id "$program-base" --name "$program/base" --file "$base" || exit 1
  check "$program imports a layer over it" $program import-layer --id "$program-top" --file "$scratch/changes.tar" "$program-base"
  check "both are subvolumes" is_subvolume "$program-base" && check "also the upper one" is_subvolume "$program-top"
done
check_equal 'the lower trees are alike' "$(tree_of theirs-base)" "$(tree_of ours-base)"
check_equal 'the upper trees are alike' "$(tree_of theirs-top)" "$(tree_of ours-top)"
fields='del(.id,.parent,.names,.created)'
for kind in base top; do
  check_equal "the records of $kind are alike" "$(jq -S ".[]|select(.id==\"theirs-$kind\")|$fields" "$graph/btrfs-layers/layers.json")" \
    "$(jq -S ".[]|select(.id==\"ours-$kind\")|$fields" "$graph/btrfs-layers/layers.json")"
done

# each reads what the other made
for program in theirs ours; do
  other=ours; [ $program = ours ] && other=theirs
  check_equal "$program lists four layers" 4 "$($program layers -j | jq length)"
  $program diff -u "$other-base" >"$scratch/out.tar"
  check_same_bytes "$program exports the bytes that $other took in" "$base" "$scratch/out.tar"
  $program diff -u "$other-top" >"$scratch/out.tar"
  check_same_bytes "$program exports the changes that $other took in" "$scratch/changes.tar" "$scratch/out.tar"
  check_equal "$program sees the changes of $other" "$($other changes "$other-top" | sort)" "$($program changes "$other-top" | sort)"
  check_equal "$program counts the bytes of $other" "$($other diffsize "$other-top")" "$($program diffsize "$other-top")"
done

# containers on the other's layers, written to
for program in theirs ours; do
  other=ours; [ $program = ours ] && other=theirs
  check "$program makes an image of a layer of $other" $program create-image --id "$(printf %064d ${#program})" "$other-top"
  check "$program makes a container" $program create-container --name "box-$program" "$(printf %064d ${#program})"
  layer=$($program container -j "box-$program" | jq -r '.[0].layer')
  mounted $program "box-$program"
  check_equal "$program mounts it where its subvolume is" "$graph/btrfs/subvolumes/$layer" "$root"
  echo "$program" >"$root/etc/hostname"
  rm -f "$root/etc/passwd"
  check_equal "$other sees the mount" "box-$program mounted" "$($other mounted "box-$program")"
  check_equal "$other sees what changed in it" "$($program changes "$layer" | sort)" "$($other changes "$layer" | sort)"
  check_equal "$other makes the same tar of it" "$($program diff -u "$layer" | listing)" "$($other diff -u "$layer" | listing)"
  check "$other unmounts it" $other unmount "box-$program"
done

# each removes what the other made; a subvolume that somebody made inside goes with its layer
layer=$(theirs container -j box-theirs | jq -r '.[0].layer')
if has btrfs; then
  btrfs -q subvolume create "$graph/btrfs/subvolumes/$layer/inner" && echo x >"$graph/btrfs/subvolumes/$layer/inner/file"
fi
check 'ours deletes the container of theirs' ours delete-container box-theirs
check_equal 'its subvolume is gone' '' "$(ls "$graph/btrfs/subvolumes" | grep "$layer")"
check 'theirs deletes the container of ours' theirs delete-container box-ours
for program in theirs ours; do
  other=ours; [ $program = ours ] && other=theirs
  check "$program deletes the image of $other" $program delete-image "$(printf %064d ${#other})"
done
check_equal 'no layer is left to theirs' '' "$(theirs layers)"
check_equal 'none to ours' '' "$(ours layers)"
check_equal 'no subvolume is left' '' "$(ls "$graph/btrfs/subvolumes")"

# a limit, and the choice of the driver by what is there
check 'ours makes a limited container' ours --storage-opt btrfs.size=4m create-layer --id limited
if head -c 8M /dev/zero >"$graph/btrfs/subvolumes/limited/large" 2>/dev/null; then
  not_ok 'it takes no more than its limit'
else
  ok 'it takes no more than its limit'
fi
check_equal 'the limit is recorded as theirs records it' 4194304 "$(cat "$graph/btrfs/quotas/limited")"
check 'theirs removes it' theirs delete-layer limited
check_equal 'with its limit' '' "$(ls "$graph/btrfs/quotas")"
check_equal 'without a name ours takes the driver whose data is there' 'Driver Name: btrfs' \
  "$("$OCI_STORAGE" --graph "$graph" --run "$run" status 2>&1 | grep 'Driver Name')"
check 'ours gives the mount of the home back' ours shutdown
check_equal 'it is gone' '' "$(grep -F "$graph" /proc/self/mountinfo)"
umount "$scratch/mnt"
