#!/bin/sh
# Is every command, alias and option of oci-storage exercised, by what it does and not only by its exit status?
#
# Commands and options are read from the program's own help, aliases from its table. A check that holds counts for the
# command that ran last and for the options that it was given. What is left over at the end has no test: a failure.
# Prints a table: command, option, check.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! has jq || ! is_root; then
  skip every_flag "needs root and jq"
  exit 0
fi
make_scratch
. tests/registries.sh
if ! has_registries; then skip every_flag "needs docker-registry, htpasswd, openssl, curl and python3"; exit 0; fi
driver=vfs
overlay_works "$scratch" && driver=overlay
graph=$scratch/graph run=$scratch/run tab=$(printf '\t')
mkdir "$scratch/conf" "$scratch/tree" "$scratch/tree/sub"
: >"$scratch/conf/empty.conf"
export CONTAINERS_STORAGE_CONF="$scratch/conf/empty.conf"
unset STORAGE_DRIVER STORAGE_OPTS
: >"$scratch/notes"

# --- what there is ------------------------------------------------------------------------------------------------

# names of the options in a list of help, a line each: "--name,-n"
option_names() { sed -n 's/^  \(-.*\)$/\1/p' | sed 's/   .*//; s/=.*//; s/, /,/g'; }
"$OCI_STORAGE" --help | sed -n '/^Options:/,$p' | option_names >"$scratch/global"
"$OCI_STORAGE" 2>/dev/null </dev/null | sed -n '/^Commands:/,/^Options:/s/^  \([a-z][^ ]*\) .*/\1/p' >"$scratch/commands"
sed -n 's/^ *{"\([a-z-]*\)", "\([a-z-]*\)",.*/\1 \2/p' examples/oci-storage/commands.cpp | grep ' .' | grep -v ' $' >"$scratch/aliases"
while read -r command; do
  "$OCI_STORAGE" "$command" --help 2>&1 >/dev/null | option_names | grep -vxF -f "$scratch/global" | sed "s/^/$command /"
done <"$scratch/commands" >"$scratch/options"

# --- running and checking -----------------------------------------------------------------------------------------

# o WORD...: runs a command on the store; its output is in $out and $err, its exit status in $status. Input comes from $from
from=/dev/null
# q WORD...: the same for looking at what another command did
o() {
  printf '%s\n' "$@" >"$scratch/call"
  q "$@"
}
q() {
  "$OCI_STORAGE" -g "$graph" -R "$run" -s "$driver" "$@" >"$scratch/out" 2>"$scratch/err" <"$from"
  status=$?
  out=$(cat "$scratch/out") err=$(cat "$scratch/err") from=/dev/null
}
# plainly WORD...: the same, without options for the store in front
plainly() {
  printf '%s\n' "$@" >"$scratch/call"
  "$OCI_STORAGE" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  status=$?
  out=$(cat "$scratch/out") err=$(cat "$scratch/err")
}

# names_in_call: the command, its alias if that was typed, and the options among the words that ran last, a line each
names_in_call() {
  awk -v options="$scratch/options" -v globals="$scratch/global" -v commands="$scratch/commands" -v aliases="$scratch/aliases" '
    function learn(line, command,   n, names, i) { n = split(line, names, ","); for (i = 1; i <= n; i++) spec[command, names[i]] = line }
    BEGIN {
      while ((getline line <commands) > 0) known[line] = line
      while ((getline line <aliases) > 0) { split(line, two, " "); known[two[2]] = two[1] }
      while ((getline line <options) > 0) { split(line, two, " "); learn(two[2], two[1]) }
      while ((getline line <globals) > 0) learn(line, "")
    }
    { word[NR] = $0 }
    END {
      for (i = 1; i <= NR && !command; i++) if (word[i] in known) { command = known[word[i]]; print command "\t"; if (command != word[i]) print command "\t" word[i] }
      for (i = 1; i <= NR; i++) {
        name = word[i]; sub(/=.*/, "", name)
        if ((command, name) in spec) print command "\t" spec[command, name]
        else if (("", name) in spec) print "\t" spec["", name]
        else if (name ~ /^-[A-Za-z]+$/) for (j = 2; j <= length(name); j++) {
          letter = "-" substr(name, j, 1)
          if ((command, letter) in spec) print command "\t" spec[command, letter]
          else if (("", letter) in spec) print "\t" spec["", letter]
        }
      }
    }' "$scratch/call"
}
note() { names_in_call | while IFS= read -r line; do printf '%s\t%s\n' "$line" "$1"; done >>"$scratch/notes"; }

