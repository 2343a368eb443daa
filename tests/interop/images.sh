#!/bin/sh
# Images that buildah, podman, skopeo and umoci made, loaded by skopeo into one store and by ours into its twin: the records,
# data and trees are equal. What one loaded, the other one finds; what ours saves, skopeo loads and podman runs; and both load at once.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has skopeo || ! has buildah || ! has umoci || ! has containers-storage || ! has jq || ! has zstd; then
  skip images "needs root, podman, skopeo, buildah, umoci, containers-storage, jq and zstd"
  exit 0
fi
[ -n "${IMAGES:-}" ] || { build "$STRATA_BUILD" '' build-images && IMAGES=$STRATA_BUILD/tests/images; } || exit 1
make_scratch
if ! overlay_works "$scratch"; then skip images "no overlay file system here"; exit 0; fi

# --- what is compared ---------------------------------------------------------------------------------------------------

# records STORE: without the times that are those of the load
records() {
  for kind in images layers; do
    [ ! -e "$scratch/$1/graph/overlay-$kind/$kind.json" ] || jq -S "sort_by(.id) | map(if \$kind == \"layers\" then del(.created) else . end)${unlike:-}" --arg kind $kind "$scratch/$1/graph/overlay-$kind/$kind.json"
  done
}
# data STORE: what is kept beside images and layers; a tar-split as it is before compression, without the empty part that ends theirs
data() (
  cd "$scratch/$1/graph" && { find overlay-images -mindepth 2 -type f | sort | xargs -r sha256sum; } &&
    for split in overlay-layers/*.tar-split.gz; do
      [ ! -e "$split" ] || printf '%s %s\n' "$(gzip -dc "$split" | grep -vF '"payload":"",' | sha256sum)" "$split"
    done
)
# tree_of STORE LAYER: its own files, with modes, owners, times, sizes, links, attributes and contents; times of the root and
# of whiteouts are the load's
tree_of() (
  cd "$scratch/$1/graph/overlay/$2/diff" || exit 1
  find . -printf '%P %y %m %U:%G %n %T@ %l %s\n' | sed 's/^\( d [^ ]* [^ ]*\) .*/\1/; s/^\([^ ].* d .*\) [0-9]*$/\1/; s/^\(.* c 0 [^ ]*\) .*/\1/' | sort
  find . -type f -print0 | sort -z | xargs -r -0 sha256sum
  getfattr -R -h -d -m - . 2>/dev/null
)
layers_of() { [ ! -e "$scratch/$1/graph/overlay-layers/layers.json" ] || jq -r '.[].id' "$scratch/$1/graph/overlay-layers/layers.json" | sort; }
trees() { for layer in $(layers_of "$1"); do printf '%s\n' "== $layer" && tree_of "$1" "$layer" || return 1; done; }
# twins NAME [STORE STORE]: the two stores are equal
twins() {
  for twin in "${2:-skopeo}" "${3:-ours}"; do
    { records "$twin" && data "$twin" && trees "$twin"; } >"$scratch/twin.$twin" || { not_ok "$1: nothing to compare in $twin"; return 1; }
  done
  check "$1: records, data and trees are equal" diff "$scratch/twin.${2:-skopeo}" "$scratch/twin.${3:-ours}"
}

# --- loading by either --------------------------------------------------------------------------------------------------

# by_skopeo STORE KIND PATH REFERENCE NAME [PLATFORM]; the name as well as the kind as ours takes them
by_skopeo() {
  use_store "$scratch/$1"
  case $2 in dir) source=dir:$3 ;; *) source=$2:$3${4:+:$4} ;; esac
  skopeo ${6:+--override-os "${6%%/*}" --override-arch "${6##*/}"} copy "$source" "$(in_store "$5")"
}
by_ours() {
  use_store "$scratch/$1"
  shift
  "$IMAGES" load "$graph" "$run" "$@"
}
# both NAME KIND PATH REFERENCE [PLATFORM]: one image in each of the twins
both() {
  check "skopeo loads $1" by_skopeo skopeo "$2" "$3" "$4" "localhost/$1:1" ${5:+"$5"} || return 1
  check "ours loads $1" by_ours ours "$2" "$3" "$4" "localhost/$1:1" ${5:+"$5"} || return 1
  twins "$1"
}

