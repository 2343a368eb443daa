#!/bin/sh
# Containers with ids of their own: ours and theirs make the same records and files, use what the other made, and see the
# same owners: on vfs, on overlay with copies of the image's top layer, and on overlay with id-mapped mounts.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has containers-storage || ! has jq || ! has setcap; then
  skip id_maps "needs root, containers-storage, jq and setcap"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip id_maps "no overlay file system here"; exit 0; fi

# Of several ranges: release 1.43 takes copies for these wherever it can, and mounts for what is one offset.
several='--uidmap 0:100000:1000:1000:300000:64000 --gidmap 0:200000:65536'
offset='--uidmap 0:100000:65536 --gidmap 0:200000:65536'

by_ours() { "$OCI_STORAGE" --storage-driver "$driver" --graph "$graph" --run "$run" "$@"; }
by_theirs() { containers-storage --storage-driver "$driver" --graph "$graph" --run "$run" "$@"; }

# new_store NAME: without mapped mounts if `mapped` is no. Ours is told by the environment, theirs, which does not look
# there, by what it would have found out about the kernel.
new_store() {
  use_store "$scratch/$1"
  unset _CONTAINERS_OVERLAY_DISABLE_IDMAP
  if [ "$driver:$mapped" = overlay:no ]; then
    export _CONTAINERS_OVERLAY_DISABLE_IDMAP=yes
    mkdir -p "$run/overlay" && : >"$run/overlay/idmapped-lower-dir-false"
  fi
}

# fill PROGRAM MAPS: an image of two layers, two containers with the maps and one without
fill() {
  "$1" import-layer --id lower --file "$scratch/lower.tar" >/dev/null &&
    "$1" import-layer --id upper --file "$scratch/upper.tar" lower >/dev/null &&
    "$1" create-image --id image --name image upper >/dev/null &&
    for box in one two; do
      # shellcheck disable=SC2086
      "$1" create-container --id $box $2 image >/dev/null || return 1
    done &&
    "$1" create-container --id plain image >/dev/null
}

# records: all of a store's, random ids named after what they are and in the order of creation, without times
records() {
  jq -cn --slurpfile l "$graph/$driver-layers/layers.json" --slurpfile i "$graph/$driver-images/images.json" \
    --slurpfile c "$graph/$driver-containers/containers.json" '
    ($l[0] | to_entries | map({key: .value.id, value: "layer\(.key)"}) | from_entries) as $names |
    [$l[0], $i[0], $c[0]] | walk(if type == "string" then ($names[.] // .) elif type == "object" then del(.created) else . end)'
}

# shown PROGRAM CONTAINER: all that a mount of it shows, with owners, modes, links; not its root, which release 1.43 makes 0's
shown() {
  at=$("$1" mount "$2") && [ -n "$at" ] && [ "$at" != / ] || return 1
  (cd "$at" && find . -mindepth 1 -printf '%p %y %m %U:%G %n %s %l\n' | sed 's/^\([^ ]* d [^ ]* [^ ]* \).*/\1/' | sort && getcap -r .)
  "$1" unmount "$2" >/dev/null
}

# layer_of CONTAINER: its own
layer_of() { jq -r --arg box "$1" '.[] | select(.id == $box) | .layer' "$graph/$driver-containers/containers.json"; }

# copied PROGRAM CONTAINER: the owners of what is copied out of its layer, called by the layer's id
copied() {
  layer=$(layer_of "$2")
  "$1" create-layer --id copied >/dev/null && "$1" copy "$layer:/" copied:/all || return 1
  case $driver in vfs) at=$graph/vfs/dir/copied ;; *) at=$graph/overlay/copied/diff ;; esac
  (cd "$at/all" && find . -mindepth 1 -printf '%p %y %m %U:%G %s %l\n' | sed 's/^\([^ ]* d [^ ]* [^ ]* \).*/\1/' | sort)
  "$1" delete-layer copied
}

# stored: owners and modes of all files that the driver keeps, by what its layers are
stored() {
  jq -r '.[].id' "$graph/$driver-layers/layers.json" | while read -r id; do
    case $driver in vfs) at=$graph/vfs/dir/$id ;; *) at=$graph/overlay/$id ;; esac
    echo "layer"
    (cd "$at" && find . ! -path './merged*' ! -path './work*' ! -path './lower-layers' ! -path './mapped*' -printf '%p %y %m %U:%G %n\n' |
      sed 's/^\([^ ]* d [^ ]* [^ ]* \).*/\1/' | sort)
  done
}

# parent_of CONTAINER: id of the layer that its own stands on
parent_of() {
  jq -rn --arg box "$1" --slurpfile c "$graph/$driver-containers/containers.json" --slurpfile l "$graph/$driver-layers/layers.json" '
    ($c[0][] | select(.id == $box) | .layer) as $layer | $l[0][] | select(.id == $layer) | .parent'
}

