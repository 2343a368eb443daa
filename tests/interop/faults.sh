#!/bin/sh
# What the program says and leaves when the machine lacks something: closed descriptors, a full device, a file system that can
# only be read, no /proc, no random numbers, little memory.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has strace || ! has jq; then skip faults "needs root, strace and jq"; exit 0; fi
make_scratch
driver=vfs
at() { "$OCI_STORAGE" -g "$scratch/graph" -R "$scratch/run" -s $driver "$@"; }
mkdir "$scratch/t"
echo a >"$scratch/t/a"
tar -C "$scratch/t" -cf "$scratch/a.tar" .

# refused NAME PATTERN COMMAND...: fails, with a text that has the pattern, and is not killed by a signal
refused() {
  refused_name=$1 pattern=$2
  shift 2
  refused_text=$("$@" 2>&1)
  status=$?
  if [ $status != 0 ] && [ $status -lt 124 ] && printf '%s' "$refused_text" | grep -qi -- "$pattern"; then ok "$refused_name"
  else not_ok "$refused_name" "status $status: $refused_text"; fi
}

# A layer whose repair fails for want of memory is not beyond repair.
if overlay_works "$scratch" && strace -e trace=none true 2>/dev/null; then
  driver=overlay
  over() { "$OCI_STORAGE" -g "$scratch/over" -R "$scratch/run" -s overlay --storage-opt overlay.skip_mount_home=true "$@"; }
  over import-layer --id base --file "$scratch/a.tar" >/dev/null && over import-layer --id top --file "$scratch/a.tar" base >/dev/null
  cp -a "$scratch/over" "$scratch/over.saved"
  : >"$scratch/wrong"
  for damaged in 'list lower' 'list lower-layers' 'file lower-layers'; do
    damage=${damaged% *} file=${damaged#* }
    for when in 1 2 3 4 1+ 2+ 3+; do
      rm -rf "$scratch/over"
      cp -a "$scratch/over.saved" "$scratch/over"
      case $damage in
        list) echo garbage >"$scratch/over/overlay/top/$file" ;;
        file) rm "$scratch/over/overlay/top/diff/a" ;;
      esac
      strace -f -o /dev/null -P "$scratch/over/overlay/top/$file" -e inject=openat:error=ENOMEM:when=$when \
        "$OCI_STORAGE" -g "$scratch/over" -R "$scratch/run" -s overlay --storage-opt overlay.skip_mount_home=true check -r >"$scratch/out" 2>&1
      status=$?
      [ $status -lt 124 ] || echo "$file $when: status $status: $(cat "$scratch/out")" >>"$scratch/wrong"
      [ "$damage" = file ] || [ "$(over layers | sort | tr '\n' ' ')" = 'base top ' ] || echo "$file $when: a layer is gone: $(cat "$scratch/out")" >>"$scratch/wrong"
      over check -r >/dev/null 2>&1
      [ "$damage" = file ] || over check >"$scratch/out" 2>&1 || echo "$file $when: not repaired afterwards: $(cat "$scratch/out")" >>"$scratch/wrong"
    done
  done
  check_equal "faults: repair without memory" '' "$(cat "$scratch/wrong")"
fi
