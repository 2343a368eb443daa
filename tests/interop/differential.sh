#!/bin/sh
# Does oci-storage print what containers-storage prints, on stdout and stderr, and does it exit with the same status?
#
# The same commands run with both programs, each on a store of its own (twins), with the overlay and the vfs driver;
# then the commands that only look run with both on one store. Generated ids, times and the stores' paths are replaced
# by words before the comparison; digests stay. OCI_STORAGE names our program.
set -u
cd "$(dirname "$0")/../.." && top=$(pwd) && . tests/lib.sh || exit 1
: "${OCI_STORAGE:=$STRATA_BUILD/examples/oci-storage}"
: "${CONTAINERS_STORAGE:=containers-storage}"
has "$CONTAINERS_STORAGE" || { skip differential "no $CONTAINERS_STORAGE here"; exit 0; }
is_root || { skip differential 'mounting needs root'; exit 0; }
make_scratch

# Where ours follows a later release than the one installed (Debian's 1.43), or differs on purpose. Each is used below
# with `ours_prints`, which compares ours with a text instead of with theirs.
reason() {
  case $1 in
    newlines) echo '1.59 prints a line for each name of a new container; 1.43 puts all on one' ;;
    null) echo '1.59 prints null for a store without layers; 1.43 prints []' ;;
    order) echo '1.59 puts added names first; 1.43 puts them last' ;;
    digest) echo '1.59 has no "DIGEST: " before what is wrong with one' ;;
    readonly) echo '1.59 mounts an image without options of its own; 1.43 fails on vfs' ;;
    version) echo 'it is our version; 1.43 prints none' ;;
    status) echo '1.59 shows two more abilities of overlay' ;;
    status) echo '1.59 shows two more abilities of overlay' ;;
    new) echo 'the command came after 1.43' ;;
    own) echo 'the command or the option is ours' ;;
    safe) echo 'D1: a layer given by name or prefix is as protected as one given by id' ;;
    ids) echo 'D2: an id that is no plain file name is refused' ;;
    unpack) echo 'the words for a damaged archive; 1.43 and 1.59 differ as well' ;;
    *) echo "no reason given" ;;
  esac
}

# --- what the commands are fed with -----------------------------------------------------------------------------------

input=$scratch/input
mkdir -p "$input/one/d/sub" "$input/one/etc" "$input/two/etc" "$input/two/d" "$input/three"
printf 'hello\n' >"$input/one/etc/hello"
printf 'here\n' >"$input/one/d/sub/file"
ln "$input/one/etc/hello" "$input/one/etc/hard"
ln -s hello "$input/one/etc/soft"
chown 1000:1001 "$input/one/d/sub/file"
touch -d '2024-01-02 03:04:05.678901234Z' "$input/one/etc/hello"
printf 'changed\n' >"$input/two/etc/hello"
printf 'new\n' >"$input/two/etc/$(printf 'n\tew "größe" \\')"
: >"$input/two/d/.wh.sub"
head -c 300000 /dev/urandom >"$input/three/noise"
for part in one two three; do
  tar --sort=name --numeric-owner --format=posix --pax-option=delete=atime,delete=ctime -C "$input/$part" -cf "$input/$part.tar" .
  gzip -nk "$input/$part.tar"
  zstd -q "$input/$part.tar"
  bzip2 -k "$input/$part.tar"
  xz -k "$input/$part.tar"
done
head -c 3000 "$input/one.tar" >"$input/cut.tar"
: >"$input/empty"
printf 'meta from file\n' >"$input/metadata"
printf '{"schemaVersion":2,"a":"<&>"}' >"$input/manifest"
printf 'some data' >"$input/data"

# --- running and comparing --------------------------------------------------------------------------------------------

