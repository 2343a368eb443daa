#!/bin/sh
# Random sequences of commands through oci-storage and containers-storage, on twin stores and on one that they share in
# turns: the same output, exit status, records and trees, but for what tests/random_commands/intended.hpp lists with reasons.
# STRATA_COMMANDS: how many in all (1,000). STRATA_SEED: other seeds than 1 and 2, `new` for one of chance; DRIVERS: one
# driver of the two.
set -u
cd "$(dirname "$0")/../.." && top=$(pwd) && . tests/lib.sh || exit 1
: "${OCI_STORAGE:=$STRATA_BUILD/examples/oci-storage}"
: "${CONTAINERS_STORAGE:=containers-storage}"
: "${STRATA_COMMANDS:=1000}"
has "$CONTAINERS_STORAGE" || { skip random_commands "no $CONTAINERS_STORAGE here"; exit 0; }
is_root || { skip random_commands 'mounting needs root'; exit 0; }
[ -n "${RANDOM_COMMANDS:-}" ] || { build "$STRATA_BUILD" '' build-random_commands && RANDOM_COMMANDS=$STRATA_BUILD/tests/random_commands; } || exit 1

make_scratch
drivers=${DRIVERS:-overlay vfs}
seeds=${STRATA_SEED:-1 2}
[ "$seeds" != new ] || seeds=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
runs=0
for driver in $drivers; do for seed in $seeds; do runs=$((runs + 1)); done; done
for driver in $drivers; do
  if [ "$driver" = overlay ] && ! overlay_works "$scratch"; then skip "$driver" 'the kernel has no overlayfs here'; continue; fi
  for seed in $seeds; do
    mkdir -p "$scratch/$driver.$seed"
    "$RANDOM_COMMANDS" --ours "$OCI_STORAGE" --theirs "$CONTAINERS_STORAGE" --driver "$driver" --scratch "$scratch/$driver.$seed" \
      --seed "$seed" --commands $((STRATA_COMMANDS / runs)) || not_ok "$driver, seed $seed" "status $?"
    rm -rf --one-file-system "${scratch:?}/$driver.$seed"
  done
done
