# What the scripts of this tree share; read with `.` by sh, after `top` was set to the root of the tree. Those of the tests
# read tests/lib.sh, which adds to it; nothing here needs the folder tests/.
# Knows four things: what has to be installed, how the tree is built, where a root file system comes from, and where there
# is scratch space. Everything that it keeps between runs lies in $STRATA_CACHE.

: "${STRATA_CACHE:=/var/cache/strata}"
: "${STRATA_BUILD:=$top/build}"
export STRATA_CACHE STRATA_BUILD
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- packages -----------------------------------------------------------------------------------------------------

packages_build='g++ meson ninja-build pkg-config mold libboost-json1.81-dev libboost-filesystem1.81-dev librange-v3-dev
  libcli11-dev libtomlplusplus-dev libssl-dev libisal-dev libzstd-dev liblzma-dev libbz2-dev libcurl4-openssl-dev'
packages_tree='debootstrap busybox-static'

# missing_packages PACKAGE...: prints those that are not
missing_packages() {
  printf '%s\n' "$@" | grep -vxF "$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')" |
    tr '\n' ' '
}

# need PACKAGE...: installs what is missing, or says what is and fails
need() {
  has dpkg-query || { say "no dpkg here: taking it that these are installed: $*"; return 0; }
  missing=$(missing_packages "$@")
  [ -z "$missing" ] && return 0
  is_root || { say "missing packages: $missing"; say "install them, or run this as root: apt-get install $missing"; return 1; }
  say "installing: $missing"
  need_log=$(mktemp)
  # shellcheck disable=SC2086
  if { apt-get -q -y update && apt-get -q -y install --no-install-recommends $missing; } </dev/null >"$need_log" 2>&1; then
    rm -f "$need_log"
  else
    tail -n 15 "$need_log" >&2
    rm -f "$need_log"
    say "could not install: $missing"
    return 1
  fi
}

# --- build --------------------------------------------------------------------------------------------------------

# configure DIRECTORY 'SETUP OPTIONS': configures it, anew if it was before; quiet unless that fails
configure() {
  configure_log=$(mktemp)
  reconfigure=
  if [ -f "$1/build.ninja" ]; then reconfigure=--reconfigure; else rm -rf "$1"; fi
  # mold links the test programs in a fraction of the time; a linker that CXX_LD already names is left alone
  if [ -z "${CXX_LD:-}" ] && has mold; then CXX_LD=mold; export CXX_LD; fi
  # shellcheck disable=SC2086
  meson setup $reconfigure $2 "$1" "$top" </dev/null >"$configure_log" 2>&1
  configured=$?
  [ $configured = 0 ] || head -n "${STRATA_LOG_LINES:-80}" "$configure_log" >&2
  rm -f "$configure_log"
  return $configured
}

# build DIRECTORY 'SETUP OPTIONS' TARGET...: configures, then builds; quiet unless it fails
build() {
  build_dir=$1
  configure "$1" "$2" || return 1
  shift 2
  build_log=$(mktemp)
  if ninja -C "$build_dir" "$@" </dev/null >"$build_log" 2>&1; then
    rm -f "$build_log"
  else
    grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking|Generating)|^(ccache )?c\+\+ ' "$build_log" | head -n "${STRATA_LOG_LINES:-80}" >&2
    rm -f "$build_log"
    return 1
  fi
}

# --- root file systems --------------------------------------------------------------------------------------------

# debian_tar: prints the path of a tar of a Debian minbase tree (204 MB, 6,768 entries), which is made once and kept;
# of busybox's tree where Debian's cannot be had
debian_tar() {
  mkdir -p "$STRATA_CACHE" || return 1
  if [ ! -s "$STRATA_CACHE/debian.tar" ]; then
    if is_root && has debootstrap && [ -z "${STRATA_NO_DEBOOTSTRAP:-}" ]; then
      say "making a Debian minbase tree, once (kept in $STRATA_CACHE)"
      tree=$(mktemp -d "$STRATA_CACHE/tree.XXXXXX")
      if debootstrap --variant=minbase bookworm "$tree/root" >"$tree/log" 2>&1 </dev/null &&
        tar --sort=name --numeric-owner -C "$tree/root" -cf "$tree/tar" .; then
        mv "$tree/tar" "$STRATA_CACHE/debian.tar"
      else
        say "debootstrap could not: $(tail -n 1 "$tree/log")"
      fi
      rm -rf "$tree"
    fi
  fi
  if [ -s "$STRATA_CACHE/debian.tar" ]; then
    printf '%s\n' "$STRATA_CACHE/debian.tar"
  else
    say "no Debian tree: busybox's instead"
    busybox_tar
  fi
}

