#!/bin/sh
# A day of work with Debian's programs: Buildah builds an image of five layers, commits a working container, Podman runs,
# commits, tags and pushes to an OCI directory, Skopeo copies, all is deleted and pulled back, rebuilt and pruned. All the
# while ours works on the same store without a break: lists, makes, mounts, changes, exports and deletes. Every step's
# result is checked by both; at the end both list the same, nothing is lost, and ours exports every layer byte for byte.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has skopeo || ! has buildah || ! has jq; then
  skip day_of_work "needs root, podman, skopeo, buildah and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip day_of_work "no overlay file system here"; exit 0; fi
can_run && runs=1 || runs=
use_store "$scratch/store"
tree=$(busybox_tar) || exit 1
made_by=ours

# --- ours, meanwhile ----------------------------------------------------------------------------------------------------
# One loop of commands on items of its own, each of which must succeed, and of reading what the others make, which may be
# gone a moment later.

begin_ours() {
  ours_log=$scratch/ours.log ours_kept=$scratch/ours.kept ours_stop=$scratch/ours.stop
  mkdir "$scratch/blob" "$scratch/ours"
  head -c 3000 /dev/urandom >"$scratch/blob/file"
  tar -C "$scratch/blob" -cf "$scratch/small.tar" .
  small=$(sha256 "$scratch/small.tar")
  : >"$ours_log"
  : >"$ours_kept"
  keep_working &
  ours_worker=$!
}

# wrong WHAT: one line in the log, which must be empty at the end
wrong() { printf 'round %s: %s: %s\n' "$round" "$1" "$(head -c 500 "$scratch/ours/err")" >>"$ours_log"; }

# must COMMAND...: what it prints is in `said`
must() {
  commands=$((commands + 1))
  said=$(ours "$@" 2>"$scratch/ours/err" </dev/null) || { wrong "$*"; return 1; }
}

keep_working() {
  round=0 commands=0
  while [ ! -e "$ours_stop" ]; do
    round=$((round + 1))
    must layers --json && { printf '%s' "$said" | jq . >/dev/null || wrong 'no JSON of layers'; }
    must images --json
    must containers
    work_on_layers
    work_on_an_image
    read_what_is_theirs
    must gc --dry-run
    echo "$round $commands" >"$scratch/ours.count"
  done
}

work_on_layers() {
  must import-layer --id "imported-$round" --name "imported:$round" --file "$scratch/small.tar" || return
  must create-layer --id "made-$round" "imported-$round" || return
  must mount "made-$round" && case $said in
    "$scratch"/?*) echo "$round" >"$said/made" && rm -f "$said/file" ;;
    *) wrong "mounted at '$said'" ;;
  esac
  must unmount "made-$round"
  must changes "made-$round"
  [ "$said" = 'Delete "/file"
Add "/made"' ] || wrong "changes of made-$round: $said"
  must diff -u --file "$scratch/ours/made.tar" "made-$round"
  [ "$(tar -xOf "$scratch/ours/made.tar" made)" = "$round" ] || wrong "the tar of made-$round"
  must set-layer-data --file "$scratch/small.tar" "made-$round" blob
  must get-layer-data --file "$scratch/ours/data" "made-$round" blob
  cmp -s "$scratch/ours/data" "$scratch/small.tar" || wrong "the data of made-$round"
  must set-metadata --metadata "round $round" "imported-$round"
  must delete-layer "made-$round"
}

# every fourth image stays, with a container
work_on_an_image() {
  write_image "ours-$round" "$scratch/ours/image" "$scratch/small.tar"
  make_image "localhost/ours:$round" "imported-$round" "$scratch/ours/image" >/dev/null 2>"$scratch/ours/err" || { wrong 'make_image'; return; }
  commands=$((commands + 4))
  must create-container --name "box-$round" "localhost/ours:$round" || return
  must mount "box-$round" && case $said in
    "$scratch"/?*) echo "$round" >"$said/in-box" ;;
    *) wrong "mounted at '$said'" ;;
  esac
  must unmount "box-$round"
  must add-names --name "again-$round" "box-$round"
  must set-container-data --file "$scratch/small.tar" "box-$round" blob
  must exists --container "again-$round"
  if [ $((round % 4)) = 0 ]; then
    echo "$round" >>"$ours_kept"
  else
    must delete-container "again-$round"
    must delete-image "localhost/ours:$round"
  fi
}

