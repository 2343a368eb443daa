# What the scripts of the tests share: examples/lib.sh, what the tests need besides, and how a check is counted. Read with
# `.` by sh, after `top` was set to the root of the tree.
. "$top/examples/lib.sh"

packages_test='catch2 attr acl libcap2-bin jq zstd xz-utils bzip2 strace e2fsprogs erofs-utils xfsprogs btrfs-progs util-linux'
packages_other='containers-storage podman buildah skopeo umoci crun oci-image-tool man-db groff-base mandoc bash-completion fuse-overlayfs fuse3 uidmap passwd squashfs-tools python3-fuse cmake docker-registry apache2-utils openssl curl'
packages_clang='clang-16 libclang-rt-16-dev llvm-16 clang-format-14 zlib1g-dev'
packages_docs='doxygen'
packages_tidy='clang-tidy-16'
packages_vm='qemu-system-x86 e2fsprogs busybox-static'

# --- checks -------------------------------------------------------------------------------------------------------
# A script of checks prints a line for each: "ok NAME", "not ok NAME" or "skip NAME: WHY". run.sh counts them.

ok() { printf 'ok %s\n' "$1"; }
not_ok() {
  printf 'not ok %s\n' "$1"
  if [ -n "${2:-}" ]; then printf '%s\n' "$2" | head -n 30 | sed 's/^/    /'; fi
}
skip() { printf 'skip %s: %s\n' "$1" "$2"; }

# check NAME COMMAND...: runs the command with its output put away; shown only if it fails
check() {
  check_name=$1
  shift
  if check_output=$("$@" 2>&1 </dev/null); then
    ok "$check_name"
  else
    not_ok "$check_name" "status $?: $*
$check_output"
    return 1
  fi
}

# check_equal NAME EXPECTED ACTUAL
check_equal() {
  if [ "$2" = "$3" ]; then
    ok "$1"
  else
    not_ok "$1" "expected: $2
found:    $3"
    return 1
  fi
}

# check_same_bytes NAME FILE FILE
check_same_bytes() {
  if check_output=$(cmp "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$check_output"; return 1; fi
}