# --- images -------------------------------------------------------------------------------------------------------------

use_store "$scratch/maker"
images=$scratch/images
mkdir -p "$images" "$scratch/context"
busybox=$(busybox_tar) || exit 1
pod import -q "$busybox" localhost/base:1 >/dev/null || exit 1

# made NAME PROGRAM ARGUMENT...: runs it; the image is then in the maker's store
made() {
  made_name=$1
  shift
  check "${1#builder} makes $made_name" "$@" || exit 1
}
# out NAME: the image as a layout in images/NAME
out() { check "buildah writes $1" builder push -q "localhost/$1:1" "oci:$images/$1:${2:-1}"; }

# A tree with one of everything, and files that layers change and take away.
ten_layers() {
  { echo "FROM localhost/base:1"
    for n in 1 2 3 4 5; do
      mkdir -p "$scratch/context/$n/many" && echo "$n" >"$scratch/context/$n/many/$n" && echo "$n" >"$scratch/context/$n/same"
      printf 'COPY %s /data\nENV N%s=%s\nLABEL l%s=%s\n' "$n" "$n" "$n" "$n" "$n"
    done
    printf "COPY 1 /sub/dir/\nCOPY 2/same /sub/\n"
    printf 'COPY 1 2 3 4 /data/\nCOPY 5 /etc\nEXPOSE 80/tcp\nCMD ["/bin/sh"]\n'
  } >"$scratch/context/Containerfile"
  builder build -q --layers -t localhost/ten:1 "$scratch/context"
}
# child NAME BASE SCRIPT [COMMIT OPTION...]: an image over another one, or over nothing, changed by a script in its tree
child() {
  child_name=$1 child_script=$3
  container=$(builder from "$2") && at=$(builder mount "$container") && case $at in "$scratch"/?*) ;; *) false ;; esac || return 1
  (cd "$at" && sh -eu -c "$child_script") || return 1
  builder config --cmd /bin/sh --annotation org.example.made=here --author somebody --history-comment 'a <comment> & more' "$container" &&
    builder umount "$container" >/dev/null || return 1
  shift 3
  builder commit -q --rm "$@" "$container" "localhost/$child_name:1"
}
committed() {
  committed_name=$1
  pod create -q --name "$1" --network=none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 localhost/base:1 /bin/sh &&
    at=$(pod mount "$1") && case $at in "$scratch"/?*) ;; *) false ;; esac || return 1
  echo committed >"$at/etc/committed" && rm -rf "${at:?}/var" && pod unmount "$1" || return 1
  shift
  pod commit -q "$@" "$committed_name" "localhost/$committed_name:1" && pod rm -fa
}
made ten ten_layers
made small child small scratch 'echo hello >file; echo odd >"größe \n %s"; mkdir -m 1700 d; chown 5:6 d; ln file d/hard; ln -s /nowhere soft; setfattr -n user.a -v b file'
made nothing child nothing scratch ':'
made over child over localhost/ten:1 'rm -rf data/many; mkdir data/many; echo new >data/many/new; rm etc/passwd; chmod 700 etc; ln -s x etc/soft'
made docker child docker localhost/base:1 'echo docker >etc/docker' --format docker
made squashed child squashed localhost/ten:1 'echo squashed >etc/squashed' --squash
made committed committed committed
made committed-docker committed committed-docker --format docker
for image in base ten small nothing over docker squashed committed committed-docker; do out $image || exit 1; done

