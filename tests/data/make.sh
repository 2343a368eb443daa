#!/bin/sh
# Makes the stores of this directory anew, with the programs that are installed: for each, NAME.store, a listing of its files, and
# NAME.items, what the program says is in it. README.md says what they are for.
# usage: sh tests/data/make.sh [NAME...]      as root
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
data=$top/tests/data
make_scratch

# --- what goes in -----------------------------------------------------------------------------------------------------------------------
# pack TREE TAR: the same bytes each time
pack() { tar --sort=name --format=pax --pax-option=delete=atime,delete=ctime --mtime=@1700000000 --numeric-owner -C "$1" -cf "$2" .; }

make_archives() {
  mkdir -p "$scratch/one/etc" "$scratch/one/srv/old" "$scratch/two/srv/old"
  printf 'welcome\n' >"$scratch/one/etc/motd"
  ln "$scratch/one/etc/motd" "$scratch/one/etc/issue"
  ln -s motd "$scratch/one/etc/link"
  printf 'old\n' >"$scratch/one/srv/old/file"
  printf '#!/bin/sh\n' >"$scratch/one/run"
  chmod 4755 "$scratch/one/run"
  chown 1000:100 "$scratch/one/srv/old/file"
  mkfifo "$scratch/one/srv/pipe"
  pack "$scratch/one" "$scratch/one.tar"
  : >"$scratch/two/.wh.run"
  : >"$scratch/two/srv/old/.wh..wh..opq"
  printf 'new\n' >"$scratch/two/srv/old/new"
  pack "$scratch/two" "$scratch/two.tar"
  gzip -n -k "$scratch/two.tar"
}

storage() { containers-storage --graph "$scratch/$name/graph" --run "$scratch/run" --storage-driver "$driver" "$@"; }
podman_of() { podman --root "$scratch/$name/graph" --runroot "$scratch/run" --storage-driver "$driver" "$@"; }

# change_container MOUNT POINT: what a container does to its files
change_container() {
  case $1 in "$scratch"/?*) ;; *) return 1 ;; esac
  printf 'box\n' >"$1/etc/hostname" && rm "$1/etc/link" && chmod 700 "$1/srv"
}

# --- the stores ---------------------------------------------------------------------------------------------------------------------------
made_by_storage() {
  storage import-layer --id base --name base --file "$scratch/one.tar" &&
    storage import-layer --id top --name top --name second --file "$scratch/two.tar.gz" base &&
    storage set-layer-data --file "$scratch/one/etc/motd" top note &&
    storage create-image --id image --name localhost/golden:1 --metadata '{"a":"<é>"}' top &&
    storage set-image-data --file "$scratch/one/etc/motd" image manifest &&
    storage set-image-data --file "$scratch/one/run" image 'a key/Ω' &&
    storage add-names --name localhost/golden:latest image &&
    storage create-container --id box --name box --metadata 'of the box' image &&
    storage set-container-data --file "$scratch/one/run" box config &&
    change_container "$(storage mount box)" && storage unmount box
}

made_by_podman() {
  podman_of import --quiet "$scratch/one.tar" localhost/golden:1 &&
    podman_of create --name box localhost/golden:1 /run &&
    change_container "$(podman_of mount box)" && podman_of unmount box &&
    podman_of commit --quiet box localhost/golden:2
}

# --- listings -----------------------------------------------------------------------------------------------------------------------------
# contents FILE: its lines behind "|", the last behind ">" if no newline ends it; what is no text in base64, behind "="
contents() {
  if LC_ALL=C.UTF-8 grep -qavx '[[:print:]]*' "$1" || [ "$(tr -d '\000' <"$1" | wc -c)" != "$(wc -c <"$1")" ]; then
    base64 "$1" | sed 's/^/=/'
  elif [ -s "$1" ] && [ "$(tail -c 1 "$1" | wc -l)" = 0 ]; then
    sed -e 's/^/|/' -e '$s/^|/>/' "$1"
    echo
  else
    sed 's/^/|/' "$1"
  fi
}

# listed DIRECTORY: a line for each entry, TYPE MODE UID GID MTIME PATH [-> TARGET], then lines of its extended attributes, behind "@",
# and of its contents. Left out is what says something about this machine only, and libpod's database, which no store needs.
listed() {
  cd "$1" || return 1
  find . -mindepth 1 \( -path ./libpod -o -path ./tmp -o -path ./mounts -o -name defaultNetworkBackend -o -path '*/work/work' \) -prune -o \
    -mindepth 1 -printf '%P\n' | LC_ALL=C sort | while IFS= read -r path; do
    type=$(find "$path" -maxdepth 0 -printf %y)
    case $type in
      l) find "$path" -maxdepth 0 -printf 'l %m %U %G %T@ %p -> %l\n' ;;
      f)
        first=$(find . -samefile "$path" -printf '%P\n' | LC_ALL=C sort | head -n 1)
        if [ "$first" != "$path" ]; then printf 'h - - - - %s -> %s\n' "$path" "$first"; continue; fi
        find "$path" -maxdepth 0 -printf 'f %m %U %G %T@ %p\n'
        ;;
      *) find "$path" -maxdepth 0 -printf '%y %m %U %G %T@ %p\n' ;;
    esac
    getfattr -h -d -m '^trusted\.overlay\.(opaque|impure)$' -e base64 "$path" 2>/dev/null | sed -n 's/^\(trusted[^=]*\)=0s\(.*\)$/@\1 \2/p'
    if [ "$type" = f ]; then contents "$path"; fi
  done
}

# items: what containers-storage says is there; of each layer that was imported, the digest of its archive, and what changed in each
items() {
  storage layers -j | jq -r '.[] | ["layer", .id, .parent // "-", (.names // ["-"] | join(","))] | join(" ")'
  storage images -j | jq -r '.[] | ["image", .id, .layer, (.names | join(",")), ."big-data-digests" // {}] | map(tostring) | join(" ")'
  storage containers -j | jq -r '.[] | ["container", .id, .image, .layer, (.names | join(","))] | join(" ")'
  for layer in $(storage layers -j | jq -r '.[] | select(."diff-digest") | .id'); do
    printf 'diff %s %s\n' "$layer" "$(storage diff -u "$layer" | sha256sum | cut -d' ' -f1)"
  done
  for layer in $(storage layers -j | jq -r '.[] | .id'); do
    storage changes "$layer" | LC_ALL=C sort | sed "s/^/change $layer /"
  done
}

is_root || die 'mounting layers needs root'
make_archives
for name in ${*:-storage-overlay storage-vfs podman-overlay podman-vfs}; do
  driver=${name#*-}
  rm -rf --one-file-system "$scratch/run"
  mkdir -p "$scratch/$name"
  made_by_"${name%-*}" >/dev/null || die "cannot make $name"
  items >"$data/$name.items"
  storage shutdown >/dev/null
  unmount_below "$scratch/$name"
  (listed "$scratch/$name/graph") >"$data/$name.store"
done