# busybox_tar: prints the path of a tar of a tree around the static busybox, with one of everything that a tar can hold
busybox_tar() {
  mkdir -p "$STRATA_CACHE" || return 1
  target=$STRATA_CACHE/busybox.tar
  if [ ! -s "$target" ]; then
    tree=$(mktemp -d "$STRATA_CACHE/tree.XXXXXX")
    root=$tree/root
    mkdir -p "$root/bin" "$root/etc" "$root/dev" "$root/tmp" "$root/var/empty" "$root/proc" "$root/sys" "$root/run"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for applet in sh ls cat echo touch rm mkdir mv sha256sum find sleep; do ln -s busybox "$root/bin/$applet"; done
    echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
    echo 'ID=busybox' >"$root/etc/os-release"
    echo 'busybox' >"$root/etc/hostname"
    printf 'hard\n' >"$root/etc/hard"
    ln "$root/etc/hard" "$root/etc/link"
    chmod 1777 "$root/tmp"
    chmod 4755 "$root/bin/busybox"
    chown 1000:1001 "$root/var/empty"
    long=$(printf 'a%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30)
    mkdir -p "$root/var/$long/$long/$long/$long"
    : >"$root/var/$long/$long/$long/$long/a name with blanks, of more than a hundred bytes"
    : >"$root/var/größe"
    mkfifo "$root/run/fifo"
    if is_root; then mknod "$root/dev/null" c 1 3 && chmod 666 "$root/dev/null"; fi
    if has setfattr; then setfattr -n user.origin -v busybox "$root/etc/os-release" 2>/dev/null || true; fi
    if has setcap && is_root; then
      cp "$root/bin/busybox" "$root/bin/ping" && setcap cap_net_raw+ep "$root/bin/ping" 2>/dev/null || true
    fi
    tar --sort=name --numeric-owner --xattrs --xattrs-include='*' --format=posix -C "$root" -cf "$tree/tar" . || return 1
    mv "$tree/tar" "$target"
    rm -rf "$tree"
  fi
  printf '%s\n' "$target"
}

# --- scratch space ------------------------------------------------------------------------------------------------

# overlay_works DIRECTORY: whether the kernel lays one directory over another there
overlay_works() (
  is_root || exit 1
  probe=$(mktemp -d "$1/probe.XXXXXX") || exit 1
  mkdir "$probe/lower" "$probe/upper" "$probe/work" "$probe/merged"
  mount -t overlay overlay -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/merged" 2>/dev/null
  worked=$?
  [ $worked = 0 ] && umount "$probe/merged"
  rm -rf "$probe"
  exit $worked
)

# make_scratch: sets `scratch` to a new directory in which overlay works, and removes it when the script ends. Where there
# is memory for it, that is an ext4 in a file in memory: no disk's noise in the times, and tests do not wear one out.
make_scratch() {
  scratch_home=$(mktemp -d "${TMPDIR:-/var/tmp}/strata.XXXXXX") || exit 1
  scratch=$scratch_home/scratch scratch_disk=
  mkdir "$scratch"
  trap 'remove_scratch' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  is_root || return 0
  if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')" -gt 9000000 ] 2>/dev/null && has mkfs.ext4; then
    scratch_disk=$(mktemp /dev/shm/strata.XXXXXX)
    truncate -s 8G "$scratch_disk"
    mkfs.ext4 -q -i 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$scratch_disk" && mount -o loop "$scratch_disk" "$scratch" 2>/dev/null &&
      return 0
    rm -f "$scratch_disk"
    scratch_disk=
  fi
  if ! overlay_works "$scratch"; then mount -t tmpfs -o size=75% strata "$scratch" 2>/dev/null || true; fi
}

# unmount_below DIRECTORY: all that is mounted there, the deepest first
unmount_below() {
  awk -v below="$1" '{ at = $5; gsub(/\\040/, " ", at); if (index(at "/", below "/") == 1) print at }' /proc/self/mountinfo |
    sort -r | while IFS= read -r at; do umount -l "$at" 2>/dev/null || true; done
}

remove_scratch() {
  status=$?
  cd /
  if is_root; then unmount_below "$scratch_home"; fi
  rm -rf --one-file-system "$scratch_home" 2>/dev/null || { sleep 1; unmount_below "$scratch_home"; rm -rf --one-file-system "$scratch_home"; }
  [ -z "$scratch_disk" ] || rm -f "$scratch_disk"
  return $status
}
