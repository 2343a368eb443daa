#!/bin/sh
# What must be true of every chain of layers, for known and for random ones: see main.cpp. STRATA_SEED is the first seed (1), STRATA_SECONDS
# how long (30), STRATA_CHAINS how many chains at most.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

is_root || { skip layer_chains 'needs root, for mounts and devices'; exit 0; }
[ -n "${STRATA_BUILT:-}" ] || build "$STRATA_BUILD" -Dtests=enabled build-layer_chains || { not_ok 'layer_chains: it does not build'; exit 1; }
make_scratch
overlay_works "$scratch" || { skip layer_chains 'no overlay file system here'; exit 0; }

# btrfs in a file, where the kernel has it
btrfs=
if has mkfs.btrfs && truncate -s 2G "$scratch/btrfs.img" && mkfs.btrfs -q "$scratch/btrfs.img" >/dev/null 2>&1 && mkdir "$scratch/btrfs" &&
  mount -o loop "$scratch/btrfs.img" "$scratch/btrfs" 2>/dev/null; then
  btrfs=$scratch/btrfs
else
  skip 'layer_chains, btrfs' 'it cannot be mounted here'
fi
mkdir "$scratch/layer_chains"
"$STRATA_BUILD/tests/layer_chains/layer_chains" --scratch "$scratch/layer_chains" ${btrfs:+--btrfs "$btrfs"} --seed "${STRATA_SEED:-1}" \
  --seconds "${STRATA_SECONDS:-30}" --chains "${STRATA_CHAINS:-1000000000}"
