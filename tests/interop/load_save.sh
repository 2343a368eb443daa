#!/bin/sh
# load, save, inspect and history of oci-storage on images that Podman built, and Podman on what they make: the same names,
# ids and texts, and archives that Podman, skopeo and umoci read.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has buildah || ! has skopeo || ! has jq; then
  skip load_save "needs root, podman, buildah, skopeo and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip load_save "no overlay file system here"; exit 0; fi

# --- what Podman has ------------------------------------------------------------------------------------------------

mkdir "$scratch/context" "$scratch/context/one" "$scratch/context/two" "$scratch/saved"
echo one >"$scratch/context/one/file"
head -c 300000 /dev/urandom >"$scratch/context/two/noise"
cat >"$scratch/context/Dockerfile" <<'END'
FROM scratch
COPY one /
ENV A=b
LABEL vendor=me
COPY two /
CMD ["/bin/sh"]
EXPOSE 80
WORKDIR /etc
END
printf 'FROM scratch\nCOPY two /\nCOPY one /\n' >"$scratch/context/other"
(
  use_store "$scratch/theirs"
  builder build -q --timestamp 1700000000 --layers -t localhost/tool:1 "$scratch/context" &&
    builder build -q --timestamp 1700000000 --layers=false -t quay.io/me/other:2 -f "$scratch/context/other" "$scratch/context" &&
    pod tag localhost/tool:1 docker.io/library/named:3 &&
    pod save -q -m -o "$scratch/docker.tar" localhost/tool:1 docker.io/library/named:3 quay.io/me/other:2 &&
    pod save -q --format oci-archive -o "$scratch/oci.tar" localhost/tool:1 &&
    pod save -q --format oci-dir -o "$scratch/layout" localhost/tool:1 &&
    pod save -q --format docker-dir -o "$scratch/directory" localhost/tool:1 &&
    builder build -q --platform linux/arm64 --timestamp 1700000000 -t localhost/arm "$scratch/context" &&
    builder manifest create localhost/both localhost/tool:1 localhost/arm &&
    builder manifest push --all localhost/both "oci:$scratch/index:both"
) >"$scratch/log" 2>&1 || { not_ok "podman makes images" "$(cat "$scratch/log")"; exit 1; }
gzip -k "$scratch/docker.tar"
zstd -q "$scratch/oci.tar"
tool=$(in_place theirs ours inspect tool:1 | jq -r '.[0].Id')
arm=$(in_place theirs ours inspect arm | jq -r '.[0].Id')
other=$(in_place theirs ours inspect quay.io/me/other:2 | jq -r '.[0].Id')

# --- what the host demands --------------------------------------------------------------------------------------------

mkdir -p "$scratch/home/.config/containers"
# policy JSON COMMAND...: the command of a user who has this policy
policy() {
  printf '%s\n' "$1" >"$scratch/home/.config/containers/policy.json"
  shift
  HOME="$scratch/home" in_place policy "$@"
}
# likewise WHAT JSON PLACE SKOPEO_PLACE: ours and skopeo let the same through
likewise() {
  skopeo_does=$(policy "$2" skopeo copy -q "$4" "dir:$scratch/policy-out" >/dev/null 2>&1 && echo passes || echo refuses)
  ours_does=$(policy "$2" ours load -q -i "$3" >/dev/null 2>"$scratch/log" && echo passes || { grep -q policy.json "$scratch/log" && echo refuses; })
  check_equal "policy.json: $1, skopeo $skopeo_does" "$skopeo_does" "$ours_does"
}
any='[{"type":"insecureAcceptAnything"}]'
none='[{"type":"reject"}]'
likewise 'all is refused' "{\"default\":$none}" "$scratch/docker.tar" "docker-archive:$scratch/docker.tar:localhost/tool:1"
likewise 'all but docker-archives are refused' "{\"default\":$none,\"transports\":{\"docker-archive\":{\"\":$any}}}" "$scratch/docker.tar" "docker-archive:$scratch/docker.tar:localhost/tool:1"
likewise 'a layout of others' "{\"default\":$any,\"transports\":{\"oci\":{\"$scratch/layout\":$none}}}" "$scratch/oci.tar" "oci-archive:$scratch/oci.tar"
likewise 'a layout' "{\"default\":$any,\"transports\":{\"oci\":{\"$scratch/layout\":$none}}}" "$scratch/layout" "oci:$scratch/layout"
likewise 'a directory below one' "{\"default\":$any,\"transports\":{\"dir\":{\"$scratch\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/none\"}]}}}" "$scratch/directory" "dir:$scratch/directory"
check_equal 'policy.json: of a stream, that of its transport' 'refuses' "$(policy "{\"default\":$any,\"transports\":{\"docker-archive\":{\"\":$none}}}" ours load -q <"$scratch/docker.tar" 2>&1 | grep -q policy.json && echo refuses)"

