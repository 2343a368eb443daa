#!/bin/sh
# Layers as containers-storage made them, of which the tar-split does not tell all, or which ours would not have
# unpacked so: our check reports what it cannot account for, and our repair removes nothing of it. Then layers of ours: two
# archives in one, files that are in no archive on or in a damaged layer, and what a repair does remove, with its reasons.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has containers-storage || ! has jq; then skip kept_layers "needs root, containers-storage and jq"; exit 0; fi
make_scratch
if ! overlay_works "$scratch"; then skip kept_layers "no overlay file system here"; exit 0; fi

by_ours() { "$OCI_STORAGE" --storage-driver "$driver" --graph "$graph" --run "$run" "$@"; }
by_theirs() { containers-storage --storage-driver "$driver" --graph "$graph" --run "$run" "$@"; }
tree() { if [ "$driver" = overlay ]; then echo "$graph/overlay/$1/diff"; else echo "$graph/vfs/dir/$1"; fi; }
# all that a layer's tree holds, but directories' times
state() {
  (cd "$(tree "$1")" && find . -type d -printf '%p %y %m %U:%G\n' -o -printf '%p %y %m %U:%G %s %T@ %l\n' | sort
    find . -type f -exec sha256sum {} + | sort
    getfattr -R -d -m 'trusted.overlay.opaque|user' . 2>/dev/null)
}
items() { by_ours layers -q | sort; by_ours images -q; }

# make_tar FILE NAME... : of $scratch/files, in that order, and no other
make_tar() { make_tar_file=$1; shift; tar -C "$scratch/files" --numeric-owner --no-recursion -cf "$make_tar_file" "$@"; }
mkdir -p "$scratch/files" && cd "$scratch/files" || exit 1
mkdir -p d k l2/x b && ln -s b l
for name in d/x d/p d/a d/b d/n k/1 b/y l2/n q z a; do echo "$name" >"$name"; done
ln -s zz d/s
for name in e .wh.d .wh.a d/.wh.p b/.wh..wh..opq l2/x/.wh.e; do : >"$name"; done
chmod 4711 d/a && chown 5:6 d/a k
cd "$top" || exit 1
make_tar "$scratch/parent.tar" d d/x d/p b b/y l q
make_tar "$scratch/first.tar" d/a d/.wh.p k k/1
make_tar "$scratch/implied.tar" k/1
make_tar "$scratch/second.tar" d/b e
make_tar "$scratch/taken.tar" a .wh.a z
make_tar "$scratch/changed.tar" z a .wh.a
make_tar "$scratch/covered.tar" .wh.d d d/n
make_tar "$scratch/refused.tar" d d/s e .wh.d
# the mark and a file below "l", which is a link in the parent
tar -C "$scratch/files" --numeric-owner --no-recursion --transform 's,^b/.wh,l/.wh,;s,^l2/,l/,' -cf "$scratch/opaque.tar" b/.wh..wh..opq l2/n
tar -C "$scratch/files" --numeric-owner --no-recursion --transform 's,^l2/,l/,' -cf "$scratch/through.tar" l2/n

# a whiteout where nothing is, below the same link: theirs makes the directory all the same
tar -C "$scratch/files" --numeric-owner --no-recursion --transform 's,^l2/,l/,' -cf "$scratch/led.tar" l2/x/.wh.e z
# the same below a link of the layer itself, which leads to the parent's directory: on overlay theirs refuses that
(cd "$scratch/files" && ln -s ../../b m && : >l2/.wh.y && : >l2/.wh..wh..opq) || exit 1
tar -C "$scratch/files" --numeric-owner --no-recursion --transform 's,^l2/,m/,' -cf "$scratch/own.tar" m l2/.wh.y
tar -C "$scratch/files" --numeric-owner --no-recursion --transform 's,^l2/,m/,' -cf "$scratch/covers.tar" m l2/.wh..wh..opq

# made NAME: a store of theirs with the parent
made() {
  use_store "$scratch/$1-$driver"
  by_theirs import-layer --id base -f "$scratch/parent.tar" >/dev/null
}