# is TEXT GOT EXPECTED: they are equal
is() {
  if [ "$2" = "$3" ]; then ok "$1"; note "$1"; else not_ok "$1" "$(lines "$(tr '\n' ' ' <"$scratch/call")" "got: $2" "expected: $3" "stderr: $err")"; fi
}
# holds TEXT COMMAND...: the command succeeds
holds() {
  text=$1
  shift
  if "$@" >/dev/null 2>&1; then ok "$text"; note "$text"; else not_ok "$text" "$(lines "$(tr '\n' ' ' <"$scratch/call")" "stdout: $out" "stderr: $err" "status: $status")"; fi
}
lines() { printf '%s\n' "$@"; }
field() { printf '%s' "$out" | jq -c "$1"; }
contains() { case $1 in *"$2"*) true ;; *) false ;; esac; }
not() { ! "$@"; }

# --- archives -----------------------------------------------------------------------------------------------------

echo contents >"$scratch/tree/file"
echo more >"$scratch/tree/sub/below"
tar -C "$scratch/tree" --numeric-owner --owner=0 --group=0 --sort=name --format=posix --mtime=@1600000000 --pax-option=delete=atime,delete=ctime -cf "$scratch/one.tar" .
mkdir "$scratch/second"
echo changed >"$scratch/second/file"
echo fresh >"$scratch/second/new"
tar -C "$scratch/second" --numeric-owner --owner=0 --group=0 --sort=name -cf "$scratch/two.tar" file new
gzip -nk "$scratch/one.tar"
printf 'from a file\n' >"$scratch/metadata"
printf 'data of mine' >"$scratch/data"
maps='0:100000:65536'

# --- layers -------------------------------------------------------------------------------------------------------

o create-layer --id plain -n first --name second --label a:label -r -j
is 'create-layer: id, names, label; JSON' "$(field '[.id,.names,.mountlabel]')" '["plain",["first","second"],"a:label"]'
o createlayer -i child first
is 'createlayer: a child of a name' "$out$(q layer -j child; field '.[0].parent')" 'child"plain"'
from=$scratch/one.tar o import-layer --id base --name basename --label its:label -j
is 'import-layer: stdin, id, name, label; JSON' "$(field '[.id,.names,.mountlabel,."diff-digest"]')" \
  "[\"base\",[\"basename\"],\"its:label\",\"sha256:$(sha256 "$scratch/one.tar")\"]"
o importlayer -f "$scratch/two.tar" --readonly -i top base
is 'importlayer: a file, a parent' "$out$(q layer -j top; field '.[0].parent')" 'top"base"'
o create-storage-layer --id raw -j
is 'create-storage-layer: JSON' "$out" '"raw"'
o create-storage-layer --label x:y --readonly -i raw2 raw
is 'create-storage-layer: over another' "$out" raw2
o storage-layers
is 'storage-layers: recorded ones and others' "$out" "$(lines base child plain raw raw2 top)"
o storage-layers -j
is 'storage-layers: JSON' "$out" '["base","child","plain","raw","raw2","top"]'
o exists -l raw
is 'create-storage-layer: no record' "$status" 1
o layers
is 'layers: with names' "$out" "$(printf 'plain\n\tname: first\n\tname: second\nchild\nbase\n\tname: basename\ntop')"
o layers -q
is 'layers: quick' "$out" "$(lines plain child base top)"
o layers --tree
is 'layers: as a tree' "$(printf '%s\n' "$out" | head -n 5)" "$(lines '(base)' '├─plain' '│ name: first' '│ name: second' '│ └─child')"
o layers --json
is 'layers: JSON' "$(field 'map(.id)')" '["plain","child","base","top"]'
o layer base
is 'layer: text' "$out" "$(lines 'ID: base' 'Name: basename')"
o layer -j base
is 'layer: JSON' "$(field '.[0].id')" '"base"'

# --- data, names, metadata ----------------------------------------------------------------------------------------

o create-image --id img -n name/one --name two -m '{"a":1}' --digest sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 --json top
is 'create-image: everything but a metadata file; JSON' "$(field '[.id,.names,.layer,.metadata,.digest]')" \
  '["img",["name/one","two"],"top","{\"a\":1}","sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]'
