# The real programs and ours on one store: examples/programs.sh and what only the tests use. Read with `.` after lib.sh by
# what tests them side by side.
. "$top/examples/programs.sh"

theirs() { containers-storage --graph "$graph" --run "$run" --storage-driver overlay "$@"; }
builder() { buildah --root "$graph" --runroot "$run" --storage-driver overlay "$@"; }

# in_store NAME: the image as skopeo writes it
in_store() { printf 'containers-storage:[overlay@%s+%s]%s' "$graph" "$run" "$1"; }

# mounted PROGRAM ITEM: mounts it and sets `root`; ends the script where that fails, so that what follows can only ever
# change files below it
mounted() {
  root=$("$1" mount "$2") && case $root in "$scratch"/?*) [ -d "$root" ] ;; *) false ;; esac ||
    { not_ok "$1 mounts $2" "mount point: '$root'"; exit 1; }
  ok "$1 mounts $2"
}

# in_place STORE COMMAND...: the command on that store of the script
in_place() (
  use_store "$scratch/$1"
  shift
  "$@"
)
