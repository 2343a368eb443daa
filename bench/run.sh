#!/bin/sh
# How fast is oci-storage, beside GNU tar, pigz, zstd and containers-storage in the same run? Prints a table: what was
# measured, ours, the other, the ratio, the budget that was set for it, and whether it was met.
# usage: sh bench/run.sh [PART...]      parts: import export load create open commands program compile; all of them if none is named
# Times are the least of $STRATA_RUNS runs (5), on an ext4 in a file in memory, so that no disk adds its noise; run it on
# a machine that does nothing else. Durability "full" flushes to that file system's device, which is memory, too.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
. examples/lib.sh
. examples/programs.sh
: "${STRATA_RUNS:=5}"
parts=${*:-import export load create open commands program compile}
wants() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

is_root || die 'mounting a file system to measure on needs root: run this as root'
# shellcheck disable=SC2086
need $packages_build $packages_tree pigz zstd jq e2fsprogs || exit 1
need containers-storage || say 'without containers-storage its columns stay empty'
say 'building'
build "$top/build-bench" '-Dbench=true -Dtests=disabled --buildtype=release -Db_ndebug=true' build-bench build-binary || die 'the build failed'
OCI_STORAGE=$top/build-bench/examples/oci-storage
least=$top/build-bench/bench/bench-least

make_scratch
[ -n "$scratch_disk" ] || say 'little memory: measuring on a disk'
disk=$scratch/disk
mkdir "$disk"
tree=$(debian_tar)
inputs=$scratch/inputs
mkdir "$inputs"
tar=$inputs/tree.tar gz=$inputs/tree.tar.gz zst=$inputs/tree.tar.zst
cp "$tree" "$tar"
gzip -6 -c "$tar" >"$gz"
zstd -q -3 -o "$zst" "$tar"
bytes=$(wc -c <"$tar")

ours_at() { printf '%s --graph %s --run %s --storage-driver overlay' "$OCI_STORAGE" "$disk/$1/graph" "$disk/$1/run"; }
theirs_at() { printf 'containers-storage --graph %s --run %s --storage-driver overlay' "$disk/$1/graph" "$disk/$1/run"; }

# timed BEFORE COMMAND...: seconds, the least of the runs; memory in KiB and seconds of processor time to $scratch/memory;
# nothing if it fails
timed() {
  timed_before=$1
  shift
  timed_line=$("$least" "${timed_runs:-$STRATA_RUNS}" "$timed_before" "$@" 2>"$scratch/said") ||
    { sed "s|^|$*: |" <"$scratch/said" | sed "s|$scratch/||g" | head -n 3 >>"$scratch/errors"; return; }
  printf '%s\n' "${timed_line#* }" >"$scratch/memory"
  printf '%s\n' "${timed_line%% *}"
}

calc() { awk "BEGIN { print $1 }" 2>/dev/null; }
shown() { awk -v s="$1" 'BEGIN { if (s == "") print "-"; else if (s < 0.1) printf "%.2f ms", s * 1000; else printf "%.3f s", s }'; }
heading() { printf '\n%-34s %10s  %-26s %10s %8s %9s\n' "$1" ours beside theirs ratio budget; }

# row WHAT OURS BESIDE THEIRS BUDGET: the ratio is ours to theirs; a budget "0.25" is met by a ratio up to 0.25
row() {
  if [ -n "$2" ] && [ -n "$4" ]; then ratio=$(calc "$2 / $4"); else ratio=; fi
  verdict=
  if [ -n "$ratio" ] && [ -n "${5:-}" ]; then verdict=$(awk -v r="$ratio" -v b="$5" 'BEGIN { printf (r <= b ? "met" : "missed by %.2f x"), r / b }'); fi
  printf '%-34s %10s  %-26s %10s %8s %9s  %s\n' "$1" "$(shown "$2")" "$3" "$(shown "$4")" \
    "$([ -n "$ratio" ] && awk -v r="$ratio" 'BEGIN { printf "%.2f", r }' || echo -)" \
    "$([ -n "${5:-}" ] && awk -v b="$5" 'BEGIN { printf "%.2f", b }')" "$verdict"
}

# limit WHAT VALUE UNIT BUDGET: a budget in the unit itself
limit() {
  printf '%-34s %10s  %-26s %10s %8s %9s  %s\n' "$1" "$(awk -v v="$2" 'BEGIN { if (v == "") print "-"; else printf "%.2f", v }') $3" "" "" "" "$4" \
    "$(awk -v v="$2" -v b="$4" 'BEGIN { if (v != "") printf (v <= b ? "met" : "missed by %.2f x"), v / b }')"
}

