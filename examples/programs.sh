# A store, oci-storage and Podman on it, and images made of layers; read with `.` after lib.sh. The tests read
# tests/programs.sh, which adds the other programs.

: "${OCI_STORAGE:=$STRATA_BUILD/examples/oci-storage}"

# use_store DIRECTORY: the store that the functions below work on
use_store() {
  store=$1
  graph=$1/graph run=$1/run
  mkdir -p "$graph" "$run"
}

ours() { "$OCI_STORAGE" --graph "$graph" --run "$run" --storage-driver overlay "$@"; }
pod() {
  podman --root "$graph" --runroot "$run" --tmpdir "$store/tmp" --storage-driver overlay --cgroup-manager cgroupfs \
    --events-backend none "$@"
}

# pod_run ARGUMENT...: podman run with as little of the host as it can do with: a cgroup2 of its own, no network
pod_run() {
  unshare -m sh -c 'umount -l /sys/fs/cgroup 2>/dev/null
    mount -t tmpfs none /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' pod_run \
    podman --root "$graph" --runroot "$run" --tmpdir "$store/tmp" --storage-driver overlay --cgroup-manager cgroupfs \
    --events-backend none run --rm --cgroups=disabled --network=none --ulimit nofile=1024:1024 \
    --ulimit nproc=1024:1024 "$@"
}

# can_run: whether podman can start a container here at all, tried with a store of theirs
can_run() (
  use_store "$scratch/can-run"
  busybox=$(busybox_tar) && pod import -q "$busybox" localhost/can-run >/dev/null 2>&1 &&
    [ "$(pod_run localhost/can-run echo yes 2>/dev/null)" = yes ]
)

# plain FILE: its bytes, decompressed if they are gzip or zstd
plain() {
  case $(head -c 4 "$1" | od -An -tx1 | tr -d ' \n') in
    1f8b*) gzip -dc "$1" ;;
    28b52ffd) zstd -qdc "$1" ;;
    *) cat "$1" ;;
  esac
}

# sha256 FILE: the digits
sha256() { sha256sum <"$1" | cut -d' ' -f1; }

# write_image NAME DIRECTORY LAYER_BLOB...: writes an OCI configuration and manifest of the layers (lowest first) as
# DIRECTORY/config and DIRECTORY/manifest, and sets config_digest, manifest_digest and image_id
write_image() {
  image_author=$1 image_directory=$2
  shift 2
  mkdir -p "$image_directory"
  diff_ids= layers=
  for blob in "$@"; do
    case $blob in *.gz) type=tar+gzip ;; *.zst) type=tar+zstd ;; *) type=tar ;; esac
    digest=$(sha256 "$blob") size=$(wc -c <"$blob") diff_id=$(plain "$blob" | sha256sum | cut -d' ' -f1)
    diff_ids="$diff_ids${diff_ids:+,}\"sha256:$diff_id\""
    layers="$layers${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.$type\",\"digest\":\"sha256:$digest\",\"size\":$size}"
  done
  printf '{"created":"2024-01-01T00:00:00Z","author":"%s","architecture":"%s","os":"linux","config":{"Cmd":["/bin/sh"],"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$image_author" "$(case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)" "$diff_ids" \
    >"$image_directory/config"
  image_id=$(sha256 "$image_directory/config")
  config_digest=sha256:$image_id
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},"layers":[%s]}' \
    "$config_digest" "$(wc -c <"$image_directory/config")" "$layers" >"$image_directory/manifest"
  manifest_digest=sha256:$(sha256 "$image_directory/manifest")
}

# write_layout DIRECTORY NAME LAYER_BLOB...: writes an OCI layout of that image, as write_image makes it
write_layout() {
  layout=$1 layout_name=$2
  shift 2
  mkdir -p "$layout/blobs/sha256"
  write_image "$layout_name" "$layout/made" "$@"
  for blob in "$layout/made/config" "$layout/made/manifest" "$@"; do cp "$blob" "$layout/blobs/sha256/$(sha256 "$blob")"; done
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
    "$manifest_digest" "$(wc -c <"$layout/made/manifest")" "$layout_name" >"$layout/index.json"
  rm -r "$layout/made"
}

# make_image NAME TOP_LAYER DIRECTORY: records what write_image wrote, with the program in $made_by (ours or theirs)
make_image() {
  $made_by create-image --id "$image_id" --name "$1" --digest "$manifest_digest" "$2" &&
    $made_by set-image-data --file "$3/config" "$image_id" "$config_digest" &&
    $made_by set-image-data --file "$3/manifest" "$image_id" manifest &&
    $made_by set-image-data --file "$3/manifest" "$image_id" "manifest-$manifest_digest"
}
