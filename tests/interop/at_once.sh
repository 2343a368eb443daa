#!/bin/sh
# Four loops of ours and four of containers-storage create, name, list and delete layers and images in one store at once,
# for $STRATA_SECONDS seconds. No update is lost, no command fails but for "in use" and "not found", and both programs
# list the same at the end.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh
: "${STRATA_SECONDS:=20}"

if ! is_root || ! has containers-storage || ! has jq; then skip at_once "needs root, containers-storage and jq"; exit 0; fi
make_scratch
if ! overlay_works "$scratch"; then skip at_once "no overlay file system here"; exit 0; fi
use_store "$scratch/store"
log=$scratch/log
mkdir "$log" "$scratch/tree"
head -c 3000 /dev/urandom >"$scratch/tree/file"
tar -C "$scratch/tree" -cf "$scratch/small.tar" .

# The random numbers of a worker: the same in every run.
next_random() { random=$(((random * 1103515245 + 12345) % 2147483648)); pick=$((random / 65536 % $1)); }

# What may fail: the item is used, or another worker took it away, or a name or id was there first.
allowed='in use|has children|used by|not known|is not a layer|is not an image|is not a container'

# attempt COMMAND...: runs it with the worker's program; what it printed is in `said`. False if it failed.
attempt() {
  done_commands=$((done_commands + 1))
  if said=$($program "$@" 2>"$log/$me.err" </dev/null); then return 0; fi
  grep -vE "$allowed" "$log/$me.err" | sed "s|^|$me: $*: |" >>"$log/$me.failures"
  [ -s "$log/$me.err" ] || printf '%s: %s: failed without a word: %s\n' "$me" "$*" "$said" >>"$log/$me.failures"
  return 1
}

# must COMMAND...: the same for what nobody else touches: any failure counts
must() {
  attempt "$@" && return 0
  printf '%s: %s: %s%s\n' "$me" "$*" "$said" "$(cat "$log/$me.err")" >>"$log/$me.failures"
  return 1
}

# worker PROGRAM NUMBER: its own items are $me-…, which nobody else removes; the others are everybody's
worker() {
  program=$1 me=$1$2 random=$((7919 * $2 + ${#1})) done_commands=0 n=0 kept= own_images=
  : >"$log/$me.failures"
  while [ "$(date +%s)" -lt "$until" ]; do
    n=$((n + 1))
    next_random 10
    case $pick in
      0) # a layer of its own, with a name, half of them from a tar
        next_random 2
        if [ "$pick" = 0 ]; then
          must create-layer --id "$me-$n" --name "name-$me-$n" && kept="$kept $me-$n"
        else
          must import-layer --id "$me-$n" --name "name-$me-$n" --file "$scratch/small.tar" && kept="$kept $me-$n"
        fi
        ;;
      1) # an image of its own, on a layer of its own
        layer=${kept##* }
        if [ -n "$layer" ]; then must create-image --id "image-$me-$n" --name "localhost/$me:$n" "$layer" && own_images="$own_images image-$me-$n"; fi
        ;;
      2) # more names for one of its own
        image=${own_images##* }
        if [ -n "$image" ]; then must add-names --name "localhost/$me:again-$n" "$image" && echo "$image localhost/$me:again-$n" >>"$log/$me.names"; fi
        ;;
      3) # its oldest layer without an image goes away
        layer=${kept# } layer=${layer%% *}
        if [ -n "$layer" ] && attempt delete-layer "$layer"; then
          kept=${kept#" $layer"}
          echo "$layer" >>"$log/$me.deleted"
        fi
        ;;
      4) next_random 12; attempt create-layer --id "shared-$pick" ;;
      5) next_random 12; shared=$pick; next_random 12; attempt create-layer --id "shared-$shared" "shared-$pick" ;;
      6) next_random 12; attempt delete-layer "shared-$pick" ;;
      7) next_random 12; image=$pick; next_random 12; attempt create-image --id "shared-image-$image" "shared-$pick" ;;
      8) next_random 12; attempt delete-image "shared-image-$pick" ;;
      9) next_random 2; if [ "$pick" = 0 ]; then must layers --json; else must images --json; fi ;;
    esac
  done
  printf '%s\n' "$kept" | tr ' ' '\n' | grep . >"$log/$me.layers"
  printf '%s\n' "$own_images" | tr ' ' '\n' | grep . >"$log/$me.images"
  echo "$done_commands" >"$log/$me.count"
}

until=$(($(date +%s) + STRATA_SECONDS))
workers=
for n in 1 2 3 4; do
  for program in ours theirs; do
    worker $program $n &
    workers="$workers $!"
  done
done
for worker in $workers; do wait "$worker"; done

for program in ours theirs; do
  count=0
  for n in 1 2 3 4; do count=$((count + $(cat "$log/$program$n.count"))); done
  printf '%s: %s commands in %s s\n' "$program" "$count" "$STRATA_SECONDS"
  check_equal "$program got work done" yes "$([ "$count" -ge 20 ] && echo yes)"
done
failures=$(cat "$log"/*.failures)
check_equal 'no command failed but for "in use" and "not found"' '' "$failures"

for program in ours theirs; do
  $program layers --json | jq -c 'sort_by(.id)[]' >"$scratch/$program.layers"
  $program images --json | jq -c 'sort_by(.id)[]' >"$scratch/$program.images"
done
check_same_bytes 'both list the same layers' "$scratch/theirs.layers" "$scratch/ours.layers"
check_same_bytes 'both list the same images' "$scratch/theirs.images" "$scratch/ours.images"

jq -r .id <"$scratch/ours.layers" | sort >"$scratch/layers"
jq -r .id <"$scratch/ours.images" | sort >"$scratch/images"
jq -r '.id as $id | .names[]? | "\($id) \(.)"' <"$scratch/ours.images" | sort >"$scratch/names"
cat "$log"/*.layers | sort >"$scratch/kept.layers"
cat "$log"/*.images | sort >"$scratch/kept.images"
cat "$log"/*.names 2>/dev/null | sort >"$scratch/kept.names"
cat "$log"/*.deleted 2>/dev/null | sort >"$scratch/deleted"
printf 'kept: %s layers, %s images, %s added names; deleted: %s layers\n' $(wc -l <"$scratch/kept.layers") \
  $(wc -l <"$scratch/kept.images") $(wc -l <"$scratch/kept.names") $(wc -l <"$scratch/deleted")
check_equal 'no layer that was made is lost' '' "$(comm -23 "$scratch/kept.layers" "$scratch/layers")"
check_equal 'no image that was made is lost' '' "$(comm -23 "$scratch/kept.images" "$scratch/images")"
check_equal 'no name that was added is lost' '' "$(comm -23 "$scratch/kept.names" "$scratch/names")"
check_equal 'no layer that was deleted came back' '' "$(comm -12 "$scratch/deleted" "$scratch/layers")"
check_equal 'each layer has its files' '' "$(while read -r id; do [ -d "$graph/overlay/$id/diff" ] || echo "$id"; done <"$scratch/layers")"
check_equal 'no files without a layer are left' '' \
  "$(for directory in "$graph"/overlay/*/diff; do basename "$(dirname "$directory")"; done | sort | comm -23 - "$scratch/layers")"
small=$(sha256 "$scratch/small.tar")
check_equal 'each imported layer exports its bytes' '' "$(jq -r 'select(."diff-digest") | .id' <"$scratch/ours.layers" |
  while read -r id; do [ "$(ours diff -u "$id" | sha256sum | cut -d' ' -f1)" = "$small" ] || echo "$id"; done)"
check 'ours still works' ours create-layer --id last
check 'theirs still works' theirs delete-layer last
