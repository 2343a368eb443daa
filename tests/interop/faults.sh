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

# Descriptors that are closed.
import_from_nowhere() { at import-layer --id none <&-; }
apply_from_nowhere() { at applydiff base <&-; }
data_from_nowhere() { at set-layer-data base key <&-; }
say_nowhere() { at layers >&-; }
check "faults: a layer" at import-layer --id base --file "$scratch/a.tar"
refused "faults: import-layer from a closed descriptor" 'bad file descriptor' import_from_nowhere
refused "faults: applydiff from a closed descriptor" 'bad file descriptor' apply_from_nowhere
refused "faults: set-layer-data from a closed descriptor" 'bad file descriptor' data_from_nowhere
refused "faults: a closed standard output" 'bad file descriptor' say_nowhere
check_equal "faults: no layer came of it" base "$(at layers)"
"$OCI_STORAGE" -g "$scratch/graph" -R "$scratch/run" -s vfs import-layer --id more --file "$scratch/a.tar" <&- >&- 2>&-
check "faults: no file of the store was written to by standard output" at check
check_equal "faults: the layer is there" "$(sha256sum <"$scratch/a.tar")" "$(at diff more | sha256sum)"

# Output that cannot be written.
full() { at "$@" >/dev/full; }
for command in layers 'layer base' 'layers --json' config --help; do
  # shellcheck disable=SC2086
  refused "faults: $command on a full device" 'no space left' full $command
done
check "faults: nothing to say, nothing to fail" full images

# No random numbers.
no_random() { timeout 20 strace -f -o /dev/null -e inject=getrandom:error=ENOSYS "$OCI_STORAGE" -g "$scratch/graph" -R "$scratch/run" -s vfs create-layer; }
if strace -e trace=none true 2>/dev/null; then refused "faults: no random numbers" getrandom no_random; fi

# A file system that can only be read.
truncate -s 64M "$scratch/disk.img"
mkdir "$scratch/disk"
if mkfs.ext4 -q "$scratch/disk.img" && mount -o loop "$scratch/disk.img" "$scratch/disk" 2>/dev/null; then
  on_disk() { "$OCI_STORAGE" -g "$scratch/disk/graph" -R "$scratch/run-$driver" -s $driver "$@"; }
  for driver in vfs overlay; do
    [ $driver = vfs ] || overlay_works "$scratch/disk" || continue
    on_disk import-layer --id "$driver" --file "$scratch/a.tar" >/dev/null && on_disk create-image --id "image-$driver" "$driver" >/dev/null
    umount "$scratch/disk/graph/overlay" 2>/dev/null
    find "$scratch/disk" -name '*.lock' -delete
    mount -o remount,ro "$scratch/disk"
    check_equal "faults: layers on a file system that can only be read, $driver" "$driver" "$(on_disk layers --quick)"
    check_equal "faults: a layer's tar there, $driver" "$(sha256sum <"$scratch/a.tar")" "$(on_disk diff $driver | sha256sum)"
    check "faults: check there, $driver" on_disk check
    refused "faults: no change there, $driver" 'read-only\|read only' on_disk delete-image "image-$driver"
    mount -o remount,rw "$scratch/disk"
    rm -rf "$scratch/disk/graph"
  done
  driver=vfs
  umount "$scratch/disk"
else
  skip "faults: read-only file system" "cannot mount an ext4 from a file here"
fi

# No /proc: every command either does its work or says what it lacks.
no_proc() { unshare -m sh -c 'umount -l /proc && exec "$@"' sh "$OCI_STORAGE" -g "$scratch/noproc" -R "$scratch/run" -s "$1" import-layer --id base --file "$scratch/a.tar"; }
for driver in vfs overlay; do
  text=$(no_proc $driver 2>&1)
  status=$?
  if [ $status = 0 ] && [ "$text" = base ]; then ok "faults: no /proc, $driver"
  elif [ $status != 0 ] && [ $status -lt 124 ] && printf '%s' "$text" | grep -q /proc; then ok "faults: no /proc, $driver"
  else not_ok "faults: no /proc, $driver" "status $status: $text"; fi
done
driver=vfs

# A new store on a btrfs that is full.
truncate -s 120M "$scratch/btrfs.img"
if has mkfs.btrfs && mkfs.btrfs -q "$scratch/btrfs.img" >/dev/null 2>&1 && mount -o loop "$scratch/btrfs.img" "$scratch/disk" 2>/dev/null; then
  dd if=/dev/zero of="$scratch/disk/fill" bs=1M 2>/dev/null
  i=0
  while mkdir "$scratch/disk/d$i" 2>/dev/null && head -c 3000 /dev/zero >"$scratch/disk/d$i/f" 2>/dev/null && [ $i -lt 20000 ]; do i=$((i + 1)); done
  for driver in vfs btrfs; do
    new_store() { "$OCI_STORAGE" -g "$scratch/disk/graph-$driver" -R "$scratch/run-full" -s $driver import-layer --id base --file "$scratch/a.tar"; }
    refused "faults: a new store on a full btrfs, $driver" 'no space left' new_store
  done
  driver=vfs
  umount -l "$scratch/disk"
else
  skip "faults: full btrfs" "cannot mount a btrfs from a file here"
fi