o createimage -i other --metadata-file "$scratch/metadata" base
is 'createimage: metadata from a file' "$out$(q metadata -q other; echo "$out")" 'otherfrom a file'
o create-container --id con -n ctr --name ctr2 -m cmeta --json img
is 'create-container: id, names, metadata; JSON' "$(field '[.id,.names,.image,.metadata]')" '["con",["ctr","ctr2"],"img","cmeta"]'
o createcontainer -i light --volatile -f "$scratch/metadata" img
is 'createcontainer: volatile, metadata from a file' "$out$(q container -j light; field '.[0]|[.flags.Volatile,.metadata]')" 'light[true,"from a file\n"]'
for kind in layer image container; do
  case $kind in layer) item=base ;; image) item=img ;; container) item=con ;; esac
  from=$scratch/data o set-$kind-data $item one
  o get-$kind-data $item one
  is "set-$kind-data from stdin is what get-$kind-data gives" "$out" 'data of mine'
  o set${kind}data -f "$scratch/metadata" $item two
  is "set${kind}data from a file" "$(q get-$kind-data $item two; echo "$out")" 'from a file'
  o set-$kind-data --file "$scratch/metadata" $item two
  is "set-$kind-data from a file" "$(q get-$kind-data $item two; echo "$out")" 'from a file'
  o get${kind}data -f "$scratch/got" $item one
  is "get${kind}data into a file" "$(cat "$scratch/got")" 'data of mine'
  o get-$kind-data --file "$scratch/got" $item two
  is "get-$kind-data into a file" "$(cat "$scratch/got")" 'from a file'
  o list-$kind-data $item
  is "list-$kind-data" "$out" "$(lines one two)"
  o list${kind}data -j $item
  is "list${kind}data: JSON" "$out" '["one","two"]'
  o list-$kind-data --json $item
  is "list-$kind-data: JSON" "$out" '["one","two"]'
  [ $kind = layer ] && continue
  for word in "get-$kind-data-size" "get${kind}datasize"; do
    o "$word" $item one
    is "$word" "$out" 12
  done
  for word in "get-$kind-data-digest" "get${kind}datadigest"; do
    o "$word" $item one
    is "$word" "$out" "sha256:$(sha256 "$scratch/data")"
  done
  for word in "get-$kind-dir" "get${kind}dir"; do
    o "$word" $item
    is "$word: the directory is there" "$out$([ -d "$out" ] && echo ' made')" "$graph/$driver-${kind}s/$item/userdata made"
  done
  for word in "get-$kind-run-dir" "get${kind}rundir"; do
    o "$word" $item
    is "$word: the directory is there" "$out$([ -d "$out" ] && echo ' made')" "$run/$driver-${kind}s/$item/userdata made"
  done
done
from=$scratch/data o set-container-data con one
is 'set-container-data' "$status$(q container con; printf '%s\n' "$out" | grep -c '^Data: one$')" 01
from=$scratch/data o set-image-data img one
is 'set-image-data' "$status$(q images; printf '%s\n' "$out" | grep -c 'data: one$')" 01
from=$scratch/data o set-layer-data base one
is 'set-layer-data' "$status$(q layer -j base; field '.[0]."big-data-names"')" '0["one","two"]'

o images
is 'images' "$(printf '%s\n' "$out" | head -n 3)" "$(printf 'img\n\tname: name/one\n\tname: two')"
o images --quiet
is 'images: only ids' "$out" "$(lines img other)"
o images -j
is 'images: JSON' "$(field 'map(.id)')" '["img","other"]'
o images-by-digest -q sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
is 'images-by-digest: only ids' "$out" img
o images-by-digest --json sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
is 'images-by-digest: JSON' "$(field '.[0].id')" '"img"'
o image two
is 'image: text' "$(printf '%s\n' "$out" | head -n 4)" "$(lines 'ID: img' 'Name: name/one' 'Name: two' 'Top Layer: top')"
o image -j img
is 'image: JSON' "$(field '.[0].layer')" '"top"'
o containers
is 'containers' "$(printf '%s\n' "$out" | head -n 2)" "$(printf 'con\n\tname: ctr')"
o containers --json
is 'containers: JSON' "$(field 'map(.id)')" '["con","light"]'
o container ctr
is 'container: text' "$(printf '%s\n' "$out" | head -n 4)" "$(lines 'ID: con' 'Name: ctr' 'Name: ctr2' 'Image: img')"
o container -j ctr
is 'container: JSON' "$(field '.[0].image')" '"img"'