# run_as SIDE ARGUMENT...: output in $scratch/SIDE.{out,err,status}, as it came and, as .plain, made comparable
run_as() {
  side=$1 home=$scratch/one program=$CONTAINERS_STORAGE
  if [ "$side" = ours ]; then home=$scratch/two program=$OCI_STORAGE; fi
  if [ -n "${common:-}" ]; then home=$common; fi
  shift
  (
    cd "$scratch/work" || exit 99
    "$program" --graph "$home/graph" --run "$home/run" --storage-driver "$driver" "$@" \
      <"${from:-/dev/null}" >"$scratch/$side.out" 2>"$scratch/$side.err"
    echo $? >"$scratch/$side.status"
  )
  rm -rf "$scratch/work.$side" && mv "$scratch/work" "$scratch/work.$side" && mkdir "$scratch/work"
  for stream in out err; do make_comparable "$side" "$home" <"$scratch/$side.$stream" >"$scratch/$side.$stream.plain"; done
}

# make_comparable SIDE HOME: generated ids become <1>, <2>, … in the order in which the side showed them first
make_comparable() {
  sed -E -e "s|$2/graph|<root>|g" -e "s|$2/run|<run>|g" \
    -e 's/"created":"[^"]*"/"created":"<time>"/g' -e 's/(sha256:|sha512:)([0-9a-f]{64,128})/\1\U\2/g' |
    ${sorted:-cat} >"$scratch/text"
  grep -aoE '[0-9a-f]{64}' "$scratch/text" | while read -r id; do
    grep -q "$id" "$scratch/$1.ids" || echo "s/$id/<$(($(wc -l <"$scratch/$1.ids") + 1))>/g" >>"$scratch/$1.ids"
  done
  sed -f "$scratch/$1.ids" "$scratch/text"
}

compared() {
  compared_name=$1
  difference=$(
    for what in out.plain err.plain status; do
      diff -u --label "theirs: $what" --label "ours: $what" "$scratch/theirs.$what" "$scratch/ours.$what"
    done
    diff -r "$scratch/work.theirs" "$scratch/work.ours"
  )
  if [ -z "$difference" ]; then ok "$driver: $compared_name"; else not_ok "$driver: $compared_name" "$difference"; fi
}

# same ARGUMENT...: both programs, and nothing may differ. With `from=FILE` that is the input; with `sorted=sort` the order
# of lines does not count (theirs is random where Go walks a map).
same() {
  run_as theirs "$@"
  run_as ours "$@"
  compared "${common:+the store of $maker: }$*"
}

# ours_prints REASON STATUS STDOUT STDERR ARGUMENT...: as a line in `reason` says why, ours is held against a text. `theirs`
# runs as well, so that the stores stay alike; the words of `instead`, if there are any, are what it runs.
ours_prints() {
  why=$1 status=$2
  printf '%s' "$3" >"$scratch/expected.out"
  printf '%s' "$4" >"$scratch/expected.err"
  shift 4
  # shellcheck disable=SC2086
  if [ "${instead:-}" != nothing ]; then run_as theirs ${instead:-"$@"}; fi
  run_as ours "$@"
  difference=$(
    diff -u --label expected --label ours "$scratch/expected.out" "$scratch/ours.out.plain"
    diff -u --label expected --label ours "$scratch/expected.err" "$scratch/ours.err.plain"
    [ "$(cat "$scratch/ours.status")" = "$status" ] || echo "status $(cat "$scratch/ours.status") instead of $status"
  )
  if [ -z "$difference" ]; then ok "$driver: $* ($(reason "$why"))"; else not_ok "$driver: $* ($(reason "$why"))" "$difference"; fi
}

# same_changes ARGUMENT...: theirs lists siblings in random order, but for overlay against the parent
same_changes() { sorted=sort same changes "$@"; }

# same_usage ARGUMENT...: as `same`, for calls that are answered with help. The name of the program and the options are ours.
same_usage() {
  run_as theirs "$@"
  run_as ours "$@"
  for side in theirs ours; do
    sed -i "s/^Usage: containers-storage/Usage: oci-storage/" "$scratch/$side.out.plain"
    sed -i -E "/^$|^  -/d; s/^See .*/See …/" "$scratch/$side.err.plain"
  done
  compared "$*"
}

