#!/bin/sh
# Stores that Buildah made are damaged, one way each; ours finds and mends the damage, and containers-storage, Podman and
# Buildah say what they think of the result. Prints a table at the end.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has buildah || ! has jq || ! has containers-storage; then
  skip repair "needs root, podman, buildah, containers-storage and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip repair "no overlay file system here"; exit 0; fi

# --- a store with two layers, two images and a container -----------------------------------------------------------
use_store "$scratch/store"
check 'podman imports a tree' pod import -q "$(busybox_tar)" localhost/base:1 || exit 1
builder from --name work localhost/base:1 >/dev/null
mounted builder work
echo built >"$root/etc/built"
rm "$root/etc/hard"
builder umount work >/dev/null
check 'buildah commits a second layer' builder commit -q work localhost/built:1
builder rm work >/dev/null
builder from --name box localhost/built:1 >/dev/null
mounted builder box
echo container >"$root/etc/container"
builder umount box >/dev/null
ours shutdown >/dev/null 2>&1
check_equal 'nothing is wrong with what they made' '' "$(ours check --max '')"
ours shutdown >/dev/null 2>&1

top_layer=$(ours image --json localhost/built:1 | jq -r '.[0].layer')
base_layer=$(ours layer --json "$top_layer" | jq -r '.[0].parent')
image_id=$(ours image --json localhost/built:1 | jq -r '.[0].id')
box_layer=$(ours container --json box | jq -r '.[0].layer')
box_id=$(ours container --json box | jq -r '.[0].id')
ours shutdown >/dev/null 2>&1

# what must be the same afterwards: bytes of the layers, contents of the container
contents() {
  for layer in "$base_layer" "$top_layer"; do theirs diff -u "$layer" | sha256sum; done
  at=$(theirs mount "$box_layer") && (cd "$at" && find . -xdev | sort | sha256sum && cat etc/container etc/built)
  theirs unmount "$box_layer" >/dev/null
}
records() { theirs layers --json | jq -S .; theirs images --json | jq -S .; theirs containers --json | jq -S .; }
contents >"$scratch/contents"
records >"$scratch/records"
theirs shutdown >/dev/null 2>&1
unmount_below "$store"
mv "$store" "$scratch/sound"  # podman remembers where its store is: the copies are made where it was

half() { truncate -s $(($(stat -c %s "$1") * $2 / 100)) "$1"; }
link_of() { cat "$graph/overlay/$1/link"; }

# --- the catalogue: NAME, then what of the records may be another afterwards, then the command ------------------------
printf 'damage\tmended\topens\trecords\tcontents\tpodman\tsecond check\n' >"$scratch/table"
broken() {
  name=$1 may_change=$2
  shift 2
  rm -rf --one-file-system "${scratch:?}/store"
  cp -a "$scratch/sound" "$scratch/store"
  if ! "$@"; then not_ok "$name: the damage is made"; return; fi
  found=$(ours check --max '' 2>/dev/null)
  if [ -n "$found" ]; then ok "$name: found"; else not_ok "$name: found"; fi
  mended=yes
  said=$(ours check --repair --max '' 2>&1) || mended=no
  check_equal "$name: mended" yes "$mended" || printf '%s\n' "$said" | head -n 20
  opens=no; theirs layers >/dev/null 2>&1 && theirs images >/dev/null 2>&1 && theirs containers >/dev/null 2>&1 && opens=yes
  check_equal "$name: containers-storage opens and lists it" yes "$opens"
  records >"$scratch/records.now" 2>&1
  same=yes; cmp -s "$scratch/records" "$scratch/records.now" || same=no
  if [ "$may_change" = records ] || [ "$may_change" = both ]; then
    [ $same = yes ] || same=partly
  else
    check_equal "$name: with the same records" yes "$same" || diff "$scratch/records" "$scratch/records.now" | head -n 10
  fi
  contents >"$scratch/contents.now" 2>&1
  whole=yes; cmp -s "$scratch/contents" "$scratch/contents.now" || whole=no
  if [ "$may_change" = bytes ] || [ "$may_change" = both ]; then
    [ $whole = yes ] || whole=partly
    tail -n 3 "$scratch/contents" >"$scratch/a"; tail -n 3 "$scratch/contents.now" >"$scratch/b"
    check_equal "$name: mounts with the same files" '' "$(diff "$scratch/a" "$scratch/b")"
  else
    check_equal "$name: diffs and mounts with the same contents" yes "$whole" || diff "$scratch/contents" "$scratch/contents.now"
  fi
  podman=no
  pod images -q >/dev/null 2>&1 && pod image inspect "$image_id" >/dev/null 2>&1 && podman=yes
  check_equal "$name: podman inspects the image" yes "$podman"
  theirs shutdown >/dev/null 2>&1
  second=clean
  said=$(ours check --max '' 2>&1) || second=damaged
  [ $second = damaged ] || [ -z "$said" ] || second=notes
  check_equal "$name: a second check finds no damage" '' "$(printf %s "$second" | grep damaged)"
  ours shutdown >/dev/null 2>&1
  unmount_below "$store"
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$mended" "$opens" "$same" "$whole" "$podman" "$second" >>"$scratch/table"
}
layers=overlay-layers/layers.json images=overlay-images/images.json containers=overlay-containers/containers.json

