#!/bin/sh
# The power fails at $STRATA_CUTS random moments (8) while ours imports layers, makes images and loads others. What was
# acknowledged before the cut must be there after it, whole, and the store must open and work without repair.
#
# The store's disk is an ext4 in a file on XFS. A reflink copy of that file is what the disk held at one moment, with
# all that the kernel had not yet written lost, as it would be on a disk whose own cache is written through.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh
: "${STRATA_CUTS:=8}"

if ! is_root || ! has mkfs.xfs || ! has mkfs.ext4 || ! has jq; then skip power_cut "needs root, mkfs.xfs, mkfs.ext4 and jq"; exit 0; fi
make_scratch
mkdir "$scratch/xfs" "$scratch/disk" "$scratch/copy" "$scratch/given"
truncate -s 7G "$scratch/xfs.img"
if ! mkfs.xfs -q -m reflink=1 "$scratch/xfs.img" 2>/dev/null || ! mount -o loop "$scratch/xfs.img" "$scratch/xfs" 2>/dev/null; then
  skip power_cut "cannot mount an XFS from a file here"
  exit 0
fi
truncate -s 2500M "$scratch/xfs/disk.img"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$scratch/xfs/disk.img"
mount -o loop "$scratch/xfs/disk.img" "$scratch/disk" || exit 1
use_store "$scratch/disk"
run=$scratch/run  # as after a boot, the run root is on no disk
if ! overlay_works "$scratch/disk"; then skip power_cut "no overlay file system here"; exit 0; fi