for driver in overlay vfs; do
  # two archives in one layer: its record knows the last
  made twice
  by_theirs create-layer --id layer base >/dev/null
  check "$driver: theirs applies an archive" by_theirs applydiff -f "$scratch/first.tar" layer
  check "$driver: and another one" by_theirs applydiff -f "$scratch/second.tar" layer
  by_theirs create-image --id image layer >/dev/null
  state layer >"$scratch/before"
  if said=$(by_ours check 2>&1); then not_ok "$driver: check reports what its record does not know" "$said"; else ok "$driver: check reports what its record does not know"; fi
  if said=$(by_ours check --repair 2>&1); then not_ok "$driver: a repair says that it did not mend it" "$said"; else ok "$driver: a repair says that it did not mend it"; fi
  for kept in +/d/a -/d/p +/k/; do
    case $said in *"repairing layer layer: layer layer: $kept"*': kept as it is'*) ok "$driver: $kept is said to be kept" ;; *) not_ok "$driver: $kept is said to be kept" "$said" ;; esac
  done
  case $said in *'repair: '*) not_ok "$driver: and nothing was done" "$said" ;; *) ok "$driver: and nothing was done" ;; esac
  state layer >"$scratch/after"
  check_same_bytes "$driver: the layer is as it was" "$scratch/before" "$scratch/after"
  check_equal "$driver: layers and image are there" 'base layer image' "$(items | paste -sd' ')"
  # a file of the second is changed: it alone is put right
  chmod 0600 "$(tree layer)/e"
  said=$(by_ours check --repair 2>&1) && not_ok "$driver: a repair mends what it can" "$said"
  case $said in *'unpacked it anew'*) ok "$driver: a repair mends what it can" ;; *) not_ok "$driver: a repair mends what it can" "$said" ;; esac
  state layer >"$scratch/after"
  check_same_bytes "$driver: and leaves the files of both archives" "$scratch/before" "$scratch/after"
  check_equal "$driver: and layers and image" 'base layer image' "$(items | paste -sd' ')"
  by_theirs diff -u layer >"$scratch/out.tar"
  check_same_bytes "$driver: theirs gives the second archive back" "$scratch/second.tar" "$scratch/out.tar"
  unmount_below "$graph"
done

# of the directory that its archive implies, somebody made a link to one of their own
for driver in overlay vfs; do
  made linked
  check "$driver: ours makes a layer" by_ours import-layer --id layer -f "$scratch/implied.tar" base
  (cd "$(tree layer)" && mv k f && chmod 0600 f/1 && ln -s f k)
  state layer >"$scratch/before"
  if said=$(by_ours check --repair 2>&1); then not_ok "$driver: a repair does not go through a link of others" "$said"; else ok "$driver: a repair does not go through a link of others"; fi
  case $said in *'not a directory'*) ok "$driver: and says so" ;; *) not_ok "$driver: and says so" "$said" ;; esac
  check_equal "$driver: the link is said to be kept, once" 1 "$(printf '%s\n' "$said" | grep -c 'repairing layer layer: layer layer: +\{0,1\}/k(')"
  state layer >"$scratch/after"
  check_same_bytes "$driver: what it leads to is as it was" "$scratch/before" "$scratch/after"
  unmount_below "$graph"
done

# a link of the parent is another matter
driver=vfs
made through
check 'vfs: ours makes a layer through a link of its parent' by_ours import-layer --id layer -f "$scratch/through.tar" base
echo mine >"$(tree layer)/mine"
state layer >"$scratch/before"
chmod 0600 "$(tree layer)/b/n"
said=$(by_ours check --repair 2>&1) && not_ok 'vfs: a repair tells of the file beside' "$said"
case $said in *'unpacked it anew'*) ok 'vfs: a repair goes through it' ;; *) not_ok 'vfs: a repair goes through it' "$said" ;; esac
state layer >"$scratch/after"
check_same_bytes 'vfs: and leaves the rest' "$scratch/before" "$scratch/after"