# again NAME BY COMMAND...: the same image in another kind of place, made by the program BY
again() {
  again_name=$1 again_by=$2
  shift 2
  check "$again_by writes $again_name" "$@"
}
umoci_image() {
  umoci init --layout "$images/umoci" && umoci new --image "$images/umoci:1" && umoci unpack --image "$images/umoci:1" "$scratch/bundle" || return 1
  tar -C "$scratch/bundle/rootfs" -xpf "$busybox" && umoci repack --image "$images/umoci:1" "$scratch/bundle" || return 1
  echo umoci >"$scratch/bundle/rootfs/etc/umoci" && rm -r "$scratch/bundle/rootfs/var" &&
    umoci repack --refresh-bundle --image "$images/umoci:1" "$scratch/bundle" &&
    umoci config --image "$images/umoci:1" --author umoci --config.cmd /bin/sh --manifest.annotation a=b --history.comment 'no layer'
}
platforms() {
  builder manifest create many >/dev/null && builder manifest add many "$(in_store localhost/docker:1)" >/dev/null &&
    container=$(builder from --arch s390x scratch) && at=$(builder mount "$container") && case $at in "$scratch"/?*) ;; *) false ;; esac || return 1
  echo s390x >"$at/arch" && builder config --arch s390x "$container" && builder commit -q --rm "$container" localhost/s390x:1 &&
    builder manifest add --arch s390x --annotation of=entry many "$(in_store localhost/s390x:1)" >/dev/null &&
    builder manifest push -q --all many "oci:$images/many:1"
}
again umoci umoci umoci_image
again many buildah platforms
again ten-zstd skopeo skopeo copy -q --dest-compress-format zstd --dest-compress "oci:$images/ten:1" "oci:$images/ten-zstd:1"
again ten-chunked podman pod push -q --compression-format zstd:chunked localhost/ten:1 "oci:$images/ten-chunked:1"
again ten-plain skopeo skopeo copy -q --dest-decompress "oci:$images/ten:1" "dir:$images/ten-plain"
again over-v2s2 skopeo skopeo copy -q --format v2s2 "oci:$images/over:1" "dir:$images/over-v2s2"
again over.tar podman pod save -q --format docker-archive -o "$images/over.tar" localhost/over:1
again two.tar podman pod save -q -m --format docker-archive -o "$images/two.tar" localhost/over:1 localhost/small:1
again small.oci podman pod save -q --format oci-archive -o "$images/small.oci" localhost/small:1
again docker.docker-dir podman pod save -q --format docker-dir -o "$images/docker-dir" localhost/docker:1
gzip -c "$images/over.tar" >"$images/over.tar.gz"

for image in base ten small nothing over docker squashed committed committed-docker umoci; do both $image oci "$images/$image" 1; done
both many oci "$images/many" 1
both many-s390x oci "$images/many" 1 linux/s390x
for image in ten-zstd ten-chunked; do both $image oci "$images/$image" 1; done
both ten-plain dir "$images/ten-plain" ''
both over-v2s2 dir "$images/over-v2s2" ''
both over-tar docker-archive "$images/over.tar" localhost/over:1
check "skopeo loads over-tar again" by_skopeo skopeo docker-archive "$images/over.tar" localhost/over:1 localhost/over-gz:1
check "ours loads the same compressed" by_ours ours docker-archive "$images/over.tar.gz" localhost/over:1 localhost/over-gz:1
twins over-gz
both two docker-archive "$images/two.tar" localhost/small:1
both small-archive oci-archive "$images/small.oci" ''
both docker-dir dir "$images/docker-dir" ''

# --- what the twins have already -----------------------------------------------------------------------------------------
# Layers that nobody has seen, so that skopeo cannot know them from its cache of blobs.

