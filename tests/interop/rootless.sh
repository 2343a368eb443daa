#!/bin/sh
# An ordinary user with subordinate ids: Podman fills a store that ours reads, changes and empties, and the other way about,
# with kernel overlay mounts and with fuse-overlayfs. The user is made for the test and removed after it.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

for program in podman jq newuidmap useradd setpriv; do
  has $program || { skip rootless "needs $program"; exit 0; }
done
is_root || { skip rootless 'needs root, to make an ordinary user'; exit 0; }
# Podman wants a cgroup2 file system of its own, and keeps using the mounts that it was first started among.
if [ -z "${STRATA_OWN_MOUNTS:-}" ]; then
  STRATA_OWN_MOUNTS=1 exec unshare -m sh -c 'umount -l /sys/fs/cgroup 2>/dev/null
    mount -t tmpfs none /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
    exec sh "$0"' "$0"
fi

make_scratch
user=strata$$
remove_user() {
  status=$?
  user_podman system migrate >/dev/null 2>&1  # ends the process that holds its namespace
  sleep 0.2
  remove_scratch
  userdel "$user" 2>/dev/null
  return $status
}
useradd -M -d "$scratch/home" -s /bin/sh "$user" || { skip rootless 'no user can be made here'; exit 0; }
trap remove_user EXIT
for kind in uid gid; do
  grep -q "^$user:" /etc/sub$kind || usermod --add-sub${kind}s 2000000-2065535 "$user"
done
chmod 755 "$scratch_home" "$scratch"
install -d -o "$user" -g "$user" -m 700 "$scratch/home" "$scratch/home/run"
install -m 755 "$OCI_STORAGE" "$scratch/oci-storage"
install -m 644 "$(busybox_tar)" "$scratch/tree.tar"
tree=$scratch/tree.tar

# --- who runs what --------------------------------------------------------------------------------------------------

# as_user COMMAND...: in the user's home, with as much of an environment as a session gives
as_user() {
  (cd "$scratch/home" && exec setpriv --reuid "$user" --regid "$user" --init-groups \
    env -i PATH="$PATH:$scratch" HOME="$scratch/home" XDG_RUNTIME_DIR="$scratch/home/run" ${settings:-} "$@")
}
settings=
ours() { as_user "$scratch/oci-storage" "$@"; }
user_podman() { as_user podman --cgroup-manager cgroupfs --events-backend none "$@"; }
run_image() {
  user_podman run --rm --cgroups=disabled --network=none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"
}
# Theirs does not enter a namespace by itself: Podman's, or ours, is its.
theirs() { user_podman unshare containers-storage "$@"; }
theirs_in_ours() { ours unshare containers-storage "$@"; }
# within SCRIPT ARGUMENT...: in a namespace of ours; what is mounted there is seen by all commands of the script
within() {
  script=$1
  shift
  ours unshare sh -euc "$script" within "$@"
}

runs=
user_podman import -q "$tree" localhost/probe >/dev/null 2>&1 && [ "$(run_image localhost/probe echo yes 2>/dev/null)" = yes ] && runs=1
[ -n "$runs" ] || skip 'containers' 'a rootless podman cannot start one on this machine'
user_podman rmi -a -f >/dev/null 2>&1
# check_run NAME EXPECTED IMAGE COMMAND...
check_run() {
  [ -n "$runs" ] || return 0
  run_name=$1 run_expected=$2
  shift 2
  check_equal "$run_name" "$run_expected" "$(run_image "$@" 2>&1)"
}

# --- where it is ----------------------------------------------------------------------------------------------------

check_equal 'ours finds the store that podman uses' \
  "$(user_podman info --format '{{.Store.GraphRoot}} {{.Store.RunRoot}} {{.Store.GraphDriverName}}')" \
  "$(ours status --json | jq -r 'map({(.[0]): .[1]}) | add | "\(.Root) \(."Run Root") \(."Driver Name")"')"
check_equal 'ours runs as root of a namespace with the subordinate ids' '0 1 1 65536' \
  "$(ours unshare awk '{ printf "%s%s %s", separator, $1, $3; separator = " " }' /proc/self/uid_map)"
if said=$(ours unshare sh -c 'exit 7' 2>&1); then not_ok 'unshare fails with its command'; else check_equal 'unshare says how its command ended' 'exit status 7' "$said"; fi
check_equal 'the environment tells container programs' "done $(id -u "$user") $(id -g "$user") rootless" \
  "$(ours unshare sh -c 'echo $_CONTAINERS_USERNS_CONFIGURED $_CONTAINERS_ROOTLESS_UID $_CONTAINERS_ROOTLESS_GID $BUILDAH_ISOLATION')"
check_equal 'podman unshare and ours agree on who is who' "$(user_podman unshare cat /proc/self/uid_map)" "$(ours unshare cat /proc/self/uid_map)"

# --- theirs, then ours ----------------------------------------------------------------------------------------------

