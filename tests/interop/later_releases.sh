#!/bin/sh
# What releases of containers/storage after 1.43 do, or all of them, where a store of ours once did something else: streams
# that are applied to mounted layers (beside theirs); images with ID mappings; names of images in read-only stores; images from before there
# was a separate image store; mounts in stale staging directories.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has containers-storage || ! has jq; then skip later_releases "needs root, containers-storage and jq"; exit 0; fi
make_scratch
if ! overlay_works "$scratch"; then skip later_releases "no overlay file system here"; exit 0; fi

mkdir -p "$scratch/low/d" "$scratch/up/d" "$scratch/more"
echo low >"$scratch/low/d/low" && echo gone >"$scratch/low/gone" && echo same >"$scratch/low/d/changed"
chown 5:6 "$scratch/low/d/low"
echo new >"$scratch/up/d/new" && echo changed >"$scratch/up/d/changed" && : >"$scratch/up/.wh.gone" && ln "$scratch/up/d/new" "$scratch/up/link"
echo later >"$scratch/more/later"
for part in low up more; do tar --sort=name --numeric-owner -C "$scratch/$part" -cf "$scratch/$part.tar" .; done

by_ours() { "$OCI_STORAGE" --storage-driver "$driver" --graph "$graph" --run "$run" "$@"; }
by_theirs() { containers-storage --storage-driver "$driver" --graph "$graph" --run "$run" "$@"; }

# apply_mounted PROGRAM: applies a stream to a mounted layer, and on overlay one to the layer below it; prints all that shows
apply_mounted() {
  by_=$1
  $by_ import-layer --id base -f "$scratch/low.tar" >/dev/null && $by_ create-layer --id layer base >/dev/null || return 1
  at=$($by_ mount layer) && case $at in "$scratch"/?*) ;; *) return 1 ;; esac
  echo own >"$at/d/own"
  $by_ apply-diff -f "$scratch/up.tar" layer || echo 'cannot apply'
  (cd "$at" && find . -mindepth 1 -printf '%p %y %m %U:%G %n\n' | sort)
  cat "$at/d/new" "$at/link" "$at/d/own" "$at/d/low"
  $by_ diff -u layer | sha256sum
  if [ "$driver" = overlay ]; then
    $by_ apply-diff -f "$scratch/more.tar" base || echo 'cannot apply'
    cat "$at/later"
  fi
  $by_ unmount layer
  at=$($by_ mount layer) && cat "$at/d/changed" && test ! -e "$at/gone" && $by_ unmount layer
  jq -c '.[] | del(.created)' "$graph/$driver-layers/layers.json"
}
for driver in overlay vfs; do
  for program in theirs ours; do
    use_store "$scratch/mounted-$driver-$program"
    apply_mounted by_$program >"$scratch/mounted-$driver.$program" 2>&1
    unmount_below "$graph"
  done
  check_same_bytes "$driver: a stream applied to a mounted layer does the same as theirs" "$scratch/mounted-$driver.theirs" "$scratch/mounted-$driver.ours"
  check_equal "$driver: and appears in the mount" 'new new own low' "$(grep -xE 'new|own|low' "$scratch/mounted-$driver.ours" | paste -sd' ')"
done

# killed while it changes the layer: the next command ends it
if has strace; then
  driver=overlay
  use_store "$scratch/killed"
  by_ours import-layer --id base -f "$scratch/low.tar" >/dev/null
  by_ours create-layer --id layer base >/dev/null
  mounted by_ours layer
  at=$root
  status=0
  strace -f -qq -o /dev/null -e trace=mknodat,mknod -e inject=mknodat,mknod:signal=KILL:when=2 "$OCI_STORAGE" --storage-driver overlay --graph "$graph" \
    --run "$run" apply-diff -f "$scratch/up.tar" layer 2>/dev/null || status=$?
  check_equal 'a second whiteout, in the layer itself, is where it dies' 137 "$status"
  by_ours layers >/dev/null
  check_equal 'the next command unpacks the rest' 'new new' "$(cat "$at/d/new" "$at/link" | paste -sd' ')"
  by_ours diff -u layer >"$scratch/killed.tar"
  check_same_bytes 'and the layer gives the stream back' "$scratch/up.tar" "$scratch/killed.tar"
  by_ours unmount layer >/dev/null
  check_equal 'check finds nothing' '' "$(by_ours check 2>&1)"
  unmount_below "$graph"