# layer NAME: a layer as tar, gzip and zstd
layer() {
  mkdir -p "$scratch/layers/$1" && head -c 20 /dev/urandom | od -An -tx1 >"$scratch/layers/$1/$1" && mkdir "$scratch/layers/$1/common" &&
    tar -C "$scratch/layers/$1" -cf "$scratch/layers/$1.tar" "$1" common && gzip -nk "$scratch/layers/$1.tar" && zstd -q "$scratch/layers/$1.tar"
}
# layout NAME LAYER...: an image of these, in the layout images/by-hand
layout() {
  by_hand=$images/by-hand
  mkdir -p "$by_hand/blobs/sha256" && echo '{"imageLayoutVersion":"1.0.0"}' >"$by_hand/oci-layout" || return 1
  layout_name=$1
  shift
  for blob in "$@"; do cp "$scratch/layers/$blob" "$by_hand/blobs/sha256/$(sha256 "$scratch/layers/$blob")"; done
  (cd "$scratch/layers" && write_image "$layout_name" "$scratch/written" "$@")
  for blob in "$scratch/written/config" "$scratch/written/manifest"; do cp "$blob" "$by_hand/blobs/sha256/$(sha256 "$blob")"; done
  printf '{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}\n' \
    "$(sha256 "$scratch/written/manifest")" "$(wc -c <"$scratch/written/manifest")" "$layout_name" >>"$images/by-hand.list"
  jq -cs '{schemaVersion: 2, manifests: .}' "$images/by-hand.list" >"$by_hand/index.json"
}
for name in a b c d; do layer $name; done
layout ab a.tar.gz b.tar.gz
layout ba b.tar.gz a.tar.gz
layout aab a.tar.gz a.tar.gz b.tar.gz
layout dz d.tar.zst
layout plain c.tar b.tar.gz
both ab oci "$images/by-hand" ab
both ba oci "$images/by-hand" ba  # the same changes over another parent
both aab oci "$images/by-hand" aab
both plain oci "$images/by-hand" plain
check "ours brings no layer that the store has over another parent" \
  eval 'by_ours ours oci "$images/by-hand" ba localhost/again:1 | grep " 0$" && layout bba b.tar.gz b.tar.gz a.tar.gz && by_ours ours oci "$images/by-hand" bba localhost/bba:1 | grep " 0$"'
check "skopeo loads bba" by_skopeo skopeo oci "$images/by-hand" bba localhost/bba:1
check "and ba again" by_skopeo skopeo oci "$images/by-hand" ba localhost/again:1
twins bba

# --- one finds what the other has ---------------------------------------------------------------------------------------

# The layout of a child image, without the blobs of its parent's layers: who reads one of them fails.
cp -a "$images/over" "$images/child"
for blob in $(skopeo inspect --raw "oci:$images/ten:1" | jq -r '.layers[].digest'); do rm "$images/child/blobs/sha256/${blob#sha256:}"; done
check_equal "the layout of the child has one layer of eleven" "1" \
  "$(skopeo inspect --raw "oci:$images/child:1" | jq -r '.layers[].digest' | while read -r blob; do ls "$images/child/blobs/sha256/${blob#sha256:}" 2>/dev/null; done | wc -l)"
check "ours loads the parent" by_ours ours-first oci "$images/ten" 1 localhost/ten:1
check "skopeo loads the child, and reads no layer that ours loaded" by_skopeo ours-first oci "$images/child" 1 localhost/over:1
check "skopeo loads the parent" by_skopeo skopeo-first oci "$images/ten" 1 localhost/ten:1
check_equal "ours loads the child, and reads no layer that skopeo loaded" 1 \
  "$(by_ours skopeo-first oci "$images/child" 1 localhost/over:1 | cut -d' ' -f3)"
twins "each upon the other" ours-first skopeo-first

# The same configuration with two manifests: of a registry, and of a docker-archive.
check "skopeo loads the archive first" by_skopeo skopeo-archive docker-archive "$images/over.tar" localhost/over:1 localhost/one:1
check "skopeo loads the layout then" by_skopeo skopeo-archive oci "$images/over" 1 localhost/two:1
check "ours loads the archive first" by_ours ours-archive docker-archive "$images/over.tar" localhost/over:1 localhost/one:1
check "ours loads the layout then" by_ours ours-archive oci "$images/over" 1 localhost/two:1
twins "archive, then layout" skopeo-archive ours-archive

# A name passes to another image.
check "skopeo gives a name to another image" by_skopeo skopeo-archive oci "$images/small" 1 localhost/two:1
check "ours gives a name to another image" by_ours ours-archive oci "$images/small" 1 localhost/two:1
twins "a name passed on" skopeo-archive ours-archive

# A read-only store below, which has the image, or its parent. Releases of containers/storage differ in whether the new image
# has the names of the one below: ours keeps them.
unlike=' | map(del(.names, ."names-history"))'
below=$scratch/skopeo-first/graph
above() {
  use_store "$scratch/$1"
  at=containers-storage:[overlay@$graph+$run:overlay.imagestore=$below]
}
for image in over docker; do
  check "skopeo loads $image over a read-only store" eval "above skopeo-above && skopeo copy 'oci:$images/$image:1' \"\${at}localhost/x$image:1\""
  check "ours loads $image over a read-only store" eval "ADDITIONAL_STORE=\$below && export ADDITIONAL_STORE && by_ours ours-above oci '$images/$image' 1 localhost/x$image:1; loaded=\$?; unset ADDITIONAL_STORE; [ \$loaded = 0 ]"
  twins "$image over a read-only store" skopeo-above ours-above
done

unlike=
# --- out, and back ------------------------------------------------------------------------------------------------------

# saved KIND STORE IMAGE: an image out of that store through a place of that kind into a fresh one
back=0
saved() {
  back=$((back + 1))  # Podman has a limit on the length of a run root
  use_store "$scratch/$2"
  path=$images/saved$back name=localhost/$3:1
  id=$(jq -r --arg name "$name" '.[] | select(.names | index($name)) | .id' "$graph/overlay-images/images.json")
  case $1 in dir) name= ;; oci*) name=1 ;; esac
  check_equal "ours saves $3 of $2 as $1" "sha256:$id" "$("$IMAGES" save "$graph" "$run" "localhost/$3:1" "$1" "$path" "$name" 2>&1 | cut -d' ' -f1)" || return 1
  check "skopeo loads what ours saved as $1" by_skopeo "b$back" "$1" "$path" "$name" localhost/back:1 || return 1
  use_store "$scratch/b$back"
  check_equal "it is the same image" "$id" "$(pod images --no-trunc --format '{{.ID}}' localhost/back:1 | sed 's/^sha256://')"
}
for kind in oci oci-archive docker-archive dir; do
  saved $kind ours docker && saved $kind maker committed && saved $kind ours over || continue
  check_equal "with the same layers" "$(layers_of skopeo-first)" "$(layers_of "b$back")"
  if can_run; then
    check_equal "podman runs it" 'new 4 x' "$(pod_run localhost/back:1 /bin/sh -c 'echo $(cat /data/many/new /data/same) $(ls /etc/ | grep -c ^passwd | sed s/0/x/)' 2>&1)"
  else
    skip "podman runs it" "podman cannot start containers here"
  fi
  use_store "$scratch/p$back"
  [ "$kind" = oci ] ||  # where Podman 4.3 takes a path with capital letters for a bad name
    check "podman loads what ours saved as $kind" eval "pod load -q -i '$path' && pod images --no-trunc --format '{{.ID}}' | grep -q '$id'"
