#!/bin/sh
# The law of the store, for known and for random chains of layers: see main.cpp. STRATA_SEED is the first seed (1), STRATA_SECONDS
# how long (30), STRATA_CHAINS how many chains at most.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

is_root || { skip law 'needs root, for mounts and devices'; exit 0; }
[ -n "${STRATA_BUILT:-}" ] || build "$STRATA_BUILD" -Dtests=enabled build-law || { not_ok 'law: it does not build'; exit 1; }
make_scratch
overlay_works "$scratch" || { skip law 'no overlay file system here'; exit 0; }

# btrfs in a file, where the kernel has it
btrfs=
if has mkfs.btrfs && truncate -s 2G "$scratch/btrfs.img" && mkfs.btrfs -q "$scratch/btrfs.img" >/dev/null 2>&1 && mkdir "$scratch/btrfs" &&
  mount -o loop "$scratch/btrfs.img" "$scratch/btrfs" 2>/dev/null; then
  btrfs=$scratch/btrfs
else
  skip 'law, btrfs' 'it cannot be mounted here'
fi
mkdir "$scratch/law"
"$STRATA_BUILD/tests/law/law" --scratch "$scratch/law" ${btrfs:+--btrfs "$btrfs"} --seed "${STRATA_SEED:-1}" \
  --seconds "${STRATA_SECONDS:-30}" --chains "${STRATA_CHAINS:-1000000000}"