# a layer that is exported must be what its record says; one that cannot be exported must be gone
read_what_is_theirs() {
  must layers --json || return
  printf '%s' "$said" | jq -r '.[] | select(."diff-digest") | "\(.id) \(."diff-digest")"' | grep -v '^imported-' |
    sed -n "$((round % 7 + 1))p" >"$scratch/ours/layer"
  read -r theirs_layer theirs_digest <"$scratch/ours/layer" || return 0
  if ours diff -u --file "$scratch/ours/theirs.tar" "$theirs_layer" >/dev/null 2>"$scratch/ours/err"; then
    [ "sha256:$(sha256 "$scratch/ours/theirs.tar")" = "$theirs_digest" ] || wrong "the bytes of $theirs_layer"
  elif ours exists --layer "$theirs_layer" >/dev/null 2>&1; then
    wrong "diff $theirs_layer"
  fi
}

# --- what the steps check -----------------------------------------------------------------------------------------------

# layers_of IMAGE: ids, the lowest first
layers_of() {
  above=$(ours image --json "$1" | jq -r '.[0].layer')
  while [ -n "$above" ]; do
    echo "$above"
    above=$(ours layer --json "$above" | jq -r '.[0].parent // empty')
  done | tac
}

# exports WHAT IMAGE: ours exports the layers that the image's configuration names, byte for byte
exports() {
  check_equal "$1: ours exports its layers byte for byte" \
    "$(pod image inspect "$2" | jq -r '.[0].RootFS.Layers[]')" \
    "$(layers_of "$2" | while read -r id; do echo "sha256:$(ours diff -u "$id" | sha256sum | cut -d' ' -f1)"; done)"
}

# prints WHAT EXPECTED RUN…: what a container prints
prints() {
  prints_name=$1 prints_expected=$2
  shift 2
  if [ -n "$runs" ]; then check_equal "$prints_name" "$prints_expected" "$(pod_run "$@" 2>&1)"; else skip "$prints_name" 'podman cannot start a container on this machine'; fi
}

# patiently COMMAND...: Podman's listings fail where an image has no manifest yet, which lasts until ours has written it, and
# where one that they just listed is gone when they look at it
patiently() {
  for try in 1 2 3 4 5 6 7 8; do
    "$@" 2>"$scratch/patience" && return 0
    grep -q 'locating item named\|image not known' "$scratch/patience" || break
  done
  cat "$scratch/patience" >&2
  return 1
}

# agreed WHAT: the images and containers of Podman's list are those of ours, but for what the loop makes just now
agreed() {
  patiently pod images -a --no-trunc --format '{{.ID}} {{.Names}}' | grep -v 'localhost/ours:' | sed 's/^sha256://; s/ .*//' | sort -u >"$scratch/pod.images"
  ours images --json | jq -r '.[] | select(any(.names[]?; startswith("localhost/ours:")) | not) | .id' | sort -u >"$scratch/ours.images"
  check_same_bytes "$1: podman and ours list the same images" "$scratch/pod.images" "$scratch/ours.images"
}

# pull TAG: Podman makes a name of the directory's, which must be one
pull() (cd "$scratch" && pod pull -q "oci:oci:$1")
build_day() { builder bud -q --isolation chroot --layers -t localhost/day:1 "$scratch/context"; }

begin_ours

# --- the morning: build, run --------------------------------------------------------------------------------------------

context=$scratch/context
mkdir "$context"
cp "$tree" "$context/base.tar"
head -c 200000 /dev/urandom >"$context/noise"
echo main >"$context/main.conf"
cat >"$context/Containerfile" <<'END'
FROM scratch
ADD base.tar /
COPY noise /srv/data/noise
RUN mkdir -p /srv/app && echo built >/srv/app/made && chmod 750 /srv/app && ln -s made /srv/app/link
COPY main.conf /etc/main.conf
RUN rm -f /etc/link && rm -rf /var/empty && echo last >>/etc/main.conf
CMD ["/bin/cat", "/etc/main.conf"]
END
check 'buildah builds an image' build_day || exit 1
check_equal 'it has five layers' 5 "$(layers_of localhost/day:1 | wc -l)"
exports 'the built image' localhost/day:1
agreed 'after the build'
check_equal 'ours sees what the last step took away' 'Delete "/etc/link" Delete "/var/empty"' \
  "$(ours changes "$(layers_of localhost/day:1 | tail -n 1)" | grep Delete | sort | paste -sd' ')"
prints 'podman runs it' 'main
last' localhost/day:1
check 'buildah builds it again, from what is there' build_day
check_equal 'and there is no other layer' 5 "$(layers_of localhost/day:1 | wc -l)"