# same_as FILTER ARGUMENT...: FILTER makes of either stdout what has to be equal
same_as() {
  filter=$1
  shift
  run_as theirs "$@"
  run_as ours "$@"
  for side in theirs ours; do $filter <"$scratch/$side.out" >"$scratch/$side.out.plain" 2>&1; done
  compared "$* ($filter)"
}
listing() { tar --numeric-owner --full-time -tvf - | sed 's|^\([^ ]* *[^ ]*\) *\([0-9]*\) |\1 \2 |' | sort; }
objects() { sed 's/},{/}\n{/g; s/^\[//; s/\]$//' | sort; }
gunzipped() { gzip -dc; }
unzstd() { zstd -qdc; }
lines() { printf '%s\n' "$@"; }

# --- the commands -----------------------------------------------------------------------------------------------------

empty_store() {
  same images
  same images --json
  same layers
  ours_prints null 0 "$(lines null)
" '' layers --json
  same containers --json
  same layers --tree
  ours_prints version 0 "[[\"Version\",\"$(sed -n 's/^#define STRATA_VERSION "\(.*\)"$/\1/p' "$top/include/strata/version.hpp")\"]]
" '' version --json
  same no-such-command
  same_usage layer
  same_usage changes a b c
  same_usage list-layer-data
  same_usage layers --help
  same_usage layers --no-such-option
  same_usage layers --json=maybe
  same_usage create-layer --id
}

creating() {
  from=$input/one.tar same import-layer --id base --name basename --json
  from=$input/two.tar same import-layer --id lay2 -n l2 base
  same import-layer --file "$input/one.tar.gz" --json -i zipped
  same import-layer --file "$input/one.tar.zst" --json -i zstd
  same import-layer --file "$input/one.tar.bz2" --json -i bz
  same import-layer --file "$input/one.tar.xz" -j -i xz
  from=$input/three.tar.gz same import-layer -j -i noise -n noisy lay2
  same import-layer -j -i nothing
  same import-layer -f /nosuch
  same import-layer nosuch
  same import-layer --id base
  from=$input/one.tar same import-layer --name l2
  run_as theirs import-layer --id cut -f "$input/cut.tar"
  run_as ours import-layer --id cut -f "$input/cut.tar"
  check_equal "$driver: a cut archive fails ($(reason unpack))" "$(cat "$scratch/theirs.status" "$scratch/theirs.out")" \
    "$(cat "$scratch/ours.status" "$scratch/ours.out")"
  same exists cut
  same create-layer --id sp --name spare --name 'spare two'
  same create-layer -i spc spare
  same create-layer --id=sp2 -n=x --name= --name=x --json sp
  same create-layer
  same create-layer -j sp
  same create-layer --readonly -i ro base
  same create-layer -j -i lab --label system_u:object_r:container_file_t:s0
  same create-layer --id sp
  same create-layer --name spare
  same create-layer nosuch
  same create-layer --hostuidmap --uidmap 0:1:2
  same create-layer --uidmap 0:100000
  same create-layer --subuidmap nosuch
  instead=nothing
  ours_prints ids 1 '' "\"../x\": not a valid ID
" create-layer --id ../x
  instead=
  same create-image --id img1 -n docker.io/x/y:latest -n second -m '{"a":"<1>"}' l2
  same create-image --id img2 --json -f "$input/metadata" -m ignored base
  same create-image -j -n noname
  same create-image -j --id img4 -d sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  same create-image --id img1 base
  same create-image --name second base
  same create-image nosuch
  same create-image -d sha256:aaaa base
  same create-image -d md5:d41d8cd98f00b204e9800998ecf8427e base
  same create-image -d nonsense base
  same create-image -f /nosuch base
  ours_prints newlines 0 "$(printf 'con1\n\tctr1\n\tctr1b')
" '' create-container --id con1 -n ctr1 -n ctr1b -m cmeta img1
  same create-container --id con2 --json -m '' second
  same create-container --id con3 --json ''
  same create-container --id vol --json --volatile img1
  same containers -j
  same delete-container vol
  same create-container --id con1 img1
  same create-container --id new --name ctr1 img1
  same create-container nosuch
  same create-layer "$(sed -n 's/.*"layer":"\([0-9a-f]*\)".*/\1/p' "$scratch/theirs.out" | head -n 1)"
}

