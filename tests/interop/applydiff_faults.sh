#!/bin/sh
# A diff is applied to a layer that has contents, and each call that changes or flushes a file fails once, fails from there on, or is the
# process's last: the layer then has the old contents, tar-split and record, or the new ones, `check` is clean, and
# to apply the diff once more succeeds.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has strace || ! has jq; then skip applydiff_faults "needs root, strace and jq"; exit 0; fi
make_scratch
if ! overlay_works "$scratch"; then skip applydiff_faults "no overlay file system here"; exit 0; fi
if ! strace -e trace=none true 2>/dev/null; then skip applydiff_faults "strace cannot trace here"; exit 0; fi

mkdir -p "$scratch/t/e" "$scratch/old/e" "$scratch/new/e"
echo below >"$scratch/t/e/q"
echo below >"$scratch/t/e/stays"
echo old >"$scratch/old/e/file"
echo new, and longer >"$scratch/new/e/file"
: >"$scratch/new/e/.wh.q"
for name in t old new; do tar -C "$scratch/$name" --sort=name --mtime=@1000000000 -cf "$scratch/$name.tar" .; done
old=$(sha256sum <"$scratch/old.tar") new=$(sha256sum <"$scratch/new.tar")

at() { "$OCI_STORAGE" -g "$scratch/graph" -R "$scratch/run" -s "$driver" ${options:-} "$@"; }
restore() { rm -rf "$scratch/graph" && cp -a "$scratch/saved" "$scratch/graph"; }

# state: sets `record` to what the layer is by its record, and `mixed` if its tar or its files are otherwise
state() {
  digest=$(at layer --json layer | jq -r '.. | ."diff-digest"? // empty')
  sum=$(at diff layer 2>/dev/null | sha256sum)
  case $driver in vfs) files=$scratch/graph/vfs/dir/layer ;; *) files=$scratch/graph/overlay/layer/diff ;; esac
  case $digest in "sha256:${old%% *}") record=old ;; "sha256:${new%% *}") record=new ;; *) record="other ($digest)" ;; esac
  case $sum in "$old") tar=old ;; "$new") tar=new ;; *) tar=other ;; esac
  grep -q new "$files/e/file" 2>/dev/null && contents=new || contents=old
  case "$record $tar $contents" in
    'old old old' | 'new new new') mixed= ;;
    *) mixed="record $record, tar $tar, contents $contents" ;;
  esac
}

# tried NAME INJECTION: one run; false if the call was never reached
tried() {
  restore
  (
    strace -f -o "$scratch/trace" -e "trace=$call" -e "inject=$2" \
      "$OCI_STORAGE" -g "$scratch/graph" -R "$scratch/run" -s "$driver" ${options:-} applydiff --file "$scratch/new.tar" layer
    exit $?
  ) >"$scratch/out" 2>&1
  status=$?
  grep -qE 'INJECTED|killed by SIGKILL' "$scratch/trace" || return 1
  points=$((points + 1))
  state
  wrong=$mixed
  [ $status != 0 ] || case $record in new) ;; *) wrong="$wrong; acknowledged and not there" ;; esac
  at check >"$scratch/out" 2>&1 || wrong="$wrong; check: $(tail -n 2 "$scratch/out")"
  at applydiff --file "$scratch/new.tar" layer >"$scratch/out" 2>&1 || wrong="$wrong; retry: $(cat "$scratch/out")"
  state
  [ -z "$mixed" ] || wrong="$wrong; after the retry: $mixed"
  [ "$record" = new ] || wrong="$wrong; after the retry: $record"
  [ -z "$wrong" ] || echo "$driver $1: $wrong" >>"$scratch/wrong"
  return 0
}