printf '%s, %s processors, %s; %s bytes, %s entries; least of %s runs\n' \
  "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)" "$bytes" "$(tar -tf "$tar" | wc -l)" "$STRATA_RUNS"

fresh() { echo "rm -rf --one-file-system $disk/$1 && mkdir -p $disk/$1/graph $disk/$1/run && sync -f $disk"; }
# what a store keeps mounted must go before its directory does
fresh_store() { echo "umount -l $disk/$1/graph/overlay 2>/dev/null; $(fresh "$1")"; }

if wants import; then
  heading 'import of one layer'
  tar_time=$(timed "$(fresh tar)" tar --numeric-owner -p -C "$disk/tar" -xf "$tar")
  flush_time=$(timed "$(fresh tar) && tar --numeric-owner -p -C $disk/tar -xf $tar" sync -f "$disk")
  rm -rf "$disk/tar"
  for form in tar gz zst; do
    case $form in tar) file=$tar than_tar=0.9 than_go=4 ;; gz) file=$gz than_tar=1.3 than_go=2.8 ;; zst) file=$zst than_tar=1.1 than_go=3 ;; esac
    none=$(timed "$(fresh_store ours)" $(ours_at ours) --durability none import-layer --id base --file "$file")
    read -r memory _ <"$scratch/memory"
    full=$(timed "$(fresh_store ours)" $(ours_at ours) --durability full import-layer --id base --file "$file")
    go=
    if has containers-storage; then go=$(timed "$(fresh_store theirs)" $(theirs_at theirs) import-layer --id base --file "$file"); fi
    row "$form, not flushed" "$none" 'tar -x of the plain tar' "$tar_time" $than_tar
    row "$form, not flushed" "$none" containers-storage "$go" "$(calc "1 / $than_go")"
    row "$form, flushed" "$full" 'not flushed + 1.2 sync -f' "$([ -n "$none" ] && calc "$none + 1.2 * $flush_time")" 1
    limit "$form, memory" "$(calc "$memory / 1024")" MiB 32
  done
  printf '(tar -x %s, sync -f after it %s)\n' "$(shown "$tar_time")" "$(shown "$flush_time")"
fi

if wants export; then
  heading 'export of that layer'
  sh -c "$(fresh_store ours); $(fresh_store theirs)"
  $(ours_at ours) import-layer --id base --file "$tar" >/dev/null
  $(ours_at ours) import-layer --id zstd --file "$zst" >/dev/null
  has containers-storage && $(theirs_at theirs) import-layer --id base --file "$tar" >/dev/null
  into_pipe() { printf 'exec %s diff -u base | cat >/dev/null' "$1"; }
  ours_plain=$(timed '' sh -c "$(into_pipe "$(ours_at ours)")")
  go_plain=$(has containers-storage && timed '' sh -c "$(into_pipe "$(theirs_at theirs)")")
  row 'exact bytes, into a pipe' "$ours_plain" containers-storage "$go_plain" 0.2
  row 'exact bytes, into a pipe' "$ours_plain" '2.5 GB/s' "$(calc "$bytes / 2.5e9")" 1
  ours_gzip=$(timed '' $(ours_at ours) diff --gzip base)
  row 'as gzip' "$ours_gzip" 'pigz -p2' "$(timed '' pigz -p2 -c "$tar")" 1.1
  row 'as gzip' "$ours_gzip" 'pigz -p2 -1' "$(timed '' pigz -p2 -1 -c "$tar")"
  has containers-storage && row 'as gzip' "$ours_gzip" containers-storage "$(timed '' $(theirs_at theirs) diff --gzip base)"
  row 'as zstd' "$(timed '' $(ours_at ours) diff zstd)" 'zstd -T2' "$(timed '' zstd -q -T2 -c "$tar")" 1.1
  printf '(bytes: gzip %s, pigz %s; zstd %s, zstd -T2 %s)\n' "$($(ours_at ours) diff --gzip base | wc -c)" "$(pigz -p2 -c "$tar" | wc -c)" \
    "$($(ours_at ours) diff zstd | wc -c)" "$(zstd -q -T2 -c "$tar" | wc -c)"
fi

if wants load; then
  need podman skopeo openssl isal || say 'without these their columns stay empty'
  . bench/load.sh
  measure_load
fi

