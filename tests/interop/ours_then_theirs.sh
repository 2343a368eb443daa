#!/bin/sh
# Ours imports a tree as tar, gzip and zstd and makes images of it; Podman, Skopeo, Buildah and containers-storage use them.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has skopeo || ! has buildah || ! has jq; then
  skip ours_then_theirs "needs root, podman, skopeo, buildah and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip ours_then_theirs "no overlay file system here"; exit 0; fi
use_store "$scratch/store"
tree=$(debian_tar) || exit 1
gzip -1 -c "$tree" >"$scratch/tree.tar.gz"
zstd -q -1 -o "$scratch/tree.tar.zst" "$tree"
can_run && runs=1 || runs=
made_by=ours

for form in tar gz zst; do
  case $form in tar) blob=$tree ;; *) blob=$scratch/tree.tar.$form ;; esac
  layer=$(ours import-layer --name "layer-$form" --file "$blob" | head -n 1)
  check_equal "$form: the layer's digest is that of the tar" "sha256:$(sha256 "$tree")" \
    "$(ours layer --json "$layer" | jq -r '.[0]."diff-digest"')"
  check_equal "$form: the blob's digest is that of the file" "sha256:$(sha256 "$blob")" \
    "$(ours layer --json "$layer" | jq -r '.[0]."compressed-diff-digest"')"
  check_equal "$form: ours and theirs describe the layer alike" "$(theirs layer --json "$layer")" "$(ours layer --json "$layer")"
  theirs diff -u "$layer" >"$scratch/exported.tar"
  check_same_bytes "$form: theirs exports the bytes that went in" "$tree" "$scratch/exported.tar"
  ours diff -u "$layer" >"$scratch/exported.tar"
  check_same_bytes "$form: ours exports the bytes that went in" "$tree" "$scratch/exported.tar"
  ours diff "$layer" >"$scratch/exported.blob"
  plain "$scratch/exported.blob" >"$scratch/exported.tar"
  check_same_bytes "$form: exported as it came in" "$tree" "$scratch/exported.tar"
  rm -f "$scratch"/exported.*

  name=localhost/strata-$form:1
  write_image "$form" "$scratch/image-$form" "$blob"
  check "$form: ours makes an image" make_image "$name" "$layer" "$scratch/image-$form" || continue
  check_equal "$form: podman lists it" "$image_id" "$(pod images --no-trunc --format '{{.ID}}' "$name" | sed 's/^sha256://')"
  check_equal "$form: podman reads its configuration" '[/bin/sh]' "$(pod image inspect --format '{{.Config.Cmd}}' "$name")"
  check_equal "$form: podman finds it by digest" "$image_id" \
    "$(pod image inspect --format '{{.Id}}' "localhost/strata-$form@$manifest_digest")"
  check_equal "$form: ours finds it by digest" "$image_id" "$(ours images-by-digest --quiet "$manifest_digest")"
  if [ -n "$runs" ]; then
    check_equal "$form: podman runs it" strata "$(pod_run "$name" sh -c 'echo strata' 2>&1)"
  else
    skip "$form: podman runs it" 'podman cannot start a container on this machine'
  fi
  check_equal "$form: skopeo inspects it" amd64 \
    "$(skopeo inspect "$(in_store "$name")" 2>&1 | jq -r .Architecture | sed s/arm64/amd64/)"
  check "$form: skopeo copies it out" skopeo copy -q --insecure-policy "$(in_store "$name")" "oci:$scratch/out-$form:1"
  check_equal "$form: with its configuration" "$config_digest" "$(skopeo inspect --raw "oci:$scratch/out-$form:1" 2>/dev/null | jq -r .config.digest)"
  blob_out=$(skopeo inspect --raw "oci:$scratch/out-$form:1" 2>/dev/null | jq -r '.layers[0].digest' | sed 's/sha256://')
  plain "$scratch/out-$form/blobs/sha256/$blob_out" >"$scratch/exported.tar"
  check_same_bytes "$form: and the bytes of its layer" "$tree" "$scratch/exported.tar"
  rm -f "$scratch/exported.tar"
done

