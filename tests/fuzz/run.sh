#!/bin/sh
# Runs libFuzzer's targets, each a file here with its invariant in its first lines, under ASan and UBSan by clang 16.
# STRATA_SECONDS: how long in all (60); STRATA_SEED: another seed than 1, `new` for one of chance; STRATA_TARGETS: only
# these; STRATA_JOBS: at once (2). What libFuzzer finds worth keeping stays in <build>-fuzz/work/<target>/corpus, from
# which the next run goes on; an input that breaks an invariant stays in <build>-fuzz/work/<target>.
set -u
cd "$(dirname "$0")/../.." && top=$(pwd) && . tests/lib.sh || exit 1
: "${CLANG:=clang++-16}" "${STRATA_SECONDS:=60}" "${STRATA_SEED:=1}" "${STRATA_JOBS:=2}"
fuzz_build=$STRATA_BUILD-fuzz

# Small texts are soon known through and through: they take half the time of the others.
small='digest id_maps mount_line oci_reference option_text override_stat path quote timestamp'
weight() { case " $small " in *" $1 "*) echo 1 ;; *) echo 2 ;; esac; }

# What a target cannot be run without.
lacks() {
  case $1 in apply | erofs | partial_pull) is_root || { echo 'needs root for a mount namespace of its own'; return; } ;; esac
  case $1 in erofs) grep -qw erofs /proc/filesystems || { echo 'the kernel has no EROFS'; return; } ;; esac
}

# options TARGET: bounds. An input may not make a process take much more memory than it has bytes.
options() {
  case $1 in
    apply | tar | tar_split | tar_split_hostile) echo '-max_len=16384 -malloc_limit_mb=64' ;;
    erofs) echo '-max_len=16384 -malloc_limit_mb=64' ;;
    oci_archive) echo '-max_len=32768 -malloc_limit_mb=64' ;;
    # the window of a frame may take 128 MiB
    partial_pull) echo '-max_len=8192 -malloc_limit_mb=256' ;;
    zstd) echo '-max_len=4096 -malloc_limit_mb=256' ;;
    *) echo '-max_len=4096 -malloc_limit_mb=64' ;;
  esac
}

# one TARGET SECONDS: its line, and the line "COUNTS executions seconds processor-seconds new-coverage findings"
one() {
  work=$fuzz_build/work/$1
  mkdir -p "$work/corpus"
  cd "$work" || exit 1
  case $1 in apply | tar_split) words=tar ;; partial_pull) words=toc ;; *) words=$1 ;; esac
  dictionary=
  [ ! -f "$top/tests/fuzz/$words.dict" ] || dictionary=-dict=$top/tests/fuzz/$words.dict
  began=$(date +%s)
  # shellcheck disable=SC2046
  ASAN_OPTIONS=quarantine_size_mb=16:${ASAN_OPTIONS:-} UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-} \
    "$fuzz_build/tests/fuzz/$1" -max_total_time="$2" -seed="$STRATA_SEED" -timeout=60 -rss_limit_mb=512 $(options "$1") \
    $dictionary -print_funcs=0 -print_final_stats=1 -artifact_prefix=./ corpus "$fuzz_build/seeds/$1" </dev/null >log 2>&1
  status=$?
  seconds=$(($(date +%s) - began))
  # of this shell's children: "0m1.234s 0m0.056s"
  times >times
  processor=$(sed -n 's/[ms]/ /g; 2p' times | awk '{ print $1 * 60 + $2 + $3 * 60 + $4 }')
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' log)
  coverage=$(awk '/ cov: / { sub(/.* cov: /, ""); if (!first) first = $1; last = $1 } END { print last - first }' log)
  findings=0
  if [ $status = 0 ]; then
    ok "$1"
  elif [ $status = 75 ]; then
    skip "$1" "$(tail -n 1 log)"
  else
    findings=1
    found=$(sed -n 's/.*Test unit written to \.\///p' log | tail -n 1)
    not_ok "$1" "$(grep -vE '^(INFO|#[0-9]|	NEW|stat::)' log)"
    printf '    again: (cd %s && %s %s)\n' "$work" "$fuzz_build/tests/fuzz/$1" "${found:-# no input: $work/log}"
  fi
  echo "COUNTS ${executions:-0} $seconds $processor $coverage $findings"
}

# at one go, for others write to the same file
if [ "${1:-}" = --one ]; then printf '%s\n' "$(one "$2" "$3")"; exit; fi

has "$CLANG" || { skip fuzz "no $CLANG here"; exit 0; }
compiler=$CLANG
if has ccache; then compiler="ccache $CLANG"; fi
CXX=$compiler build "$fuzz_build" '-Dtests=enabled -Dexamples=false' build-fuzz || { not_ok 'building the targets'; exit 1; }
if [ ! -d "$fuzz_build/seeds" ] || [ tests/fuzz/corpus.sh -nt "$fuzz_build/seeds" ] || [ tests/fuzz -nt "$fuzz_build/seeds" ]; then
  rm -rf "$fuzz_build/seeds.new"
  sh tests/fuzz/corpus.sh "$fuzz_build/seeds.new" && rm -rf "$fuzz_build/seeds" && mv "$fuzz_build/seeds.new" "$fuzz_build/seeds" &&
    touch "$fuzz_build/seeds" || { not_ok 'making the seeds'; exit 1; }
fi
[ "${1:-}" != --build ] || exit 0

targets= weights=0
for target in ${STRATA_TARGETS:-$(cd tests/fuzz && ls -- *.cpp)}; do
  target=${target%.cpp}
  why=$(lacks "$target")
  if [ -n "$why" ]; then skip "$target" "$why"; continue; fi
  targets="$targets $target" weights=$((weights + $(weight "$target")))
done
[ -n "$targets" ] || exit 0
[ "$STRATA_SEED" != new ] || STRATA_SEED=$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')
export STRATA_SEED CLANG
out=$(mktemp)
for target in $targets; do
  share=$((STRATA_SECONDS * STRATA_JOBS * $(weight "$target") / weights))
  printf '%s %s\n' "$target" $((share > 0 ? share : 1))
done | xargs -P "$STRATA_JOBS" -n 2 sh "$top/tests/fuzz/run.sh" --one >"$out"
grep -v '^COUNTS' "$out"
awk -v seed="$STRATA_SEED" '/^COUNTS/ { targets++; n += $2; s += $3; p += $4; c += $5; f += $6 }
  END { printf "fuzz: %d targets, %d executions, %d s (%d s of processor time), %d more edges covered, %d findings, seed %s\n", targets, n, s, p, c, f, seed }' "$out"
! grep -q '^not ok' "$out"
status=$?
rm -f "$out"
exit $status