# an archive that takes its own file away: theirs has the layer and cannot export it
driver=vfs
made taken
check 'theirs takes an archive with a file and then its whiteout' by_theirs import-layer --id layer -f "$scratch/taken.tar" base
by_theirs create-image --id image layer >/dev/null
state layer >"$scratch/before"
if said=$(by_ours check 2>&1); then not_ok 'check reports it' "$said"; else ok 'check reports it'; fi
case $said in *'"a": not to be put right from its tar-split'*) ok 'and what it means' ;; *) not_ok 'and what it means' "$said" ;; esac
if said=$(by_ours check --repair --quick 2>&1); then not_ok 'a quick repair reports it' "$said"; else ok 'a quick repair reports it'; fi
if said=$(by_ours check --repair 2>&1); then not_ok 'a repair reports it' "$said"; else ok 'a repair reports it'; fi
state layer >"$scratch/after"
check_same_bytes 'and leaves the layer as it was' "$scratch/before" "$scratch/after"
check_equal 'and the image' 'base layer image' "$(items | paste -sd' ')"
mounted by_ours layer
check_equal 'it is mounted' z "$(cat "$root/z")"
by_ours unmount layer >/dev/null
# nor is a file that is there and another one said to be taken away
made changed
check 'theirs takes one with a file before it' by_theirs import-layer --id layer -f "$scratch/changed.tar" base
cp -p "$(tree layer)/z" "$scratch/z" && echo y >"$(tree layer)/z" && touch -r "$scratch/z" "$(tree layer)/z"
said=$(by_ours check 2>&1) && not_ok 'check reports its other contents' "$said"
case $said in *'"z": not to be put right from its tar-split'*) ok 'check reports its other contents' ;; *) not_ok 'check reports its other contents' "$said" ;; esac

# what an archive makes that theirs refuses: a directory is missing that theirs would find gone when it sets times
made refused
if said=$(by_theirs import-layer --id theirs -f "$scratch/refused.tar" base 2>&1); then not_ok 'theirs refuses an archive that takes its directory away' "$said"; else ok 'theirs refuses an archive that takes its directory away'; fi
check 'ours takes it' by_ours import-layer --id layer -f "$scratch/refused.tar" base
state layer >"$scratch/before"
rm -rf --one-file-system "$(tree layer)/d"
if said=$(by_ours check 2>&1); then not_ok 'check reports the directory as missing' "$said"; else ok 'check reports the directory as missing'; fi
check 'and a repair makes it anew' by_ours check --repair
state layer >"$scratch/after"
check_same_bytes 'as it was' "$scratch/before" "$scratch/after"

# two archives of ours in one layer: the second goes through a link of the first, or makes a hard link of its file
# no_fault NAME: check and repair find nothing to say of the layer
no_fault() {
  state layer >"$scratch/before"
  check_equal "$1: check finds nothing" '0 ' "$(said=$(by_ours check 2>&1); echo "$? $said")"
  check_equal "$1: a repair does nothing" '0 ' "$(said=$(by_ours check --repair 2>&1); echo "$? $said")"
  state layer >"$scratch/after"
  check_same_bytes "$1: the layer is as it was" "$scratch/before" "$scratch/after"
}
# is_mended NAME FILE: once the file has another mode, a repair gives it its own, and changes nothing else
is_mended() {
  chmod 0640 "$(tree layer)/$2"
  if said=$(by_ours check 2>&1); then not_ok "$1: check reports what is changed of it" "$said"; else ok "$1: check reports what is changed of it"; fi
  if said=$(by_ours check --repair 2>&1); then
    case $said in *'unpacked it anew'*) ok "$1: a repair mends that" ;; *) not_ok "$1: a repair mends that" "$said" ;; esac
  else
    not_ok "$1: a repair mends that" "$said"
  fi
  state layer >"$scratch/after"
  check_same_bytes "$1: and leaves the rest" "$scratch/before" "$scratch/after"
  check_equal "$1: then check finds nothing" '0 ' "$(said=$(by_ours check 2>&1); echo "$? $said")"
}
# is_left NAME FILE: the same through a link: which one it was that the archive went through, nobody knows any more
is_left() {
  chmod 0640 "$(tree layer)/$2"
  state layer >"$scratch/before"
  if said=$(by_ours check --repair 2>&1); then not_ok "$1: a repair goes through no link" "$said"; else ok "$1: a repair goes through no link"; fi
  case $said in *'not a directory'*) ok "$1: and says so" ;; *) not_ok "$1: and says so" "$said" ;; esac
  state layer >"$scratch/after"
  check_same_bytes "$1: nothing is changed" "$scratch/before" "$scratch/after"
}
(cd "$scratch/files" && mkdir -p l2/s && ln -s /b r && echo n >l2/s/n && ln d/a h) || exit 1
make_tar "$scratch/links.tar" b b/y l r
tar -C "$scratch/files" --numeric-owner --no-recursion --transform 's,^l2/,r/,' -cf "$scratch/rooted.tar" l2/s/n
make_tar "$scratch/larger.tar" d d/a
tar -C "$scratch/files" --numeric-owner --no-recursion --transform 's,^q$,d/a,' -cf "$scratch/smaller.tar" d q
make_tar "$scratch/hard.tar" d/a h && tar --delete -f "$scratch/hard.tar" d/a
for driver in overlay vfs; do
  for each in through:n rooted:s/n; do
    archive=${each%:*} name="$driver, ${each%:*}"
    use_store "$scratch/former-$archive-$driver"
    by_ours create-layer --id layer >/dev/null
    check "$name: ours applies an archive with links" by_ours applydiff -f "$scratch/links.tar" layer
    check "$name: and one that goes through them" by_ours applydiff -f "$scratch/$archive.tar" layer
    no_fault "$name"
    is_left "$name" "b/${each#*:}"
    unmount_below "$graph"
  done
