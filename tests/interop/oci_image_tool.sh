#!/bin/sh
# oci-image-tool, whose rules are those of the image specification, accepts the layouts that save writes, and
# those in its archives: of an archive itself it cannot say anything, skopeo's neither.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has buildah || ! has jq || ! has oci-image-tool; then
  skip oci_image_tool "needs root, podman, buildah, jq and oci-image-tool"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip oci_image_tool "no overlay file system here"; exit 0; fi
use_store "$scratch/store"
pod import -q "$(busybox_tar)" localhost/base >/dev/null || exit 1
mkdir "$scratch/context"
echo file >"$scratch/context/file"
printf 'FROM localhost/base\nENV A=b\nEXPOSE 80\nVOLUME /data\nLABEL a="<b>"\nWORKDIR /etc\nCOPY file /\nCMD ["/bin/sh"]\n' >"$scratch/context/Dockerfile"
builder build -q --layers -t localhost/tool:1 "$scratch/context" >/dev/null || exit 1

# accepted WHAT PATH NAME
accepted() {
  check "$1: is valid" oci-image-tool validate --type image --ref "name=$3" "$2"
  mkdir "$scratch/unpacked" && check "$1: is unpacked" oci-image-tool unpack --ref "name=$3" "$2" "$scratch/unpacked"
  check_equal "$1: to its files" file "$(cat "$scratch/unpacked/file")"
  rm -rf "$scratch/unpacked"
}
for compress in gzip none; do
  ours save -q --format oci-dir --compress $compress -o "$scratch/layout-$compress" tool:1
  accepted "a layout, $compress" "$scratch/layout-$compress" localhost/tool:1
  ours save -q --format oci-archive --compress $compress -o "$scratch/archive-$compress.tar" tool:1
  mkdir "$scratch/archive-$compress" && tar -C "$scratch/archive-$compress" -xf "$scratch/archive-$compress.tar"
  accepted "an archive, $compress" "$scratch/archive-$compress" localhost/tool:1
done