# What is imported: small with everything, large, and compressed ones.
given=$scratch/given
cp "$(busybox_tar)" "$given/0.tar"
mkdir "$given/tree"
tar -C "$given/tree" -xf "$(debian_tar)" --exclude=./dev 2>/dev/null
tar -C "$given/tree" --sort=name -cf "$given/1.tar" ./bin ./etc ./var 2>/dev/null
rm -rf "$given/tree"
gzip -1 -c "$given/1.tar" >"$given/2.tar.gz"
zstd -q -1 -c "$given/1.tar" >"$given/3.tar.zst"
cp "$(debian_tar)" "$given/4.tar"
for file in "$given"/*.tar*; do plain "$file" | sha256sum | cut -d' ' -f1 >"$file.plain"; done

# keep_writing: imports and makes images until told to stop. `journal` says what was acknowledged: "layer ID FILE",
# "image ID LAYER", "data IMAGE KEY FILE", "name IMAGE NAME", "loaded ID LAYOUT", and before something is taken away "gone ID".
journal=$scratch/journal
: >"$journal"
keep_writing() {
  n=0
  while [ ! -e "$scratch/stop" ]; do
    n=$((n + 1))
    case $((n % 12)) in 11) file=4.tar ;; *) file=$(basename "$given/$((n % 4))".tar* | head -n 1) ;; esac
    case $file in *.plain) file=${file%.plain} ;; esac
    ours import-layer --id "layer-$n" --file "$given/$file" >/dev/null || { echo "import-layer layer-$n" >>"$scratch/failed"; return 1; }
    echo "layer layer-$n $file" >>"$journal"
    head -c $((n * 1000)) "$given/4.tar" >"$scratch/data-$n"
    ours create-image --id "image-$n" --name "localhost/image:$n" "layer-$n" >/dev/null || { echo "create-image image-$n" >>"$scratch/failed"; return 1; }
    echo "image image-$n layer-$n" >>"$journal"
    ours set-image-data --file "$scratch/data-$n" "image-$n" manifest || { echo "set-image-data image-$n" >>"$scratch/failed"; return 1; }
    echo "data image-$n manifest data-$n" >>"$journal"
    ours add-names --name "localhost/more:$n" "image-$n" || { echo "add-names image-$n" >>"$scratch/failed"; return 1; }
    echo "name image-$n localhost/more:$n" >>"$journal"
    tar -C "$scratch" -cf "$scratch/layer-$n.tar" "data-$n"
    write_layout "$scratch/layout-$n" "localhost/loaded:$n" "$given/0.tar" "$given/2.tar.gz" "$scratch/layer-$n.tar"
    ours load --quiet --input "$scratch/layout-$n" >/dev/null || { echo "load layout-$n" >>"$scratch/failed"; return 1; }
    echo "loaded $image_id layout-$n" >>"$journal"
    echo "$image_id" >"$scratch/layout-$n/id"
    old=$((n - 6))
    if [ $old -gt 0 ]; then
      echo "gone image-$old" >>"$journal"
      echo "gone layer-$old" >>"$journal"
      ours delete-image "image-$old" 2>/dev/null || { echo "delete-image image-$old" >>"$scratch/failed"; return 1; }
      echo "gone $(cat "$scratch/layout-$old/id")" >>"$journal"
      ours delete-image "$(cat "$scratch/layout-$old/id")" >/dev/null || { echo "delete-image of layout-$old" >>"$scratch/failed"; return 1; }
    fi
  done
}

# still_there FILE WORD: the lines of WORD in a journal whose item was not about to be taken away by the end of the cut
still_there() { awk -v word="$2" 'NR == FNR { if ($1 == "gone") gone[$2]; next } $1 == word && !($2 in gone)' "$1.after" "$1.before"; }

# verify CUT: prints what is wrong with the copy
verify() {
  mount -o loop "$scratch/xfs/cut-$1.img" "$scratch/copy" || { echo "the disk does not mount"; return; }
  graph=$scratch/copy/graph run=$scratch/run-$1
  mkdir "$run"
  ours layers --json >"$scratch/layers.json" || echo "the layers are not listed"
  ours images --json >"$scratch/images.json" || echo "the images are not listed"
  still_there "$scratch/cut-$1" layer | while read -r _ id file; do
    jq -e --arg id "$id" 'any(.[]?; .id == $id)' <"$scratch/layers.json" >/dev/null || { echo "$id is not listed"; continue; }
    ours diff -u "$id" >"$scratch/exported.tar" 2>"$scratch/exported.err" || echo "$id is not exported: $(cat "$scratch/exported.err")"
    [ "$(sha256 "$scratch/exported.tar")" = "$(cat "$given/$file.plain")" ] || echo "$id ($file) is not exported as it came in"
  done
  still_there "$scratch/cut-$1" image | while read -r _ id layer; do
    jq -e --arg id "$id" --arg layer "$layer" 'any(.[]?; .id == $id and .layer == $layer)' <"$scratch/images.json" >/dev/null ||
      echo "$id is not listed"
  done
  still_there "$scratch/cut-$1" data | while read -r _ id key file; do
    ours get-image-data --file "$scratch/data" "$id" "$key" && cmp "$scratch/data" "$scratch/$file" || echo "$id: $key is not whole"
  done
  still_there "$scratch/cut-$1" name | while read -r _ id name; do
    ours get-names "$id" | grep -qxF "$name" || echo "$id lost its name $name"
  done
  still_there "$scratch/cut-$1" loaded | while read -r _ id layout; do
    rm -rf "$scratch/saved"
    ours save --quiet --format oci-dir --output "$scratch/saved" "$id" 2>"$scratch/save.err" || { echo "$id is not saved: $(cat "$scratch/save.err")"; continue; }
    [ -e "$scratch/saved/blobs/sha256/$id" ] || echo "$id is saved without its configuration"
    ours get-names "$id" | grep -qxF "localhost/loaded:${layout#layout-}" || echo "$id lost its name"
  done
  # what was under way when the power failed is loaded once more
  last=$(ls -d "$scratch"/layout-* | sort -V | tail -n 1)
  [ ! -e "$last/index.json" ] || ours load --quiet --input "$last" >/dev/null || echo "$last is not loaded again"
  ours images --json >"$scratch/images.json"
  ours layers --json >"$scratch/layers.json"
  # what was under way may be there or not; if it is listed, it is whole or says that it is not
  jq -r '.[]? | select(.flags.incomplete != true and ."diff-digest" != null) | "\(.id) \(."diff-digest")"' <"$scratch/layers.json" |
    while read -r id digest; do
      [ "sha256:$(ours diff -u "$id" | sha256sum | cut -d' ' -f1)" = "$digest" ] || echo "$id is listed, and not whole"
    done
  ours import-layer --id after --file "$given/0.tar" >/dev/null || echo "nothing can be imported any more"
  mounted_at=$(ours mount after) && [ -x "${mounted_at:-/nothing}/bin/busybox" ] || echo "the new layer does not mount"
  ours unmount after >/dev/null
  ours delete-layer after || echo "the new layer is not deleted"
  for id in $(jq -r '.[]?.id' <"$scratch/images.json"); do ours delete-image "$id" 2>"$scratch/delete.err" || echo "$id is not deleted: $(cat "$scratch/delete.err")"; done
  for id in $(ours layers --json | jq -r '.[]?.id'); do ours delete-layer "$id" || echo "$id is not deleted"; done
  unmount_below "$graph"
  left=$(du -sk "$graph" | cut -f1)
  [ "$left" -lt 2000 ] || echo "all is deleted, and $left KiB are left: $(du -k --max-depth=3 "$graph" | sort -rn | sed -n 2,6p)"
  unmount_below "$scratch/copy"
  umount "$scratch/copy" 2>/dev/null || true
}

check 'the store opens' ours layers || exit 1
keep_writing >"$scratch/writer.out" 2>&1 &
writer=$!
random=20240229 cut=0 whole=0
while [ $cut -lt "$STRATA_CUTS" ]; do
  cut=$((cut + 1))
  random=$(((random * 1103515245 + 12345) % 2147483648))
  if [ $((cut % 2)) = 0 ]; then
    # at any moment
    sleep "$(awk -v r=$random 'BEGIN { printf "%.3f", 0.05 + r % 1000 / 900 }')"
  else
    # right after something was acknowledged
    seen=$(wc -l <"$journal")
    while [ "$(wc -l <"$journal")" = "$seen" ] && kill -0 $writer 2>/dev/null; do :; done
  fi
  cp "$journal" "$scratch/cut-$cut.before"
  cp --reflink=always "$scratch/xfs/disk.img" "$scratch/xfs/cut-$cut.img" || { not_ok "cut $cut" "no reflink copy"; break; }
  cp "$journal" "$scratch/cut-$cut.after"
done
: >"$scratch/stop"
wait $writer
check_equal 'every command succeeded until then' '' "$(cat "$scratch/failed" "$scratch/writer.out" 2>/dev/null)"
printf '%s cuts; %s\n' $cut "$(cut -d' ' -f1 "$journal" | sort | uniq -c | awk '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2 }')"

while [ $cut -gt 0 ]; do
  found=$(verify $cut 2>&1)
  check_equal "after cut $cut, $(still_there "$scratch/cut-$cut" layer | wc -l) acknowledged layers are whole" '' "$found"
  if mountpoint -q "$scratch/copy"; then unmount_below "$scratch/copy"; umount -l "$scratch/copy"; fi
  rm -f "$scratch/xfs/cut-$cut.img" "$scratch/cut-$cut".*
  cut=$((cut - 1))
done