done
driver=vfs
use_store "$scratch/former-hard-$driver"
by_ours import-layer --id base -f "$scratch/larger.tar" >/dev/null
by_ours create-layer --id layer base >/dev/null
check 'vfs, hard link: ours applies an archive with another file than the parent has' by_ours applydiff -f "$scratch/smaller.tar" layer
check 'vfs, hard link: and one with a hard link to it alone' by_ours applydiff -f "$scratch/hard.tar" layer
no_fault 'vfs, hard link'
is_mended 'vfs, hard link' h

# layers that are as theirs unpacks, and not as ours would: nothing is wrong with them
for each in overlay:covered vfs:covered overlay:opaque vfs:opaque overlay:led vfs:led vfs:own vfs:covers; do
  driver=${each%:*} archive=${each#*:}
  made "$archive"
  check "$driver, $archive: theirs takes it" by_theirs import-layer --id layer -f "$scratch/$archive.tar" base || continue
  by_theirs create-image --id image layer >/dev/null
  state layer >"$scratch/before"
  check_equal "$driver, $archive: check finds nothing" '0 ' "$(said=$(by_ours check 2>&1); echo "$? $said")"
  check_equal "$driver, $archive: a repair does nothing" '0 ' "$(said=$(by_ours check --repair 2>&1); echo "$? $said")"
  state layer >"$scratch/after"
  check_same_bytes "$driver, $archive: the layer is as it was" "$scratch/before" "$scratch/after"
  unmount_below "$graph"
done

# lowest DRIVER NAME: a store with a layer "base", of which a file's bytes are cut off by damage later
lowest() { driver=$1; use_store "$scratch/$2-$driver"; by_ours import-layer --id base -n keepme -f "$scratch/parent.tar" >/dev/null; }
cut_off() { : >"$(tree "$1")/$2"; }
for each in overlay vfs; do
  # what stands on a damaged layer has files that are nowhere else
  lowest $each only
  by_ours create-layer --id own base >/dev/null
  mounted by_ours own
  echo nowhere >"$root/only" && by_ours unmount own >/dev/null
  by_ours create-image --id image own >/dev/null
  cut_off base d/x
  if said=$(by_ours check --repair 2>&1); then not_ok "$each: a repair says what it could not mend" "$said"; else ok "$each: a repair says what it could not mend"; fi
  case $said in *'deleting layer base: '*'; layer own '*': kept as it is'*) ok "$each: and why it does not go" ;; *) not_ok "$each: and why it does not go" "$said" ;; esac
  check_equal "$each: nothing has gone" 'base own image' "$(items | paste -sd' ')"
  mounted by_ours own
  check_equal "$each: the file is there" nowhere "$(cat "$root/only")"
  by_ours unmount own >/dev/null
  unmount_below "$graph"

  # below a damaged layer all is sound
  lowest $each below
  by_ours import-layer --id middle -f "$scratch/first.tar" base >/dev/null
  by_ours import-layer --id top -f "$scratch/second.tar" middle >/dev/null
  by_ours create-image --id image top >/dev/null
  cut_off top d/b
  said=$(by_ours check --repair --max '' 2>&1) || not_ok "$each: a repair ends the damage" "$said"
  for gone in 'image image' 'layer top'; do
    case $said in *"deleted $gone, beyond repair: layer top: "*) ok "$each: $gone goes, and why" ;; *) not_ok "$each: $gone goes, and why" "$said" ;; esac
  done
  check_equal "$each: what is below stays" 'base middle' "$(items | paste -sd' ')"
  check_equal "$each: nothing is wrong any more" '0 ' "$(said=$(by_ours check 2>&1); echo "$? $said")"
  unmount_below "$graph"
done