listing_all() {
  same layers
  same layers --tree
  same images
  same images --quiet
  same images -jq
  same containers
  same containers -j
  same layers -j
  same layer base lay2 sp
  same layer l2 nosuch
  same layer -j l2 nosuch spc
  same layer nosuch
  same layer -j nosuch
  same image img1 img2 img4
  same image -j second nosuch
  same container con1 con2 con3
  same container -j ctr1
  same container nosuch
  same exists con1
  sorted=sort same exists con1 nosuch base img1 ctr1b con1
  same exists -j con1 nosuch
  same exists -q nosuch con1
  same exists -l con1
  same exists -i img1
  same exists -c -i con1
  same exists -jl base
}

naming() {
  same get-names con1
  same get-names -j con1
  same get-names -j con3
  same get-names nosuch
  ours_prints order 0 '["more","second","docker.io/x/y:latest"]
' '' add-names -j -n more -n second img1
  same set-names -j -n one -n two -n one con1
  same set-names -j con1
  same set-names con1 -n ignored
  same set-names -n ctr1 con1
  same add-names -j con1
  same add-names --name taken sp
  same set-names --name taken spc
  same get-names sp
  same get-names spc
  same add-names -n nosuch nosuch
  instead='set-names -n second -n docker.io/x/y:latest img1'
  ours_prints new 0 '["second","docker.io/x/y:latest"]
' '' remove-names -j -n more -n absent img1
  instead=
  same set-names -n a -n b img2
  same set-names -n b -n c img2
  same images -j
  sorted=sort same metadata img2 con1 base
  same metadata img2 nosuch
  same metadata -q img2 con1
  same metadata -j img2 nosuch con1
  same set-metadata -m 'new
' base
  same metadata base
  same metadata -j base
  same set-metadata -f "$input/empty" base
  same metadata -j base
  same set-metadata -m '' base
  same set-metadata -m x nosuch
  same set-metadata -f /nosuch base
}

data() {
  for kind in image container layer; do
    case $kind in image) item=img1 ;; container) item=con1 ;; layer) item=base ;; esac
    same list-$kind-data $item
    same list-$kind-data -j $item
    from=$input/data same set-$kind-data $item key1
    same set-$kind-data --file "$input/manifest" $item 'k 2/é'
    from=$input/empty same set-$kind-data $item empty
    from=$input/manifest same set-$kind-data -f "$input/data" $item key1
    same list-$kind-data $item
    same list-$kind-data -j $item
    same get-$kind-data $item key1
    same get-$kind-data $item 'k 2/é'
    same get-$kind-data -f out $item 'k 2/é'
    same get-$kind-data -f out $item nokey
    same get-$kind-data -f out nosuch key1
    same get-$kind-data $item nokey
    same get-$kind-data $item ''
    same get-$kind-data nosuch key1
    same set-$kind-data $item ''
    same set-$kind-data -f /nosuch $item key
    same set-$kind-data nosuch key
    same list-$kind-data nosuch
    [ $kind = layer ] && continue
    same get-$kind-data-size $item key1
    same get-$kind-data-size $item empty
    same get-$kind-data-size $item nokey
    same get-$kind-data-size nosuch key1
    same get-$kind-data-digest $item 'k 2/é'
    same get-$kind-data-digest $item nokey
    same get-$kind-data-digest nosuch nokey
  done
  same set-image-data -f "$input/manifest" img1 manifest
  same set-image-data -f "$input/data" img1 manifest-other
  same images
  same image img1
  same image -j img1
  same container -j con1
  same layer -j base
  same images-by-digest "sha256:$(sha256sum <"$input/manifest" | cut -d' ' -f1)"
  same images-by-digest -j "sha256:$(sha256sum <"$input/data" | cut -d' ' -f1)"
  same images-by-digest -q sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  same images-by-digest sha256:0000000000000000000000000000000000000000000000000000000000000000
  same images-by-digest -j sha256:0000000000000000000000000000000000000000000000000000000000000000
  ours_prints digest 1 '' 'invalid checksum digest length
