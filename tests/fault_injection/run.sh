#!/bin/sh
# System calls of oci-storage are made to fail, one point after another, on each driver; then allocations of the library.
# usage: sh tests/fault_injection/run.sh [ARGUMENT...]     arguments for the first program (main.cpp). STRATA_SECONDS is how long each of
# the three runs takes (20), or "all" for every point; STRATA_SEED the order of the points otherwise.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

programs=$STRATA_BUILD/tests/fault_injection
is_root || { skip fault_injection 'needs root'; exit 0; }
[ -n "${STRATA_BUILT:-}" ] || build "$STRATA_BUILD" '' build-fault_injection || exit 1
make_scratch

seconds=${STRATA_SECONDS:-20} seed=${STRATA_SEED:-$(date +%s)}
if [ "$seconds" = all ]; then limit=; else limit="--seconds $seconds"; fi
broken=0
for driver in overlay vfs; do
  if [ $driver = overlay ] && ! overlay_works "$scratch"; then skip 'fault_injection on overlay' 'overlay does not work here'; continue; fi
  mkdir "$scratch/$driver"
  # shellcheck disable=SC2086
  "$programs/fault_injection" --driver "$driver" --directory "$scratch/$driver" --seed "$seed" $limit "$@" || broken=1
done
mkdir "$scratch/allocations"
# shellcheck disable=SC2086
"$programs/allocations" --directory "$scratch/allocations" --seed "$seed" $limit || broken=1
exit $broken
