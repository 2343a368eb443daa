#!/bin/sh
# Builds everything with warnings as errors, runs every test there is, and ends with "N passed, N failed".
# usage: sh tests/run.sh [PART...]      parts: suite headers examples interop, and each folder of tests/ that has a run.sh
# (but vm); all of them if none is named. Besides, when named: sanitized (the suite under ASan and UBSan), vm (parts of the
# tests in a virtual machine, tests/vm/run.sh), each script of tests/interop, and configure (no more than what comes before
# the build).
# On a Debian 12 as root it installs what is missing. STRATA_BUILD names the build directory (build/), STRATA_CACHE what
# is kept between runs (/var/cache/strata), STRATA_SECONDS how long programs work on one store at once. With STRATA_BUILT
# the programs in the build directory are taken as they are. STRATA_SUITE has Catch2's arguments for the suite.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
. tests/lib.sh

passed=0 failed=0 seconds_of_parts=
scripts_of_parts=$(for script in tests/*/run.sh; do [ "$script" = tests/vm/run.sh ] || printf '%s ' "$(basename "${script%/run.sh}")"; done)
parts=${*:-suite headers examples interop $scripts_of_parts}
wants() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
begin() { printf '\n== %s\n' "$1"; part_name=$1 began=$(date +%s); }
end() {
  seconds=$(($(date +%s) - began))
  printf '   %s passed, %s failed, %s s\n' "$1" "$2" "$seconds"
  passed=$((passed + $1)) failed=$((failed + $2))
  seconds_of_parts=$seconds_of_parts$(printf '\n%6s s  %s' "$seconds" "$part_name")
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
    'All tests passed'*) catch_passed=$(printf '%s' "$line" | sed 's/.* in \([0-9]*\) test case.*/\1/') catch_failed=0 ;;
    'test cases:'*)
      catch_passed=$(printf '%s' "$line" | sed -n 's/.*| *\([0-9]*\) passed.*/\1/p')
      catch_failed=$(printf '%s' "$line" | sed -n 's/.*| *\([0-9]*\) failed.*/\1/p')
      ;;
    *) catch_passed=0 catch_failed=0 ;;
  esac
  : "${catch_passed:=0}" "${catch_failed:=0}"
  # a crash, a leak or an empty run: no line tells of it, but the exit status does
  if [ "$2" != 0 ] && [ "$catch_failed" = 0 ]; then catch_failed=1; fi
}

run_catch() {
  log=$(mktemp)
  { timeout -k 10 1200 "$@" </dev/null 2>&1; echo "status $?" >"$log.status"; } | tee "$log"  # a test that hangs ends, too
  read -r _ status <"$log.status"
  count_catch "$log" "$status"
  [ "$status" = 0 ] || printf '   exit status %s: %s\n' "$status" "$*"
  rm -f "$log" "$log.status"
  end "$catch_passed" "$catch_failed"
}

# run_script NAME: runs interop/NAME.sh or NAME/run.sh and counts its lines
run_script() {
  begin "$1"
  script=tests/interop/$1.sh
  [ -f "$script" ] || script=tests/$1/run.sh
  log=$(mktemp)
  { sh "$script" </dev/null 2>&1; echo "status $?" >"$log.status"; } | tee "$log"
  read -r _ status <"$log.status"
  script_passed=$(grep -c '^ok ' "$log") script_failed=$(grep -c '^not ok ' "$log")
  if [ "$status" != 0 ] && [ "$script_failed" = 0 ]; then
    printf 'not ok %s: exit status %s\n' "$1" "$status"
    script_failed=1
  fi
  rm -f "$log" "$log.status"
  end "$script_passed" "$script_failed"
}

scripts= programs_of_parts=
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

begin 'what is installed'
# shellcheck disable=SC2086
[ -n "${STRATA_BUILT:-}" ] || need $packages_build $packages_test || { printf 'not ok: the build needs these\n'; end 0 1; finish; }
# shellcheck disable=SC2086
{ need $packages_tree && need $packages_other; } || say 'without these, parts are skipped below'
end 0 0

if wants configure; then
  begin 'configuring'
  if configure "$STRATA_BUILD" -Dtests=enabled; then end 1 0; else end 0 1; fi
fi

if [ -z "${STRATA_BUILT:-}" ] && { wants suite || wants examples || [ -n "$scripts" ]; }; then
  begin 'build (warnings are errors)'
  targets=
  if wants suite; then targets="$targets build-tests"; fi
  if wants examples; then targets="$targets build-examples"; fi
  if [ -n "$scripts" ] || wants examples; then targets="$targets build-binary"; fi
  # shellcheck disable=SC2086
  if build "$STRATA_BUILD" -Dtests=enabled $targets $programs_of_parts; then end 1 0; else end 0 1; finish; fi
fi

if wants suite; then
  begin 'suite'
  # shellcheck disable=SC2086
  run_catch "$STRATA_BUILD/tests/strata-tests" ${STRATA_SUITE:-}
fi

if wants headers; then
  begin 'each header alone and twice; static tests'
  headers=$(find include tests/static -name '*.hpp' -o -path '*/static/*.cpp' | wc -l)
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

if wants examples; then
  begin 'what the examples print'
  examples_passed=0 examples_failed=0
  for source in examples/*.cpp; do
    name=$(basename "$source" .cpp)
    work=$(mktemp -d)
    if (cd "$work" && "$STRATA_BUILD/examples/$name" </dev/null >"$work.out" 2>"$work.err") &&
      diff -u "examples/$name.out" "$work.out"; then
      ok "$name"
      examples_passed=$((examples_passed + 1))
    else
      not_ok "$name" "$(cat "$work.err")"
      examples_failed=$((examples_failed + 1))
    fi
    unmount_below "$work"
    rm -rf --one-file-system "$work" "$work.out" "$work.err"
  done
  end $examples_passed $examples_failed
fi

if [ -n "$scripts" ]; then
  OCI_STORAGE=${OCI_STORAGE:-$STRATA_BUILD/examples/oci-storage}
  export OCI_STORAGE
  for script in $scripts; do run_script "$script"; done
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

if wants sanitized; then
  begin 'build with AddressSanitizer and UndefinedBehaviorSanitizer'
  if build "$STRATA_BUILD-asan" '-Db_sanitize=address,undefined -Db_lundef=false -Dexamples=false -Dtest_optimization=0 -Dcpp_args=-g1' build-tests; then
    end 1 0
    begin 'suite under them'
    ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
    export ASAN_OPTIONS UBSAN_OPTIONS
    # shellcheck disable=SC2086
    run_catch "$STRATA_BUILD-asan/tests/strata-tests" ${STRATA_SUITE:-}
  else
    end 0 1
  fi
fi

finish
