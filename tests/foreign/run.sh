#!/bin/sh
# Archives that nobody here wrote, out of Debian's packages: what becomes of each, here and with containers-storage, is to be
# as the file "table" says. And: what is taken comes out again byte for byte, and check finds nothing.
# usage: sh tests/foreign/run.sh [print]      print: the lines of the table as they would have to be, without the reasons
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh
: "${CONTAINERS_STORAGE:=containers-storage}"

if ! is_root || ! has "$CONTAINERS_STORAGE"; then skip foreign "needs root and $CONTAINERS_STORAGE"; exit 0; fi
make_scratch
kept=$STRATA_CACHE/foreign

# fetch PACKAGE: unpacks Debian's package into the cache, once; it is not installed
fetch() {
  [ -d "$kept/$1" ] && return
  mkdir -p "$kept/new" && (cd "$kept/new" && apt-get -q download "$1") >/dev/null 2>&1 &&
    dpkg-deb -x "$kept/new/$1"_*.deb "$kept/new/tree" && mv "$kept/new/tree" "$kept/$1"
  fetched=$?
  rm -rf "$kept/new"
  return "$fetched"
}

# package and path of the archives behind each first word of the table
place_of() {
  case $1 in
    go) echo golang-1.19-src usr/share/go-1.19/src/archive/tar/testdata ;;
    python) echo libpython3.11-testsuite usr/lib/python3.11/test ;;
    tar-split) echo golang-github-vbatts-tar-split-dev usr/share/gocode/src/github.com/vbatts/tar-split/tar/asm/testdata ;;
    docker) echo golang-github-docker-docker-dev usr/share/gocode/src/github.com/docker/docker/pkg ;;
  esac
}

# tree_of STORE: kinds, owners, times, attributes and contents of a vfs store's only layer
tree_of() {
  (cd "$1"/graph/vfs/dir/* && find . -mindepth 1 \( -type d -printf '%p %y %m %U:%G\n' -o -printf '%p %y %m %U:%G %s %T@ %n %l\n' \) | sort &&
    find . -type f -size -1000000k -exec sha256sum {} + | sort && find . \( -type c -o -type b \) -exec stat -c '%n %t:%T' {} + | sort &&
    getfattr -R -h -d -m- . 2>/dev/null)
}

driver=vfs
# in_store PROGRAM STORE COMMAND...
in_store() {
  in_program=$1 in_graph=$2/graph in_run=$2/run
  shift 2
  "$in_program" --graph "$in_graph" --run "$in_run" --storage-driver "$driver" "$@"
}

# outcome PROGRAM ARCHIVE STORE: "same" (taken, and the same bytes come out), "other", or "no: " and what is said
outcome() {
  unmount_below "$3"
  rm -rf --one-file-system "$3"
  mkdir -p "$3"
  if ! said=$(in_store "$1" "$3" import-layer -f "$2" 2>&1); then
    echo "no: $(echo "$said" | tail -n 1 | sed 's/.*stderr: *//; s/ exit status 1$//')"
    return
  fi
  echo "$said" | tail -n 1 >"$3/id"
  in_store "$1" "$3" diff -u "$(cat "$3/id")" >"$3/out" 2>"$3/err"
  case $2 in
    *.gz) gzip -dc "$2" >"$3/in" ;;
    *.bz2) bzip2 -dc "$2" >"$3/in" ;;
    *.xz) xz -dc "$2" >"$3/in" ;;
    *.zst) zstd -qdc --long=31 "$2" >"$3/in" ;;
    *) cp "$2" "$3/in" ;;
  esac
  if cmp -s "$3/in" "$3/out"; then echo same; else echo other; fi
}

# one NAME: sets ours, theirs and tree
one() {
  archive=$kept/$package/$directory/${1#*/}
  ours=$(outcome "$OCI_STORAGE" "$archive" "$scratch/ours")
  case $1 in
    *pax-sparse-big.tar) theirs=- ;; # would write 60 GB of zeros
    *) theirs=$(outcome "$CONTAINERS_STORAGE" "$archive" "$scratch/theirs") ;;
  esac
  tree=-
  case $ours$theirs in
    *no:* | *-) ;;
    *) if [ "$(tree_of "$scratch/ours")" = "$(tree_of "$scratch/theirs")" ]; then tree=equal; else tree=differs; fi ;;
  esac
}