o exists con nothing
is 'exists: text' "$out $status" "$(lines 'con: true' 'nothing: false') 1"
o exists -j con
is 'exists: JSON' "$out $status" '{"con":true} 0'
o exists --quiet con
is 'exists: quiet' "$out $status" ' 0'
o exists --layer con
is 'exists: only layers count' "$out $status" 'con: true 1'
o exists --image img
is 'exists: only images count' "$out $status" 'img: true 0'
o exists -c img
is 'exists: only containers count' "$out $status" 'img: true 1'
o metadata con
is 'metadata' "$out" 'con: cmeta'
o metadata --quiet con
is 'metadata: without names' "$out" cmeta
o metadata --json con
is 'metadata: JSON' "$out" '{"con":"cmeta"}'
o set-metadata -m changed con
is 'set-metadata: from the command line' "$status$(q metadata -q con; echo "$out")" 0changed
o setmetadata --metadata-file "$scratch/metadata" con
is 'setmetadata: from a file' "$status$(q metadata -q con; echo "$out")" '0from a file'
o get-names con
is 'get-names' "$out" "$(lines ctr ctr2)"
o getnames --json con
is 'getnames: JSON' "$out" '["ctr","ctr2"]'
o add-names -n new --json con
is 'add-names: JSON' "$out" '["new","ctr","ctr2"]'
o addnames --name newer con
is 'addnames' "$status$(q get-names -j con; echo "$out")" '0["newer","new","ctr","ctr2"]'
o remove-names --name newer -n new -j con
is 'remove-names: JSON' "$out" '["ctr","ctr2"]'
o removenames -n ctr2 con
is 'removenames' "$status$(q get-names -j con; echo "$out")" '0["ctr"]'
o set-names -n a --name b --json con
is 'set-names: JSON' "$out" '["a","b"]'
o setnames --name ctr con
is 'setnames' "$status$(q get-names -j con; echo "$out")" '0["ctr"]'

# --- differences --------------------------------------------------------------------------------------------------

o changes top
is 'changes' "$out" "$(lines 'Modify "/file"' 'Add "/new"')"
o changes --json top
is 'changes: JSON' "$out" '[{"Path":"/file","Kind":0},{"Path":"/new","Kind":1}]'
for word in diffsize diff-size; do
  o $word top
  is "$word" "$out" 14
done
o diff --file "$scratch/out.tar" top
holds 'diff: the imported bytes, into a file' cmp "$scratch/out.tar" "$scratch/two.tar"
o diff -u base
holds 'diff: uncompressed' cmp "$scratch/out" "$scratch/one.tar"
o diff --gzip base
holds 'diff: gzip' sh -c "gzip -dc <'$scratch/out' | cmp - '$scratch/one.tar'"
o diff --bzip2 base
is 'diff: no bzip2' "$err $status" 'unsupported compression format tar.bz2 1'
o diff --xz base
is 'diff: no xz' "$err $status" 'unsupported compression format tar.xz 1'
q create-layer -i applied
from=$scratch/one.tar o applydiff applied
is 'applydiff: stdin' "$status$(q diff -u applied; sha256 "$scratch/out")" "0$(sha256 "$scratch/one.tar")"
o apply-diff --file "$scratch/two.tar" applied
is 'apply-diff: a file' "$status$(q diff -u applied; sha256 "$scratch/out")" "0$(sha256 "$scratch/two.tar")"
q delete applied
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n[storage.options.pull_options]\nenable_partial_images = "true"\n' \
  "$graph" "$run" >"$scratch/conf/partial.conf"
if [ $driver = overlay ]; then
  CONTAINERS_STORAGE_CONF=$scratch/conf/partial.conf plainly applydiff-using-staging-dir chunked "$scratch/tree"
  is 'applydiff-using-staging-dir: a layer with a table of contents' \
    "$status$(q get-layer-data chunked zstd-chunked-manifest; field '.entries|map(.name)')" '0["file","sub/","sub/below"]'
  q delete chunked
else
  o applydiff-using-staging-dir chunked "$scratch/tree"
  is 'applydiff-using-staging-dir: refused without configuration' "$err" 'partial images are disabled'
fi
o copy --chown 7:8 "$scratch/tree/file" child:/copied
o copy child:/copied "$scratch/back"
is 'copy: into a layer and back, with an owner' "$(cat "$scratch/back") $(stat -c %u:%g "$scratch/back")" 'contents 7:8'
o copy -o 9 -j child:/copied "$scratch/back"
is 'copy: another owner; --json changes nothing' "$out$(stat -c %u:%g "$scratch/back")" 9:9
o dedup
is 'dedup' "$out" 'Deduplicated 0 bytes'
for method in crc size sha256; do
  o dedup --hash-method $method -j
  is "dedup: $method, JSON" "$out" '{"Deduped":0}'
done
o dedup --hash-method bogus
is 'dedup: no such method' "$err $status" 'invalid hash method: bogus 1'

# --- mounts -------------------------------------------------------------------------------------------------------

o mount --opt nodev con
holds 'mount: a container; --opt changes nothing' [ -f "$out/new" ]
o unmount con
# a kernel without SELinux takes no label; with it, the mount has it
o mount --label system_u:object_r:container_file_t:s0 con
if [ "$driver" = overlay ] && [ ! -d /sys/fs/selinux/booleans ]; then
  holds 'mount: a label reaches the kernel' contains "$err" 'nvalid argument'
  o mount con
