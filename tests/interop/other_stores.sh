#!/bin/sh
# A store is used as an additional image store of another: theirs by ours, ours by theirs and by Podman; on a read-only
# bind mount, a squashfs, an ext4 that is mounted read-only, and a FUSE file system that refuses every lock. What it holds
# is listed, exported, mounted, and stands below containers and layers; nothing is written to it. Then: a separate image
# store, and a transient store.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has containers-storage || ! has jq; then skip other_stores "needs root, containers-storage and jq"; exit 0; fi
make_scratch
if ! overlay_works "$scratch"; then skip other_stores "no overlay file system here"; exit 0; fi

# two layers, an image
mkdir -p "$scratch/lower/etc" "$scratch/upper/etc"
echo 'from the lower' >"$scratch/lower/etc/lower"
echo 'to be hidden' >"$scratch/lower/etc/hidden"
echo 'from the upper' >"$scratch/upper/etc/upper"
: >"$scratch/upper/etc/.wh.hidden"
for part in lower upper; do tar --sort=name --numeric-owner -C "$scratch/$part" -cf "$scratch/$part.tar" .; done
write_image maker "$scratch/image" "$scratch/lower.tar" "$scratch/upper.tar"

# make_store PROGRAM NAME: a store of PROGRAM with the image, lying still
make_store() {
  use_store "$scratch/$2"
  made_by=$1
  $1 import-layer --id "lower-$2" -f "$scratch/lower.tar" >/dev/null && $1 import-layer --id "upper-$2" -f "$scratch/upper.tar" "lower-$2" >/dev/null &&
    make_image "localhost/$2:1" "upper-$2" "$scratch/image" >/dev/null
  made=$?
  unmount_below "$graph"
  return $made
}

state() { (cd "$1" && find . -printf '%p %y %s %m %T@\n' | sort | sha256sum); }
shared_with_ours() { ours --storage-opt "overlay.imagestore=$shared" "$@"; }
shared_with_theirs() { theirs --storage-opt "overlay.imagestore=$shared" "$@"; }

# used_by_ours WHAT NAME: everything that can be done with the image of $shared
used_by_ours() {
  check_equal "$1: ours lists the image" "$image_id" "$(shared_with_ours images --quiet)"
  check_equal "$1: and the layers" "lower-$2 upper-$2" "$(shared_with_ours layers --quick | paste -sd' ')"
  check_equal "$1: says that they are only read" 'Read Only: true' "$(shared_with_ours layer "upper-$2" | tail -n 1)"
  check_equal "$1: so is the image" 'Read Only: true' "$(shared_with_ours image "$image_id" | tail -n 1)"
  shared_with_ours diff -u "upper-$2" >"$scratch/exported.tar"
  check_same_bytes "$1: ours exports the bytes that went in" "$scratch/upper.tar" "$scratch/exported.tar"
  check_equal "$1: ours lists changes" 'Add "/etc/upper"' "$(shared_with_ours changes "upper-$2" | grep upper)"
  shared_with_ours get-image-data --file "$scratch/data" "$image_id" manifest
  check_same_bytes "$1: ours reads data" "$scratch/image/manifest" "$scratch/data"
  check "$1: ours makes a container" shared_with_ours create-container --name box "localhost/$2:1"
  mounted shared_with_ours box
  check_equal "$1: its files are there" 'from the lower from the upper' "$(cat "$root/etc/lower" "$root/etc/upper" | paste -sd' ')"
  check "$1: what a layer took away is not" test ! -e "$root/etc/hidden"
  echo new >"$root/etc/new"
  check "$1: ours unmounts" shared_with_ours unmount box
  box_layer=$(ours container --json box | jq -r '.[0].layer')
  check_equal "$1: what the container changed" 'Modify "/etc" Add "/etc/new"' "$(shared_with_ours changes "$box_layer" | paste -sd' ')"
  child=$(shared_with_ours import-layer -f "$scratch/lower.tar" "upper-$2")
  check_equal "$1: a layer of our own stands on it" "upper-$2" "$(shared_with_ours layer --json "$child" | jq -r '.[0].parent')"
  if [ "$3" = with_theirs ]; then
    check_equal "$1: theirs sees the same layers" "$(shared_with_theirs layers --json | jq -r '.[].id' | sort)" \
      "$(shared_with_ours layers --json | jq -r '.[].id' | sort)"
    mounted shared_with_theirs box
    check_equal "$1: theirs mounts the container of ours" 'from the lower new' "$(cat "$root/etc/lower" "$root/etc/new" | paste -sd' ')"
    check "$1: and unmounts it" shared_with_theirs unmount box
  fi
  for refused in "delete-layer upper-$2:identifier is not a layer" "delete-image $image_id:identifier is not an image" \
    "set-names --name x upper-$2:layer not known" "mount upper-$2:a write method on a read-only store" \
    "create-layer --id upper-$2:that ID is already in use" "set-metadata --metadata x upper-$2:identifier is not a layer, image, or container"; do
    # shellcheck disable=SC2086
    if said=$(shared_with_ours ${refused%%:*} 2>&1); then not_ok "$1: ours refuses ${refused%%:*}" "$said"; else
      case $said in *"${refused#*:}"*) ok "$1: ours refuses ${refused%%:*}" ;; *) not_ok "$1: ours refuses ${refused%%:*}" "$said" ;; esac
    fi
  done
  check "$1: ours gives the image a name" shared_with_ours add-names --name mine "$image_id"
  check_equal "$1: which makes a record of our own" "mine localhost/$2:1" "$(ours get-names "$image_id" | paste -sd' ')"
  check "$1: ours removes the container" shared_with_ours delete-container box
  check "$1: and that record" shared_with_ours delete-image "$image_id"
  check "$1: ours removes the layer" shared_with_ours delete-layer "$child"
}

