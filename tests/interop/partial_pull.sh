#!/bin/sh
# Layers that are pulled in parts, by Podman 4.3 from a registry on this machine and by ours from the same streams: each finds
# what the other has, reads what the other pulled, and Podman and Skopeo run and copy an image that ours made of such layers.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has skopeo || ! has containers-storage || ! has jq || ! has zstd; then
  skip partial_pull "needs root, podman, skopeo, containers-storage, jq and zstd"
  exit 0
fi
[ -n "${PULL:-}" ] || { build "$STRATA_BUILD" '' build-pull && PULL=$STRATA_BUILD/tests/pull; } || exit 1
make_scratch
if ! overlay_works "$scratch"; then skip partial_pull "no overlay file system here"; exit 0; fi

# --- a registry ---------------------------------------------------------------------------------------------------------
# The package is unpacked, not installed: that would start a service on this machine.

registry=$(command -v docker-registry || echo "$STRATA_CACHE/docker-registry/usr/bin/docker-registry")
if [ ! -x "$registry" ]; then
  mkdir -p "$scratch/package" "$STRATA_CACHE/docker-registry"
  (cd "$scratch/package" && chmod 777 . && apt-get -q download docker-registry >/dev/null 2>&1 &&
    dpkg -x ./docker-registry_*.deb "$STRATA_CACHE/docker-registry") || { skip partial_pull "needs docker-registry"; exit 0; }
fi
registry_pid=
for try in 1 2 3 4 5; do
  port=$((20000 + ($$ * 7 + try * 1009) % 30000))
  cat >"$scratch/registry.yml" <<END
version: 0.1
storage:
  filesystem:
    rootdirectory: $scratch/registry
http:
  addr: 127.0.0.1:$port
END
  "$registry" serve "$scratch/registry.yml" >"$scratch/registry.log" 2>&1 &
  registry_pid=$!
  sleep 1
  kill -0 "$registry_pid" 2>/dev/null && break
done
trap 'before=$?; kill "$registry_pid" 2>/dev/null; (exit $before); remove_scratch' EXIT
printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$port" >"$scratch/registries.conf"
export CONTAINERS_REGISTRIES_CONF=$scratch/registries.conf

# conf STORE: its storage.conf, which asks for partial pulls
conf() {
  mkdir -p "$scratch/$1"
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n[storage.options]\npull_options = {enable_partial_images = "true", use_hard_links = "false", ostree_repos = ""}\n' \
    "$scratch/$1" "$scratch/$1" >"$scratch/$1/storage.conf"
  use_store "$scratch/$1"
}
# puller ARGUMENT...: podman on that store, as its file says
puller() { CONTAINERS_STORAGE_CONF=$store/storage.conf podman --tmpdir "$store/tmp" --cgroup-manager cgroupfs --events-backend none "$@"; }
staged() { CONTAINERS_STORAGE_CONF=$store/storage.conf "$OCI_STORAGE" applydiff-using-staging-dir "$@"; }
# blob DIGEST: where the registry keeps it
blob() { hex=${1#sha256:}; printf '%s/registry/docker/registry/v2/blobs/sha256/%.2s/%s/data' "$scratch" "$hex" "$hex"; }

# --- two images that differ in little -----------------------------------------------------------------------------------

tree=$scratch/tree
mkdir -p "$tree/bin" "$tree/etc"
{ head -c 300000 /dev/urandom; head -c 200000 /dev/zero; head -c 100000 /dev/urandom; } >"$tree/bin/large"
head -c 50000 /dev/urandom >"$tree/bin/other"
chown 7:8 "$tree/bin/other" && chmod 4755 "$tree/bin/other"
echo old >"$tree/etc/file" && ln "$tree/etc/file" "$tree/etc/hard" && ln -s file "$tree/etc/soft"
cp -a "$tree" "$scratch/tree1"
head -c 1000 /dev/urandom >>"$tree/bin/large"
echo new >"$tree/etc/new"
cp -a "$tree" "$scratch/tree2"
conf pusher
for n in 1 2; do
  tar --sort=name --numeric-owner -C "$scratch/tree$n" -cf "$scratch/$n.tar" .
  check "podman pushes image $n as zstd:chunked" eval "puller import -q $scratch/$n.tar localhost/i$n >/dev/null &&
    puller push -q --format oci --compression-format zstd:chunked localhost/i$n 127.0.0.1:$port/i$n:1 >/dev/null 2>&1"
  skopeo inspect --tls-verify=false --raw "docker://127.0.0.1:$port/i$n:1" >"$scratch/manifest$n" 2>/dev/null
done
# annotations IMAGE: of its layer, as words for the program that pulls
annotations() { jq -r '.layers[0].annotations | to_entries[] | "\(.key)=\(.value)"' "$scratch/manifest$1"; }
digest_of() { jq -r '.layers[0].digest' "$scratch/manifest$1"; }

# same_tree PROGRAM LAYER TREE [contents]: what its mount of the layer shows is the tree, with owners, modes, links and
# contents, or with contents alone; what it lists is kept as list-PROGRAM
list() { (cd "$1" && find . -mindepth 1 -printf '%p %y %m %U:%G %n %l\n' | sed 's/^\([^ ]* d [^ ]* [^ ]* \).*/\1/' | sort); }
same_tree() {
  at=$("$1" mount "$2") && case $at in "$scratch"/?*) ;; *) false ;; esac || return 1
  same=yes
  diff -r --no-dereference "$at" "$3" >&2 || same=
  list "$at" >"$scratch/list-$1"
  [ -n "${4:-}" ] || [ "$(cat "$scratch/list-$1")" = "$(list "$3")" ] || same=
  "$1" unmount "$2" >/dev/null
  [ -n "$same" ]
}

