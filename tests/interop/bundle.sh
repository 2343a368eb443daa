#!/bin/sh
# The bundle that examples/bundle.cpp makes of an image, run by crun; and what a process finds in it beside what podman run
# gives it.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has crun || ! has podman || ! has buildah || ! has jq; then
  skip bundle "needs root, crun, podman, buildah and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip bundle "no overlay file system here"; exit 0; fi
if ! can_run; then skip bundle "no container can be started on this machine"; exit 0; fi
bundle=$STRATA_BUILD/examples/bundle
[ -x "$bundle" ] || build "$STRATA_BUILD" '' examples/bundle || exit 1

use_store "$scratch/podman"
pod import -q "$(busybox_tar)" localhost/base >/dev/null || exit 1
mkdir "$scratch/context"
printf 'root:x:0:0:root:/root:/bin/sh\nserver:x:70:71::/srv:/bin/sh\n' >"$scratch/context/passwd"
printf 'root:x:0:\nserver:x:71:\nextra:x:72:server\n' >"$scratch/context/group"
# image NAME LINE...: over busybox, with these lines of a Dockerfile, in the layout of that name
image() {
  name=$1
  shift
  { printf 'FROM localhost/base\nCOPY passwd group /etc/\n' && printf '%s\n' "$@"; } >"$scratch/context/Dockerfile"
  builder build -q -t "localhost/$name" "$scratch/context" >/dev/null && builder push -q "localhost/$name" "oci:$scratch/$name:1"
}
# run NAME: what the process of the image prints in a bundle
run() {
  unshare -m sh -c 'umount -l /sys/fs/cgroup 2>/dev/null
    mount -t tmpfs none /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' run \
    "$bundle" "$scratch/$1" 1 "$scratch/store-$1" crun --root "$scratch/crun" --cgroup-manager=disabled 2>&1
}

about='busybox id -u; busybox id -g; busybox grep -E "^(Groups|Cap|NoNewPrivs)" /proc/self/status; pwd; echo "$A $HOME $PATH"
  busybox cut -d" " -f2,3 /proc/self/mounts | busybox sort'
check "an image for root" image root 'ENV A="b c"' 'WORKDIR /etc' "CMD [\"/bin/sh\",\"-c\",$(printf %s "$about" | jq -Rs .)]" || exit 1
check "an image for another user" image user 'USER server' "ENTRYPOINT [\"/bin/sh\",\"-c\"]" "CMD [$(printf %s "$about" | jq -Rs .)]" || exit 1
for name in root user; do
  ours=$(run $name)
  # What podman mounts besides is the host's part: its files, and control groups.
  theirs=$(pod_run --security-opt no-new-privileges "localhost/$name")
  check_equal "$name: as podman run" "$(printf '%s\n' "$theirs" | grep -vE '^/(etc/(host|resolv)|run/\.|run/secrets|sys/fs/cgroup|dev/shm)')" \
    "$(printf '%s\n' "$ours" | grep -vE '^/dev/shm')"
done
check "an image that fails" image fails 'CMD ["/bin/sh","-c","exit 3"]'
if run fails >/dev/null; then not_ok "the exit status is crun's"; else ok "the exit status is crun's"; fi
check_equal "the config of the bundle" '["box","overlay"]' \
  "$(jq -c '[.hostname,(.root.path|split("/")|.[-3])]' "$scratch/store-root/box/config.json")"
