#!/bin/sh
# What does it cost to compile a program that uses the library? Prints a table a compiler: seconds and memory of each program,
# the seconds as a multiple of the base, the budget, and whether it was met. The base is a file that includes
# boost/json.hpp and boost/filesystem.hpp, so that the multiples are the same on a fast machine and on a slow one.
# usage: sh bench/compile.sh [COMPILER...]      g++ and, where it is, clang++-16 if none is named; the budgets are for g++
# Seconds are of the processor, the least of $STRATA_RUNS compilations (3); memory is that of the largest process, MiB.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${STRATA_RUNS:=3}"
export CCACHE_DISABLE=1
has() { command -v "$1" >/dev/null 2>&1; }
if [ $# = 0 ]; then
  set -- g++
  if has clang++-16; then set -- "$@" clang++-16; fi
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

cat >"$scratch/base.cpp" <<'END'
#include <boost/filesystem.hpp>
#include <boost/json.hpp>
END
cat >"$scratch/fwd.cpp" <<'END'
#include <strata/fwd.hpp>
END
cat >"$scratch/strata.cpp" <<'END'
#include <strata/strata.hpp>
END
cat >"$scratch/memory_journal.cpp" <<'END'
#include <strata/drivers/memory.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include <cstdio>

#ifdef SEPARATELY
#include <strata/codec/all.hpp>
#include <strata/instantiate/extern_store.hpp>
STRATA_EXTERN_STORE(strata::Store<strata::drivers::Memory, strata::serializers::Journal>)
#endif

int main() {
  strata::Store<strata::drivers::Memory, strata::serializers::Journal> store({.graph_root = "store", .run_root = "run"});
  store.layers().create({.names = {"base"}});
  for (auto const& layer : store.layers().list()) std::puts(layer.id().str().c_str());
}
END

g++ -std=c++20 -O1 -o "$scratch/least" bench/least.cpp || exit 1

# least COMMAND...: "<KiB> <seconds of the processor>"; nothing if it fails
least() { "$scratch/least" "$STRATA_RUNS" '' "$@" | cut -d ' ' -f 2,3; }

# row WHAT BUDGET MEMORY OPTIONS...: a compilation. BUDGET is a multiple of $base, MEMORY in MiB; either may be empty
row() {
  what=$1 budget=$2 memory=$3
  shift 3
  [ "$compiler" = g++ ] || budget= memory=
  least "$compiler" -std=c++20 -Iinclude -c -o "$scratch/out.o" "$@" | awk -v what="$what" -v base="$base" -v budget="$budget" -v memory="$memory" '
    function verdict(value, limit) { return limit == "" ? "" : value <= limit ? "met" : sprintf("missed by %.2f x", value / limit) }
    { printf "%-30s %7.2f s %6.2f x %6s  %-18s %5d MiB %5s  %s\n", what, $2, $2 / base, budget, verdict($2 / base, budget),
        $1 / 1024, memory, verdict($1 / 1024, memory) }
    END { if (NR == 0) printf "%-30s does not compile\n", what }' | sed 's/ *$//'
}

for compiler; do
  has "$compiler" || { printf 'no %s here\n' "$compiler" >&2; continue; }
  base=$(least "$compiler" -std=c++20 -c -o "$scratch/out.o" -O0 "$scratch/base.cpp")
  base=${base#* }
  [ -n "$base" ] || exit 1
  printf '\n%-30s %9s %8s %6s  %-18s %9s %5s\n' "$("$compiler" -dumpversion | sed "s/^/$compiler /")" time 'of base' budget '' memory budget
  row 'base, -O0' '' '' -O0 "$scratch/base.cpp"
  row 'fwd.hpp, -O0' 0.3 '' -O0 "$scratch/fwd.cpp"
  row 'strata.hpp alone, -O0' '' '' -O0 "$scratch/strata.cpp"
  row 'Memory and Journal, -O0' 2.5 '' -O0 "$scratch/memory_journal.cpp"
  row 'quickstart.cpp, -O0' 5 600 -O0 examples/quickstart.cpp
  row 'quickstart.cpp, -O2' 8 600 -O2 examples/quickstart.cpp
  for level in 0 2; do
    row "quickstart, separate, -O$level" "$([ $level = 0 ] && echo 2.5 || echo 4)" '' -DSTRATA_SEPARATE_COMPILATION \
      -include strata/instantiate/overlay_json.hpp "-O$level" examples/quickstart.cpp
  done
  row 'Memory, Journal, separate, -O0' '' '' -DSTRATA_SEPARATE_COMPILATION -DSEPARATELY -O0 "$scratch/memory_journal.cpp"
done
