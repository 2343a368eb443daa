#!/bin/sh
# Both programs write to one store, in turns, and both see the same in it after each command. Then: what they say of
# stores that cannot be opened, and what ours makes of options and the environment.
set -u
cd "$(dirname "$0")/../.." && top=$(pwd) && . tests/lib.sh && . tests/side_by_side.sh || exit 1
begin_side_by_side same_output_in_turns

# Roots and drivers that cannot be opened: told on stdout. And options behind the command, which count like those before.
opening() {
  for arguments in '--storage-driver bogus images' '--storage-opt foo images' '--storage-opt overlay.imagestore=/nosuch images' \
    '--graph /proc/nosuch/graph images'; do
    for side in theirs ours; do
      program=$CONTAINERS_STORAGE
      if [ $side = ours ]; then program=$OCI_STORAGE; fi
      # shellcheck disable=SC2086
      "$program" --graph "$scratch/one/graph" --run "$scratch/one/run" --storage-driver overlay $arguments \
        >"$scratch/$side.out.plain" 2>/dev/null
      echo $? >"$scratch/$side.status"
      : >"$scratch/$side.err.plain"
    done
    compared "$arguments"
  done
  check_equal 'options behind the command' "$("$OCI_STORAGE" -R "$scratch/one/run" layers -qg "$scratch/one/graph" -s overlay)" \
    "$("$OCI_STORAGE" -sg overlay "$scratch/one/graph" --run="$scratch/one/run" layers --quick)"
  check_equal 'a driver from the environment' "$(STORAGE_DRIVER=bogus "$OCI_STORAGE" images -g "$scratch/one/graph" -R "$scratch/one/run")" \
    "error initializing: failed to GetDriver graph bogus $scratch/one/graph: driver not supported"
  "$OCI_STORAGE" -g "$scratch/one/graph" -R "$scratch/one/run" -s overlay images -j 2>"$scratch/text" >/dev/full
  check_equal 'JSON that cannot be written' '1 write /dev/stdout: no space left on device' "$? $(cat "$scratch/text")"
}

# Both write to one store, in turns, and both see the same after each.
taking_turns() {
  common=$scratch/both turn=ours
  while read -r command; do
    # shellcheck disable=SC2086
    run_as $turn $command </dev/null
    check_equal "$driver: in turns: $turn: $command" 0 "$(cat "$scratch/$turn.status")"
    maker='both'
    same layers -j
    same images -j
    same containers -j
    if [ $turn = ours ]; then turn=theirs; else turn=ours; fi
  done <<COMMANDS
import-layer --id first -n one -f $input/one.tar
import-layer --id second -n two -f $input/two.tar.gz first
create-image --id top -n image:1 second
set-image-data -f $input/manifest top manifest
create-container --id box image:1
create-container --id box2 image:1
add-names -n one box
set-names -n one second
set-metadata -m text box2
delete-container box
applydiff -f $input/three.tar.zst second
set-layer-data -f $input/data first key
create-layer --id third second
create-layer --id fourth third
mount box2
mount box2
unmount box2
unmount box2
delete-layer fourth
delete-layer third
delete-container box2
create-layer --id kept
delete-image top
COMMANDS
  common=
}

for driver in ${DRIVERS:-overlay vfs}; do
  begin_driver "$driver" || continue
  taking_turns
  if [ "$driver" = overlay ]; then opening; fi
done