' images-by-digest sha256:aaaa
  ours_prints digest 1 '' 'unsupported digest algorithm
' images-by-digest md5:d41d8cd98f00b204e9800998ecf8427e
  ours_prints digest 1 '' 'invalid checksum digest format
' images-by-digest nonsense
  same get-container-dir con1
  same get-container-dir ctr1
  same get-container-run-dir con2
  same get-container-dir nosuch
  instead=nothing
  ours_prints new 0 "<root>/$driver-images/img1/userdata
" '' get-image-dir second
  ours_prints new 0 "<run>/$driver-images/img1/userdata
" '' get-image-run-dir img1
  ours_prints new 1 '' 'locating image with ID "nosuch": image not known
' get-image-dir nosuch
  instead=
}

differences() {
  same_changes l2
  same_as objects changes --json l2
  same_changes base
  same_as objects changes -j sp
  same_changes lay2 sp
  same changes nosuch
  same_changes base nosuch
  same diffsize l2
  same diff-size base
  same diffsize lay2 sp
  same diffsize nosuch
  for layer in base lay2 nothing; do same_as cat diff $layer; done
  for layer in base zipped zstd bz xz; do same_as cat diff -u $layer; done
  same_as gunzipped diff zipped
  same_as unzstd diff zstd
  same_as gunzipped diff -c base
  same diff bz
  same diff xz
  same diff -b base
  same diff -x base
  same diff -bx base
  same_as gunzipped diff -cu base
  same_as listing diff sp
  same_as listing diff -u lay2 sp
  same diff -f out -u lay2
  same diff -f out nosuch
  same diff -f /nosuch/out base
  same diff nosuch
  same applydiff -f "$input/two.tar.gz" spc
  same layer -j spc
  same_changes spc
  same_as cat diff -u spc
  same_as gunzipped diff spc
  same applydiff nosuch
  same applydiff -f /nosuch spc
  same applydiff -f "$input/empty" con1
  same applydiff -f "$input/empty" spc
  same_as cat diff spc
  same layer -j spc
}

mounting() {
  # what a mounted container's changes look like
  for side in theirs ours; do
    run_as $side mount con2
    at=$(cat "$scratch/$side.out")
    case $at in "$scratch/one/graph/"?* | "$scratch/two/graph/"?*) ;; *) not_ok "$driver: $side mounts con2" "mount point: '$at'"; continue ;; esac
    printf 'in the container\n' >"$at/etc/made"
    rm "$at/etc/soft"
    mkdir "$at/var"
  done
  compared 'mount con2'
  same layers --tree
  same mounted con2 con1 base
  same mounted -j con2 con1 nosuch
  same mounted img1
  same mount con2
  same unmount con2
  same unmount con2
  same unmount con2
  same mounted con2
  same changes con2 # no layer: an error both times
  same mount ctr1 nosuch img1
  same mount -j ctr1 nosuch
  same unmount ctr1 nosuch sp
  same unmount -j ctr1 nosuch
  same unmount -f ctr1
  same mount --opt ro sp
  same shutdown
  same shutdown -j
  same unmount sp
  same umount nosuch
  if [ "$driver" = overlay ]; then
    same mount --ro img2
    same unmount img2
  else
    instead='mount base'
    ours_prints readonly 0 '<root>/vfs/dir/base
' '' mount --ro img2
    instead='unmount base'
    ours_prints readonly 0 '' '' unmount img2
    instead=
  fi
  same mount -r nosuch
}