# --- commits ------------------------------------------------------------------------------------------------------------

check 'buildah starts a working container' builder from --name work localhost/day:1
check_equal 'ours lists it' work "$(ours get-names work)"
check 'buildah copies into it' builder copy -q work "$context/noise" /srv/second
check 'buildah runs in it' builder run --isolation chroot work -- sh -c 'echo by hand >/srv/hand; rm -r /srv/app'
check_equal 'ours sees it' 'Add "/srv/hand"' "$(ours changes "$(ours container --json work | jq -r '.[0].layer')" | grep hand)"
check 'buildah commits it' builder commit -q work localhost/day:2
check 'buildah removes it' builder rm work
exports 'the committed image' localhost/day:2
prints 'podman runs what buildah committed' 'by hand' localhost/day:2 cat /srv/hand
check 'podman makes a container' pod create --network=none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --name desk localhost/day:2 true
check 'podman copies into it' pod cp "$context/main.conf" desk:/srv/from-podman
check_equal 'ours knows it' desk "$(ours get-names desk)"
check 'podman commits it' pod commit -q desk localhost/day:3
exports 'what podman committed' localhost/day:3
check_equal 'it has seven layers' 7 "$(layers_of localhost/day:3 | wc -l)"
prints 'podman runs what it committed' main localhost/day:3 cat /srv/from-podman
if ours_says=$(ours delete-image localhost/day:2 2>&1); then not_ok 'ours does not delete an image in use' "$ours_says"; else ok 'ours does not delete an image in use'; fi
check 'podman removes its container' pod rm desk

# --- names, and out of the store ----------------------------------------------------------------------------------------

check 'podman tags' pod tag localhost/day:2 localhost/day:latest localhost/release:2
check_equal 'ours reads the names' 'localhost/day:2 localhost/day:latest localhost/release:2' \
  "$(ours get-names localhost/day:2 | sort | paste -sd' ')"
check 'ours adds one' ours add-names --name localhost/by-ours:2 localhost/day:2
check_equal 'podman finds the image by it' "$(ours image --json localhost/day:2 | jq -r '.[0].id')" \
  "$(pod image inspect --format '{{.Id}}' localhost/by-ours:2)"
check 'podman untags' pod untag localhost/day:2 localhost/release:2 localhost/by-ours:2
check 'podman pushes to an OCI directory' pod push -q localhost/day:1 "oci:$scratch/oci:1"
check 'skopeo copies to it' skopeo copy -q --insecure-policy "$(in_store localhost/day:2)" "oci:$scratch/oci:2"
check 'podman pushes the third' pod push -q localhost/day:3 "oci:$scratch/oci:3"
for tag in 1 2 3; do
  pod image inspect "localhost/day:$tag" | jq -r '.[0] | .Id, .RootFS.Layers[]' >"$scratch/$tag.before"
  skopeo inspect --raw "oci:$scratch/oci:$tag" | jq -r '.layers[].digest' | sed 's/.*://' | while read -r blob; do
    echo "sha256:$(plain "$scratch/oci/blobs/sha256/$blob" | sha256sum | cut -d' ' -f1)"
  done >"$scratch/$tag.blobs"
  check_equal "the blobs of $tag are the layers that ours exports" "$(cat "$scratch/$tag.blobs")" \
    "$(layers_of "localhost/day:$tag" | while read -r id; do echo "sha256:$(ours diff -u "$id" | sha256sum | cut -d' ' -f1)"; done)"
done

# --- away, and back -----------------------------------------------------------------------------------------------------

check 'podman removes all three' pod rmi localhost/day:3 localhost/day:latest localhost/day:2 localhost/day:1
check 'podman prunes what the steps of the build left' patiently pod image prune -f
agreed 'after the removal'
check_equal 'ours finds none' '' "$(ours images --json | jq -r '.[].names[]?' | grep localhost/day)"
for tag in 1 2; do
  check "podman pulls $tag back" pull "$tag"
  check 'podman names it' pod tag "$(head -n 1 "$scratch/$tag.before")" "localhost/day:$tag"
done
check 'skopeo copies 3 back' skopeo copy -q --insecure-policy "oci:$scratch/oci:3" "$(in_store localhost/day:3)"
for tag in 1 2 3; do
  pod image inspect "localhost/day:$tag" | jq -r '.[0] | .Id, .RootFS.Layers[]' >"$scratch/$tag.after"
  check_same_bytes "$tag is what it was" "$scratch/$tag.before" "$scratch/$tag.after"
  exports "$tag, pulled" "localhost/day:$tag"