# --- inspect and history ----------------------------------------------------------------------------------------------

# What depends on the machine or on other images of the store is left out, and lists that Podman sorts by chance are sorted.
known='.[]|del(.Parent,.GraphDriver)|(.RepoTags,.RepoDigests,.NamesHistory)|=((.//[])|sort)'
# same_inspect STORE IMAGE WHAT
same_inspect() {
  check_equal "$3: inspect" "$(in_place "$1" pod image inspect "$2" | jq -S "$known")" \
    "$(in_place "$1" ours inspect "$2" | jq -S "$known")"
}
# same_texts STORE IMAGE WHAT
same_texts() {
  same_inspect "$@"
  for options in '' --no-trunc -q -H=false; do
    # shellcheck disable=SC2086
    check_equal "$3: history $options" "$(in_place "$1" pod history $options "$2")" "$(in_place "$1" ours history $options "$2")"
  done
  check_equal "$3: history as JSON" "$(in_place "$1" pod history --format json "$2" | jq -S 'map(del(.Created))')" \
    "$(in_place "$1" ours history --json "$2" | jq -S .)"
}
same_inspect theirs tool:1 "an image that buildah made"
check_equal "inspect: several images" "$tool $other" \
  "$(in_place theirs ours inspect localhost/tool:1 "$other" | jq -r '[.[].Id]|join(" ")')"
check_equal "inspect: by the beginning of the id" "$tool" \
  "$(in_place theirs ours inspect "$(printf %.20s "$tool")" | jq -r '.[0].Id')"
check_equal "inspect: by name and digest" "$tool" \
  "$(in_place theirs ours inspect "$(in_place theirs ours inspect tool:1 | jq -r '.[0].RepoDigests[0]')" | jq -r '.[0].Id')"

# --- load ---------------------------------------------------------------------------------------------------------------

# names STORE: of its images, with their ids
names() { in_place "$1" pod images --noheading --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort; }
# loaded WHAT IDS FILE [OPTION...]: loads with both programs, into stores of their own, and compares
number=0
loaded() {
  number=$((number + 1)) loaded_what=$1 loaded_ids=$2 loaded_from=$3
  shift 3
  in_place "pod$number" pod load -q -i "$loaded_from" >/dev/null 2>"$scratch/log" ||
    not_ok "$loaded_what: podman loads it" "$(cat "$scratch/log")"
  check_equal "$loaded_what: ids on stdout, nothing on stderr" "$loaded_ids" \
    "$(in_place "ours$number" ours load -q -i "$loaded_from" "$@" 2>&1)"
  check_equal "$loaded_what: the names that Podman gives" "$(names "pod$number")" "$(names "ours$number")"
  for id in $loaded_ids; do same_texts "ours$number" "$id" "$loaded_what"; done
}
both=$(printf '%s\n%s' "$tool" "$other")
loaded "docker-archive" "$both" "$scratch/docker.tar"
loaded "oci-archive" "$tool" "$scratch/oci.tar"
loaded "compressed oci-archive" "$tool" "$scratch/oci.tar.zst"
loaded "directory of skopeo" "$tool" "$scratch/directory"
cd "$scratch" || exit 1  # after whose path Podman names an image in a layout
loaded "layout" "$tool" layout --name layout
cd "$top" || exit 1

check_equal "load: from a pipe, compressed" "$both" "$(in_place pipe ours load -q <"$scratch/docker.tar.gz")"
check_equal "load: what Podman prints goes to stderr" \
  "$(printf 'Loaded image: %s\n' localhost/tool:1 docker.io/library/named:3 quay.io/me/other:2)" \
  "$(in_place pipe ours load -i "$scratch/docker.tar" 2>&1 >/dev/null)"