fi

# an image whose layers are stored with different ID mappings is mounted with the host's
driver=overlay
for disabled in '' yes; do
  use_store "$scratch/maps$disabled"
  _CONTAINERS_OVERLAY_DISABLE_IDMAP=yes by_ours import-layer --id low --uidmap 0:100000:65536 --gidmap 0:100000:65536 -f "$scratch/low.tar" >/dev/null
  _CONTAINERS_OVERLAY_DISABLE_IDMAP=yes by_ours import-layer --id up --uidmap 0:200000:65536 --gidmap 0:200000:65536 -f "$scratch/up.tar" low >/dev/null
  by_ours create-image --id image up >/dev/null
  check_equal 'its files are stored with theirs' '100000:100000 200000:200000' \
    "$(stat -c %u:%g "$graph/overlay/low/diff/gone" "$graph/overlay/up/diff/d/new" | paste -sd' ')"
  at=$(_CONTAINERS_OVERLAY_DISABLE_IDMAP=$disabled by_ours mount -r image)
  check_equal "an image's layers with different ID mappings are mounted with the host's${disabled:+, without mapped mounts}" '0:0 5:6 0:0' \
    "$(cd "$at" && stat -c %u:%g d d/low d/new | paste -sd' ')"
  check 'and unmounted' by_ours unmount image
  check_equal 'by a copy that is kept' 1 "$(jq '.[0]["mapped-layers"] | length' "$graph/overlay-images/images.json")"
  check_equal 'which is the one that theirs finds' 3 "$(by_theirs layers --json | jq length)"
  unmount_below "$graph"
done

# a name of an image in a read-only store
use_store "$scratch/below"
by_theirs import-layer --id base -f "$scratch/low.tar" >/dev/null
by_theirs create-image --id image --name localhost/one:1 --name localhost/two:1 base >/dev/null
unmount_below "$graph"
use_store "$scratch/above"
with_below() { by_ours --storage-opt "overlay.imagestore=$scratch/below/graph" "$@"; }
check_equal 'a name is removed from an image of a read-only store' '["localhost/two:1"]' \
  "$(with_below remove-names --json --name localhost/one:1 image)"
check_equal 'and does not resolve afterwards' "$(printf 'localhost/one:1: false\nlocalhost/two:1: true')" "$(with_below exists localhost/one:1 localhost/two:1)"
check_equal 'nor is it used' 'locating image with ID "localhost/one:1": image not known' "$(with_below create-container localhost/one:1 2>&1)"
check 'the other is' with_below create-container localhost/two:1
unmount_below "$graph"

# an image from before there was a separate image store
use_store "$scratch/split"
by_theirs import-layer --id base -f "$scratch/low.tar" >/dev/null
by_theirs create-image --id image --name localhost/older:1 base >/dev/null
split() { by_ours --image-store "$scratch/split-images" "$@"; }
check 'with an image store, an image that only the graph root has is deleted' split delete-image localhost/older:1
check_equal 'theirs no longer finds it, nor its layer' '' "$(by_theirs images --quiet; by_theirs layers)"
check_equal 'and nothing is left of it' '' "$(find "$graph/overlay" -maxdepth 1 -name base; find "$graph/overlay-images" -mindepth 1 -type d)"
unmount_below "$graph"

# a stale staging directory in which something is mounted, before the home is bound over itself
use_store "$scratch/stale"
by_ours layers && by_ours shutdown
mkdir -p "$scratch/precious" "$graph/overlay/tempdirs/temp-dir-77/0-addition/merged" && echo kept >"$scratch/precious/file"
: >"$graph/overlay/tempdirs/lock-77"
mount --bind "$scratch/precious" "$graph/overlay/tempdirs/temp-dir-77/0-addition/merged"
check 'a store with a mount in a stale staging directory is opened' by_ours layers
check_equal 'the mount is gone, with the directory and its lock file' '' "$(find "$graph/overlay/tempdirs" 2>/dev/null; grep "$graph/overlay/tempdirs" /proc/self/mountinfo)"
check 'and nothing was deleted through it' test -s "$scratch/precious/file"
unmount_below "$graph"