else
  holds 'mount: with a label' [ -f "$out/new" ]
fi
o mounted con
is 'mounted' "$out" 'con mounted'
o mounted -j con
is 'mounted: JSON' "$(printf '%s\n' "$out" | tail -n 1)" '[{"id":"con","error":""}]'
o mount -j con
is 'mount: JSON' "$(field '.[0].id')" '"con"'
o unmount con
is 'unmount: once of two mounts' "$out" ''
o shutdown
is 'shutdown: refuses while something is mounted' "$err $status" 'shutdown: a layer is mounted: layer is in use by a container 1'
o mount con
o umount --force --json con
is 'umount: all mounts; JSON' "$out" "$(lines 'con mountpoint unmounted' '[{"id":"con","error":""}]')"
o mount --read-only img
holds 'mount: an image, read-only' [ -f "$out/new" ]
o unmount -f img
is 'unmount: of an image' "$status$(q mounted top; echo "$out")" 0
o layer-parent-owners base
is 'layer-parent-owners' "$out" 'ID: base'
o layer-parent-owners --json base
is 'layer-parent-owners: JSON' "$out" '{"ID":"base","UIDs":null,"GIDs":null}'
o container-parent-owners con
is 'container-parent-owners' "$out" "$(lines 'ID: con' 'UIDs: []' 'GIDs: []')"
o container-parent-owners --json con
is 'container-parent-owners: JSON' "$out" '{"ID":"con","UIDs":null,"GIDs":null}'

# --- id maps ------------------------------------------------------------------------------------------------------

# vfs cannot shift owners at mount time, so that its records have the maps
shifting=$driver
for command in create-layer import-layer create-container create-storage-layer; do
  driver=vfs graph=$scratch/mapped run=$scratch/mapped-run
  case $command in create-container) o create-layer -i below >/dev/null; o create-image -i image below; above=image ;; *) above= ;; esac
  owner_of() {
    case $command in
      create-container) q container -j "$1"; field '.[0]|[.uidmap,.gidmap]' ;;
      create-storage-layer) stat -c '%u:%g' "$graph/vfs/dir/$1" ;;
      *) q layer -j "$1"; field '.[0]|[.uidmap,.gidmap]' ;;
    esac
  }
  expected() {
    case $command in
      create-storage-layer) echo "$1:$1" ;;
      *) echo "[[{\"container_id\":0,\"host_id\":$1,\"size\":$2}],[{\"container_id\":0,\"host_id\":$1,\"size\":$2}]]" ;;
    esac
  }
  mkdir -p "$scratch/etc"
  o $command -i "$command-ids" --uidmap $maps --gidmap $maps $above
  is "$command: maps" "$(owner_of "$command-ids")" "$(expected 100000 65536)"
  o $command -i "$command-host" --hostuidmap --hostgidmap $above
  case $command in
    create-storage-layer) is "$command: the host's ids" "$(owner_of "$command-host")" 0:0 ;;
    *) is "$command: the host's ids" "$(owner_of "$command-host")" '[null,null]' ;;
  esac
  o $command -i "$command-none" --subuidmap nosuch --subgidmap nosuch $above
  holds "$command: a user without subordinate ids" contains "$err" 'no subuid ranges found for user "nosuch"'
done
driver=$shifting graph=$scratch/graph run=$scratch/run

# --- upkeep -------------------------------------------------------------------------------------------------------

o status
is 'status: text on stderr' "$(printf '%s\n' "$err" | head -n 3)" "$(lines "Root: $graph" "Run Root: $run" "Driver Name: $driver")"
o status --json
is 'status: JSON' "$(field '.[2]')" "[\"Driver Name\",\"$driver\"]"
version=$(sed -n 's/^#define STRATA_VERSION_TEXT "\(.*\)"$/\1/p' include/strata/version.hpp)
o version
is 'version: text on stderr' "$err" "Version: $version"
o version -j
is 'version: JSON' "$out" "[[\"Version\",\"$version\"]]"
o list-deps -j base
holds 'list-deps: JSON' contains "$out" top
o list-deps base
holds 'list-deps' contains "$out" top
o listdeps --tree base
holds 'listdeps: as a tree' contains "$out" top