# theirs_then_ours KIND: what does not depend on how layers are mounted
theirs_then_ours() {
  check "$1: podman imports a tree" user_podman import -q "$tree" localhost/base:1 || return
  image=$(user_podman images --no-trunc --format '{{.ID}}' | sed 's/^sha256://')
  layer=$(ours image --json "$image" | jq -r '.[0].layer')
  check_equal "$1: ours lists the image" "$image" "$(ours images --quiet)"
  check_equal "$1: ours and theirs describe the layer alike" "$(theirs layer --json "$layer")" "$(ours layer --json "$layer")"
  check_equal "$1: ours and theirs describe the image alike" "$(theirs image --json "$image")" "$(ours image --json "$image")"
  ours diff -u "$layer" >"$scratch/out.tar"
  check_same_bytes "$1: ours exports the bytes that went in" "$tree" "$scratch/out.tar"
  if [ -n "$runs" ]; then
    check_equal "$1: podman changes it" '' "$(user_podman rm -f change 2>&1; run_image --rm=false --name change localhost/base:1 \
      sh -c 'echo changed >/etc/os-release; rm /etc/hard; rm -r /var; mkdir /var; echo new >/var/new' 2>&1)"
    check "$1: podman commits" user_podman commit -q change localhost/changed:1
    check "$1: podman removes its container" user_podman rm change
    layer=$(ours image --json localhost/changed:1 | jq -r '.[0].layer')
    theirs diff -u "$layer" >"$scratch/theirs.tar"
    ours diff -u "$layer" >"$scratch/ours.tar"
    check_same_bytes "$1: both export the committed layer" "$scratch/theirs.tar" "$scratch/ours.tar"
    check_equal "$1: with its deletions" 1 "$(tar -tf "$scratch/ours.tar" | grep -c 'etc/\.wh\.hard$')"
    check_equal "$1: ours shows the changed tree" 'changed new gone gone' "$(within 'root=$(oci-storage mount --ro localhost/changed:1)
      echo $(cat "$root/etc/os-release" "$root/var/new") $(test -e "$root/etc/hard" || echo gone) $(test -e "$root/var/empty" || echo gone)
      oci-storage unmount "$1" >/dev/null || :' "$layer" 2>&1)"
  fi
  container=$(ours create-container --json --name box --metadata '{"image-name":"localhost/base:1","pod-name":"","name":"box"}' localhost/base:1 | jq -r .id)
  check_equal "$1: podman lists the container of ours" "$(printf %.12s "$container")" "$(user_podman ps -a --external --format '{{.ID}}')"
  check_equal "$1: ours mounts and changes it" hello "$(within 'root=$(oci-storage mount box)
    echo hello >"$root/etc/hello"; rm "$root/etc/hard"; rm -r "$root/var"; mkdir "$root/var"; echo new >"$root/var/new"
    chown 5:6 "$root/var/new"; cat "$root/etc/hello"; oci-storage unmount box >/dev/null' 2>&1)"
  box=$(ours container --json box | jq -r '.[0].layer')
  check_equal "$1: both list what changed" "$(theirs changes "$box" | sort)" "$(ours changes "$box" | sort)"
  check_equal "$1: in the namespace of ours as well" "$(theirs_in_ours changes "$box" | sort)" "$(ours changes "$box" | sort)"
  theirs diff -u "$box" | tar --numeric-owner -tvf - | sort >"$scratch/theirs.list"
  ours diff -u "$box" | tar --numeric-owner -tvf - | sort >"$scratch/ours.list"
  check_same_bytes "$1: both make a tar of the same entries" "$scratch/theirs.list" "$scratch/ours.list"
  check_equal "$1: podman mounts the container of ours" hello \
    "$(user_podman unshare sh -c 'root=$(containers-storage mount box) && cat "$root/etc/hello" && containers-storage unmount box >/dev/null')"
  check "$1: ours deletes the container" ours delete-container box
  for name in $(ours images --json | jq -r '.[].names[]?'); do check "$1: ours deletes $name" ours delete-image "$name"; done
  check_equal "$1: podman finds nothing" '' "$(user_podman images -q; user_podman ps -aq --external; theirs layers)"
}

# --- ours, then theirs ----------------------------------------------------------------------------------------------