check_equal "load: one image of several, by a short name" "$other" "$(in_place one ours load -q -i "$scratch/docker.tar" quay.io/me/other:2)"
check_equal "load: and no other" "sha256:$other quay.io/me/other:2" "$(names one)"
check_equal "load: a short name in an archive" "$tool" "$(in_place two ours load -q --name mine -i "$scratch/docker.tar" named:3)"
check_equal "load: under another name" "sha256:$tool localhost/mine:latest" "$(names two)"
check_equal "load: a layout's own name" "$tool" "$(in_place three ours load -q -i "$scratch/layout")"
check_equal "load: is kept" "sha256:$tool localhost/tool:1" "$(names three)"
check_equal "load: of several platforms the one that is asked for" "$arm" \
  "$(in_place four ours load -q -i "$scratch/index" --platform linux/arm64)"
check_equal "load: or the machine's" "$(case $(uname -m) in aarch64) echo "$arm" ;; *) echo "$tool" ;; esac)" \
  "$(in_place four ours load -q -i "$scratch/index")"
check_equal "load: Podman knows both" 2 "$(in_place four pod images -aq | sort -u | wc -l)"

# fails WHAT PART WORD...: ours fails, prints nothing on stdout and one line on stderr that has the part
fails() {
  fails_what=$1 fails_part=$2
  shift 2
  if in_place fails ours "$@" >"$scratch/out" 2>"$scratch/err" </dev/null; then
    not_ok "$fails_what fails" "$(cat "$scratch/out")"
  elif [ -s "$scratch/out" ] || [ "$(wc -l <"$scratch/err")" != 1 ] || ! grep -qF -e "$fails_part" "$scratch/err"; then
    not_ok "$fails_what: one line that says why" "$(cat "$scratch/out" "$scratch/err")"
  else
    ok "$fails_what: $(sed "s|$scratch/||g" "$scratch/err")"
  fi
}
mkdir "$scratch/empty"
head -c 200000 "$scratch/docker.tar" >"$scratch/cut.tar"
cp -r "$scratch/layout" "$scratch/damaged"
blob=$(find "$scratch/damaged/blobs" -size +100k)
printf x | dd of="$blob" bs=1 seek=200000 conv=notrunc 2>/dev/null
fails "load: no file" "$scratch/nosuch" load -i "$scratch/nosuch"
fails "load: an empty directory" "$scratch/empty" load -i "$scratch/empty"
fails "load: no archive" "$scratch/context/Dockerfile" load -i "$scratch/context/Dockerfile"
fails "load: nothing on stdin" "standard input" load
fails "load: half an archive" "$scratch/cut.tar" load -i "$scratch/cut.tar"
fails "load: a damaged layer" "${blob##*/}" load -i "$scratch/damaged"
fails "load: an unknown image" '"nosuch"' load -i "$scratch/docker.tar" nosuch
fails "load: one name for several" "--name" load -i "$scratch/docker.tar" --name mine
fails "load: no name" "Mine" load -i "$scratch/oci.tar" --name Mine
fails "load: no platform" '"amd64"' load -i "$scratch/oci.tar" --platform amd64
fails "load: a platform that there is not" "linux/arm64" load -i "$scratch/index" --platform linux/s390x
fails "inspect: an unknown image" "nosuch" inspect nosuch
fails "history: an unknown image" "nosuch" history nosuch
check_equal "load: what fails leaves no image" "" "$(names fails)"
check_equal "load: and no layer" "" "$(in_place fails ours layers)"

# --- save ---------------------------------------------------------------------------------------------------------------

# podman_reads WHAT FILE EXPECTED: Podman loads it, and then has those ids and names
podman_reads() {
  number=$((number + 1))
  in_place "read$number" pod load -q -i "$2" >"$scratch/log" 2>&1 || not_ok "$1: podman loads it" "$(cat "$scratch/log")"
  check_equal "$1: podman finds the images" "$3" "$(names "read$number")"
}
saved=$scratch/saved
save() { in_place theirs ours save -q "$@"; }
check "save: a docker-archive" save -o "$saved/docker.tar" localhost/tool:1
in_place theirs pod save -q -o "$scratch/podman.tar" localhost/tool:1
check_same_bytes "save: the bytes that podman save writes" "$scratch/podman.tar" "$saved/docker.tar"
save tool:1 >"$saved/stdout.tar"
check_same_bytes "save: the same on stdout" "$saved/docker.tar" "$saved/stdout.tar"
check "save: several images" save -m -o "$saved/several.tar" tool:1 named:3 quay.io/me/other:2
podman_reads "several images" "$saved/several.tar" \
  "$(printf '%s\n' "sha256:$tool docker.io/library/named:3" "sha256:$tool localhost/tool:1" "sha256:$other quay.io/me/other:2" | sort)"