# stays DRIVER NAME ITEMS OPTION...: a repair removes none of these, and says why
stays() {
  stays_name="$1, $2" stays_items=$3
  shift 3
  if said=$(by_ours check --repair "$@" 2>&1); then not_ok "$stays_name: a repair says what it could not mend" "$said"; else ok "$stays_name: a repair says what it could not mend"; fi
  case $said in *deleted*) not_ok "$stays_name: it deletes nothing" "$said" ;; *'kept as it is'*) ok "$stays_name: it deletes nothing" ;; *) not_ok "$stays_name: it says why" "$said" ;; esac
  check_equal "$stays_name: all is there" "$stays_items" "$(items | paste -sd' ')"
  unmount_below "$graph"
}
# with_more: "layer" on "base", with an archive and a file that is in none; an image of it
with_more() {
  by_ours import-layer --id layer -f "$scratch/second.tar" base >/dev/null
  mounted by_ours layer
  echo nowhere >"$root/only" && by_ours unmount layer >/dev/null
  by_ours create-image --id image layer >/dev/null
  unmount_below "$graph"
}
for each in overlay vfs; do
  lowest $each lost
  with_more
  rm -rf --one-file-system "$(tree base)"
  stays $each 'files of the lowest layer lost' 'base layer image'

  # two archives of ours: the record tells of the second
  lowest $each both
  by_ours create-layer --id layer base >/dev/null
  by_ours applydiff -f "$scratch/first.tar" layer && by_ours applydiff -f "$scratch/second.tar" layer
  by_ours create-image --id image layer >/dev/null
  cut_off layer d/b
  stays $each 'two archives, one is damaged' 'base layer image'

  # nor does a layer go that nobody uses, if there are such files
  lowest $each unused
  with_more
  by_ours delete-image image >/dev/null 2>&1
  by_ours import-layer --id base2 -f "$scratch/parent.tar" >/dev/null
  by_ours import-layer --id layer -f "$scratch/second.tar" base2 >/dev/null
  mounted by_ours layer
  echo nowhere >"$root/only" && by_ours unmount layer >/dev/null
  unmount_below "$graph"
  sleep 1
  stays $each 'not used, with files of its own' 'base2 layer' --max 1ms

  # its parent may be in a store that is not there now
  mkdir "$scratch/elsewhere-$each"
  lowest $each away
  by_ours import-layer --id layer -f "$scratch/second.tar" base >/dev/null
  by_ours create-image --id image layer >/dev/null
  unmount_below "$graph"
  records=$graph/$each-layers/layers.json
  jq -c 'map(select(.id != "base"))' "$records" >"$scratch/records" && cat "$scratch/records" >"$records"
  rm -rf --one-file-system "$graph/overlay/base" "$graph/vfs/dir/base"
  stays $each 'its parent is elsewhere' 'layer image' --storage-opt "$each.imagestore=$scratch/elsewhere-$each"
done
# a quick look does not see such files
lowest overlay quickly
with_more
cut_off base d/x
stays overlay 'a quick look' 'base layer image' --quick
# what nobody wrote to hinders nothing
lowest overlay empty
by_ours create-layer --id layer base >/dev/null
cut_off base d/x
check 'an empty layer on a damaged one goes with it' by_ours check --repair
check_equal 'both have gone' '' "$(items)"
unmount_below "$graph"

# what only shows the files of a damaged layer goes with it, and can be had from its archive again
lowest overlay above
by_ours import-layer --id top -f "$scratch/second.tar" base >/dev/null
by_ours create-image --id image top >/dev/null
cut_off base d/x
said=$(by_ours check --repair 2>&1) || not_ok 'a repair ends the damage' "$said"
for gone in 'image image' 'layer top' 'layer base'; do
  case $said in *"deleted $gone, beyond repair: layer base: "*) ok "$gone goes with the lowest layer, and why" ;; *) not_ok "$gone goes with the lowest layer, and why" "$said" ;; esac
done
check_equal 'no more than that is left' '' "$(items)"
unmount_below "$graph"

# a layer of a separate image store on another file system is made anew there
lowest overlay apart
mkdir "$scratch/apart" && mount -t tmpfs -o size=64M strata "$scratch/apart"
in_apart() { by_ours --image-store "$scratch/apart" "$@"; }
in_apart import-layer --id there -f "$scratch/parent.tar" >/dev/null
chmod 0600 "$scratch/apart/overlay/there/diff/d/x"
check 'a layer of a separate image store is mended' in_apart check --repair
check_equal 'its file is as it was' 644 "$(stat -c %a "$scratch/apart/overlay/there/diff/d/x")"
unmount_below "$graph"
unmount_below "$scratch/apart"