done

# Where nothing is compressed anew, the manifest stays as it is, and so do all blobs.
for kind in oci-archive dir; do
  name=1
  case $kind in dir) name= ;; esac
  for image in over umoci ten-zstd docker; do
    digest=$(skopeo inspect --raw "oci:$images/$image:1" | sha256sum | cut -d' ' -f1)
    check_equal "$image goes as it is to $kind" "sha256:$digest" "$("$IMAGES" copy oci "$images/$image" 1 $kind "$images/$image.$kind" "$name" | cut -d' ' -f2)"
    check_equal "$image comes back from $kind" "sha256:$digest" "$("$IMAGES" copy $kind "$images/$image.$kind" "$name" oci "$images/$image.back" $kind | cut -d' ' -f2)"
    check_equal "skopeo finds it there" "$digest" "$(skopeo inspect --raw "$kind:$images/$image.$kind" | sha256sum | cut -d' ' -f1)"
  done
done
check_equal "no layer was lost or added on the way" "$(ls "$images/over/blobs/sha256" | sort)" "$(ls "$images/over.back/blobs/sha256" | sort)"

# Podman 4.3 leaves out the end of the archive in zstd:chunked layers: they are not what the configuration says, and refused by
# ours, as by later releases of containers/image.
check_equal "ours refuses a layer of podman's that does not unpack to its DiffID" "unpacks to" \
  "$("$IMAGES" copy oci "$images/ten-chunked" 1 dir "$images/refused" '' 2>&1 | grep -o 'unpacks to')"
check_equal "and into a store" "unpacks to" "$(by_ours refused oci "$images/ten-chunked" 1 '' 2>&1 | grep -o 'unpacks to')"
check_equal "where nothing is left of it" "" "$(layers_of refused)"