o create-layer -i loose
o check
is 'check: layers without records' "$(printf '%s\n' "$out" | grep -c 'not accounted for')$status" 21
o check --json
is 'check: JSON' "$(field '.Layers|keys')" '["raw","raw2"]'
o check --max 0s --quick
is 'check: quick; layers of any age that nobody uses' "$(printf '%s\n' "$out" | grep -c 'layer loose: layer not referenced')" 1
o check --repair
is 'check: repair removes what has no record' "$(q storage-layers; printf '%s\n' "$out" | grep -c raw)" 0
rm -rf "$graph/$driver-images/img/nothing"
sed -i 's/"image":"img"/"image":"gone"/' "$graph/$driver-containers/containers.json"
o check --force
is 'check: force removes damaged containers' "$(q containers; printf '%s\n' "$out" | grep -c '^con$')" 0
o create-container -i con -n ctr img
o create-storage-layer -i raw
o gc --dry-run
holds 'gc: a dry run names what would go' contains "$out" raw
o storage-layers
holds 'gc: a dry run removes nothing' contains "$out" raw
o gc --json
is 'gc: JSON' "$out$(q storage-layers; printf '%s\n' "$out" | grep -c raw)" '""0'
printf '[storage]\ndriver = "vfs"\nrunroot = "%s"\ngraphroot = "%s"\n' "$scratch/conf-run" "$scratch/conf-graph" >"$scratch/conf/other.conf"
o config "$scratch/conf/other.conf"
is 'config: of a file' "$(field '[.driver,.root]')" "[\"vfs\",\"$scratch/conf-graph\"]"
o unshare sh -c 'id -u; cat /proc/self/uid_map | wc -l'
holds 'unshare: a command as root of a namespace' [ "$(printf '%s\n' "$out" | head -n 1)" = 0 ]

# --- deleting -----------------------------------------------------------------------------------------------------

o delete-image --test -j two
is 'delete-image: only a test' "$out$(q exists -q img; echo "$status")" '{"two":{"error":"image used by con: image is in use by a container"}}0'
o delete-container --json ctr
is 'delete-container: JSON' "$out$(q exists -q con; echo "$status")" '{"ctr":""}1'
o create-container -i con2 img
o deletecontainer con2
is 'deletecontainer' "$out$(q exists -q con2; echo "$status")" 1
q delete-container light
o delete-image -t two
is 'delete-image: a test says what would go' "$err$(q exists -q img; echo "$status")" 'two: top0'
o deleteimage -j two
is 'deleteimage: JSON' "$out$(q exists -q img; echo "$status")" '{"two":{"deleted-layers":["top"]}}1'
o delete-layer --json child base
is 'delete-layer: JSON, one is refused' "$out" '{"base":"layer base used by image other: layer is in use by an image","child":""}'
o deletelayer loose
is 'deletelayer' "$status$(q exists -q loose; echo "$status")" 01
o delete -j other plain
is 'delete: of any kind; JSON' "$out$(q exists -q other plain; echo "$status")" '{"other":"","plain":""}1'
o mount base
o shutdown --force
is 'shutdown: by force unmounts' "$(grep -c "$graph/$driver/base" /proc/mounts)" 0
o shutdown -j
is 'shutdown: JSON' "$out" '""'
o wipe --json
is 'wipe: JSON' "$out$(q layers -j; echo "$out")" '""null'

# --- images in files ----------------------------------------------------------------------------------------------

write_image someone "$scratch/image" "$scratch/one.tar" "$scratch/two.tar"
layout=$scratch/layout
mkdir -p "$layout/blobs/sha256"
sed 's/"rootfs"/"history":[{"created":"2024-01-01T00:00:00Z","created_by":"first <step> of the image, which is told at length"},{"created_by":"nothing","empty_layer":true},{"created_by":"second"}],"rootfs"/' \
  "$scratch/image/config" >"$scratch/image/told"
image_id=$(sha256 "$scratch/image/told")
jq -c ".config.digest=\"sha256:$image_id\"|.config.size=$(wc -c <"$scratch/image/told")" "$scratch/image/manifest" >"$scratch/image/chosen"
for blob in "$scratch/image/told" "$scratch/image/chosen" "$scratch/one.tar" "$scratch/two.tar"; do cp "$blob" "$layout/blobs/sha256/$(sha256 "$blob")"; done
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
jq -nc --arg digest "sha256:$(sha256 "$scratch/image/chosen")" --argjson size "$(wc -c <"$scratch/image/chosen")" \
  '{schemaVersion:2,manifests:[{mediaType:"application/vnd.oci.image.manifest.v1+json",digest:$digest,size:$size}]}' >"$layout/index.json"
o load -i "$layout" --name given --platform linux/amd64
is 'load: a layout, under a name; the id on stdout' "$out $err" "$image_id Loaded image: localhost/given:latest"
o load --quiet --input "$layout"
is 'load: quiet' "$out$err" "$image_id"
o inspect given
is 'inspect: names, layers' "$(field '[.[0].RepoTags,.[0].RootFS.Layers]')" \
  "[[\"localhost/given:latest\"],[\"sha256:$(sha256 "$scratch/one.tar")\",\"sha256:$(sha256 "$scratch/two.tar")\"]]"
