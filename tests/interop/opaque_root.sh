#!/bin/sh
# An opaque mark in a layer's root, which OCI's specification gives a meaning and the reference's overlay driver none: of a
# layer that ours imported Podman shows what the specification says, and what it exports is what went in; a layer that
# theirs made ours shows as theirs does. And the store that `podman import` makes is sound.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has containers-storage || ! has jq; then
  skip opaque_root "needs root, podman, containers-storage and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip opaque_root "no overlay file system here"; exit 0; fi

mkdir -p "$scratch/tree/low/d" "$scratch/tree/top"
echo a >"$scratch/tree/low/a" && echo x >"$scratch/tree/low/d/x"
echo b >"$scratch/tree/top/b" && : >"$scratch/tree/top/.wh..wh..opq"
low=$scratch/low.tar top_tar=$scratch/top.tar
tar -C "$scratch/tree/low" -cf "$low" .
tar -C "$scratch/tree/top" -cf "$top_tar" .wh..wh..opq b
low_id=$(printf '%064d' 1) top_id=$(printf '%064d' 2)
names() { (cd "$1" && echo *); }

use_store "$scratch/ours"
ours import-layer --id "$low_id" --file "$low" >/dev/null
ours import-layer --id "$top_id" --file "$top_tar" "$low_id" >/dev/null
mounted theirs "$top_id"
check_equal "containers-storage sees nothing of the layer below" b "$(names "$root")"
theirs unmount "$top_id" >/dev/null

# size_and_digest FILE: as a descriptor has them
size_and_digest() { printf '"size":%s,"digest":"sha256:%s"' "$(stat -c %s "$1")" "$(sha256 "$1")"; }
printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]}}' \
  "$(sha256 "$low")" "$(sha256 "$top_tar")" >"$scratch/config"
media=application/vnd.oci.image
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[{"mediaType":"%s",%s},{"mediaType":"%s",%s}]}' \
  $media.manifest.v1+json $media.config.v1+json "$(size_and_digest "$scratch/config")" $media.layer.v1.tar \
  "$(size_and_digest "$low")" $media.layer.v1.tar "$(size_and_digest "$top_tar")" >"$scratch/manifest"
image_id=$(sha256 "$scratch/config")
ours create-image --id "$image_id" --name localhost/opaque:1 "$top_id" >/dev/null
ours set-image-data --file "$scratch/manifest" "$image_id" manifest >/dev/null
ours set-image-data --file "$scratch/manifest" "$image_id" "manifest-sha256:$(sha256 "$scratch/manifest")" >/dev/null
ours set-image-data --file "$scratch/config" "$image_id" "sha256:$image_id" >/dev/null
check_equal "podman sees nothing of the layer below" b "$(names "$(pod image mount localhost/opaque:1)")"
pod image unmount localhost/opaque:1 >/dev/null
mkdir "$scratch/saved"
pod save --format oci-archive localhost/opaque:1 2>/dev/null | tar -C "$scratch/saved" -xf -
for digest in $(jq -r '.layers[].digest' "$scratch/saved/blobs/sha256/$(jq -r '.manifests[0].digest' "$scratch/saved/index.json" | sed 's/.*://')"); do
  plain "$scratch/saved/blobs/sha256/${digest#*:}" | sha256sum | cut -d' ' -f1
done >"$scratch/digests"
check_equal "podman saves the bytes that went in" "$(sha256 "$low") $(sha256 "$top_tar")" "$(paste -sd' ' "$scratch/digests")"
check "that store is sound" ours check

use_store "$scratch/theirs"
theirs create-layer --id "$low_id" >/dev/null && theirs applydiff --file "$low" "$low_id" &&
  theirs create-layer --id "$top_id" "$low_id" >/dev/null && theirs applydiff --file "$top_tar" "$top_id"
mounted ours "$top_id"
check_equal "ours sees of their layer what theirs sees" "a b d" "$(names "$root")"
ours unmount "$top_id" >/dev/null
check "their store is sound" ours check

use_store "$scratch/imported"
pod import -q "$low" localhost/imported:1 >/dev/null 2>&1
before=$(ours images --json; ours layers --json)
check "what podman import makes is sound" ours check
check "and needs no repair" ours check --repair
check_equal "which changes nothing" "$before" "$(ours images --json; ours layers --json)"
root=$(ours mount -r localhost/imported:1)
check_equal "ours mounts it" "a d" "$(names "$root")"
ours unmount localhost/imported:1 >/dev/null