# What ours has of its own, and what theirs answers only with a configuration.
own() {
  instead=nothing
  ours_prints own 0 'ID: base
Layer ID: base
Layer (Direct): lay2
Layer (Direct): ro
Layer (Indirect): noise
Image (Direct): img2
Image (Indirect): img1
Container (Indirect): con1
Container (Indirect): con2
' '' list-deps base
  ours_prints own 0 '{"id":"img1","layer":"lay2","directlayers":["noise"],"directimages":["img1"],"directcontainers":["con1","con2"]}
' '' list-deps -j second
  ours_prints own 0 '{"id":"noise","layer":"noise"}
' '' listdeps --json noisy
  ours_prints own 0 '(base)
└─base
  type: layer
  layer name: basename
  ├─lay2
  │ type: layer
  │ layer name: l2
  │ ├─noise
  │ │ type: layer
  │ │ layer name: noisy
  │ ├─img1
  │ │ type: image
  │ │ image name: second
  │ │ image name: docker.io/x/y:latest
  │ ├─con1
  │ │ type: container
  │ │ container name: ctr1
  │ └─con2
  │   type: container
  ├─ro
  │ type: layer
  └─img2
    type: image
    image name: b
    image name: c
' '' list-deps --tree base
  ours_prints own 1 '' 'layer not known
' list-deps nosuch
  ours_prints own 125 '' 'invalid value "half" for --durability: full or none
See '"'oci-storage layers --help'"'.
' layers --durability half
  ours_prints own 1 '[]
' '' layer --durability none -j nosuch
  instead=
}

looking_after() {
  if [ "$driver" = overlay ]; then
    run_as theirs status -j
    ours_prints status 0 "$(sed 's/]]$//' "$scratch/theirs.out.plain")],[\"Supports shifting\",\"true\"],[\"Supports volatile\",\"true\"]]
" '' status -j
  else
    same status -j
    same status
  fi
  same container con2
  same container -j con2
}

deleting() {
  same delete-layer base
  same delete-layer lay2
  same delete-layer -j base nosuch
  sorted=sort same delete-layer nosuch img1
  same delete-image img1
  same delete-image -j img1 nosuch
  same delete-container nosuch
  same delete-container -j con1 con1
  same delete-container ctr1 con2
  same delete-image -t second
  same delete-image -jt img1
  same delete-image -j img2
  same layers
  same delete-layer -j noise
  same delete-image second
  same layers
  instead=nothing
  ours_prints safe 1 '' "spare: used by layer spc: layer has children
" delete-layer spare
  instead=
  same delete-layer spc
  same delete nosuch
  same delete -j con3 img4
  same delete sp
  same layers
  same layers -j
  same wipe
  same layers
  same containers
  same images -j
  same wipe -j
  same shutdown
  same shutdown --json
}

# Roots and drivers that cannot be opened: told on stdout. And options behind the command, which count like those before.
opening() {
  for arguments in '--storage-driver bogus images' '--storage-opt foo images' '--storage-opt overlay.imagestore=/nosuch images' \
    '--graph /proc/nosuch/graph images'; do
    for side in theirs ours; do
      program=$CONTAINERS_STORAGE
      if [ $side = ours ]; then program=$OCI_STORAGE; fi
      # shellcheck disable=SC2086
      "$program" --graph "$scratch/one/graph" --run "$scratch/one/run" --storage-driver overlay $arguments \
        >"$scratch/$side.out.plain" 2>/dev/null
      echo $? >"$scratch/$side.status"
      : >"$scratch/$side.err.plain"
    done
    compared "$arguments"
  done
  check_equal 'options behind the command' "$("$OCI_STORAGE" -R "$scratch/one/run" layers -qg "$scratch/one/graph" -s overlay)" \
    "$("$OCI_STORAGE" -sg overlay "$scratch/one/graph" --run="$scratch/one/run" layers --quick)"
  check_equal 'a driver from the environment' "$(STORAGE_DRIVER=bogus "$OCI_STORAGE" images -g "$scratch/one/graph" -R "$scratch/one/run")" \
    "error initializing: failed to GetDriver graph bogus $scratch/one/graph: driver not supported"
  "$OCI_STORAGE" -g "$scratch/one/graph" -R "$scratch/one/run" -s overlay images -j 2>"$scratch/text" >/dev/full
  check_equal 'JSON that cannot be written' '1 write /dev/stdout: no space left on device' "$? $(cat "$scratch/text")"
}

