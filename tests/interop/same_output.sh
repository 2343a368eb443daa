#!/bin/sh
# Does oci-storage print what containers-storage prints, on stdout and stderr, and does it exit with the same status?
#
# The same commands run with both programs, each on a store of its own (twins), with the overlay and the vfs driver;
# then the commands that only look run with both on one store.
set -u
cd "$(dirname "$0")/../.." && top=$(pwd) && . tests/lib.sh && . tests/side_by_side.sh || exit 1
begin_side_by_side same_output

empty_store() {
  same images
  same images --json
  same layers
  ours_prints null 0 "$(lines null)
" '' layers --json
  same containers --json
  same layers --tree
  ours_prints version 0 "[[\"Version\",\"$(sed -n 's/^#define STRATA_VERSION_TEXT "\(.*\)"$/\1/p' "$top/include/strata/version.hpp")\"]]
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
    same get-$kind-data-size $item ''
    same get-$kind-data-digest $item ''
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
  same_changes lay2 nosuch
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
  # The archive deletes d/sub, of which no layer below has anything: ours makes no whiteout, which could be listed and not opened.
  sorted=sort run_as theirs changes spc
  sorted=sort run_as ours changes spc
  if [ "$driver" = overlay ]; then sed -i '/^Delete "\/d\/sub"$/d' "$scratch/theirs.out.plain"; fi
  compared 'changes spc'
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

# Why a size is not known, up to the id of the container's layer: what the layer below it lacks is said in other words.
sizes_of() { sed -n 's/^\(Size unknown: [a-z ]* with ID\).*/\1/p' "$scratch/$1.out"; }

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
  same create-layer -i under
  same create-image -i img9 under
  same create-container -i con9 img9
  same delete under
  same image img9
  run_as theirs container con9
  run_as ours container con9
  check_equal "$driver: the size of a container over nothing" "$(sizes_of theirs)" "$(sizes_of ours)"
  same wipe
  same layers
  same containers
  same images -j
  same wipe -j
  same shutdown
  same shutdown --json
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
  begin_driver "$driver" || continue
  empty_store
  creating
  listing_all
  naming
  data
  differences
  mounting
  looking_after
  own
  looking_together theirs
  looking_together ours
  deleting
done
