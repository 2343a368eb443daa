#!/bin/sh
# The README's commands on a fresh machine: a root file system that has what debootstrap's minbase has and nothing else,
# and in it this tree without a build directory. What one command installs would hide what the other lacks, so each has a
# root of its own.
#
# Of the host there are, besides the network: how its apt gets at servers, the Debian tree of $STRATA_CACHE, which the
# commands would make anew, and $STRATA_CACHE/archives, where packages are kept so that they are fetched once. The compiler
# is told not to optimize: what is asked is whether all is there, not how fast it runs.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

if ! is_root || ! has unshare || ! has pivot_root; then skip bare 'needs root, unshare and pivot_root'; exit 0; fi
tree=$(debian_tar) || exit 1
case $tree in */debian.tar) ;; *) skip bare 'there is no Debian tree, only busybox'; exit 0 ;; esac
make_scratch
mkdir -p "$STRATA_CACHE/archives"

# files_of_clone: those that git knows or would, NUL-terminated; all but what was built where this is no repository
files_of_clone() {
  if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard
  else
    find . -path './build*' -prune -o -type f -print0
  fi
}

# make_root: makes a bare root with a clone in it, and sets `root`
make_root() {
  root=$(mktemp -d "$scratch/root.XXXXXX") && chmod 755 "$root" || return 1
  tar -C "$root" --numeric-owner -xpf "$tree" || return 1
  mkdir -p "$root/strata" "$root/var/cache/strata" && : >"$root/var/cache/strata/debian.tar" || return 1
  files_of_clone | tar --ignore-failed-read --null -T - -cf - 2>/dev/null | tar -C "$root/strata" -xf - || return 1
  if [ -e /etc/resolv.conf ]; then cat /etc/resolv.conf >"$root/etc/resolv.conf" || return 1; fi
  # no more of the host's apt than how it gets at its servers
  { apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Check|Retries|Force)' || true; } >"$root/etc/apt/apt.conf.d/90host"
}

# inside COMMAND...: runs it in /strata of the root, with mounts and processes of its own, and waits for all of these
inside() {
  unshare --mount --propagation private --pid --fork --kill-child sh -c '
    root=$1 tree=$2 archives=$3
    shift 3
    mount --bind "$root" "$root" && cd "$root" &&
      mount --bind "$tree" var/cache/strata/debian.tar && mount -o remount,bind,ro var/cache/strata/debian.tar &&
      mount --bind "$archives" var/cache/apt/archives &&
      mount -t proc proc proc && mount -t sysfs sys sys && { mount -t devtmpfs dev dev || mount --rbind /dev dev; } &&
      mkdir -p dev/pts dev/shm && mount -t devpts -o ptmxmode=666 pts dev/pts && mount -t tmpfs shm dev/shm &&
      mount -t tmpfs run run && { mount -t cgroup2 cgroup sys/fs/cgroup || true; } 2>/dev/null &&
      pivot_root . mnt && umount -l /mnt && cd /strata || exit 1
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CXXFLAGS=-O0 "$@"' \
    inside "$root" "$tree" "$STRATA_CACHE/archives" "$@" </dev/null
}

# passes NAME LAST_LINE COMMAND...: the command ends well in the root, and the last line that it prints matches
passes() {
  passes_name=$1 last_line=$2
  shift 2
  began=$(date +%s)
  if inside "$@" >"$scratch/log" 2>&1 && tail -n 1 "$scratch/log" | grep -qx "$last_line"; then
    ok "$passes_name"
    printf '   in %s s\n' $(($(date +%s) - began))
  else
    not_ok "$passes_name" "$(tail -n 30 "$scratch/log")"
  fi
}

make_root || { not_ok 'a bare root can be made'; exit 1; }
passes 'sh examples/run.sh in a bare root' 'All of it took .*' sh examples/run.sh
# What was built stays, which saves minutes: if it had used a file of that folder, it would be built anew now, in vain.
rm -rf "$root/strata/tests"
passes 'sh examples/run.sh without the folder tests/' 'All of it took .*' sh examples/run.sh
rm -rf --one-file-system "$root"

make_root || { not_ok 'a second bare root can be made'; exit 1; }
passes 'sh tests/run.sh installs and configures in a bare root' '1 passed, 0 failed' sh tests/run.sh configure
