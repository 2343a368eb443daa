#!/bin/sh
# What both programs say of drivers and driver options that they do not take.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has containers-storage; then skip driver_options "needs root and containers-storage"; exit 0; fi
make_scratch

# said PROGRAM DRIVER OPTION: what it prints and its exit status; what release 1.59 says differently from 1.43 is put into
# its words, and the time of a log line is left out
said() {
  set -- "$1" "$2" "$scratch/$2" "$3"
  "$1" --storage-driver "$2" --graph "$3/graph" --run "$3/run" --storage-opt "$4" layers 2>&1 |
    sed -e 's/overlay: Unknown option/overlay: unknown option/' -e 's/^time="[^"]*" //'
  umount -l "$3/graph/overlay" 2>/dev/null
}
for driver in vfs overlay; do
  for option in foo bogus=1 "$driver.bogus=1" "$driver.BOGUS=1" vfs.mountopt=nodev vfs.ignore_chown_errors=maybe \
    overlay.ignore_chown_errors=2 overlay.mount_program=/no/such overlay.size=x \
    overlay.size=1m size=1 inodes=3 overlay.inodes=x overlay.force_mask=zz overlay.imagestore=relative \
    overlay.imagestore=/no/such; do
    # options of another driver: an error until 1.59, passed over since
    case $option in $driver.* | [!vo]*) ;; *) continue ;; esac
    check_equal "$driver refuses $option in the original's words" "$(said containers-storage $driver "$option")" "$(said "$OCI_STORAGE" $driver "$option")"
  done
done
for driver in aufs zfs bogus; do
  there=$(said containers-storage $driver overlay.mountopt=nodev)
  check_equal "the driver $driver is refused in the original's words" "$there" "$(said "$OCI_STORAGE" $driver overlay.mountopt=nodev)"
done
