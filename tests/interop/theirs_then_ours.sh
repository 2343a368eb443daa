#!/bin/sh
# Podman imports a tree; ours lists, exports, renames, adds to it and takes away again; Podman agrees at each step.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has jq; then skip theirs_then_ours "needs root, podman and jq"; exit 0; fi
make_scratch
if ! overlay_works "$scratch"; then skip theirs_then_ours "no overlay file system here"; exit 0; fi
use_store "$scratch/store"
tree=$(debian_tar) || exit 1

check 'podman imports the tree' pod import -q "$tree" localhost/debian:12 || exit 1
image=$(pod images --no-trunc --format '{{.ID}}' | sed 's/^sha256://')
layer=$(theirs image --json "$image" | jq -r '.[0].layer')

# ours reads what is there
check_equal 'ours lists the image' "$image" "$(ours images --quiet)"
check_equal 'ours lists its name' "localhost/debian:12" "$(ours get-names "$image")"
check_equal 'ours lists the layer' "$layer" "$(ours layers --json | jq -r '.[].id')"
check_equal 'ours and theirs describe the layer alike' "$(theirs layer --json "$layer")" "$(ours layer --json "$layer")"
check_equal 'ours and theirs describe the image alike' "$(theirs image --json "$image")" "$(ours image --json "$image")"
ours diff -u "$layer" >"$scratch/exported.tar"
check_same_bytes 'ours exports the bytes that went in' "$tree" "$scratch/exported.tar"
ours diff --gzip "$layer" | gzip -dc >"$scratch/exported.tar"
check_same_bytes 'ours exports them as gzip' "$tree" "$scratch/exported.tar"
rm -f "$scratch/exported.tar"
for key in $(theirs list-image-data "$image"); do
  theirs get-image-data --file "$scratch/theirs.data" "$image" "$key"
  ours get-image-data --file "$scratch/ours.data" "$image" "$key"
  check_same_bytes "ours reads the data item $key" "$scratch/theirs.data" "$scratch/ours.data"
done

# ours changes names
check 'ours renames the image' ours set-names --name localhost/renamed:1 "$image"
check_equal 'podman sees the new name' localhost/renamed:1 "$(pod images --format '{{.Repository}}:{{.Tag}}')"
check 'podman finds the image by it' pod image exists localhost/renamed:1
check 'ours adds a name' ours add-names --name localhost/second:2 "$image"
check_equal 'podman sees both names' 'localhost/renamed:1 localhost/second:2' \
  "$(pod images --format '{{.Repository}}:{{.Tag}}' | sort | paste -sd' ' -)"
check 'podman removes one' pod untag localhost/renamed:1 localhost/second:2
check_equal 'ours sees it gone' localhost/renamed:1 "$(ours get-names "$image")"

# ours adds a container
container=$(ours create-container --json --name box --metadata '{"image-name":"localhost/renamed:1","pod-name":"","name":"box"}' \
  localhost/renamed:1 | jq -r .id)
check_equal 'podman lists the container of ours' "$(printf %.12s "$container")" "$(pod ps -a --external --format '{{.ID}}')"
mounted ours box
check 'the tree is there' test -e "$root/bin/sh"
echo strata >"$root/etc/hostname"
echo new >"$root/etc/new file"
rm -f "$root/etc/fstab" "$root/etc/passwd"
box_layer=$(ours container --json box | jq -r '.[0].layer')
check_equal 'ours lists what was changed in it' 'Modify "/etc/hostname"' "$(ours changes "$box_layer" | grep hostname)"
check_equal 'theirs lists the same' "$(theirs changes "$box_layer")" "$(ours changes "$box_layer")"
check_equal 'both count the same bytes' "$(theirs diffsize "$box_layer")" "$(ours diffsize "$box_layer")"
theirs diff -u "$box_layer" | tar --numeric-owner -tvf - >"$scratch/theirs.list"
ours diff -u "$box_layer" | tar --numeric-owner -tvf - >"$scratch/ours.list"
check_same_bytes 'both make a tar of the same entries' "$scratch/theirs.list" "$scratch/ours.list"
check_equal 'theirs counts the mount' 'box mounted' "$(theirs mounted box)"
check 'ours unmounts it' ours unmount box
check_equal 'theirs counts no mount' '' "$(theirs mounted box)"
if podman_says=$(pod rmi localhost/renamed:1 2>&1); then
  not_ok 'podman does not remove an image that ours uses' "$podman_says"
else
  ok 'podman does not remove an image that ours uses'
fi
if can_run; then
  check_equal 'podman runs the image' strata "$(pod_run localhost/renamed:1 echo strata 2>&1)"
  check_equal 'ours sees nothing left of the run' "$container" "$(ours containers --json | jq -r '.[].id')"
else
  skip 'podman runs the image' 'podman cannot start a container on this machine'
fi
check 'ours deletes the container' ours delete-container box
check_equal 'podman agrees' '' "$(pod ps -a --external --quiet)"

# a container of podman's, seen by ours
theirs_id=$(pod create --network=none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --name theirs localhost/renamed:1 true)
check_equal 'ours lists the container of podman' "$theirs_id" "$(ours containers --json | jq -r '.[].id')"
if ours_says=$(ours delete-image "$image" 2>&1); then
  not_ok 'ours does not remove an image that podman uses' "$ours_says"
else
  ok 'ours does not remove an image that podman uses'
fi
check 'podman removes it' pod rm theirs
check_equal 'ours agrees' '' "$(ours containers)"

check 'ours deletes the image with its layer' ours delete-image "$image"
check_equal 'podman lists no image' '' "$(pod images --quiet)"
check_equal 'theirs lists no layer' '' "$(theirs layers)"
check 'podman imports into what is left' pod import -q "$tree" localhost/again:1
check 'ours lists it' ours image localhost/again:1
check 'ours wipes the store' ours wipe
check_equal 'podman finds it empty' '' "$(pod images --quiet)"
ours shutdown >/dev/null 2>&1 || true