# What describes a zstd:chunked blob is not said of one that was compressed anew.
use_store "$scratch/ours"
check "ours saves an image that came as zstd:chunked" "$IMAGES" save "$graph" "$run" localhost/ten-chunked:1 oci "$images/not-chunked" 1
check_equal "which no longer is" "" "$(skopeo inspect --raw "oci:$images/not-chunked:1" | grep -o 'zstd-chunked[^"]*')"

# --- an index with all its images --------------------------------------------------------------------------------------

check_equal "ours copies an index with its images" "sha256:$(skopeo inspect --raw "oci:$images/many:1" | sha256sum | cut -d' ' -f1) 2" \
  "$("$IMAGES" all "$images/many" 1 "$images/many-ours" all)"
check "skopeo copies it" skopeo copy -q --all "oci:$images/many:1" "oci:$images/many-skopeo:all"
check "both write the same files" diff -r "$images/many-skopeo" "$images/many-ours"

# --- made of layers -----------------------------------------------------------------------------------------------------

built() { SOURCE_DATE_EPOCH=1600000000 "$IMAGES" build "$images/built$1" 1 "$busybox" "$scratch/layers/a.tar.gz" "$scratch/layers/d.tar.zst"; }
check_equal "an image made of the same layers at the same time is the same" "$(built 1)" "$(built 2)"
use_store "$scratch/built"
check "skopeo loads it" by_skopeo built oci "$images/built1" 1 localhost/built:1
check_equal "with the blobs as they were" "sha256:$(sha256 "$scratch/layers/a.tar.gz") sha256:$(sha256 "$scratch/layers/d.tar.zst")" \
  "$(skopeo inspect --raw "oci:$images/built1:1" | jq -r '.layers[1:]|map(.digest)|join(" ")')"
if can_run; then
  check_equal "podman runs it" "$(cat "$scratch/layers/a/a" "$scratch/layers/d/d")" "$(pod_run localhost/built:1 /bin/sh -c 'cat /a /d' 2>&1)"
else
  skip "podman runs it" "podman cannot start containers here"
fi

# --- both at once -------------------------------------------------------------------------------------------------------

# Each loads images that share layers, and removes them, in a loop; either may find that the other has removed what it needs.
seconds=${STRATA_SECONDS:-10}
use_store "$scratch/at-once"
loop() {
  end=$(($(date +%s) + seconds)) turn=0
  while [ "$(date +%s)" -lt "$end" ]; do
    for image in ten over squashed ab ba; do
      path=$images/$image reference=1
      case $image in ab | ba) path=$images/by-hand reference=$image ;; esac
      "by_$1" at-once oci "$path" "$reference" "localhost/$1-$image:1" >"$scratch/$1.last" 2>&1 && echo loaded || { echo failed; cat "$scratch/$1.last" >&2; }
    done
    turn=$((turn + 1))
    [ $((turn % 2)) = 0 ] || ours delete-image "localhost/$1-ten:1" "localhost/$1-over:1" >/dev/null 2>&1
  done
}
loop skopeo >"$scratch/loop.skopeo" 2>"$scratch/loop.skopeo.err" &
loop ours >"$scratch/loop.ours" 2>"$scratch/loop.ours.err" &
wait $!
wait
loaded_by() { printf '%s loaded %s, failed %s' "$1" "$(grep -c loaded "$scratch/loop.$1")" "$(grep -c failed "$scratch/loop.$1")"; }
check "both load at once: $(loaded_by skopeo); $(loaded_by ours)" eval "[ $(grep -c loaded "$scratch/loop.skopeo") -gt 2 ] && [ $(grep -c loaded "$scratch/loop.ours") -gt 2 ]"
check "ours finds nothing wrong" ours check
for image in ten over squashed; do
  check "skopeo loads $image in the end" by_skopeo at-once oci "$images/$image" 1 "localhost/end-$image:1"
  check "skopeo loads it alone" by_skopeo alone oci "$images/$image" 1 "localhost/end-$image:1"
done
alone=$(layers_of alone)
check_equal "and the trees are those of a store that skopeo has for itself" "$(for layer in $alone; do tree_of alone "$layer"; done | sha256sum)" \
  "$(for layer in $alone; do tree_of at-once "$layer"; done | sha256sum)"