check "save: by id" save -o "$saved/id.tar" "$tool"
podman_reads "an image without a name" "$saved/id.tar" "sha256:$tool <none>:<none>"
check "save: a compressed docker-archive" save --compress zstd -o "$saved/docker.tar.zst" tool:1
check_equal "save: is compressed" 28b52ffd "$(head -c 4 "$saved/docker.tar.zst" | od -An -tx1 | tr -d ' \n')"
podman_reads "a compressed docker-archive" "$saved/docker.tar.zst" "sha256:$tool localhost/tool:1"
for compress in gzip zstd none; do
  check "save: an oci-archive, $compress" save --format oci-archive --compress "$compress" -o "$saved/oci-$compress.tar" tool:1
  podman_reads "an oci-archive, $compress" "$saved/oci-$compress.tar" "sha256:$tool localhost/tool:1"
  check_equal "save: its layers are $compress" "$compress $compress" "$(skopeo inspect --raw "oci-archive:$saved/oci-$compress.tar" |
    jq -r '[.layers[].mediaType|sub("^.*tar[+]?";"")|if . == "" then "none" else . end]|join(" ")')"
done
check "save: a layout of two images" save --format oci-dir -o "$saved/layout" tool:1 quay.io/me/other:2
check_equal "save: skopeo finds the config in it" "sha256:$other" \
  "$(skopeo inspect --raw "oci:$saved/layout:quay.io/me/other:2" | jq -r .config.digest)"
if has umoci; then
  check_equal "save: umoci lists it" "$(printf '%s\n' localhost/tool:1 quay.io/me/other:2)" "$(umoci list --layout "$saved/layout" | sort)"
fi
check "save: a directory of skopeo" save --format docker-dir -o "$saved/directory" tool:1
check_equal "save: in Docker's format, as podman save does" \
  "$(jq -r '[.mediaType,.config.mediaType,.config.digest]|join(" ")' "$scratch/directory/manifest.json")" \
  "$(jq -r '[.mediaType,.config.mediaType,.config.digest]|join(" ")' "$saved/directory/manifest.json")"
podman_reads "a directory of skopeo" "$saved/directory" "sha256:$tool <none>:<none>"

in_place fails ours load -q -i "$scratch/docker.tar" >/dev/null
fails "save: an unknown image" "nosuch" save -o "$saved/no.tar" tool:1 nosuch
fails "save: an unknown format" "--format tar" save --format tar -o "$saved/no.tar" tool:1
fails "save: an unknown compression" "--compress lzma" save --compress lzma -o "$saved/no.tar" tool:1
fails "save: a directory on stdout" "--output" save --format oci-dir tool:1
fails "save: two images in a directory of one" "docker-dir" save --format docker-dir -o "$saved/no" tool:1 named:3
fails "save: where there is no directory" "$saved/nosuch/no.tar" save -o "$saved/nosuch/no.tar" tool:1
check_equal "save: what fails leaves no file" "" "$(find "$saved" -name 'no*')"
if has script; then
  terminal=$(in_place theirs script -qec "$OCI_STORAGE --graph $scratch/theirs/graph --run $scratch/theirs/run -s overlay save tool:1" /dev/null </dev/null)
  case $terminal in *"standard output is a terminal"*) ok "save: not to a terminal" ;; *) not_ok "save: not to a terminal" "$(printf %.200s "$terminal")" ;; esac
  terminal=$(script -qec "$OCI_STORAGE --graph $scratch/terminal/graph --run $scratch/terminal/run -s overlay load -i $scratch/docker.tar tool:1" /dev/null </dev/null | tr -d '\r')
  case $terminal in *"layer 1 of 2: sha256:"*"layer 2 of 2: sha256:"*"Loaded image: localhost/tool:1"*) ok "load: a line for each layer on a terminal" ;;
    *) not_ok "load: a line for each layer on a terminal" "$terminal" ;; esac
fi
