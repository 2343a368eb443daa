#!/bin/sh
# A store that another machine shares by 9p, read-only, is used as an additional image store: listed, exported, mounted, a
# container made over it; nothing is written to it. $STRATA_9P names the directory that holds it, with what is in it
# written in `expected`; tests/vm/run.sh makes both on the host and runs this in the guest.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if [ ! -f "${STRATA_9P:-/nowhere}/expected" ]; then
  skip store_over_9p 'no store is shared with this machine (sh tests/vm/run.sh store_over_9p shares one)'
  exit 0
fi
make_scratch
use_store "$scratch/store"
# what the host wrote: image ID, lower ID DIGEST, upper ID DIGEST
image=$(sed -n 's/^image //p' "$STRATA_9P/expected")
lower=$(sed -n 's/^lower \([^ ]*\) .*/\1/p' "$STRATA_9P/expected") lower_digest=$(sed -n 's/^lower [^ ]* //p' "$STRATA_9P/expected")
upper=$(sed -n 's/^upper \([^ ]*\) .*/\1/p' "$STRATA_9P/expected") upper_digest=$(sed -n 's/^upper [^ ]* //p' "$STRATA_9P/expected")
shared=$STRATA_9P/graph
with_ours() { ours --storage-opt "overlay.imagestore=$shared" "$@"; }
with_theirs() { theirs --storage-opt "overlay.imagestore=$shared" "$@"; }
without_times() { jq -S 'walk(if type == "object" then del(.created) else . end)'; }

check_equal 'it is a 9p' 9p "$(findmnt -n -o FSTYPE -T "$shared")"
if (: >"$shared/probe") 2>/dev/null; then not_ok 'it is read-only'; else ok 'it is read-only'; fi
before=$(cd "$STRATA_9P" && find . -printf '%p %s %m %T@\n' | sort | sha256sum)

check_equal 'ours lists the image' "$image" "$(with_ours images --quiet)"
check_equal 'and its names' "$(with_theirs get-names localhost/shared:1 | sort)" "$(with_ours get-names localhost/shared:1 | sort)"
check_equal 'ours describes it as theirs does' "$(with_theirs image --json "$image" | without_times)" "$(with_ours image --json "$image" | without_times)"
check_equal 'ours lists the layers' "$(printf '%s\n' "$lower" "$upper" | sort)" "$(with_ours layers --json | jq -r '.[].id' | sort)"
check_equal 'ours describes them as theirs does' "$(with_theirs layer --json "$upper" | without_times)" "$(with_ours layer --json "$upper" | without_times)"
check_equal 'ours exports the lower layer byte for byte' "$lower_digest" "$(with_ours diff -u "$lower" | sha256sum | cut -d' ' -f1)"
check_equal 'and the upper' "$upper_digest" "$(with_ours diff -u "$upper" | sha256sum | cut -d' ' -f1)"
check_equal 'ours reads its data' "$image" "$(with_ours get-image-data "$image" "sha256:$image" | sha256sum | cut -d' ' -f1)"

check 'ours makes a container over it' with_ours create-container --name box localhost/shared:1
check_equal 'the container is in our own store' box "$(ours get-names box)"
mounted with_ours box
check_equal 'its files come from there' 'from the host' "$(cat "$root/etc/shared")"
check 'and programs run' chroot "$root" /bin/busybox true
echo guest >"$root/etc/guest"
echo changed >"$root/etc/shared"
rm -f "$root/etc/link"
check 'ours unmounts' with_ours unmount box
box_layer=$(ours container --json box | jq -r '.[0].layer')
check_equal 'what was changed is in ours' 'Add "/etc/guest" Delete "/etc/link" Modify "/etc/shared"' \
  "$(with_ours changes "$box_layer" | grep -v '"/etc"$' | sort | paste -sd' ')"
check_equal 'theirs sees the same' "$(with_theirs changes "$box_layer" | sort)" "$(with_ours changes "$box_layer" | sort)"
check 'theirs mounts it' with_theirs mount box
check 'and unmounts it' with_theirs unmount box

child=$(with_ours import-layer --file "$STRATA_9P/child.tar" "$upper" 2>&1 | head -n 1)
check_equal 'ours puts a layer of its own on top' "$upper" "$(with_ours layer --json "$child" | jq -r '.[0].parent')"
check_equal 'and exports it' "$(sha256 "$STRATA_9P/child.tar")" "$(with_ours diff -u "$child" | sha256sum | cut -d' ' -f1)"
check 'ours removes it' with_ours delete-layer "$child"

for refused in "delete-image $image" "delete-layer $upper" "set-names --name other $upper"; do
  # shellcheck disable=SC2086
  ours_says=$(with_ours $refused 2>&1) && not_ok "ours refuses to $refused" "$ours_says"
  # shellcheck disable=SC2086
  check_equal "ours refuses to ${refused%% *} as theirs does" "$(with_theirs $refused 2>&1)" "$ours_says"
done
check 'ours deletes the container' with_ours delete-container box
check_equal 'ours has nothing of its own left' '0 0 0' "$(for kind in layers images containers; do ours $kind --json | jq length; done | paste -sd' ')"
check_equal 'the image is still there' "$image" "$(with_ours images --quiet)"
check_equal 'nothing was written to the shared store' "$before" "$(cd "$STRATA_9P" && find . -printf '%p %s %m %T@\n' | sort | sha256sum)"