# fill DIRECTORY PROGRAM ITEMS: a store of so many base layers: one is made by the program, the rest in its image
fill() {
  fill_graph=$disk/$1/graph
  fill_records=$fill_graph/overlay-layers/layers.json
  sh -c "$(fresh_store "$1")"
  $2 create-layer --id seed >/dev/null
  jq -c --argjson items "$3" '.[0] as $seed | [$seed] + [range(1; $items) as $i | $seed + {id: (("0" * 64 + "\($i)")[-64:])}]' \
    <"$fill_records" >"$scratch/records"
  jq -r '.[1:][].id' <"$scratch/records" | sed "s|.*|$fill_graph/overlay/&/diff|" | xargs mkdir -p
  cat "$scratch/records" >"$fill_records"
  # whoever has read the old records must see that they changed
  head -c 64 /dev/urandom >"$fill_graph/overlay-layers/layers.lock"
  sync -f "$disk"
}

if wants create; then
  heading 'one more layer, one process each'
  for items in 10 200 1000 2000 10000; do
    fill ours "$(ours_at ours)" $items
    none=$(timed_runs=20 timed '' $(ours_at ours) --durability none create-layer)
    full=$(timed_runs=20 timed '' $(ours_at ours) --durability full create-layer)
    go=
    if has containers-storage; then
      fill theirs "$(theirs_at theirs)" $items
      go=$(timed_runs=20 timed '' $(theirs_at theirs) create-layer)
    fi
    row "among $items, not flushed" "$none" containers-storage "$go" "$([ $items = 10000 ] && echo 0.1)"
    row "among $items, flushed" "$full" containers-storage "$go" "$(case $items in 2000 | 10000) echo 0.1 ;; esac)"
    if [ $items = 2000 ]; then limit 'among 2000, not flushed' "$(calc "$none * 1000")" ms 4; fi
  done
  rm -rf "$disk/journal"
  mkdir "$disk/journal"
  heading 'one more layer, Journal'
  "$top/build-bench/bench/bench-create_journal" "$disk/journal" 10 1000 10000 100000 >"$scratch/journal" || say 'create_journal failed'
  first=
  while read -r _ items microseconds; do
    [ -n "$first" ] || first=$microseconds
    limit "among $items" "$(calc "$microseconds / 1000")" ms 0.2
    if [ "$items" != 10 ]; then row "among $items" "$(calc "$microseconds / 1e6")" 'among 10' "$(calc "$first / 1e6")" 1.2; fi
  done <"$scratch/journal"
  umount -l "$disk/journal/graph/overlay" 2>/dev/null
  rm -rf --one-file-system "$disk/journal"
  mkdir "$disk/memory"
  heading 'create and remove, driver Memory'
  "$top/build-bench/bench/bench-change_memory" "$disk/memory" 10 100000 >"$scratch/changes" || say 'change_memory failed'
  first=
  while read -r _ serializer items create remove; do
    limit "$serializer, among $items, create" "$(calc "$create / 1000")" ms 0.05
    limit "$serializer, among $items, remove" "$(calc "$remove / 1000")" ms 0.05
    [ "$serializer" = journal ] || continue
    if [ -n "$first" ]; then row "among $items, create" "$(calc "$create / 1e6")" 'among 10' "$(calc "$first / 1e6")" 1.2; fi
    first=${first:-$create}
  done <"$scratch/changes"
  rm -rf "$disk/memory"
fi

if wants open; then
  heading 'open and list, whole process'
  for items in 10 1000 10000; do
    fill ours "$(ours_at ours)" $items
    listing=$(timed_runs=20 timed '' $(ours_at ours) layers)
    go=$(has containers-storage && timed_runs=10 timed '' $(theirs_at ours) layers)
    row "layers, $items of them" "$listing" containers-storage "$go"
    if [ $items = 10000 ]; then limit "layers, $items of them" "$(calc "$listing * 1000")" ms 15; fi
  done
  "$top/build-bench/bench/bench-open_list" "$disk/ours/graph" "$disk/ours/run" |
    awk '{ printf "inside a process: open %.2f ms, open and list %.2f ms, %d layers\n", $3 / 1000, $4 / 1000, $2 }'
fi

if wants commands; then
  . bench/commands.sh
  measure_commands
fi

if wants program; then
  heading 'the program'
  sh -c "$(fresh_store ours)"
  start=$(timed_runs=40 timed '' $(ours_at ours) version)
  row 'start: version' "$start" containers-storage "$(has containers-storage && timed_runs=20 timed '' $(theirs_at ours) version)"
  row 'start: version' "$start" true "$(timed_runs=40 timed '' /bin/true)" 2
  strip -o "$scratch/stripped" "$OCI_STORAGE"
  limit 'size, stripped' "$(calc "$(wc -c <"$scratch/stripped") / 1048576")" MiB 5
fi

if wants compile; then sh bench/compile.sh; fi
if [ -s "$scratch/errors" ]; then
  printf '\nwhat failed:\n'
  sort "$scratch/errors" | uniq -c
fi
