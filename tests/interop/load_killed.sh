#!/bin/sh
# A load is killed at its changing system calls, one after the other: what had arrived is used by the next one or gone, never
# half. STRATA_STEP: every how many calls (5).
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh
: "${STRATA_STEP:=5}"

if ! is_root || ! has strace || ! has jq; then skip load_killed "needs root, strace and jq"; exit 0; fi
make_scratch
if ! overlay_works "$scratch"; then skip load_killed "no overlay file system here"; exit 0; fi

for layer in 1 2 3; do
  mkdir -p "$scratch/tree-$layer/d" && echo "$layer" >"$scratch/tree-$layer/d/file-$layer"
  [ $layer != 2 ] || : >"$scratch/tree-2/d/.wh.file-1"
  tar -C "$scratch/tree-$layer" -cf "$scratch/layer-$layer.tar" .
done
gzip -kn "$scratch/layer-2.tar"
write_layout "$scratch/layout" localhost/image:1 "$scratch/layer-1.tar" "$scratch/layer-2.tar.gz" "$scratch/layer-3.tar"

# state: all that a load makes, without what is of its moment
state() {
  ours images --json | jq -S 'del(.[].created)'
  ours layers --json | jq -S '[.[] | del(.created)] | sort_by(.id)'
  ours save --quiet --format oci-archive image:1 | sha256sum
}

# shellcheck disable=SC2016
changing='openat,mkdirat,mkdir,symlinkat,linkat,mknodat,renameat2,rename,renameat,unlinkat,unlink,write,pwrite64,pwritev,fsync,fdatasync,syncfs,ftruncate,fchmod,fchownat,fsetxattr,utimensat'
use_store "$scratch/whole"
ours load --quiet --input "$scratch/layout" >/dev/null || { not_ok 'an image is loaded'; exit 1; }
expected=$(state)
use_store "$scratch/counted"
ours layers >/dev/null
load_traced() { strace -f -qq "$@" "$OCI_STORAGE" --graph "$graph" --run "$run" --storage-driver overlay load --quiet --input "$scratch/layout" >/dev/null 2>&1; }
load_traced -o "$scratch/calls" -e "trace=$changing"
# "CALL NUMBER": how many times the thread that makes most of them makes each, since strace counts for each thread
sed -n 's/^\([0-9]*\) *\([a-z0-9]*\)(.*/\2 \1/p' "$scratch/calls" | sort | uniq -c | sort -k2,2 -k1,1rn | awk '!($2 in seen) { seen[$2]; print $2, $1 }' >"$scratch/counts"

killed=0 finished=0
: >"$scratch/wrong"
while read -r call calls; do
  at=1
  while [ $at -le "$calls" ]; do
    use_store "$scratch/store"
    ours layers >/dev/null
    if load_traced -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$at"; then finished=$((finished + 1)); else killed=$((killed + 1)); fi
    wrong() { echo "killed at $call $at: $*" >>"$scratch/wrong"; }
    ours check >"$scratch/out" 2>&1 || wrong "check: $(cat "$scratch/out")"
    for id in $(ours images --json | jq -r '.[]?.id'); do
      ours save --quiet --format oci-archive "$id" >/dev/null 2>"$scratch/out" || wrong "an image that is half: $(cat "$scratch/out")"
    done
    ours load --quiet --input "$scratch/layout" >/dev/null 2>"$scratch/out" || wrong "not loaded again: $(cat "$scratch/out")"
    [ "$(state)" = "$expected" ] || wrong "another state"
    ours gc >/dev/null 2>&1
    left=$(find "$graph/overlay/tempdirs" "$graph/overlay-layers/tempdirs" -mindepth 1 2>/dev/null | head -n 3)
    [ -z "$left" ] || wrong "left behind: $left"
    unmount_below "$graph"
    rm -rf --one-file-system "$store"
    at=$((at + STRATA_STEP))
  done
done <"$scratch/counts"
printf '%s loads killed, %s not\n' $killed $finished
[ $killed -gt 0 ] || echo "none was killed" >>"$scratch/wrong"
check_equal 'what a killed load leaves is whole, and the next one ends as if it had not been' \
  '' "$(head -n 10 "$scratch/wrong")"
