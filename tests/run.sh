#!/bin/sh
# Builds everything with warnings as errors, runs every test there is, and ends with "N passed, N failed".
# usage: sh tests/run.sh [PART...]      all parts if none is named:
#   sanitized                           the test suite, built by clang 16 with ASan and UBSan
#   headers examples interop            each header alone; what the examples print; each script of tests/interop
#   format bare                         whether clang-format 14 changes a file; the README's commands in bare roots
#   consume docs                        the library as programs get at it; the reference by Doxygen, without a warning
#   compile_fail                        what must not compile, and what the compiler says of it
#   layer_chains foreign                random chains of layers on each driver; archives that nobody here wrote
#   crash_recovery fault_injection fuzz power cuts and kills; system calls and allocations that fail; libFuzzer; a minute each
# sh tests/run.sh one FILE [CATCH ARGUMENT...] compiles that file of tests/ alone and runs it: sh tests/run.sh one store/import.cpp
# Besides, when named: suite (as the compiler of the machine builds it, which takes the place of sanitized where there is no
# clang 16), vm (parts of the tests in a virtual machine, tests/vm/run.sh), tidy (the headers by clang-tidy), each script of
# tests/interop, and configure (no more than what comes before the build).
# On a Debian 12 as root it installs what is missing. STRATA_BUILD names the build directory (build/), STRATA_CACHE what
# is kept between runs (/var/cache/strata), STRATA_SECONDS how long programs work on one store at once. With STRATA_BUILT
# the programs in the build directory are taken as they are. STRATA_SUITE has Catch2's arguments for the suite. STRATA_LANES
# (2, where there are two processors) parts run at once; what one prints is shown when it ends.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
. tests/lib.sh

passed=0 failed=0 seconds_of_parts=
if [ "${1:-}" = one ]; then
  one=${2:?'a file of tests/ must be named'}
  shift 2  # what is left are Catch2's arguments
else
  # shellcheck disable=SC2086
  set -- ${*:-format bare sanitized crash_recovery fault_injection layer_chains foreign fuzz headers compile_fail examples docs consume interop}
  one=
fi
parts=$(if [ -n "$one" ]; then printf one; else printf '%s ' "$@"; fi)
wants() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
count() {
  passed=$((passed + $2)) failed=$((failed + $3))
  seconds_of_parts=$seconds_of_parts$(printf '\n%6s s  %s' "$4" "$1")
}
begin() { printf '\n== %s\n' "$1"; part_name=$1 began=$(date +%s); }
end() {
  seconds=$(($(date +%s) - began))
  printf '   %s passed, %s failed, %s s\n' "$1" "$2" "$seconds"
  count "$part_name" "$1" "$2" "$seconds"
}
finish() {
  [ $((passed + failed)) -gt 0 ] || failed=1  # nothing ran: that is no success
  printf '\n== seconds%s\n\n%s passed, %s failed\n' "$seconds_of_parts" "$passed" "$failed"
  [ "$failed" = 0 ]
  exit
}

# count_catch FILE STATUS: counts test cases by the last lines that Catch2 printed
count_catch() {
  line=$(grep -E '^(All tests passed|test cases:|No tests ran)' "$1" | tail -n 1)
  case $line in
    'All tests passed'*) job_passed=$(printf '%s' "$line" | sed 's/.* in \([0-9]*\) test case.*/\1/') job_failed=0 ;;
    'test cases:'*)
      job_passed=$(printf '%s' "$line" | sed -n 's/.*| *\([0-9]*\) passed.*/\1/p')
      job_failed=$(printf '%s' "$line" | sed -n 's/.*| *\([0-9]*\) failed.*/\1/p')
      ;;
    *) job_passed=0 job_failed=0 ;;
  esac
  : "${job_passed:=0}" "${job_failed:=0}"
  # a crash, a leak or an empty run: no line tells of it, but the exit status does
  if [ "$2" != 0 ] && [ "$job_failed" = 0 ]; then job_failed=1; fi
}

# The functions below run one part each; they set job_passed and job_failed.

