#!/bin/sh
# Makes the archives and directories of images in images/ anew, with the programs that are installed: NAME.tar.zst of each, and
# `manifests`, what skopeo finds in them. README.md says what they are for.
# usage: sh tests/data/make_images.sh      as root
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
out=$top/tests/data/images
make_scratch

# pack TREE TAR: the same bytes each time
pack() { tar --sort=name --format=pax --pax-option=delete=atime,delete=ctime --mtime=@1700000000 --numeric-owner -b1 -C "$1" -cf "$2" .; }

cat >"$scratch/storage.conf" <<END
[storage]
driver = "vfs"
graphroot = "$scratch/graph"
runroot = "$scratch/run"
END
export CONTAINERS_STORAGE_CONF="$scratch/storage.conf" TMPDIR="$scratch" XDG_RUNTIME_DIR="$scratch"

# --- the images: localhost/one:1 of one layer; two:1 and two:2 with the same two layers; a list of both -------------------------------
make_images() {
  mkdir -p "$scratch/base" && echo hello >"$scratch/base/hello" && pack "$scratch/base" "$scratch/base.tar" &&
    podman import --quiet --change 'CMD=["/hello"]' "$scratch/base.tar" localhost/one:1 &&
    box=$(buildah from --pull-never localhost/one:1) && root=$(buildah mount "$box") || return 1
  case $root in "$scratch"/?*) echo second >"$root/second" ;; *) return 1 ;; esac
  buildah umount "$box" && buildah config --env 'A=<&>' --label 'é=x' "$box" && buildah commit --quiet "$box" localhost/two:1 &&
    buildah config --label more=1 "$box" && buildah commit --quiet "$box" localhost/two:2 && buildah rm "$box" &&
    buildah manifest create localhost/list:1 &&
    buildah manifest add --arch amd64 localhost/list:1 containers-storage:localhost/one:1 &&
    buildah manifest add --arch arm64 --variant v8 localhost/list:1 containers-storage:localhost/two:1
}

# --- the places ---------------------------------------------------------------------------------------------------------------------------
keep() { zstd -q -19 -f "$scratch/$1.tar" -o "$out/$1.tar.zst"; }                     # NAME: an archive as a program wrote it
keep_directory() { pack "$scratch/$1" "$scratch/$1.tar" && keep "$1"; }               # NAME
of_store() { printf 'containers-storage:localhost/%s' "$1"; }                          # IMAGE
# found NAME TRANSPORT REFERENCE: says what skopeo finds there; "-" is no reference
found() {
  case $2 in *-archive) place=$2:$scratch/$1.tar ;; *) place=$2:$scratch/$1 ;; esac
  [ "$3" = - ] || place=$place:$3
  raw=$(skopeo inspect --raw "$place" | sha256sum) || return 1
  printf '%s %s %s sha256:%s\n' "$1" "$2" "$3" "${raw%% *}" >>"$out/manifests"
}

make_places() {
  podman save --quiet --format docker-archive -o "$scratch/podman-docker-archive.tar" localhost/two:1 &&
    podman save --quiet -m -o "$scratch/podman-docker-archives.tar" localhost/one:1 localhost/two:1 localhost/two:2 &&
    podman save --quiet --format oci-archive -o "$scratch/podman-oci-archive.tar" localhost/two:1 &&
    podman save --quiet --format oci-dir -o "$scratch/podman-oci-dir" localhost/two:1 &&
    podman save --quiet --format docker-dir -o "$scratch/podman-docker-dir" localhost/two:1 &&
    skopeo copy --quiet "$(of_store two:1)" "docker-archive:$scratch/skopeo-docker-archive.tar" &&
    skopeo copy --quiet "$(of_store two:1)" "dir:$scratch/skopeo-dir" &&
    skopeo copy --quiet "$(of_store one:1)" "oci:$scratch/skopeo-oci:first" &&
    skopeo copy --quiet --dest-compress-format zstd "$(of_store two:1)" "oci:$scratch/skopeo-oci:second" &&
    skopeo copy --quiet "$(of_store two:2)" "oci:$scratch/skopeo-oci:first" &&
    buildah manifest push --quiet --all localhost/list:1 "oci:$scratch/buildah-list:all" &&
    skopeo copy --quiet --all "oci:$scratch/buildah-list:all" "dir:$scratch/skopeo-list-dir" &&
    umoci init --layout "$scratch/umoci" && umoci new --image "$scratch/umoci:empty" &&
    umoci unpack --image "$scratch/umoci:empty" "$scratch/bundle" && echo umoci >"$scratch/bundle/rootfs/file" &&
    umoci repack --image "$scratch/umoci:full" "$scratch/bundle" && umoci tag --image "$scratch/umoci:full" again
}

is_root || die 'building images needs root'
mkdir -p "$out"
make_images >/dev/null || die 'cannot make the images'
make_places >/dev/null || die 'cannot make the places'
: >"$out/manifests"
for name in podman-docker-archive podman-docker-archives podman-oci-archive skopeo-docker-archive; do keep "$name" || die "$name"; done
for name in podman-oci-dir podman-docker-dir skopeo-dir skopeo-oci buildah-list skopeo-list-dir umoci; do keep_directory "$name" || die "$name"; done
found podman-docker-archive docker-archive - && found podman-docker-archive docker-archive localhost/two:1 &&
  found podman-docker-archives docker-archive localhost/one:1 && found podman-docker-archives docker-archive localhost/two:2 &&
  found podman-docker-archives docker-archive @1 && found podman-oci-archive oci-archive - &&
  found podman-oci-archive oci-archive localhost/two:1 && found podman-oci-dir oci localhost/two:1 && found podman-docker-dir dir - &&
  found skopeo-docker-archive docker-archive - && found skopeo-dir dir - && found skopeo-oci oci first && found skopeo-oci oci second &&
  found buildah-list oci all && found skopeo-list-dir dir - && found umoci oci empty && found umoci oci full && found umoci oci again ||
  die 'skopeo does not find what was written'
