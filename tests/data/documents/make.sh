#!/bin/sh
# Makes the documents of this directory anew, with the programs that are installed; README.md beside it says what they are for.
# usage: sh tests/data/documents/make.sh      as root
set -eu
cd "$(dirname "$0")/../../.." || exit 1
top=$(pwd)
. tests/lib.sh
here=$top/tests/data/documents
make_scratch

store="--storage-driver vfs --root $scratch/graph --runroot $scratch/run"
# shellcheck disable=SC2086
builder() { buildah $store "$@"; }
# shellcheck disable=SC2086
podman_of() { podman $store "$@"; }

# keep NAME DIRECTORY: the manifest and the configuration of an image in skopeo's dir: format
keep() {
  cp "$2/manifest.json" "$here/$1.manifest.json"
  cp "$2/$(jq -r '.config.digest | ltrimstr("sha256:")' "$2/manifest.json")" "$here/$1.config.json"
}

mkdir "$scratch/tree"
printf 'hello\n' >"$scratch/tree/f"
box=$(builder from scratch)
builder copy -q "$box" "$scratch/tree" /t >/dev/null
builder config --entrypoint '["/t/f","<x>"]' --cmd 'a b' --env A=b --env 'C=d e' --label k=v --label 'a=<&>é' \
  --port 80/tcp --port 53/udp --volume /data --volume /a --user 1:2 --workingdir /w --stop-signal 9 --author 'me <me@x>' \
  --annotation x=y --healthcheck 'CMD-SHELL true' --healthcheck-interval 5s --onbuild 'RUN x' --shell '/bin/sh -e' \
  --created-by 'step' --history-comment 'com' "$box" 2>/dev/null
builder commit -q --timestamp 1700000000 --format oci "$box" made/oci:1 >/dev/null 2>&1
builder commit -q --timestamp 1700000000 --format docker "$box" made/docker:1 >/dev/null
builder from --name arm made/oci:1 >/dev/null
builder config --variant v8 --arch arm64 --os linux arm
builder commit -q --timestamp 1700000000 arm made/arm:1 >/dev/null
podman_of create --name box made/oci:1 x >/dev/null
podman_of commit -q --author p --message msg -f docker -c 'CMD ["/z"]' -c LABEL=q=r -c ENV=N=1 -c EXPOSE=99 box made/commit-docker:1 >/dev/null
podman_of commit -q --author p -f oci -c 'CMD ["/z"]' box made/commit-oci:1 >/dev/null
for image in oci docker arm commit-docker commit-oci; do
  podman_of push -q "made/$image:1" "dir:$scratch/$image" 2>/dev/null
done
keep buildah-oci "$scratch/oci"
keep buildah-docker "$scratch/docker"
keep buildah-arm "$scratch/arm"
keep podman-docker "$scratch/commit-docker"
keep podman-oci "$scratch/commit-oci"

builder manifest create list made/oci:1 made/arm:1 >/dev/null
builder manifest push --all list "oci:$scratch/layout:l" >/dev/null 2>&1
builder manifest push --all --format v2s2 list "dir:$scratch/list" >/dev/null 2>&1
cp "$scratch/layout/index.json" "$here/layout.index.json"
cp "$scratch/layout/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$here/layout.index.json")" "$here/buildah.index.json"
cp "$scratch/list/manifest.json" "$here/buildah-docker.index.json"

skopeo copy -q --dest-compress --dest-compress-format zstd "dir:$scratch/oci" "oci:$scratch/zstd:z"
skopeo copy -q "oci:$scratch/zstd:z" "dir:$scratch/from-zstd"
keep skopeo-zstd "$scratch/from-zstd"
skopeo copy -q --format v2s1 "dir:$scratch/docker" "dir:$scratch/schema1"
cp "$scratch/schema1/manifest.json" "$here/skopeo-schema1.manifest.json"

umoci init --layout "$scratch/umoci" && umoci new --image "$scratch/umoci:a"
umoci config --image "$scratch/umoci:a" --config.cmd sh --config.label 'a=<b>&c' --author me --history.comment hey
umoci insert --image "$scratch/umoci:a" "$scratch/tree" /t >/dev/null
cp "$scratch/umoci/index.json" "$here/umoci.index.json"
skopeo copy -q "oci:$scratch/umoci:a" "dir:$scratch/from-umoci"
keep umoci "$scratch/from-umoci"