for driver in overlay vfs; do
  options=
  [ $driver = vfs ] || options='--storage-opt overlay.skip_mount_home=true'
  rm -rf "$scratch/graph"
  at import-layer --id base --file "$scratch/t.tar" >/dev/null && at import-layer --id layer --file "$scratch/old.tar" base >/dev/null ||
    { not_ok "applydiff_faults $driver" "no store"; continue; }
  rm -rf "$scratch/saved"
  mv "$scratch/graph" "$scratch/saved"
  : >"$scratch/wrong"
  points=0
  for call in fsync fdatasync rename renameat2 pwrite64 write syncfs unlink; do
    for how in error=EIO error=ENOSPC+ signal=SIGKILL; do
      n=1
      case $how in *+) how=${how%+} sticky=+ ;; *) sticky= ;; esac
      while tried "$how $call $n$sticky" "$call:$how:when=$n$sticky" && [ $n -lt 40 ]; do n=$((n + 1)); done
    done
  done
  if [ -s "$scratch/wrong" ] || [ $points -lt 30 ]; then
    not_ok "applydiff_faults: $driver, $points points" "$(cat "$scratch/wrong")"
  else
    ok "applydiff_faults: old or new, $driver"
    printf '%s\n' "applydiff_faults: $driver, $points points"
  fi
done

# read_meanwhile: who only mounts the layer while the stream is read, and looks around, does not keep it from being applied. Its
# directory is the parent's as well: overlayfs marks it then.
read_meanwhile() {
  restore
  rm -f "$scratch/fifo"
  mkfifo "$scratch/fifo"
  at applydiff --file "$scratch/fifo" layer >"$scratch/out" 2>&1 &
  reading=$!
  {
    head -c 512 "$scratch/new.tar"
    sleep 1
    root=$(at mount layer)
    case $root in "$scratch"/?*) find "$root" -exec stat {} + >"$scratch/found" 2>&1 ;; esac
    at unmount layer >"$scratch/unmounted" 2>&1
    tail -c +513 "$scratch/new.tar"
  } >"$scratch/fifo"
  wait $reading && wrong= || wrong=$(cat "$scratch/out")
  check_equal "applydiff_faults: who only looks is no hindrance, $driver" '' "$wrong"
}

# written_meanwhile NAME [unmount]: a file is written through a mount, which is given back or not, while the stream is read. That
# is refused then, nothing is changed and nothing lost, and the diff can be applied once more, in place to what is mounted.
written_meanwhile() {
  restore
  state
  was=$record
  rm -f "$scratch/fifo"
  mkfifo "$scratch/fifo"
  at applydiff --file "$scratch/fifo" layer >"$scratch/out" 2>&1 &
  reading=$!
  {
    head -c 512 "$scratch/new.tar"
    sleep 1  # until it has copied the layer
    root=$(at mount layer)
    case $root in "$scratch"/?*) echo precious >"$root/precious" ;; esac
    [ -z "${2:-}" ] || at "$2" layer >"$scratch/unmounted" 2>&1
    tail -c +513 "$scratch/new.tar"
  } >"$scratch/fifo"
  wait $reading && wrong='; acknowledged' || wrong=
  grep -qE 'was written to: changed meanwhile|is mounted: layer is in use' "$scratch/out" || wrong="$wrong; $(cat "$scratch/out")"
  state
  [ -z "$mixed" ] || wrong="$wrong; $mixed"
  [ "$record" = "$was" ] || wrong="$wrong; the record is $record"
  [ "$(cat "$files/precious" 2>/dev/null)" = precious ] || wrong="$wrong; lost what was written"
  at applydiff --file "$scratch/new.tar" layer >"$scratch/out" 2>&1 || wrong="$wrong; retry: $(cat "$scratch/out")"
  at unmount --force layer >"$scratch/unmounted" 2>&1
  state
  [ "$record$mixed" = new ] || wrong="$wrong; after the retry: $record $mixed"
  [ "$(cat "$files/precious" 2>/dev/null)" = precious ] || wrong="$wrong; lost by the retry"
  check_equal "applydiff_faults: what is written meanwhile is not lost, $driver, $1" '' "$wrong"
}

for driver in overlay vfs; do
  options=
  [ $driver = vfs ] || options='--storage-opt overlay.skip_mount_home=true'
  rm -rf "$scratch/graph" "$scratch/saved"
  at import-layer --id base --file "$scratch/t.tar" >/dev/null && at import-layer --id layer --file "$scratch/old.tar" base >/dev/null &&
    mv "$scratch/graph" "$scratch/saved" || { not_ok "applydiff_faults $driver" "no store"; continue; }
  written_meanwhile 'mounted for a while' unmount
  written_meanwhile 'mounted'
  read_meanwhile
done