# as_expected FOUND WANTED: a refusal has the words that the table has
as_expected() {
  case $2 in
    no:*) case $1 in no:*"${2#no: }"*) return 0 ;; *) return 1 ;; esac ;;
    *) [ "$1" = "$2" ] ;;
  esac
}

# is_whole NAME: what is not in order with a layer that we took, which the other program has to be able to export as well
is_whole() {
  in_store "$CONTAINERS_STORAGE" "$scratch/ours" diff -u "$(cat "$scratch/ours/id")" 2>&1 | cmp - "$scratch/ours/in" 2>&1 || return
  case $1 in *-sparse-big.tar) return ;; esac # check reads all 60 GB of zeros
  in_store "$OCI_STORAGE" "$scratch/ours" check 2>&1
}

if [ "${1:-}" = print ]; then
  for group in go python tar-split docker; do
    read -r package directory <<EOF
$(place_of $group)
EOF
    fetch "$package" || { skip "$group" "cannot get $package"; continue; }
    (cd "$kept/$package/$directory" && find . -name '*.tar' -o -name '*.tar.*' | cut -c3- | sort) | while read -r name; do
      one "$group/$name" </dev/null
      printf '%s | %s | %s | %s |\n' "$group/$name" "$ours" "$theirs" "$tree"
    done
  done
  exit 0
fi

trim() { printf '%s' "$1" | sed 's/^ *//; s/ *$//'; }
while IFS='|' read -r name want_ours want_theirs want_tree why; do
  case $name in '#'* | '') continue ;; esac
  name=$(trim "$name") want_ours=$(trim "$want_ours") want_theirs=$(trim "$want_theirs") want_tree=$(trim "$want_tree") why=$(trim "$why")
  read -r package directory <<EOF
$(place_of "${name%%/*}")
EOF
  fetch "$package" || { skip "$name" "cannot get Debian's $package"; continue; }
  [ -f "$kept/$package/$directory/${name#*/}" ] || { skip "$name" "not in this version of $package"; continue; }
  one "$name" </dev/null
  found="$ours | $theirs | $tree"
  if ! as_expected "$ours" "$want_ours" || ! as_expected "$theirs" "$want_theirs" || [ "$tree" != "$want_tree" ]; then
    not_ok "$name" "expected: $want_ours | $want_theirs | $want_tree
found:    $found"
  elif [ -z "$why" ] && { [ "$ours" = same ] && [ "$theirs" != same ] || [ "$tree" = differs ] ||
    { [ "${ours%%:*}" = no ] && [ "${theirs%%:*}" != no ]; }; }; then
    not_ok "$name" 'the table has no reason for the difference'
  elif [ "$ours" = other ]; then
    not_ok "$name" 'what was taken does not come out as it went in'
  elif [ "$ours" = same ] && ! said=$(is_whole "$name"); then
    not_ok "$name" "$said"
  else
    ok "$name"
  fi
done <tests/foreign/table

# What is no archive is refused in words that scripts look for, however it is compressed.
head -c 100 /dev/zero | tr '\0' x >"$scratch/short"
head -c 5000 /dev/zero | tr '\0' x >"$scratch/long"
(cd "$top/tests" && tar -cf "$scratch/cut" run.sh) && truncate -s 1000 "$scratch/cut"
for kind in short long cut; do
  gzip -k "$scratch/$kind" && bzip2 -k "$scratch/$kind" && xz -k "$scratch/$kind" && zstd -q "$scratch/$kind"
  case $kind in long) words='invalid tar header' ;; *) words='unexpected EOF' ;; esac
  for end in '' .gz .bz2 .xz .zst; do
    ours=$(outcome "$OCI_STORAGE" "$scratch/$kind$end" "$scratch/ours") theirs=$(outcome "$CONTAINERS_STORAGE" "$scratch/$kind$end" "$scratch/theirs")
    if as_expected "$ours" "no: $words" && as_expected "$theirs" "no: $words"; then
      ok "$kind$end is refused: $words"
    else
      not_ok "$kind$end is refused: $words" "ours:   $ours
