#!/bin/sh
# commit of oci-storage beside podman commit: images of equal containers in twin stores say the same of themselves and have the
# same layers, whatever is changed; Podman runs ours. And indexes of images of both, saved by ours and by buildah.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has buildah || ! has skopeo || ! has jq; then
  skip commit "needs root, podman, buildah, skopeo and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip commit "no overlay file system here"; exit 0; fi

# --- twins ----------------------------------------------------------------------------------------------------------

# Podman writes its containers' variables and directory into the images: those of this image are the same.
mkdir "$scratch/context"
cat >"$scratch/context/Dockerfile" <<'END'
FROM localhost/busybox
ENV container=podman TERM=xterm PATH=/bin
WORKDIR /etc
EXPOSE 90 8
VOLUME /z /b
LABEL z=1 b="<2>"
CMD ["/bin/sh"]
END
(
  use_store "$scratch/maker"
  busybox=$(busybox_tar) && pod import -q "$busybox" localhost/busybox >/dev/null &&
    builder build -q --timestamp 1700000000 -t localhost/base:1 "$scratch/context" &&
    { cat "$scratch/context/Dockerfile" && printf '%s\n' 'HEALTHCHECK CMD true' 'ONBUILD RUN x' 'SHELL ["/bin/sh","-e"]'; } >"$scratch/context/other" &&
    builder build -q --format docker --timestamp 1700000000 -t localhost/docker:1 -f "$scratch/context/other" "$scratch/context" &&
    pod save -q -m -o "$scratch/images.tar" localhost/base:1 &&
    pod save -q --format docker-dir -o "$scratch/docker" localhost/docker:1
) >"$scratch/log" 2>&1 || { not_ok "podman makes an image" "$(cat "$scratch/log")"; exit 1; }

# change STORE CONTAINER PROGRAM UNMOUNT: files come and change, with times that are given, for the layers are to be equal
change() {
  at=$(in_place "$1" "$3" mount "$2") && case $at in "$scratch"/?*) ;; *) false ;; esac || return 1
  (cd "$at" && echo new >etc/new && echo changed >etc/hostname && chmod 600 etc/hostname && ln -s new etc/soft &&
    touch -h -d @1700000001 etc/new etc/hostname etc/soft && touch -d @1700000002 etc) &&
    in_place "$1" "$3" "$4" "$2" >/dev/null
}
twin() {
  for image in "$scratch/images.tar" "$scratch/docker"; do in_place "$1" pod load -q -i "$image" >/dev/null || return 1; done
  docker_image=$(jq -r .config.digest "$scratch/docker/manifest.json") && in_place "$1" pod tag "${docker_image#sha256:}" localhost/docker:1
}
for store in theirs ours; do check "podman loads the images for $store" twin $store || exit 1; done
for image in base docker; do
  in_place theirs pod create -q --name "$image" "localhost/$image:1" >/dev/null
  in_place ours ours create-container --name "$image" "localhost/$image:1" >/dev/null
  check "a container of $image changes for podman" change theirs $image pod unmount
  check "a container of $image changes for ours" change ours $image ours unmount
done