# out of the store, away, and in again: the layer comes back under ours' eyes
name=localhost/strata-zst:1
for form in tar gz zst; do check "ours deletes the image of $form" ours delete-image "localhost/strata-$form:1"; done
check_equal 'nothing is left of them' '' "$(ours layers)$(ours images)$(pod images -q)"
check 'skopeo copies it in' skopeo copy -q --insecure-policy "oci:$scratch/out-zst:1" "$(in_store "$name")"
rm -rf "$scratch"/out-*
layer=$(ours image --json "$name" | jq -r '.[0].layer')
ours diff -u "$layer" >"$scratch/exported.tar"
check_same_bytes 'ours exports what skopeo put in' "$tree" "$scratch/exported.tar"
check 'ours deletes what skopeo put in' ours delete-image "$name"
rm -f "$scratch/exported.tar"

# buildah works from an image of ours, and ours reads what it made
layer=$(ours import-layer --id "$(sha256 "$tree")" --file "$scratch/tree.tar.gz" | head -n 1)
write_image base "$scratch/image-base" "$scratch/tree.tar.gz"
check 'ours makes an image for buildah' make_image localhost/base:1 "$layer" "$scratch/image-base"
check_equal 'buildah starts from it' work "$(builder from --name work localhost/base:1)"
check_equal 'ours lists the container of buildah' work "$(ours get-names work)"
mounted builder work
echo built >"$root/etc/built"
rm -f "$root/etc/debian_version"
check_equal 'ours sees what is changed in it' 'Add "/etc/built"' \
  "$(ours changes "$(ours container --json work | jq -r '.[0].layer')" | grep built)"
check 'buildah unmounts' builder umount work
check 'buildah commits' builder commit -q --disable-compression work localhost/built:1
check 'buildah removes its container' builder rm work
top_layer=$(ours image --json localhost/built:1 | jq -r '.[0].layer')
check_equal 'ours knows its parent' "$layer" "$(ours layer --json "$top_layer" | jq -r '.[0].parent')"
check_equal 'ours exports its layer byte for byte' "$(theirs diff -u "$top_layer" | sha256sum)" "$(ours diff -u "$top_layer" | sha256sum)"
check 'the deletion is in it' sh -c '"$1" --graph "$2" --run "$3" --storage-driver overlay diff -u "$4" | tar -tf - | grep -q "etc/.wh.debian_version"' \
  list "$OCI_STORAGE" "$graph" "$run" "$top_layer"
if [ -n "$runs" ]; then
  check_equal 'podman runs it' built "$(pod_run localhost/built:1 cat /etc/built 2>&1)"
else
  skip 'podman runs it' 'podman cannot start a container on this machine'
fi

# ours commits: the diff of a container becomes a layer over the base
check 'ours makes a container' ours create-container --name box localhost/base:1
mounted ours box
echo committed >"$root/etc/committed"
mkdir "$root/srv/data" && echo file >"$root/srv/data/file"
rm -rf "$root/usr/share/doc"
check 'ours unmounts' ours unmount box
box_layer=$(ours container --json box | jq -r '.[0].layer')
ours diff -u --file "$scratch/change.tar" "$box_layer"
child=$(ours import-layer --file "$scratch/change.tar" "$layer" | head -n 1)
check_equal 'ours exports the committed layer byte for byte' "$(sha256sum <"$scratch/change.tar")" "$(theirs diff -u "$child" | sha256sum)"
write_image child "$scratch/image-child" "$scratch/tree.tar.gz" "$scratch/change.tar"
check 'ours makes the second image' make_image localhost/committed:1 "$child" "$scratch/image-child"
if [ -n "$runs" ]; then
  check_equal 'podman runs it, with the change and without what was deleted' 'committed file gone' \
    "$(pod_run localhost/committed:1 sh -c 'echo $(cat /etc/committed /srv/data/file) $(test -e /usr/share/doc || echo gone)' 2>&1)"
else
  skip 'podman runs the committed image' 'podman cannot start a container on this machine'
fi
check 'skopeo copies both layers' skopeo copy -q --insecure-policy "$(in_store localhost/committed:1)" "dir:$scratch/both"
check_equal 'podman shows the history of layers' 2 "$(pod image inspect --format '{{len .RootFS.Layers}}' localhost/committed:1)"
check 'ours deletes the container' ours delete-container box
for name in committed built base; do check "podman removes $name" pod rmi -f "localhost/$name:1"; done
check_equal 'and all layers went' '' "$(ours layers)"
ours shutdown >/dev/null 2>&1 || true