# Both write to one store, in turns, and both see the same after each.
taking_turns() {
  common=$scratch/both turn=ours
  mkdir -p "$common/graph" "$common/run"
  for other in theirs ours; do : >"$scratch/$other.ids"; done
  while read -r command; do
    # shellcheck disable=SC2086
    run_as $turn $command </dev/null
    check_equal "$driver: in turns: $turn: $command" 0 "$(cat "$scratch/$turn.status")"
    maker='both'
    same layers -j
    same images -j
    same containers -j
    if [ $turn = ours ]; then turn=theirs; else turn=ours; fi
  done <<COMMANDS
import-layer --id first -n one -f $input/one.tar
import-layer --id second -n two -f $input/two.tar.gz first
create-image --id top -n image:1 second
set-image-data -f $input/manifest top manifest
create-container --id box image:1
create-container --id box2 image:1
add-names -n one box
set-names -n one second
set-metadata -m text box2
delete-container box
applydiff -f $input/three.tar.zst second
set-layer-data -f $input/data first key
create-layer --id third second
create-layer --id fourth third
mount box2
mount box2
unmount box2
unmount box2
delete-layer fourth
delete-layer third
delete-container box2
create-layer --id kept
delete-image top
COMMANDS
  common=
}

# Both look at one store, which SIDE made.
looking_together() {
  maker=$1
  common=$scratch/one
  if [ "$1" = ours ]; then common=$scratch/two; fi
  for other in theirs ours; do cp "$scratch/$other.ids" "$scratch/$other.ids.kept"; done
  for other in theirs ours; do cp "$scratch/$1.ids.kept" "$scratch/$other.ids"; done
  for command in layers 'layers -j' 'layers --tree' images 'images -j' 'images -q' containers 'containers -j' \
    'layer base lay2 zipped zstd' 'image -j img1 img2' 'image img1 img2 img4' 'container -j con1 con2 con3' 'container con1 con2 con3' \
    'get-names -j img1' 'metadata -j img1 img2 con1 base' 'list-image-data img1' 'list-layer-data -j base' \
    'get-image-data img1 manifest' 'get-image-data-digest img1 manifest' 'get-container-data con1 key1' 'get-layer-data base key1' \
    'exists -j base img1 con1 nosuch' 'mounted base con1' 'diffsize lay2' \
    'get-container-dir con1' 'get-container-run-dir con1' 'diff -u lay2' 'diff -u zipped'; do
    # shellcheck disable=SC2086
    same $command
  done
  same_changes lay2
  same_as objects changes -j base
  for other in theirs ours; do cp "$scratch/$other.ids.kept" "$scratch/$other.ids"; done
  common=
}

for driver in ${DRIVERS:-overlay vfs}; do
  if [ "$driver" = overlay ] && ! overlay_works "$scratch"; then skip "$driver" 'the kernel has no overlayfs here'; continue; fi
  common='' instead=''
  for side in theirs ours; do
    : >"$scratch/$side.ids"
  done
  mkdir -p "$scratch/one/graph" "$scratch/one/run" "$scratch/two/graph" "$scratch/two/run" "$scratch/work"
  empty_store
  creating
  listing_all
  naming
  data
  differences
  mounting
  looking_after
  own
  if [ "$driver" = overlay ]; then opening; fi
  looking_together theirs
  looking_together ours
  deleting
  taking_turns
  for home in one two both; do unmount_below "$scratch/$home" && rm -rf --one-file-system "${scratch:?}/$home"; done
done