lost() { rm -rf --one-file-system "${graph:?}/$1"; }
lost_run() { rm -f "${run:?}/$1"; }
emptied() { : >"$graph/$1"; }
halved() { half "$graph/$1" "$2"; }
edited() { sed -i "$2" "$graph/$1"; }
lost_entry() { rm "$graph/overlay/l/$(link_of "$1")"; }
lost_lists() { rm -f "$graph/overlay/$1/lower" "$graph/overlay/$1/lower-layers"; }
other_mode() { chmod 0600 "$graph/overlay/$base_layer/diff/etc/passwd"; }
raw_layer() { mkdir -p "$graph/overlay/raw/diff"; }
circle() {
  jq -c --arg base "$base_layer" --arg top "$top_layer" 'map(if .id == $base then .parent = $top else . end)' \
    "$graph/$layers" >"$scratch/edited" && cat "$scratch/edited" >"$graph/$layers"
}
without_base() { jq -c --arg base "$base_layer" 'map(select(.id != $base))' "$graph/$layers" >"$scratch/edited" && cat "$scratch/edited" >"$graph/$layers"; }
twice() { jq -c '. + [.[0]]' "$graph/$images" >"$scratch/edited" && cat "$scratch/edited" >"$graph/$images"; }
all_at_once() { lost overlay/l && lost_lists "$top_layer" && halved "$layers" 70; }

broken 'entry of l/ lost' '' lost_entry "$top_layer"
broken 'l/ lost' '' lost overlay/l
broken 'link lost' '' lost "overlay/$base_layer/link"
broken 'link empty' '' emptied "overlay/$top_layer/link"
broken 'lower lost' '' lost_lists "$top_layer"
broken 'lower of the container lost' '' lost_lists "$box_layer"
broken 'lower cut short' '' halved "overlay/$top_layer/lower" 60
broken 'work lost' '' lost "overlay/$box_layer/work"
broken 'layers.json cut short' records halved "$layers" 60
broken 'layers.json lost' records lost "$layers"
broken 'images.json cut short' records halved "$images" 60
broken 'containers.json cut short' records halved "$containers" 60
broken 'record of the lowest layer lost' records without_base
broken 'parents in a circle' '' circle
broken 'one image twice' records twice
broken 'manifest digest is none' '' edited "$images" 's/"manifest":"sha256:./"manifest":"sha256:x/'
broken 'size of an image item wrong' '' edited "$images" 's/"manifest":\([0-9]\)/"manifest":9\1/'
broken 'item of an image cut short' '' halved "overlay-images/$image_id/manifest" 50
broken 'digest of a layer wrong' '' edited "$layers" 's/"diff-digest":"sha256:..../"diff-digest":"sha256:0000/'
broken 'size of a layer wrong' '' edited "$layers" 's/"diff-size":/"diff-size":1/'
broken 'tar-split empty' both emptied "overlay-layers/$top_layer.tar-split.gz"
broken 'tar-split cut short' both halved "overlay-layers/$base_layer.tar-split.gz" 50
broken 'tar-split lost' both lost "overlay-layers/$top_layer.tar-split.gz"
broken 'mode changed' '' other_mode
broken 'layer of the driver alone' '' raw_layer
broken 'links, lists and records at once' records all_at_once

# a file that nobody recorded is no damage that could be mended: it is reported, and stays
rm -rf --one-file-system "${scratch:?}/store"
cp -a "$scratch/sound" "$scratch/store"
stray=$graph/overlay/$top_layer/diff/etc/stray
echo stray >"$stray"
if said=$(ours check --repair --max '' 2>&1); then not_ok 'stray file: the repair fails' "$said"; else ok 'stray file: the repair fails'; fi
case $said in *"+/etc/stray"*": kept as it is"*) ok 'stray file: it is said to be kept' ;; *) not_ok 'stray file: it is said to be kept' "$said" ;; esac
check_equal 'stray file: it is there' stray "$(cat "$stray")"
records >"$scratch/records.now" 2>&1
check_same_bytes 'stray file: with the same records' "$scratch/records" "$scratch/records.now"
ours shutdown >/dev/null 2>&1
unmount_below "$store"

printf '\nwhat containers-storage %s and podman make of the mended stores\n' "$(dpkg-query -W -f '${Version}' containers-storage 2>/dev/null)"
column -t -s "$(printf '\t')" "$scratch/table" 2>/dev/null || cat "$scratch/table"
rm -rf --one-file-system "${scratch:?}/store"