run_catch() {
  log=$(mktemp)
  { timeout -k 10 1800 "$@" </dev/null 2>&1; echo "status $?" >"$log.status"; } | tee "$log"  # a test that hangs ends, too
  read -r _ status <"$log.status"
  count_catch "$log" "$status"
  [ "$status" = 0 ] || printf '   exit status %s: %s\n' "$status" "$*"
  rm -f "$log" "$log.status"
}

# run_one FILE [CATCH ARGUMENT...]: compiles it as Meson would (tests/meson.build), but alone; Catch2's main is kept
run_one() {
  source=tests/${1#tests/}
  shift
  mkdir -p "$STRATA_BUILD/one" || return 1
  program=$STRATA_BUILD/one/$(printf '%s' "${source%.cpp}" | tr / -)
  catch_main=$STRATA_BUILD/one/catch-main.o
  flags="-std=c++20 -O0 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Werror -Iinclude -Itests"
  if has mold; then linker=-fuse-ld=mold; else linker=; fi
  # shellcheck disable=SC2086
  {
    if [ ! "$catch_main" -nt tests/main.cpp ]; then ${CXX:-g++} $flags -c tests/main.cpp -o "$catch_main" || return 1; fi
    ${CXX:-g++} $flags "-DSTRATA_HEADERS=\"$top/include/strata\"" $linker "$source" "$catch_main" -o "$program" -lboost_json -lboost_filesystem \
      -lcrypto -lisal -lzstd -llzma -lbz2 -lcurl -pthread || return 1
  }
  run_catch "$program" "$@"
  # a reporter that counts in other words
  if [ "$status" = 0 ] && [ -z "$line" ]; then job_passed=1; fi
  rm -f "$program"
}

run_sanitized() {
  # shellcheck disable=SC2086
  run_catch env "ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}" \
    "UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}" ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-16/bin/llvm-symbolizer \
    "$STRATA_BUILD-clang/tests/strata-tests" ${STRATA_SUITE:-}
}

# run_script NAME: runs interop/NAME.sh or NAME/run.sh and counts its lines. What it needs is built already: two that configure
# one directory at once would be in each other's way.
run_script() {
  script=tests/interop/$1.sh
  [ -f "$script" ] || script=tests/$1/run.sh
  log=$(mktemp)
  { STRATA_BUILT=1 sh "$script" </dev/null 2>&1; echo "status $?" >"$log.status"; } | tee "$log"
  read -r _ status <"$log.status"
  job_passed=$(grep -c '^ok ' "$log") job_failed=$(grep -c '^not ok ' "$log")
  if [ "$status" != 0 ] && [ "$job_failed" = 0 ]; then
    printf 'not ok %s: exit status %s\n' "$1" "$status"
    job_failed=1
  fi
  rm -f "$log" "$log.status"
}

# tutorial_of_readme: prints the blocks of code of README's tutorial, with an empty line between them
tutorial_of_readme() {
  awk '/^## / { wanted = /Tutorial/ } wanted && /^```$/ { inside = 0 } inside { print }
    wanted && /^```cpp$/ { inside = 1; if (blocks++) print "" }' README.md
}

run_examples() {
  job_passed=0 job_failed=0
  if check_output=$(tutorial_of_readme | diff -u - examples/tutorial.cpp); then
    ok "README's tutorial is examples/tutorial.cpp"
    job_passed=1
  else
    not_ok "README's tutorial is examples/tutorial.cpp" "$check_output"
    job_failed=1
  fi
  for source in examples/*.cpp; do
    name=$(basename "$source" .cpp)
    work=$(mktemp -d)
    if (cd "$work" && "$STRATA_BUILD/examples/$name" </dev/null >"$work.out" 2>"$work.err") &&
      diff -u "examples/$name.out" "$work.out"; then
      ok "$name"
      job_passed=$((job_passed + 1))
    else
      not_ok "$name" "$(cat "$work.err")"
      job_failed=$((job_failed + 1))
    fi
    unmount_below "$work"
    rm -rf --one-file-system "$work" "$work.out" "$work.err"
  done
}

run_job() {
  began=$(date +%s)
  # shellcheck disable=SC2086
  case $1 in
    suite) run_catch "$STRATA_BUILD/tests/strata-tests" ${STRATA_SUITE:-} ;;
    sanitized) run_sanitized ;;
    examples) run_examples ;;
    *) run_script "$1" ;;
  esac
  seconds=$(($(date +%s) - began))
  printf '   %s passed, %s failed, %s s\n' "$job_passed" "$job_failed" "$seconds"
  printf '%s %s %s\n' "$job_passed" "$job_failed" "$seconds" >"$claims/$1/counts"
}

# run_lane: runs jobs that no other lane has claimed, until there are none
run_lane() {
  for job in $jobs; do
    mkdir "$claims/$job" 2>/dev/null || continue
    if [ "$lanes" = 1 ]; then
      printf '\n== %s\n' "$job"
      run_job "$job"
    else
      run_job "$job" >"$claims/$job/log" 2>&1
      flock "$claims" sh -c 'printf "\n== %s\n" "$1"; cat "$2"' show "$job" "$claims/$job/log"
    fi
  done
}

scripts= programs_of_parts= scripts_built=
for part in $parts; do
  if [ "$part" = interop ]; then
    for script in tests/interop/*.sh; do scripts="$scripts $(basename "$script" .sh)"; done
  elif [ -f "tests/interop/$part.sh" ]; then
    scripts="$scripts $part"
  elif [ -f "tests/$part/run.sh" ] && [ "$part" != vm ]; then
    scripts="$scripts $part"
    if [ -f "tests/$part/meson.build" ]; then programs_of_parts="$programs_of_parts build-$part"; fi
  fi
done
for script in $scripts; do  # those that run what is built
  case $script in bare | compile_fail | consume | docs | tidy) ;; *) scripts_built="$scripts_built $script" ;; esac
done

begin 'what is installed'
# shellcheck disable=SC2086
[ -n "${STRATA_BUILT:-}" ] || need $packages_build $packages_test || { printf 'not ok: the build needs these\n'; end 0 1; finish; }
if wants configure || wants sanitized || wants format || wants fuzz; then  # fuzz is built by clang, too
  # shellcheck disable=SC2086
  need $packages_clang || say 'without these, clang has no part in it'
fi
if wants sanitized && ! has clang++-16; then
  say 'no clang 16: the suite is built without sanitizers'
  parts="$(printf '%s' "$parts" | sed 's/\<sanitized\>/suite/')"
fi
# shellcheck disable=SC2086
[ -n "$one" ] || { need $packages_tree && need $packages_other; } || say 'without these, parts are skipped below'
end 0 0

# Jobs are what runs in lanes: the longest first, so that none of them is left over at the end.
jobs=
for job in sanitized suite; do if wants "$job"; then jobs="$jobs $job"; fi; done
jobs="$jobs $scripts"
if wants examples; then jobs="$jobs examples"; fi

if [ -n "$one" ]; then
  begin "$one"
  if run_one "$one" "$@"; then end "$job_passed" "$job_failed"; else end 0 1; fi
fi

if wants configure; then
  begin 'configuring'
  if configure "$STRATA_BUILD" -Dtests=enabled; then end 1 0; else end 0 1; fi
fi

if wants format; then
  begin 'format'
  if unformatted=$(find include examples tests bench -name '*.[hi]pp' -o -name '*.cpp' | sort | xargs clang-format-14 --dry-run 2>&1); then
    unformatted=$(printf '%s\n' "$unformatted" | sed -n 's/:[0-9]*:[0-9]*: warning: code should be clang-formatted.*//p' | uniq)
  fi
  if [ -z "$unformatted" ]; then end 1 0; else not_ok 'clang-format-14 -i would change these' "$unformatted"; end 0 1; fi
fi

if [ -z "${STRATA_BUILT:-}" ] && { wants suite || wants examples || [ -n "$scripts_built" ]; }; then
  begin 'build (warnings are errors)'
  targets=
  if wants suite; then targets="$targets build-tests"; fi
  if wants examples; then targets="$targets build-examples"; fi
  if [ -n "$scripts_built" ] || wants examples; then targets="$targets build-binary"; fi
  case " $scripts " in *' random_commands '*) targets="$targets build-random_commands" ;; esac
  case " $scripts " in *' partial_pull '*) targets="$targets build-pull" ;; esac
  case " $scripts " in *' images '*) targets="$targets build-images" ;; esac
  # shellcheck disable=SC2086
  if build "$STRATA_BUILD" -Dtests=enabled $targets $programs_of_parts; then end 1 0; else end 0 1; finish; fi
fi

if [ -z "${STRATA_BUILT:-}" ] && wants sanitized; then
  begin 'build by clang with AddressSanitizer and UndefinedBehaviorSanitizer'
  if (
    CXX="$(has ccache && echo ccache) clang++-16"
    export CXX
    build "$STRATA_BUILD-clang" '-Dtests=enabled -Db_sanitize=address,undefined -Db_lundef=false -Dexamples=false -Dtest_optimization=0 -Dcpp_args=-g1' build-tests
  ); then
    end 1 0
  else
    end 0 1
    jobs=$(printf '%s ' "$jobs" | sed 's/ sanitized / /')
  fi
fi

if wants fuzz && has clang++-16; then
  begin 'build of the fuzz targets'
  if sh tests/fuzz/run.sh --build; then end 1 0; else end 0 1; fi
fi

if wants headers; then
  begin 'each header alone and twice; static tests'
  headers=$(find include tests/static -name '*.hpp' -not -name src.hpp -o -path '*/static/*.cpp' | wc -l)
  log=$(mktemp)
  if build "$STRATA_BUILD" -Dtests=enabled -k 0 build-headers 2>"$log"; then
    end "$headers" 0
  else
    cat "$log"
    broken=$(grep -c '^FAILED: ' "$log")
    [ "$broken" -gt 0 ] || broken=1
    end $((headers > broken ? headers - broken : 0)) "$broken"
  fi
  rm -f "$log"
fi

if [ -n "$jobs" ]; then
  OCI_STORAGE=${OCI_STORAGE:-$STRATA_BUILD/examples/oci-storage}
  export OCI_STORAGE
  if [ -x "$STRATA_BUILD/tests/random_commands" ]; then RANDOM_COMMANDS=${RANDOM_COMMANDS:-$STRATA_BUILD/tests/random_commands}; export RANDOM_COMMANDS; fi
  if [ -x "$STRATA_BUILD/tests/pull" ]; then PULL=${PULL:-$STRATA_BUILD/tests/pull}; export PULL; fi
  if [ -x "$STRATA_BUILD/tests/images" ]; then IMAGES=${IMAGES:-$STRATA_BUILD/tests/images}; export IMAGES; fi
  claims=$(mktemp -d)
  lanes=${STRATA_LANES:-$(($(nproc) > 1 ? 2 : 1))}
  # shellcheck disable=SC2086
  [ "$(printf '%s\n' $jobs | wc -l)" -gt 1 ] || lanes=1
  [ "$lanes" = 1 ] || [ -z "$scripts_built" ] || debian_tar >/dev/null  # made by one, not by each
  lane=0
  while [ $((lane += 1)) -lt "$lanes" ]; do run_lane & done
  run_lane
  wait
  for job in $jobs; do
    if read -r job_passed job_failed seconds <"$claims/$job/counts"; then count "$job" "$job_passed" "$job_failed" "$seconds"; else count "$job" 0 1 0; fi
  done
  rm -rf "$claims"
fi

if wants vm; then
  begin 'in a virtual machine'
  log=$(mktemp)
  sh tests/vm/run.sh </dev/null 2>&1 | tee "$log"
  vm_counts=$(tail -n 1 "$log" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
  rm -f "$log"
  # shellcheck disable=SC2086
  end ${vm_counts:-0 1}
fi

finish