# removes PROGRAM: all containers and the image, with its copies
removes() { "$1" delete-container one two three plain && "$1" delete-image image; }

root=$scratch/root
mkdir -p "$root/lower/d" "$root/lower/etc" "$root/upper/d"
echo a >"$root/lower/d/a" && ln "$root/lower/d/a" "$root/lower/d/b" && ln -s a "$root/lower/d/link" && chown 5:6 "$root/lower/d/a"
echo set >"$root/lower/set" && chown 1000:1001 "$root/lower/set" && chmod 6755 "$root/lower/set"
echo root:x:0:0::/: >"$root/lower/etc/passwd"
echo capable >"$root/upper/capable" && setcap cap_net_raw+ep "$root/upper/capable"
echo new >"$root/upper/new" && chown 7:8 "$root/upper/new"
: >"$root/upper/d/.wh.link"
for layer in lower upper; do
  tar --sort=name --numeric-owner --xattrs --xattrs-include='security.capability' -C "$root/$layer" -cf "$scratch/$layer.tar" .
done

for kind in vfs:no overlay:no overlay:yes; do
  driver=${kind%:*} mapped=${kind#*:}
  case $kind in overlay:yes) maps=$offset name="overlay with mapped mounts" ;; overlay:no) maps=$several name="overlay with copies" ;;
    *) maps=$several name=vfs ;; esac
  for maker in ours theirs; do
    new_store "$driver-$mapped-$maker"
    check "$name: $maker makes containers with maps" fill "by_$maker" "$maps"
    records >"$scratch/records-$maker"
    stored >"$scratch/stored-$maker"
    for user in ours theirs; do
      for box in one plain; do shown "by_$user" $box >"$scratch/shown-$maker-$user-$box" 2>&1 || echo failed >>"$scratch/shown-$maker-$user-$box"; done
      copied "by_$user" one >"$scratch/copied-$maker-$user" 2>&1 || echo failed >>"$scratch/copied-$maker-$user"
      "by_$user" container-parent-owners one >"$scratch/owners-$maker-$user" 2>&1
      copy=$(jq -r '.[0]["mapped-layers"][0] // "upper"' "$graph/$driver-images/images.json")
      "by_$user" diff "$copy" >"$scratch/diff.tar" 2>&1
      check_same_bytes "$name: $user exports the layer that $maker mapped as it came in" "$scratch/upper.tar" "$scratch/diff.tar"
    done
  done
  check_equal "$name: the same records" "$(cat "$scratch/records-theirs")" "$(cat "$scratch/records-ours")"
  check_equal "$name: the same owners of files" "$(cat "$scratch/stored-theirs")" "$(cat "$scratch/stored-ours")"
  for box in one plain; do
    for pair in ours-theirs theirs-ours theirs-theirs; do
      check_equal "$name: $box shows the same, made and mounted by $pair" "$(cat "$scratch/shown-ours-ours-$box")" \
        "$(cat "$scratch/shown-$pair-$box")"
    done
  done
  for pair in ours-ours ours-theirs theirs-ours; do
    check_equal "$name: copies of what a container shows have the same owners, made and copied by $pair" \
      "$(cat "$scratch/copied-theirs-theirs")" "$(cat "$scratch/copied-$pair")"
  done
  check "$name: what is shown has the container's owners" grep -q '^./d/a f 644 100005:200006 2 ' "$scratch/shown-ours-ours-one"
  # Of a container that is not mounted; with copies nobody can tell, with mapped mounts there is nobody.
  for user in ours theirs; do
    check_equal "$name: parent owners as told by $user" "$(cat "$scratch/owners-theirs-theirs")" "$(cat "$scratch/owners-ours-$user")"
  done
  # Theirs hands the name to the driver, which knows none.
  by_ours add-names --name named "$(layer_of one)" >/dev/null && shown by_ours named >"$scratch/shown-named" 2>&1
  check_equal "$name: a container's layer shows by its name what the container shows" "$(cat "$scratch/shown-ours-ours-one")" \
    "$(cat "$scratch/shown-named")"
  for maker in ours theirs; do
    for user in ours theirs; do [ $user = $maker ] || other=$user; done
    new_store "$driver-$mapped-$maker"
    # shellcheck disable=SC2086
    check "$name: $other makes one more container of what $maker made" "by_$other" create-container --id three $maps image
    check_equal "$name: $other finds the mapped layer that $maker made" \
      "$(parent_of one)" "$(parent_of three)"
    check "$name: $other removes it all" removes "by_$other"
    check_equal "$name: nothing is left of it" '[]' "$(jq -c . "$graph/$driver-layers/layers.json")"
  done
done