ours_then_theirs() {
  layer=$(ours import-layer --name base --file "$tree" | head -n 1)
  check_equal "$1: ours and theirs describe the layer alike" "$(theirs layer --json "$layer")" "$(ours layer --json "$layer")"
  theirs diff -u "$layer" >"$scratch/out.tar"
  check_same_bytes "$1: theirs exports the bytes that went in" "$tree" "$scratch/out.tar"
  made_by=ours
  write_image "$1" "$scratch/image" "$tree"
  check "$1: ours makes an image" make_image localhost/ours:1 "$layer" "$scratch/image"
  check_equal "$1: podman lists it" "$image_id" "$(user_podman images --no-trunc --format '{{.ID}}' localhost/ours:1 | sed 's/^sha256://')"
  check_run "$1: podman runs it" strata localhost/ours:1 sh -c 'echo strata'
  check_run "$1: with its owners" '0 1000' localhost/ours:1 sh -c 'echo $(busybox stat -c %u /etc) $(busybox stat -c %u /var/empty)'
  ours create-container --name box localhost/ours:1 >/dev/null
  within 'root=$(oci-storage mount box); rm -r "$root/var"; mkdir "$root/var"; echo kept >"$root/var/kept"
    rm "$root/etc/hard"; oci-storage unmount box >/dev/null'
  ours diff -u "$(ours container --json box | jq -r '.[0].layer')" >"$scratch/change.tar"
  chmod 644 "$scratch/change.tar"
  child=$(ours import-layer --file "$scratch/change.tar" "$layer" | head -n 1)
  theirs diff -u "$child" >"$scratch/out.tar"
  check_same_bytes "$1: theirs exports the second layer" "$scratch/change.tar" "$scratch/out.tar"
  write_image child "$scratch/image" "$tree" "$scratch/change.tar"
  check "$1: ours makes the second image" make_image localhost/child:1 "$child" "$scratch/image"
  check_run "$1: podman runs it, without what was deleted" 'kept gone gone' localhost/child:1 \
    sh -c 'echo $(cat /var/kept) $(test -e /etc/hard || echo gone) $(test -e /var/empty || echo gone)'
  check "$1: theirs deletes the container of ours" theirs delete-container box
  for name in child ours; do check "$1: podman removes $name" user_podman rmi -f "localhost/$name:1"; done
  check_equal "$1: and all layers went" '' "$(ours layers)"
}

theirs_then_ours overlay
ours_then_theirs overlay
check_equal 'no trace of a mount program' false "$(as_user cat .local/share/containers/storage/overlay/.has-mount-program)"

# --- the same through a mount program -------------------------------------------------------------------------------

# begin_anew CONFIGURATION: an empty store of this configuration
begin_anew() {
  user_podman system migrate >/dev/null 2>&1
  rm -rf --one-file-system "${scratch:?}/home/.local" "${scratch:?}/home/run"
  install -d -o "$user" -g "$user" -m 700 "$scratch/home" "$scratch/home/run" "$scratch/home/.config" "$scratch/home/.config/containers"
  printf '%s' "$1" >"$scratch/home/.config/containers/storage.conf"
}
program=$(command -v fuse-overlayfs)
if [ -c /dev/fuse ] && ! as_user test -w /dev/fuse; then  # as systems with udev have it, but among our own mounts only
  mknod -m 666 "$scratch/fuse" c 10 229 && mount --bind "$scratch/fuse" /dev/fuse
fi
if [ -n "$program" ] && [ -c /dev/fuse ] && as_user test -w /dev/fuse; then
  begin_anew "[storage]
driver = \"overlay\"
[storage.options.overlay]
mount_program = \"$program\"
"
  theirs_then_ours fuse
  ours_then_theirs fuse
  check_equal 'a mount program leaves its trace' true "$(as_user cat .local/share/containers/storage/overlay/.has-mount-program)"
else
  skip 'fuse-overlayfs' 'it is not installed, or there is no /dev/fuse for the user'
fi

# --- and where nothing is mounted -----------------------------------------------------------------------------------

begin_anew '[storage]
driver = "vfs"
'
layer=$(ours import-layer --file "$tree" | head -n 1)
ours diff -u "$layer" >"$scratch/out.tar"
check_same_bytes 'vfs: ours exports the bytes that went in' "$tree" "$scratch/out.tar"
child=$(ours create-layer "$layer" | head -n 1)
check_equal 'vfs: a child has the owners of its parent' '1000 1001' "$(within 'root=$(oci-storage mount "$1"); stat -c "%u %g" "$root/var/empty"' "$child")"
check_equal 'vfs: theirs lists both' "$(printf '%s\n' "$layer" "$child" | sort)" "$(theirs layers | grep -v '^	' | sort)"
check 'vfs: ours wipes the store' ours wipe

# --- without subordinate ids ----------------------------------------------------------------------------------------

for kind in uid gid; do sed -i "/^$user:/d" /etc/sub$kind; done
check_equal 'without subordinate ids: warnings, and root alone' "0 1 warned warned" \
  "$(ours unshare awk '{ printf "%s %s ", $1, $3 }' /proc/self/uid_map 2>"$scratch/warnings"
    grep -o "Found no UID ranges set aside for user .*$user.* in /etc/subuid" "$scratch/warnings" | sed 's/.*/warned/' | tr '\n' ' '
    grep -o "Found no GID ranges set aside for user .*$user.* in /etc/subgid" "$scratch/warnings" | sed 's/.*/warned/' | tr -d '\n')"
