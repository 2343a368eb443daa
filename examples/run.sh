#!/bin/sh
# The main job with oci-storage in a store of its own: an image of a Debian tree is loaded, a container of it is mounted,
# changed and compared, and committed as a second image, which Podman runs, and loads from the archive that it is saved in.
# usage: sh examples/run.sh         prints each command, what it printed and how long it took; leaves nothing behind
# On a Debian 12 as root it installs what is missing. STRATA_BUILD and STRATA_CACHE: see examples/lib.sh.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
. examples/lib.sh
. examples/programs.sh

is_root || die 'mounting layers needs root: run this as root'
# shellcheck disable=SC2086
need $packages_build jq || exit 1
# shellcheck disable=SC2086
need $packages_tree || say 'no Debian tree without these'
if ! has podman; then need podman crun || say 'without podman the last part is skipped'; fi
if [ "$OCI_STORAGE" = "$STRATA_BUILD/examples/oci-storage" ]; then
  say 'building oci-storage'
  build "$STRATA_BUILD" -Dtests=auto build-binary || die 'the build failed'
fi
make_scratch
overlay_works "$scratch" || die "no overlay file system can be mounted in $scratch: set TMPDIR to a place where one can"
use_store "$scratch/store"
tree=$(debian_tar) || die 'no root file system'

if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m'); else bold='' dim='' plain=''; fi
failures=0
chapter() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
since() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { d = b - a; printf (d < 0.1 ? "%.1f ms" : "%.2f s"), d < 0.1 ? d * 1000 : d }'; }

# show WHAT COMMAND...: prints WHAT as if it had been typed, runs the command, prints its output and its time. The first
# lines of long output must do. Keeps stdout in $scratch/out.
show() {
  printf '\n  %s$ %s%s\n' "$bold" "$1" "$plain"
  shift
  started=$(date +%s.%N)
  if [ -t 2 ]; then "$@" >"$scratch/out" </dev/null; else "$@" >"$scratch/out" 2>"$scratch/err" </dev/null; fi
  status=$?
  took=$(since "$started")
  { cat "$scratch/out"; [ -t 2 ] || cat "$scratch/err"; } >"$scratch/both"
  lines=$(wc -l <"$scratch/both")
  if [ "$lines" -gt 16 ]; then
    head -n 12 "$scratch/both" | sed 's/^/    /'
    printf '    … and %s lines more\n' $((lines - 12))
  else
    sed 's/^/    /' "$scratch/both"
  fi
  if [ $status != 0 ]; then
    printf '    exit status %s\n' $status
    failures=$((failures + 1))
  fi
  printf '    %s%s%s\n' "$dim" "$took" "$plain"
  return $status
}

# oci ARGUMENT...: shows a command of oci-storage on the store; the name of the scratch directory is left out of the line
oci() {
  line=oci-storage
  for word in "$@"; do
    case $word in "$scratch"/* | "$STRATA_CACHE"/*) word=$(basename "$word") ;; esac
    case $word in *[!A-Za-z0-9_./:=@%+-]* | '') word="'$word'" ;; esac
    line="$line $word"
  done
  show "$line" ours "$@"
}
first_line() { head -n 1 "$scratch/out"; }

began=$(date +%s.%N)
printf '%sstrata: an image comes in, is changed, and goes out\n%s' "$bold" "$plain"
printf 'The tree: %s, %s bytes, %s entries.\n' "$(basename "$tree")" "$(wc -c <"$tree")" "$(tar -tf "$tree" | wc -l)"
printf 'The store: %s%s, which every command below is given as --graph and --run.\n' "$store" \
  "$([ -z "$scratch_disk" ] || echo ' (an ext4 in memory)')"

chapter 'An image comes in, here from an OCI layout'
write_layout "$scratch/layout" localhost/debian:12 "$tree" || die 'no layout'
first_image=$image_id
oci load --input "$scratch/layout" || die 'nothing to go on with'
oci images

chapter 'A container of it is mounted and changed'
oci create-container --name box localhost/debian:12
box_layer=$(ours container --json box | jq -r '.[0].layer')
oci mount box
root=$(first_line)
case $root in "$scratch"/?*) ;; *) die "mounted in an unexpected place: $root" ;; esac
show "echo 'Made with strata.' > ROOT/etc/motd" sh -c 'echo "Made with strata." >"$1/etc/motd"' sh "$root"
show 'mkdir ROOT/srv/www; echo hello > ROOT/srv/www/index.html' sh -c 'mkdir -p "$1/srv/www" && echo hello >"$1/srv/www/index.html"' sh "$root"
show 'chmod 700 ROOT/root; rm -r ROOT/usr/share/doc' sh -c 'mkdir -p "$1/root" && chmod 700 "$1/root" && rm -rf "$1/usr/share/doc"' sh "$root"
oci unmount box
oci changes "$box_layer"

chapter 'The container is committed as a second image'
oci commit --author me --change 'CMD ["cat", "/etc/motd", "/srv/www/index.html"]' box localhost/debian:changed
second_image=$(first_line)
oci history localhost/debian:changed
oci layers --tree

chapter 'The image goes out, and what went in with it, byte for byte'
oci save --output "$scratch/changed.tar" localhost/debian:changed
oci save --format oci-dir --compress zstd --output "$scratch/changed" localhost/debian:changed
bottom=$(ours image --json "$first_image" | jq -r '.[0].layer')
oci diff --uncompressed --file "$scratch/out.tar" "$bottom"
show "cmp out.tar $(basename "$tree") && echo the same bytes" sh -c 'cmp "$1" "$2" && echo the same bytes' sh "$scratch/out.tar" "$tree"

if has podman; then
  chapter 'Podman reads the same store, and what was saved'
  show 'podman images' pod images
  if can_run; then
    show 'podman run --rm localhost/debian:changed' pod_run localhost/debian:changed
  else
    printf '\n  (podman cannot start a container on this machine)\n'
  fi
  show 'podman tag localhost/debian:changed localhost/from-podman:1' pod tag localhost/debian:changed localhost/from-podman:1
  oci get-names localhost/from-podman:1
  use_store "$scratch/other"
  show 'podman --root other load -q --input changed.tar' pod load -q --input "$scratch/changed.tar"
  show "podman --root other images -q --no-trunc | grep $second_image" sh -c 'printf "%s\n" "$1" | grep "$2"' sh \
    "$(pod images -q --no-trunc)" "$second_image"
  use_store "$scratch/store"
else
  printf '\n(no podman here to look at the store)\n'
fi

chapter 'And away with it'
oci delete-image "$first_image" && failures=$((failures + 1)) || { printf '    (as it should: the image is in use)\n'; failures=$((failures - 1)); }
oci delete-container box
oci delete-image "$second_image"
oci delete-image "$first_image"
oci layers
oci shutdown

printf '\n'
if [ $failures != 0 ]; then
  printf '%s commands failed\n' $failures
  exit 1
fi
printf 'All of it took %s.\n' "$(since "$began")"