o history -q given
is 'history: ids' "$out" "$(lines "$(printf %.12s "$image_id")" '<missing>' '<missing>')"
o history --json given
is 'history: JSON, sizes of layers' "$(field 'map([.CreatedBy,.size])')" \
  "[[\"second\",$(wc -c <"$scratch/two.tar")],[\"nothing\",0],[\"first <step> of the image, which is told at length\",$(wc -c <"$scratch/one.tar")]]"
o history -H=false given
is 'history: when, not how long ago' "$(lines "$out" | tail -n 1 | cut -c 15-81)" '2024-01-01T00:00:00Z  first <step> of the image, which is told a...'
o history --no-trunc given
holds 'history: all of a command and an id' contains "$out" "$image_id"
holds 'history: all of a command' contains "$out" 'told at length'
o save -q -m -o "$scratch/saved.tar.gz" --compress gzip given
is 'save: a docker-archive, compressed; says nothing' "$out$err$(tar -xzOf "$scratch/saved.tar.gz" manifest.json | jq -c '.[0].RepoTags')" '["localhost/given:latest"]'
o save --format oci-archive given
is 'save: an oci-archive on stdout' "$(tar -xOf "$scratch/out" index.json | jq -r '.manifests[0].annotations[]')" localhost/given:latest
o save --all --format oci-dir -o "$scratch/all" given
is 'save: all of an image that is no list' "$(jq -r '.manifests[].annotations[]' "$scratch/all/index.json")" localhost/given:latest
q create-container --name box localhost/given:latest
q mount box
echo mine >"$out/mine"
q unmount box
o commit -c 'CMD ["/mine"]' --change 'ENV A=b' -a me --message why --format docker --iidfile "$scratch/iid" box own
is 'commit: the id on stdout and in a file, the name on stderr' "$out $err" "$(cat "$scratch/iid") Committed image: localhost/own:latest"
q inspect own
is 'commit: what was changed and said' "$(field '.[0]|[.Config.Cmd,.Config.Env[-1],.Author,.Comment,(.RootFS.Layers|length)]')" '[["/mine"],"A=b","me","why",3]'
q save --format oci-archive --compress none -o "$scratch/own.tar" own
is 'commit: what was written is in the image' "$(tar -xOf "$scratch/own.tar" "blobs/sha256/$(q inspect own; field '.[0].RootFS.Layers[2]' | tr -d '"' | cut -d: -f2)" | tar -xO mine)" mine
o commit -q box
is 'commit: quiet, no name' "$err$(q get-names "$out"; echo "$out")" ''
q delete-image "$(cat "$scratch/iid")"
q delete-container box
for unnamed in $(q images -q; echo "$out"); do [ "$unnamed" = "$image_id" ] || q delete-image "$unnamed"; done
o delete-image given
o load -i "$scratch/saved.tar.gz"
is 'save: what load reads' "$out" "$image_id"

# --- registries -------------------------------------------------------------------------------------------------------

start_registry closed "$(htpasswd_auth me secret)"
o push --tls-verify=false --creds me:secret given "$closed_at/team/given:1"
is 'push: says nothing' "$out$err" ''
o push --tls-verify=false --creds me:secret --quiet --compress zstd --digestfile "$scratch/pushed" --format oci "$image_id" "docker://$closed_at/team/given:2"
is 'push: the digest of a manifest' "$(curl -s -u me:secret -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$closed_at/v2/team/given/manifests/2" | sha256sum | cut -d' ' -f1)" \
  "$(cut -d: -f2 <"$scratch/pushed")"
is 'push: a format and a compression' "$(curl -s -u me:secret -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$closed_at/v2/team/given/manifests/2" | jq -c '[.layers[].mediaType]|unique')" \
  '["application/vnd.oci.image.layer.v1.tar+zstd"]'
mkdir "$scratch/certificates"
: >"$scratch/certificates/me.cert"
for command in push pull; do
  given=$([ $command = pull ] || echo given)
  # shellcheck disable=SC2086
  o $command --authfile "$scratch/nosuch" $given "$closed_at/team/given:1"
  holds "$command: a file of credentials that is not there" contains "$err" "$scratch/nosuch"
  # shellcheck disable=SC2086
  o $command --cert-dir "$scratch/certificates" $given "$closed_at/team/given:1"
  holds "$command: a certificate without its key" contains "$err" me.key
  # shellcheck disable=SC2086
  o $command --creds me:wrong --tls-verify=false $given "$closed_at/team/given:1"
  holds "$command: a wrong password" contains "$err" "credentials are refused"