theirs: $theirs"
    fi
  done
done

# Of a layer with a sparse file that 1.43 took, the archive is lost; a repair makes another one, and removes nothing.
archive=$kept/golang-1.19-src/usr/share/go-1.19/src/archive/tar/testdata/pax-nil-sparse-data.tar
if [ -f "$archive" ] && [ "$(outcome "$CONTAINERS_STORAGE" "$archive" "$scratch/theirs")" = other ]; then
  before=$(tree_of "$scratch/theirs")
  in_store "$OCI_STORAGE" "$scratch/theirs" check --repair >/dev/null 2>&1
  check 'a sparse file of 1.43: clean after a repair' in_store "$OCI_STORAGE" "$scratch/theirs" check
  check_equal 'a sparse file of 1.43: the repair leaves the tree as it was' "$before" "$(tree_of "$scratch/theirs")"
else
  skip 'a sparse file of 1.43' 'no such archive, or no such release'
fi

# Owner -2 as some programs write it: all bits of the field. GNU tar writes the same number with 32 of them.
(cd "$scratch" && echo x >neg && tar --format=gnu --owner=:4294967294 --group=:0 -cf owner.tar neg) &&
  sum=$(dd if="$scratch/owner.tar" bs=1 skip=148 count=6 status=none) &&
  printf '\377\377\377\377' | dd of="$scratch/owner.tar" bs=1 seek=108 conv=notrunc status=none &&
  printf '%06o' "$((0$sum + 127 + 3 * 255))" | dd of="$scratch/owner.tar" bs=1 seek=148 conv=notrunc status=none
for driver in vfs overlay; do
  check_equal "$driver: owner -2 is taken" 'same same' "$(outcome "$OCI_STORAGE" "$scratch/owner.tar" "$scratch/ours") $(outcome "$CONTAINERS_STORAGE" "$scratch/owner.tar" "$scratch/theirs")"
  for store in ours theirs; do
    check_equal "$driver: and is 4294967294, $store" 4294967294 "$(find "$scratch/$store/graph" -name neg -printf %U)"
  done
done

# A device 0:0 is one like others on vfs, and would hide files on overlay.
(cd "$scratch" && mkdir device && mknod device/zero c 0 0 && tar -cf device.tar device)
driver=vfs
check_equal 'vfs: a device 0:0 is taken' 'same same' "$(outcome "$OCI_STORAGE" "$scratch/device.tar" "$scratch/ours") $(outcome "$CONTAINERS_STORAGE" "$scratch/device.tar" "$scratch/theirs")"
check_equal 'vfs: and is in the tree' "$(tree_of "$scratch/theirs")" "$(tree_of "$scratch/ours")"
driver=overlay
found=$(outcome "$OCI_STORAGE" "$scratch/device.tar" "$scratch/ours")
if as_expected "$found" 'no: reserved'; then ok 'overlay: a device 0:0 is refused'; else not_ok 'overlay: a device 0:0 is refused' "$found"; fi

# Windows of zstd as large as 1.43 reads them, and the next larger one.
driver=vfs
for window in 27 28 29 30; do
  # no size in the frame's header, so that it says as much as the option
  tar -C "$top/tests" -cf - foreign | zstd -q --ultra --long=$window >"$scratch/window.zst"
  for program in "$OCI_STORAGE" "$CONTAINERS_STORAGE"; do
    found=$(outcome "$program" "$scratch/window.zst" "$scratch/ours")
    case $window$found in 27same | 28same | 29same | 30no:*) ok "zstd --long=$window with $(basename "$program")" ;; *) not_ok "zstd --long=$window with $(basename "$program")" "$found" ;; esac
  done
done
for store in ours theirs; do unmount_below "$scratch/$store"; done