for maker in theirs ours; do
  make_store $maker "$maker-made" || { not_ok "$maker makes a store"; exit 1; }
done

# a store that can only be read, whoever made it
for maker in theirs ours; do
  name=$maker-made source=$scratch/$maker-made/graph
  before=$(state "$source")
  shared=$scratch/shared-$maker
  mkdir "$shared"
  mount --bind "$source" "$shared" && mount -o remount,bind,ro "$shared"
  use_store "$scratch/user-$maker"
  used_by_ours "$maker's, read-only bind mount" "$name" with_theirs
  umount "$shared"
  check_equal "$maker's: nothing was written to it" "$before" "$(state "$source")"
done

# without lock files, which nobody can make there
source=$scratch/ours-made/graph
find "$source" -name '*.lock' -delete
shared=$scratch/shared-squash
mkdir "$shared"
if has mksquashfs && mksquashfs "$source" "$scratch/squash" -quiet -no-progress >/dev/null 2>&1 && mount -t squashfs -o loop,ro "$scratch/squash" "$shared" 2>/dev/null; then
  use_store "$scratch/user-squash"
  used_by_ours 'squashfs without lock files' ours-made alone
  unmount_below "$graph"
  umount "$shared"
else
  skip 'squashfs' 'no mksquashfs, or the kernel does not mount it'
fi
truncate -s 32M "$scratch/ext4"
shared=$scratch/shared-ext4
mkdir "$shared"
if mkfs.ext4 -q -d "$source" "$scratch/ext4" 2>/dev/null && mount -o loop,ro "$scratch/ext4" "$shared" 2>/dev/null; then
  use_store "$scratch/user-ext4"
  used_by_ours 'ext4, mounted read-only' ours-made alone
  unmount_below "$graph"
  umount "$shared"
else
  skip 'ext4, mounted read-only' 'it cannot be made or mounted'
fi

# a file system that refuses locks
shared=$scratch/shared-fuse
mkdir "$shared"
if /usr/bin/python3 -c 'import fuse' 2>/dev/null && /usr/bin/python3 tests/interop/no_locks_fs.py "$scratch/theirs-made/graph" "$shared" 2>/dev/null; then
  check 'it refuses locks' test "$(/usr/bin/python3 -c 'import fcntl, sys
try:
    fcntl.lockf(open(sys.argv[1]), fcntl.LOCK_SH)
except OSError as error:
    print(error.errno)' "$shared/overlay-layers/layers.lock")" = 37
  use_store "$scratch/user-fuse"
  used_by_ours 'FUSE without locks' theirs-made alone
  unmount_below "$graph"
  umount "$shared"
else
  skip 'FUSE without locks' 'needs python3-fuse and /dev/fuse'
fi

# Podman on a store of ours
if has podman; then
  use_store "$scratch/user-podman"
  shared=$scratch/ours-made/graph
  check_equal 'podman lists the image in a store of ours' "$image_id" \
    "$(pod --storage-opt "overlay.imagestore=$shared" images --no-trunc --quiet | sed 's/^sha256://')"
  check 'podman makes a container of it' pod --storage-opt "overlay.imagestore=$shared" create --name box --network=none "localhost/ours-made:1" true
  mounted shared_with_ours "$(pod --storage-opt "overlay.imagestore=$shared" ps -a --no-trunc --format '{{.ID}}')"
  check_equal 'ours mounts that' 'from the upper' "$(cat "$root/etc/upper")"
  unmount_below "$graph"
fi

# a separate image store, and a transient one: ours alone, since 1.43 knows of neither
use_store "$scratch/split"
split() { ours --image-store "$scratch/split-images" "$@"; }
check 'with an image store: import' split import-layer --id lower -f "$scratch/lower.tar"
check 'with an image store: image' split create-image --name localhost/split:1 lower
check 'with an image store: container' split create-container --name box localhost/split:1
check_equal 'the image is in the image store' 1 "$(jq length "$scratch/split-images/overlay-images/images.json")"
check_equal 'so is its layer' lower "$(jq -r '.[].id' "$scratch/split-images/overlay-layers/layers.json")"
check 'and its files' test -d "$scratch/split-images/overlay/lower/diff/etc"
check_equal "the container's layer is not" lower "$(jq -r '.[].parent' "$graph/overlay-layers/layers.json")"
mounted split box
check_equal 'it is mounted' 'from the lower' "$(cat "$root/etc/lower")"
check 'and unmounted' split unmount box
check_equal 'check finds nothing' '' "$(split check 2>&1)"
check 'wipe' split wipe
check_equal 'leaves no layer' '' "$(ls "$scratch/split-images/overlay" | grep -vxE 'l|tempdirs')"
check_equal 'an image store that is the graph root' "imagestore $graph must either be not set or be a different than graphroot" \
  "$(ours --image-store "$graph" layers 2>&1 | sed 's/^error initializing: //')"
unmount_below "$graph"

use_store "$scratch/transient"
passing() { ours --transient-store "$@"; }
check 'transient: import' passing import-layer --id lower -f "$scratch/lower.tar"
check 'transient: image' passing create-image --name localhost/transient:1 lower
check 'transient: container' passing create-container --name box localhost/transient:1
check_equal 'its record is in the run root' 1 "$(jq length "$run/overlay-containers/volatile-containers.json")"
check_equal 'and that of its layer' 1 "$(jq length "$run/overlay-layers/volatile-layers.json")"
unmount_below "$graph"
rm -rf --one-file-system "${run:?}"
mkdir "$run"
check_equal 'after a reboot the image is there' localhost/transient:1 "$(passing images | sed -n 's/^.name: //p')"
check_equal 'and no container' '' "$(passing containers)"
unmount_below "$graph"