# said STORE IMAGE: what the image says, without the times and what is random; what is empty counts as absent
said() {
  in_place "$1" ours get-image-data "$2" manifest >"$scratch/manifest" &&
    in_place "$1" ours get-image-data "$2" "$(jq -r .config.digest "$scratch/manifest")" | jq -S '
      def full: with_entries(select(.value | . == null or . == "" or . == false or . == [] or . == {} | not));
      del(.created, .container, .container_config, .history[-1].created, .rootfs.diff_ids[-1]) | .config |= (del(.Image, .Hostname) | full | .Env |= sort) | full' &&
    jq -S 'del(.layers[-1].digest) | [.mediaType, .config.mediaType, .layers]' "$scratch/manifest"
}
# Headers of files have the files' types in their modes if Podman writes them, and not if ours does, so that the digests differ.
# top_layer STORE IMAGE: what is in its archive
top_layer() {
  in_place "$1" ours save -q --format oci-dir --compress none -o "$scratch/layer.$1" "$2" &&
    blob=$scratch/layer.$1/blobs/sha256 && manifest=$(jq -r '.manifests[0].digest' "$scratch/layer.$1/index.json") &&
    layer=$(jq -r '.layers[-1].digest' "$blob/${manifest#sha256:}") && tar --full-time -tvf "$blob/${layer#sha256:}" && tar -xOf "$blob/${layer#sha256:}"
}
# both WHAT CONTAINER OPTION...: commits it twice, and compares
both() {
  both_what=$1 both_container=$2
  shift 2
  in_place theirs pod commit -q "$@" "$both_container" made >"$scratch/out" 2>&1 || { not_ok "$both_what: podman commits" "$(cat "$scratch/out")"; return; }
  check_equal "$both_what: the id is printed" "$(in_place ours ours commit -q "$@" "$both_container" made 2>&1)" \
    "$(in_place ours ours image --json localhost/made:latest | jq -r '.[0].id')"
  for store in theirs ours; do said $store localhost/made:latest >"$scratch/said.$store"; done
  check "$both_what: the same image" diff "$scratch/said.theirs" "$scratch/said.ours"
}
both "as it is" base
check_equal "as it is: the same files in the layer" "$(top_layer theirs localhost/made:latest)" "$(top_layer ours localhost/made:latest)"
both "in Docker's format" base -f docker --message 'why <&>' --author 'me <me@example.org>'
both "over an image in Docker's format" docker --author me
both "and in that format" docker --format docker -c 'ONBUILD CMD y'
number=0
while IFS= read -r change; do
  number=$((number + 1))
  both "change $number, $change" base -c "$change"
done <<'END'
CMD a b
CMD ["a","b c"]
cmd=["a"]
CMD []
CMD null
CMD ["a",1]
CMD {"a":1}
CMD [null]
ENTRYPOINT x
ENTRYPOINT ["/x"]
ENV A=b C=d
ENV A b
ENV "A"="b c"
ENV PATH=/x
ENV A="
EXPOSE 80
EXPOSE +053/UDP
LABEL a=b c=d
LABEL "a b"="c d"
LABEL z=2
STOPSIGNAL SIGTERM
STOPSIGNAL quit
STOPSIGNAL RTMIN+3
STOPSIGNAL sigrtmax-14
STOPSIGNAL io
STOPSIGNAL 64
USER  me:you
VOLUME /a /b
VOLUME ["/z","/b c"]
WORKDIR a
WORKDIR /a/../b//c/
END
both "several changes" base -c 'WORKDIR /a' -c 'WORKDIR b/../c' -c 'CMD x' -c 'CMD null' -c 'ENV A=1' -c 'ENV A=2' -c 'ENTRYPOINT ["/x"]' -c 'CMD ["y"]'
# neither WHAT WORD...: both refuse it
neither() {
  neither_what=$1
  shift
  if in_place theirs pod commit -q "$@" >/dev/null 2>&1; then
    not_ok "$neither_what: podman refuses it"
  elif in_place ours ours commit -q "$@" >"$scratch/out" 2>"$scratch/err"; then
    not_ok "$neither_what is refused" "$(cat "$scratch/out")"
  elif [ -s "$scratch/out" ] || [ "$(wc -l <"$scratch/err")" != 1 ]; then
    not_ok "$neither_what: one line that says why" "$(cat "$scratch/out" "$scratch/err")"
  else
    ok "$neither_what: $(cat "$scratch/err")"
  fi
}
before=$(in_place ours ours layers -q; in_place ours ours images -q)
for change in '' CMD 'FROM x' 'HEALTHCHECK CMD x' ' USER x' 'USER ' 'ENV =x' 'LABEL a' 'EXPOSE 0' 'EXPOSE 80-82' 'EXPOSE 80/sctp' \
  'STOPSIGNAL 65' 'STOPSIGNAL FOO' 'VOLUME []' 'VOLUME /a  /b' 'WORKDIR ' 'ONBUILD '; do
  neither "\"$change\"" -c "$change" base
done
neither "a message in OCI's format" -m why base
neither "another format" --format tar base
neither "no container" nosuch
neither "no name" base Made
check_equal "what fails leaves nothing" "$before" "$(in_place ours ours layers -q; in_place ours ours images -q)"

# --- the rest of the command ---------------------------------------------------------------------------------------

for name in made quay.io/me/made:2 docker.io/made; do
  in_place theirs pod commit -q base $name >/dev/null 2>&1
  in_place ours ours commit -q base $name >/dev/null