done
o delete-image given
o pull --tls-verify=false --creds me:secret "$closed_at/team/given:1"
is 'pull: the id on stdout' "$out $err" "$image_id Trying to pull $closed_at/team/given:1..."
o pull --tls-verify=false --creds me:secret --platform linux/amd64 --quiet "$closed_at/team/given:2"
is 'pull: quiet, and a platform' "$out$err" "$image_id"
o delete-image "$image_id"

# --- global options -----------------------------------------------------------------------------------------------

plainly --help
holds 'help of the program, on stdout' contains "$out" '--storage-driver'
plainly --graph "$scratch/g2" --run "$scratch/r2" --storage-driver vfs create-layer -i x
is 'roots and driver in front of the command' "$out$(ls "$scratch/g2/vfs/dir")" xx
plainly layers -g "$scratch/g2" -R "$scratch/r2" -s vfs
is 'roots and driver behind the command' "$out" x
plainly -g "$scratch/g2" -R "$scratch/r2" -s vfs --debug status
holds 'debug tells where the store is' contains "$err" "msg=\"Root: $scratch/g2\""
plainly -g "$scratch/g2" -R "$scratch/r2" -s vfs --storage-opt vfs.bogus=1 layers
is 'storage-opt reaches the driver' "$out $status" 'error initializing: vfs driver does not support vfs.bogus options 1'
plainly -g "$scratch/g2" -R "$scratch/r2" -s vfs --durability=none create-layer -i unflushed
strace -f -e trace=fsync,fdatasync,syncfs -o "$scratch/trace" "$OCI_STORAGE" -g "$scratch/g2" -R "$scratch/r2" -s vfs --durability none create-layer -i quick >/dev/null 2>&1
is 'durability: none flushes nothing of a layer' "$(grep -c 'fdatasync\|syncfs' "$scratch/trace")" 0
plainly -g "$scratch/g3" -R "$scratch/r3" -s vfs --image-store "$scratch/images" create-layer -i x --readonly
holds 'image-store: read-only layers go there' [ -d "$scratch/images/vfs/dir/x" ]
plainly -g "$scratch/g4" -R "$scratch/r4" -s vfs --transient-store create-layer -i l
"$OCI_STORAGE" -g "$scratch/g4" -R "$scratch/r4" -s vfs create-image -i i l >/dev/null 2>&1
plainly -g "$scratch/g4" -R "$scratch/r4" -s vfs --transient-store create-container -i c i
holds 'transient-store: containers are below the run root' [ -e "$scratch/r4/vfs-containers/containers.json" -o -e "$scratch/r4/vfs-containers/volatile-containers.json" ]
plainly layers -g "$scratch/g2" -R "$scratch/r2" -s vfs --unshare
holds 'unshare: the store is read in a namespace of its own' contains "$out" x

# --- how words are understood ---------------------------------------------------------------------------------------

# accepted NAME OF EACH OPTION: the parser takes it, with a value if it needs one; `--help` ends the command
while read -r command specs; do
  for name in $(printf '%s' "$specs" | tr , ' '); do
    for words in "$name" "$name v"; do
      # shellcheck disable=SC2086
      "$OCI_STORAGE" "$command" $words --help >"$scratch/out" 2>"$scratch/err" </dev/null && continue
      grep -q '^Usage: ' "$scratch/out" && break
    done
    grep -q '^Usage: ' "$scratch/out" || { not_ok "$command takes $name" "$(cat "$scratch/err")"; }
  done
done <"$scratch/options"
ok 'each spelling of each option is taken'

# --- what is left ---------------------------------------------------------------------------------------------------

printf '\n%-28s %-26s %s\n' command option check
{
  sed "s/\$/$tab/" "$scratch/commands"
  sed "s/ /$tab/" "$scratch/aliases"
  sed "s/ /$tab/" "$scratch/options"
  sed "s/^/$tab/" "$scratch/global"
} | while IFS= read -r row; do
  check=$(awk -v row="$row$tab" 'index($0, row) == 1 { print substr($0, length(row) + 1); exit }' "$scratch/notes")
  printf '%-28s %-26s %s\n' "${row%%"$tab"*}" "${row#*"$tab"}" "${check:-NONE}"
done >"$scratch/report"
cat "$scratch/report"
echo
missing=$(grep -c ' NONE$' "$scratch/report")
[ "$(wc -l <"$scratch/commands")" -gt 50 ] || not_ok 'the table of commands could be read'
if [ "$missing" = 0 ]; then
  ok "each of $(wc -l <"$scratch/report") commands, aliases and options has a check"
else
  not_ok "each command, alias and option has a check" "$(grep ' NONE$' "$scratch/report")"
fi
"$OCI_STORAGE" -g "$graph" -R "$run" -s "$driver" shutdown >/dev/null 2>&1