done
check_equal 'they share their layers' 7 "$(for tag in 1 2 3; do layers_of localhost/day:$tag; done | sort -u | wc -l)"
prints 'podman runs what came back' 'main
last' localhost/day:1
prints 'and the one above it' 'by hand main' localhost/day:3 sh -c 'echo $(cat /srv/hand /srv/from-podman)'

# --- the evening: rebuild, prune ----------------------------------------------------------------------------------------

first=$(ours image --json localhost/day:1 | jq -r '.[0].id')
echo changed >"$context/main.conf"
check 'buildah builds what was changed' build_day
check_equal 'the old one has no name any more' '' "$(ours get-names "$first")"
prints 'podman runs the new one' 'changed
last' localhost/day:1
check 'podman removes the third' pod rmi localhost/day:3
check 'podman prunes images' patiently pod image prune -f
check 'podman prunes containers' pod container prune -f
agreed 'after pruning'
exports 'what is left' localhost/day:1

: >"$ours_stop"
wait "$ours_worker"
read -r rounds commands <"$scratch/ours.count"
printf 'meanwhile ours: %s rounds, %s commands, %s images kept\n' "$rounds" "$commands" "$(wc -l <"$ours_kept")"
check_equal 'all that ours did meanwhile succeeded' '' "$(cat "$ours_log")"
check 'ours did something' test "$rounds" -gt 4

# --- the books ----------------------------------------------------------------------------------------------------------

for kind in layers images containers; do
  theirs $kind --json | jq -S -c 'sort_by(.id)[]' >"$scratch/theirs.$kind"
  ours $kind --json | jq -S -c 'sort_by(.id)[]' >"$scratch/ours.$kind"
  check_same_bytes "both list the same $kind" "$scratch/theirs.$kind" "$scratch/ours.$kind"
done
check_equal 'no image that ours kept is lost' "$(sed 's|.*|localhost/ours:&|' "$ours_kept" | sort)" \
  "$(jq -r '.names[]?' <"$scratch/theirs.images" | grep localhost/ours: | sort)"
check_equal 'no container of its either' "$(sed 's|.*|again-&|' "$ours_kept" | sort)" "$(jq -r '.names[]?' <"$scratch/theirs.containers" | grep again- | sort)"
check_equal 'what was written in them is there' '' "$(while read -r kept; do
  ours diff -u "$(ours container --json "box-$kept" | jq -r '.[0].layer')" | tar -xOf - in-box | grep -qx "$kept" || echo "$kept"
done <"$ours_kept")"
check_equal 'every layer exports the bytes of its digest' '' "$(jq -r 'select(."diff-digest") | "\(.id) \(."diff-digest")"' <"$scratch/ours.layers" |
  while read -r id digest; do [ "sha256:$(ours diff -u "$id" | sha256sum | cut -d' ' -f1)" = "$digest" ] || echo "$id"; done)"
jq -r .id <"$scratch/ours.layers" | sort >"$scratch/layers"
check_equal 'each layer has its files, and there are no others' "$(cat "$scratch/layers")" \
  "$(for directory in "$graph"/overlay/*/diff; do basename "$(dirname "$directory")"; done | sort)"
check_equal 'a thorough check finds nothing wrong' '' "$(ours check 2>&1)"
check_equal 'and there is nothing to collect' 'orphan 0 trash 0' "$(ours gc --dry-run | awk '$1 == "trash" || $1 == "orphan" { print $1, $2 }' | sort | paste -sd' ')"
check_equal 'nothing is left mounted' '' "$(awk -v below="$graph/overlay/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo)"

# the night: all goes, by whoever did not make it
while read -r kept; do
  theirs delete-container "box-$kept" && theirs delete-image "localhost/ours:$kept"
done <"$ours_kept" >"$scratch/said" 2>&1 || not_ok 'theirs deletes what ours kept' "$(cat "$scratch/said")"
ours images --quiet | while read -r id; do ours delete-image "$id"; done >"$scratch/said" 2>&1
ours layers --json | jq -r '.[]?.id' | grep '^imported-' | while read -r id; do theirs delete-layer "$id"; done >>"$scratch/said" 2>&1
check_equal 'the store is empty' '0 0 0' "$(for kind in layers images containers; do theirs $kind --json | jq length; done | paste -sd' ')"
ours shutdown >/dev/null 2>&1 || true