# gc that cannot do its work says so.
garbage=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
if strace -e trace=none true 2>/dev/null; then
  : >"$scratch/wrong"
  for call in rename mkdir openat unlinkat pwrite64; do
    n=1
    while [ $n -lt 60 ]; do
      mkdir -p "$scratch/graph/vfs/dir/$garbage/x"
      strace -f -o "$scratch/trace" -e "trace=$call" -e "inject=$call:error=ENOSPC:when=$n+" \
        "$OCI_STORAGE" -g "$scratch/graph" -R "$scratch/run" -s vfs gc >"$scratch/out" 2>&1
      status=$?
      grep -q INJECTED "$scratch/trace" || break
      if [ $status = 0 ] && [ -d "$scratch/graph/vfs/dir/$garbage" ]; then echo "$call $n: exit 0, and it is there" >>"$scratch/wrong"; fi
      if [ $status = 0 ] && grep -qi 'no space left' "$scratch/out"; then echo "$call $n: exit 0, with $(cat "$scratch/out")" >>"$scratch/wrong"; fi
      n=$((n + 1))
    done
  done
  check_equal "faults: gc without space says so" '' "$(cat "$scratch/wrong")"
fi

# Much data needs little memory.
truncate -s 300M "$scratch/much"
check "faults: an image" at create-image --id image base
small_memory() { (ulimit -v 200000 && at set-image-data --file "$scratch/much" image key); }
check "faults: 300 MB of data in 200 MB of memory" small_memory
check_equal "faults: their size" 314572800 "$(at get-image-data-size image key)"

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

# Errors of writing that only a flush tells of.
if strace -e trace=none true 2>/dev/null; then
  driver=vfs
  failing_flush() { strace -f -o /dev/null -e "inject=$1:error=EIO" "$OCI_STORAGE" -g "$scratch/graph" -R "$scratch/run" -s vfs import-layer --id flushed --file "$scratch/a.tar"; }
  for call in sync_file_range fsync fdatasync; do refused "faults: import-layer when $call fails" 'input/output error' failing_flush $call; done
  check_equal "faults: no layer came of it" '' "$(at layers | grep flushed)"
  for driver in vfs overlay; do
    [ $driver = vfs ] || overlay_works "$scratch" || continue
    box() { "$OCI_STORAGE" -g "$scratch/boxes" -R "$scratch/run-boxes" -s $driver "$@"; }
    box create-layer --id box >/dev/null && box mount box >/dev/null
    failing_unmount() { strace -f -o /dev/null -e inject=syncfs:error=EIO "$OCI_STORAGE" -g "$scratch/boxes" -R "$scratch/run-boxes" -s $driver unmount box; }
    refused "faults: unmount when syncfs fails, $driver" 'input/output error' failing_unmount
    check "faults: unmount afterwards, $driver" box unmount box
    box shutdown >/dev/null 2>&1
    rm -rf "$scratch/boxes" "$scratch/run-boxes"
  done
fi

# Data that takes the place of other: with its size and digest it is the old one or the new one.
if strace -e trace=none true 2>/dev/null; then
  driver=vfs
  data() { "$OCI_STORAGE" -g "$scratch/data" -R "$scratch/run-data" -s vfs "$@"; }
  echo old >"$scratch/old.data"
  echo 'new, and longer' >"$scratch/new.data"
  data import-layer --id base --file "$scratch/a.tar" >/dev/null && data create-image --id image base >/dev/null && data create-container --id container image >/dev/null
  data set-image-data --file "$scratch/old.data" image key && data set-container-data --file "$scratch/old.data" container key
  mv "$scratch/data" "$scratch/data.saved"
  for kind in image container; do
    : >"$scratch/wrong"
    points=0
    # state: sets `state` to what the data is, with its size and digest
    state() {
      digest=$(data get-$kind-data-digest $kind key)
      data get-$kind-data $kind key >"$scratch/got" 2>/dev/null
      sum=$(sha256sum <"$scratch/got")
      state="$(cat "$scratch/got")"
      [ "${digest#sha256:}" = "${sum%% *}" ] || state="$state, with another digest"
      [ "$(data get-$kind-data-size $kind key)" = "$(wc -c <"$scratch/got")" ] || state="$state, with another size"
    }
    # (the same code for both; tests/fault_injection has all other calls)
    case $kind in image) calls='rename pwrite64 write fsync fdatasync unlink' ;; *) calls='rename fdatasync' ;; esac
    for call in $calls; do
      for how in error=EIO error=ENOSPC+ signal=SIGKILL; do
        n=1
        case $how in *+) how=${how%+} sticky=+ ;; *) sticky= ;; esac
        while [ $n -lt 60 ]; do
          rm -rf "$scratch/data"
          cp -a "$scratch/data.saved" "$scratch/data"
          (
            strace -f -o "$scratch/trace" -e "trace=$call" -e "inject=$call:$how:when=$n$sticky" \
              "$OCI_STORAGE" -g "$scratch/data" -R "$scratch/run-data" -s vfs set-$kind-data --file "$scratch/new.data" $kind key
            exit $?
          ) >"$scratch/out" 2>&1
          status=$?
          grep -qE 'INJECTED|killed by SIGKILL' "$scratch/trace" || break
          points=$((points + 1))
          state
          case $status,$state in *,'new, and longer' | [1-9]*,old) ;; *) echo "$call $n $how$sticky: status $status, $state" >>"$scratch/wrong" ;; esac
          data check >"$scratch/out" 2>&1 || echo "$call $n $how$sticky: check: $(cat "$scratch/out")" >>"$scratch/wrong"
          data set-$kind-data --file "$scratch/new.data" $kind key || echo "$call $n $how$sticky: no retry" >>"$scratch/wrong"
          state
          [ "$state" = 'new, and longer' ] || echo "$call $n $how$sticky: after the retry $state" >>"$scratch/wrong"
          n=$((n + 1))
        done
      done
    done
    [ $points -gt 10 ] || echo "$points points" >>"$scratch/wrong"
    check_equal "faults: old or new, set-$kind-data" '' "$(cat "$scratch/wrong")"
    printf '%s\n' "faults: set-$kind-data, $points points"
  done
fi
