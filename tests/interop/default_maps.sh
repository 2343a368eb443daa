#!/bin/sh
# A storage.conf with remap-uids and remap-gids: ours and theirs make the same records and files by it, on vfs, on overlay
# with stored owners, and on overlay with id-mapped mounts; and use what the other made.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has containers-storage || ! has jq; then
  skip default_maps "needs root, containers-storage and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip default_maps "no overlay file system here"; exit 0; fi

by_ours() { CONTAINERS_STORAGE_CONF=$store/storage.conf "$OCI_STORAGE" "$@"; }
by_theirs() { CONTAINERS_STORAGE_CONF=$store/storage.conf containers-storage "$@"; }

# new_store NAME: see id_maps.sh for how each is told that mounts cannot map
new_store() {
  use_store "$scratch/$1"
  printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n[storage.options]\nremap-uids = "%s"\nremap-gids = "%s"\n' \
    "$driver" "$graph" "$run" "$uids" 0:200000:65536 >"$store/storage.conf"
  unset _CONTAINERS_OVERLAY_DISABLE_IDMAP
  if [ "$driver:$mapped" = overlay:no ]; then
    export _CONTAINERS_OVERLAY_DISABLE_IDMAP=yes
    mkdir -p "$run/overlay" && : >"$run/overlay/idmapped-lower-dir-false"
  fi
}

# fill PROGRAM: layers and containers of all sorts
fill() {
  "$1" create-layer --id plain && "$1" import-layer --id base --file "$scratch/base.tar" && "$1" create-layer --id child base &&
    "$1" create-layer --id host --hostuidmap --hostgidmap && "$1" create-layer --id host_child --hostuidmap --hostgidmap base &&
    "$1" create-layer --id mixed --uidmap 0:7000:100 && "$1" create-image --id image base && "$1" create-image --id empty &&
    "$1" create-container --id box image && "$1" create-container --id host_box --hostuidmap --hostgidmap image &&
    "$1" create-container --id own --uidmap 0:7000:100 --gidmap 0:7000:100 image && "$1" create-container --id alone '' &&
    "$1" create-container --id half --hostuidmap '' && "$1" create-container --id none --hostuidmap --hostgidmap '' &&
    "$1" create-container --id of_empty empty
}

# records: all of a store's, random ids named after what they are and in the order of creation, without times
records() {
  jq -cn --slurpfile l "$graph/$driver-layers/layers.json" --slurpfile i "$graph/$driver-images/images.json" \
    --slurpfile c "$graph/$driver-containers/containers.json" '
    ($l[0] | to_entries | map({key: .value.id, value: "layer\(.key)"}) | from_entries) as $names |
    [$l[0], $i[0], $c[0]] | walk(if type == "string" then ($names[.] // .) elif type == "object" then del(.created) else . end)'
}

# stored: owners and modes of all files in layers. Not of their roots: release 1.43 gives most of those to the root of the
# default maps, also where the layer has others.
stored() {
  jq -r '.[].id' "$graph/$driver-layers/layers.json" | while read -r id; do
    case $driver in vfs) at=$graph/vfs/dir/$id ;; *) at=$graph/overlay/$id/diff ;; esac
    echo layer
    for tree in "$at" "$at"[0-9]; do
      [ ! -d "$tree" ] || (cd "$tree" && find . -mindepth 1 -printf '%p %y %m %U:%G %n\n' | sed 's/^\([^ ]* d [^ ]* [^ ]* \).*/\1/' | sort)
    done
  done
}

mkdir -p "$scratch/base/d" && echo text >"$scratch/base/d/file" && chown 5:6 "$scratch/base/d/file"
echo high >"$scratch/base/high" && chown 2000:2001 "$scratch/base/high"
tar --sort=name --numeric-owner -C "$scratch/base" -cf "$scratch/base.tar" .

for kind in vfs:no overlay:no overlay:yes; do
  driver=${kind%:*} mapped=${kind#*:} uids=0:100000:1000:1000:300000:64000
  # Release 1.43 maps mounts only by what is one offset.
  case $kind in overlay:yes) name="overlay with mapped mounts" uids=0:100000:65536 ;; overlay:no) name="overlay with stored owners" ;; *) name=vfs ;; esac
  for maker in ours theirs; do
    new_store "$driver-$mapped-$maker"
    check "$name: $maker makes layers and containers by the configuration" eval "fill by_$maker >/dev/null"
    records >"$scratch/records-$maker"
    stored >"$scratch/stored-$maker"
    for user in ours theirs; do
      "by_$user" diff base >"$scratch/diff.tar" 2>&1
      check_same_bytes "$name: $user exports the layer that $maker made as it came in" "$scratch/base.tar" "$scratch/diff.tar"
    done
  done
  check_equal "$name: the same records" "$(cat "$scratch/records-theirs")" "$(cat "$scratch/records-ours")"
  check_equal "$name: the same owners of files" "$(cat "$scratch/stored-theirs")" "$(cat "$scratch/stored-ours")"
done

driver=vfs
use_store "$scratch/bad"
for bad in bad 0:1 '0:1:2,5:6:7' 0:1:2:; do
  printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n[storage.options]\nremap-uids = "%s"\n' "$graph" "$run" "$bad" \
    >"$store/storage.conf"
  for user in ours theirs; do check "$user refuses remap-uids = \"$bad\"" eval "! by_$user layers >/dev/null 2>&1"; done
done
