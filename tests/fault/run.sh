#!/bin/sh
# System calls of oci-storage fail, one point after another, on each driver; and allocations of the library.
# usage: sh tests/fault/run.sh [ARGUMENT...]     arguments for the program (main.cpp); STRATA_SECONDS how long each driver is
# tried, "all" for every point, STRATA_SEED the order of the points.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

fault=$STRATA_BUILD/tests/fault/fault
is_root || { skip fault 'needs root'; exit 0; }
[ -x "$fault" ] || [ -n "${STRATA_BUILT:-}" ] || build "$STRATA_BUILD" '' build-fault || exit 1
make_scratch

seconds=${STRATA_SECONDS:-30}
if [ "$seconds" = all ]; then limit=; else limit="--seconds $seconds"; fi
broken=0
for driver in overlay vfs; do
  if [ $driver = overlay ] && ! overlay_works "$scratch"; then skip "fault on $driver" 'overlay does not work here'; continue; fi
  mkdir "$scratch/$driver"
  # shellcheck disable=SC2086
  "$fault" --driver "$driver" --directory "$scratch/$driver" --seed "${STRATA_SEED:-$(date +%s)}" $limit "$@" || broken=1
done
exit $broken