# --- theirs, then ours ----------------------------------------------------------------------------------------------------

conf mixed
check "podman pulls image 1 in parts" eval "puller --log-level debug pull 127.0.0.1:$port/i1:1 >$scratch/pull.log 2>&1 && grep -q 'Retrieved partial blob' $scratch/pull.log"
theirs_layer=$(jq -r '.[0].id' "$graph/overlay-layers/layers.json")
check "ours finds nothing wrong with what podman pulled" eval "ours check >$scratch/check.log 2>&1"
check "ours shows what podman pulled" same_tree ours "$theirs_layer" "$scratch/tree1" contents
check "and so does containers-storage" same_tree theirs "$theirs_layer" "$scratch/tree1" contents
check_equal "with the same owners, modes and links" "$(cat "$scratch/list-theirs")" "$(cat "$scratch/list-ours")"
ours diff "$theirs_layer" >"$scratch/theirs.tar"
mkdir "$scratch/out" && tar -C "$scratch/out" -xpf "$scratch/theirs.tar"
check "ours exports what podman pulled" diff -r --no-dereference "$scratch/out" "$scratch/tree1"

# What comes before the zeros is in both images, and so is `other`; of the rest, where a chunk ends is chance.
# shellcheck disable=SC2046
report=$("$PULL" "$graph" "$run" overlay "$(blob "$(digest_of 2)")" ours2 without-tar-split $(annotations 2) 2>&1)
check "ours pulls image 2 in parts: $report" eval "printf '%s' '$report' | jq -e '.reused_files >= 2 and .reused_bytes >= 350000 and .fetched_bytes < 120000' >/dev/null"
check "ours shows what it pulled" same_tree ours ours2 "$scratch/tree2"
check "containers-storage shows what ours pulled" same_tree theirs ours2 "$scratch/tree2"
theirs diff ours2 >"$scratch/ours2.tar" && rm -rf "$scratch/out" && mkdir "$scratch/out" && tar -C "$scratch/out" -xpf "$scratch/ours2.tar"
check "containers-storage exports what ours pulled" diff -r --no-dereference "$scratch/out" "$scratch/tree2"

# --- ours, then theirs ----------------------------------------------------------------------------------------------------

conf first_ours
# shellcheck disable=SC2046
check "ours pulls image 1 into an empty store" eval "$PULL $graph $run overlay $(blob "$(digest_of 1)") ours1 without-tar-split $(annotations 1 | tr '\n' ' ') >/dev/null"
puller --log-level debug pull "127.0.0.1:$port/i2:1" >"$scratch/pull.log" 2>&1
missing=$(sed -n 's/.*Missing \([0-9]*\) bytes out of .*/\1/p' "$scratch/pull.log")
check "podman pulls image 2 and finds what ours has: $missing bytes missing" [ "${missing:-9999999}" -lt 120000 ]
check "ours finds nothing wrong with either" eval "ours check >$scratch/check.log 2>&1"

# --- with a tar-split, which release 1.43 makes none of -------------------------------------------------------------

conf whole
check "ours stages a directory" staged one "$scratch/tree1"
check "and one that is nearly the same" staged two "$scratch/tree2"
for layer in one two; do
  ours diff "$layer" >"$scratch/$layer.ours" && theirs diff "$layer" >"$scratch/$layer.theirs"
  check_same_bytes "both export $layer as the same archive" "$scratch/$layer.ours" "$scratch/$layer.theirs"
  check_equal "whose digest is recorded" "sha256:$(sha256 "$scratch/$layer.ours")" \
    "$(ours layer --json "$layer" 2>/dev/null | jq -r '.[0]["diff-digest"] // .["diff-digest"]')"
done

busybox=$(busybox_tar) || exit 1
mkdir "$scratch/busybox" && tar -C "$scratch/busybox" -xpf "$busybox"
check "ours stages a root file system" staged base "$scratch/busybox"
ours diff base >"$scratch/base.tar"
made_by=ours
write_image pulled "$scratch/image" "$scratch/base.tar"
check "ours makes an image of it" make_image localhost/pulled:1 base "$scratch/image"
check "skopeo copies it" skopeo copy -q "$(in_store localhost/pulled:1)" "dir:$scratch/copied"
check "podman lists it" eval "pod images --format '{{.Repository}}' | grep -qx localhost/pulled"
if can_run; then
  check_equal "podman runs it" works "$(pod_run localhost/pulled:1 /bin/sh -c 'echo works' 2>&1)"
else
  skip "podman runs it" "podman cannot start containers here"
fi
check "nothing is wrong with that store" eval "ours check >$scratch/check.log 2>&1"