done
names() { in_place "$1" pod images --noheading --format '{{.Repository}}:{{.Tag}}' | grep made | sort; }
check_equal "the names that Podman gives" "$(names theirs)" "$(names ours)"
id=$(in_place ours ours commit --iidfile "$scratch/id" base localhost/file 2>"$scratch/err")
check_equal "the id in a file, as podman commit writes it" "$id" "$(cat "$scratch/id")"
check_equal "the file has no more than that" 64 "$(wc -c <"$scratch/id")"
check_equal "the name on stderr" "Committed image: localhost/file:latest" "$(cat "$scratch/err")"
check_equal "no name" "" "$(id=$(in_place ours ours commit -q base) && in_place ours ours get-names "$id")"
one=$(SOURCE_DATE_EPOCH=1600000000 in_place ours ours commit -q base localhost/epoch)
check_equal "the same container at the same time is the same image" "$one" "$(SOURCE_DATE_EPOCH=1600000000 in_place ours ours commit -q base)"
check_equal "which was made then" 2020-09-13T12:26:40Z "$(in_place ours ours inspect localhost/epoch | jq -r '.[0].Created')"
check "podman's own check" in_place ours pod image exists localhost/epoch
if can_run; then
  check_equal "podman runs what ours committed" new "$(in_place ours pod_run localhost/epoch cat /etc/soft 2>&1 | tail -n 1)"
else
  skip "podman runs what ours committed" "no container can be started on this machine"
fi

# --- an index of images ------------------------------------------------------------------------------------------------

index() (
  use_store "$scratch/ours"
  builder manifest create localhost/both >/dev/null && builder manifest add localhost/both "$(in_store localhost/epoch:latest)" >/dev/null &&
    container=$(builder from --arch arm64 scratch) && builder config --arch arm64 "$container" && builder commit -q --rm "$container" localhost/arm:1 &&
    builder manifest add --arch arm64 localhost/both "$(in_store localhost/arm:1)" >/dev/null &&
    builder manifest push -q --all localhost/both "oci:$scratch/index:both"
)
check "buildah makes an index and writes it" index
check "save --all: a layout of an index" in_place ours ours save -q --all --format oci-dir -o "$scratch/all" both
check "save --all: an archive of an index" in_place ours ours save -q --all --format oci-archive -o "$scratch/all.tar" both
check "save --all: a directory of skopeo" in_place ours ours save -q --all --format docker-dir -o "$scratch/all-dir" both
listed='[.manifests[]|.platform]'
for place in "oci:$scratch/all:localhost/both:latest" "oci-archive:$scratch/all.tar:localhost/both:latest" "dir:$scratch/all-dir"; do
  what=${place%%:*}
  check_equal "save --all, $what: the platforms that buildah lists" "$(skopeo inspect --raw "oci:$scratch/index:both" | jq -cS "$listed")" \
    "$(skopeo inspect --raw "$place" | jq -cS "$listed")"
  check "save --all, $what: skopeo copies all of it" skopeo copy -q --all "$place" "oci:$scratch/copied-$what:1"
  check_equal "save --all, $what: the configurations are those of the images" "$(printf 'sha256:%s\n' "$one" "$(in_place ours ours inspect localhost/arm:1 | jq -r '.[0].Id')")" \
    "$(skopeo inspect --raw "oci:$scratch/copied-$what:1" | jq -r '.manifests[].digest' | while read -r digest; do jq -r .config.digest "$scratch/copied-$what/blobs/sha256/${digest#sha256:}"; done)"
done
check "save --all: an image that is no index" in_place ours ours save -q --all -o "$scratch/one.tar" epoch
if in_place ours ours save -q --all -o "$scratch/no.tar" both 2>"$scratch/err"; then
  not_ok "save --all: an index in a docker-archive is refused"
else
  check_equal "save --all: an index in a docker-archive is refused, and no file is left" "1 docker-archive" \
    "$(wc -l <"$scratch/err") $(grep -o 'docker-archive' "$scratch/err")$(find "$scratch" -maxdepth 1 -name 'no.tar*')"
fi
check_equal "save: of an index the image for this machine" "sha256:$one" \
  "$(in_place ours ours save -q --format oci-archive -o "$scratch/host.tar" both 2>&1; skopeo inspect --raw "oci-archive:$scratch/host.tar" | jq -r .config.digest)"
