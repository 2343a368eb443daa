# Runs a command with oci-storage and with containers-storage and compares what they print and their exit status. Read
# with `.` after lib.sh by the tests that do so. Generated ids, times and the stores' paths are replaced by words before
# the comparison; digests stay. OCI_STORAGE names our program, CONTAINERS_STORAGE theirs.

: "${OCI_STORAGE:=$STRATA_BUILD/examples/oci-storage}"
: "${CONTAINERS_STORAGE:=containers-storage}"

# begin_side_by_side NAME: scratch space and input, or the end of the script where the test cannot run
begin_side_by_side() {
  has "$CONTAINERS_STORAGE" || { skip "$1" "no $CONTAINERS_STORAGE here"; exit 0; }
  is_root || { skip "$1" 'mounting needs root'; exit 0; }
  make_scratch
  make_input
}

# begin_driver NAME: new stores for it, one for each side and one for both; false if it cannot work here
begin_driver() {
  driver=$1 common='' instead=''
  if [ "$driver" = overlay ] && ! overlay_works "$scratch"; then skip "$driver" 'the kernel has no overlayfs here'; return 1; fi
  for home in one two both; do
    unmount_below "$scratch/$home"
    rm -rf --one-file-system "${scratch:?}/$home"
    mkdir -p "$scratch/$home/graph" "$scratch/$home/run"
  done
  mkdir -p "$scratch/work"
  : >"$scratch/theirs.ids"
  : >"$scratch/ours.ids"
}

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
    new) echo 'the command came after 1.43' ;;
    own) echo 'the command or the option is ours' ;;
    safe) echo 'D1: a layer given by name or prefix is as protected as one given by id' ;;
    ids) echo 'D2: an id that is no plain file name is refused' ;;
    unpack) echo 'the words for a damaged archive; 1.43 and 1.59 differ as well' ;;
    *) echo "no reason given" ;;
  esac
}

# --- what the commands are fed with -----------------------------------------------------------------------------------

make_input() {
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
}

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

