#!/bin/sh
# Makes the seeds of the fuzz targets: sh tests/fuzz/corpus.sh DIRECTORY. By the real tools: tar in each of its formats,
# compressors, mkfs.erofs, a store of containers-storage and what oci-storage makes of it, and texts written here. A seed is a
# file with the target's choices behind it (fuzz.hpp, `Input`).
set -u
seeds=$1
cd "$(dirname "$0")/../.." && top=$(pwd) && . tests/lib.sh || exit 1
: "${OCI_STORAGE:=$STRATA_BUILD/examples/oci-storage}"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
for source in tests/fuzz/*.cpp; do mkdir -p "$seeds/$(basename "$source" .cpp)" || exit 1; done

# seed TARGET NAME CHOICES <BYTES: choices as printf's escapes, the first one last
seed() { if [ -d "$seeds/$1" ]; then { cat && printf "$3"; } >"$seeds/$1/$2"; else cat >/dev/null; fi; }
text() { printf '%s' "$4" | seed "$1" "$2" "$3"; }

# --- archives -----------------------------------------------------------------------------------------------------
tree=$work/tree
mkdir -p "$tree/d/e" "$tree/usr/lib" "$work/tars"
printf 'hello\n' >"$tree/d/f"
head -c 600 "$top/LICENSE" >"$tree/d/e/text"
: >"$tree/empty"
ln "$tree/d/f" "$tree/hard"
ln -s d/f "$tree/soft"
ln -s ../outside "$tree/d/out"
ln -s usr/lib "$tree/lib"
mkfifo "$tree/fifo"
: >"$tree/.wh.gone"
: >"$tree/d/.wh..wh..opq"
: >"$tree/größe"
long=$(printf "n%.0s" $(seq 60))
mkdir -p "$tree/$long/$long" && : >"$tree/$long/$long/$long"
if is_root; then mknod "$tree/device" c 1 3 && chown -h 1000:1001 "$tree/soft"; fi
if has setfattr; then setfattr -n user.key -v value "$tree/d/f" 2>/dev/null || true; fi
for format in v7 oldgnu gnu ustar posix; do
  pax=
  [ $format != posix ] || pax=--pax-option=delete=atime,delete=ctime
  tar --sort=name --format=$format $pax --mtime=@1700000000 -C "$tree" -b 1 -cf "$work/tars/$format.tar" . 2>/dev/null
done
tar --format=posix --xattrs --xattrs-include='*' -C "$tree" -b 1 -cf "$work/tars/xattrs.tar" d empty
tar --format=gnu --incremental -C "$tree" -b 1 -cf "$work/tars/incremental.tar" d 2>/dev/null
truncate -s 100k "$work/tree/sparse" && printf x >>"$work/tree/sparse"
for version in 0.0 0.1 1.0; do
  tar --format=posix --sparse --sparse-version=$version -C "$tree" -b 1 -cf "$work/tars/sparse-$version.tar" sparse
done
tar --format=gnu --sparse -C "$tree" -b 1 -cf "$work/tars/sparse-gnu.tar" sparse
rm "$tree/sparse"
tar --format=posix --pax-option='globexthdr.name=g,comment=x,mtime:=1.5,uid:=-2' -C "$tree" -b 1 -cf "$work/tars/pax.tar" d
tar --format=gnu --owner=4000000000 --group=-2 --mtime='1900-01-01' -C "$tree" -b 1 -cf "$work/tars/base256.tar" d 2>/dev/null ||
  tar --format=gnu --owner=:4000000000 --mtime='1900-01-01' -C "$tree" -b 1 -cf "$work/tars/base256.tar" d
tar --transform 's,^d,../outside,' -P -C "$tree" -b 1 -cf "$work/tars/dotdot.tar" d hard
tar --transform 's,^d,/mnt/outside,' -P -C "$tree" -b 1 -cf "$work/tars/absolute.tar" d hard
# a link, and a file through it; whiteouts through it; a hard link to what is outside
ln -s ../outside "$work/out" && mkdir "$work/in" && cp "$tree/d/f" "$work/in/victim" && : >"$work/in/.wh.victim"
for file in victim .wh.victim; do
  tar -C "$work" -b 1 -cf "$work/tars/through-link.$file.tar" out
  tar --transform 's,^in/,out/,' -C "$work" -b 1 -rf "$work/tars/through-link.$file.tar" "in/$file"
done
# files that aufs kept for hard links, and links to them; a file below a link of the same archive
mkdir "$work/in/.wh..wh.plnk" && printf x >"$work/in/.wh..wh.plnk/1" && ln "$work/in/.wh..wh.plnk/1" "$work/in/one"
tar -C "$work/in" -b 1 -cf "$work/tars/plnk.tar" .wh..wh.plnk/1 one
tar -C "$tree" -b 1 -cf "$work/tars/lib.tar" usr lib && tar --transform 's,^,lib/,' -C "$work/in" -b 1 -rf "$work/tars/lib.tar" victim

store=$work/store
theirs() {
  command=$1
  shift
  CONTAINERS_STORAGE_CONF=/dev/null containers-storage "$command" -g "$store/graph" -R "$store/run" -s vfs "$@" >/dev/null 2>&1
}
if is_root && has containers-storage; then
  theirs import-layer --id base <"$work/tars/posix.tar"
  theirs create-layer --id top --name top base
  theirs applydiff -f "$work/tars/xattrs.tar" top
  theirs create-image --name image --id image -m '{"a":1}' top
  theirs set-image-data -f "$work/tars/ustar.tar" image tar
  theirs create-container --name container --id container image
fi
if is_root && [ -x "$OCI_STORAGE" ]; then  # as our writer has it: of the files
  export CONTAINERS_STORAGE_CONF=/dev/null
  "$OCI_STORAGE" import-layer -g "$work/ours/graph" -R "$work/ours/run" -s vfs --id from <"$work/tars/xattrs.tar" >/dev/null 2>&1
  rm -f "$work"/ours/graph/vfs-layers/from.tar-split.gz
  "$OCI_STORAGE" diff -u -g "$work/ours/graph" -R "$work/ours/run" -s vfs from >"$work/tars/ours.tar" 2>/dev/null </dev/null
fi
for tar in "$work"/tars/*.tar; do
  name=$(basename "$tar" .tar)
  [ -s "$tar" ] || continue
  for target in tar tar_split; do seed $target "$name" '\000' <"$tar"; done
  seed tar "$name.1" '\001' <"$tar"
  for kind in 0 1 2; do
    seed apply "$name.$kind" "\\000\\00$kind" <"$tar"
    seed apply "$name.$kind.full" "\\010\\00$kind" <"$tar"
  done
  [ "$(wc -c <"$tar")" -gt 8000 ] || seed partial_pull "$name" '\000\000\001' <"$tar"
done
seed apply forced '\002\000' <"$work/tars/posix.tar"
seed apply mapped '\004\001' <"$work/tars/posix.tar"

# --- tar-split, and tables of contents ----------------------------------------------------------------------------
lines='{"type":2,"payload":"aGVsbG8=","position":0}
{"type":1,"name":"f","size":5,"payload":"AAAAAAAAAAE=","position":1}
{"type":1,"name_raw":"/w==","payload":null,"position":2}
{"position":3,"payload":"\u0041AAA","type":2}'
text tar_split_hostile lines '\000\000' "$lines"
printf '%s' "$lines" | gzip -n | seed tar_split_hostile gzip '\001\000'
for split in "$store"/graph/vfs-layers/*.tar-split.gz; do
  [ -f "$split" ] || continue
  seed tar_split_hostile "$(basename "$split" .gz)" '\001\000' <"$split"
  gzip -dc <"$split" | seed tar_split_hostile "$(basename "$split" .tar-split.gz)" '\000\000'
done
digest='"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"'
toc='{"version":1,"entries":[{"type":"dir","name":"d/","mode":493,"modtime":"2022-02-03T04:05:06.5Z","xattrs":{"user.a":"YQ=="}},
{"type":"reg","name":"f","mode":420,"size":5,"uid":1,"gid":2,"digest":'$digest',"offset":0,"endOffset":14},
{"type":"hardlink","name":"h","linkName":"f"},{"type":"symlink","name":"l","linkName":"../f"},{"type":"fifo","name":"p"},
{"type":"char","name":"c","devMajor":1,"devMinor":3},
{"type":"reg","name":"g","size":10,"digest":"sha256:00","offset":100,"endOffset":160,"chunkSize":4,"chunkDigest":"sha256:01"},
{"type":"chunk","name":"g","offset":120,"chunkSize":3,"chunkOffset":4,"chunkType":"zeros"},
{"type":"chunk","name":"g","offset":130,"chunkSize":3,"chunkOffset":7,"later":{"a":[1,null]}}],"tarSplitDigest":"sha256:00"}'
text toc all '' "$toc"
text toc none '' '{"version":1,"entries":null}'
for document in "$top"/tests/data/documents/*.json; do
  name=$(basename "$document" .json)
  case $name in
    *.config) seed oci_config "$name" '' <"$document" ;;
    *) for stated in 0 1 2 3; do seed oci_manifest "$name.$stated" "\\00$stated" <"$document"; done ;;
  esac
done
sha256=sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
blob='{"mediaType":"text/plain","digest":"'"$sha256"'","size":5,"data":"aGVsbG8=","urls":["u"],"annotations":{"a":"<b>"},"artifactType":"t","own":[1.5]}'
text oci_manifest artifact '\000' '{"schemaVersion":2,"artifactType":"t","config":'"$blob"',"layers":['"$blob,$blob"'],"subject":'"$blob"',"annotations":{"a":"b"},"own":{"a":1e300}}'
text oci_manifest both '\000' '{"schemaVersion":2,"config":'"$blob"',"manifests":['"$blob"']}'
text oci_config twisted '' '{"own":5.0,"rootfs":{"diff_ids":["'"$sha256"'"],"base":"x"},"os":"windows","os.version":"1","os.features":["f"],"config":null,"history":[{"own":1,"empty_layer":false}]}'
for reference in debian:12 quay.io:443/a/b_c__d---e.f "localhost/a:t@$sha256" "docker.io/a.b/c@$sha256" '[::1]:5000/a' "$(printf 'a%.0s' $(seq 64))" A/b; do
  text oci_reference "$(printf '%s' "$reference" | tr -c 'a-z0-9\n' _)" '' "$reference"
done
# of one file: its header as a segment, and the end of the archive
printf 'hello' >"$work/f" && chmod 644 "$work/f"
tar --format=ustar --owner=0:0 --group=0:0 --mtime=@1 -C "$work" -b 1 -cf "$work/one.tar" f
header=$(head -c 512 "$work/one.tar" | base64 -w 0) end=$(tail -c +518 "$work/one.tar" | base64 -w 0)
one='{"type":"reg","name":"f","mode":420,"size":SIZE,"modtime":"1970-01-01T00:00:01Z","digest":"DATA","offset":0,"endOffset":END}'
split='{"type":2,"payload":"'$header'","position":0}
{"type":1,"name":"f","size":5,"payload":"CHECKSUM","position":1}
{"type":2,"payload":"'$end'","position":2}'
pull() { printf '%s\000%s\000hello' "$2" "$3" | seed partial_pull "$1" "$4"; }
pull one '{"version":1,"entries":['"$one"'],"tarSplitDigest":"SPLIT"}' "$split" '\000\000\000'
pull plain '{"version":1,"entries":['"$one"']}' '' '\002\000\000'
pull chunks '{"version":1,"entries":[{"type":"reg","name":"f","size":9,"digest":"DATA","offset":0,"endOffset":END,"chunkSize":5},
{"type":"chunk","name":"f","offset":END,"chunkOffset":5,"chunkSize":4,"chunkType":"zeros"}]}' '' '\002\000\000'
pull tree '{"version":1,"entries":[{"type":"dir","name":"d"},{"type":"symlink","name":"d/l","linkName":"../../outside"},'"$one"',
{"type":"hardlink","name":"h","linkName":"f"},{"type":"reg","name":".wh.x"}]}' '' '\003\000\000'
for lie in 1 2 3 4 5; do pull "lie$lie" '{"version":1,"entries":['"$one"']}' '' "\\002\\00$lie\\000"; done

# --- records ------------------------------------------------------------------------------------------------------
layer='{"id":"a","names":["n"],"parent":"b","created":"2026-11-23T16:56:22.394348017Z","diff-size":5,"compression":2,
"uidset":[0,1],"flags":{"incomplete":true},"uidmap":[{"container_id":0,"host_id":1000,"size":65536}],"unknown":{"x":[1.5e3,null]}}'
text json layer '\000' "[$layer,{\"id\":1},\"no record\"]"
text json image '\001' '[{"id":"a","names":["n"],"layer":"b","mapped-layers":["c"],"big-data-names":["k"],"big-data-sizes":{"k":1},
"big-data-digests":{"k":"sha256:00"},"created":"0001-01-01T00:00:00Z"}]'
text json container '\002' '[{"id":"a","image":"b","layer":"c","metadata":"{\"x\":\"\\u00e9\"}","flags":{"Volatile":true,"MountOpts":["a"]}}]'
text json mounts '\003' '[{"id":"a","path":"/merged","count":1}]'
text json config '\004' '{"rootfs":{"type":"layers","diff_ids":["sha256:00"]}}'
for kind in layers images containers; do
  file=$store/graph/vfs-$kind/$kind.json
  [ ! -f "$file" ] || seed json "theirs.$kind" "\\00$(printf '%s\n' layers images containers | sed -n "/$kind/=" | awk '{ print $1 - 1 }')" <"$file"
done
frame() { printf '%s\n' "$@"; }
frame 'put layers 1:a {"id":"a"}' 'erase images 3:old' | seed journal frame '\000\001'
{ frame 'put layers 1:a {"id":"a","names":["n"]}' && printf '\377' && frame 'erase layers 1:a'; } | seed journal frames '\003\001'
text journal raw '\000' 'frame 000000b7 5f1c07a3
'
text journal file '\002' 'strata journal 1 records
frame 00000000 00000000
'
frame "$(printf '%s' "$layer" | tr -d '\n')" '{"id":"b"}' | seed journal record '\003'
text journal header '\003' 'strata journal 1 log overlay
'

# --- configuration, ids, short texts ------------------------------------------------------------------------------
text storage_conf all '' '[storage]
driver = "overlay"
driver_priority = ["overlay", {append=true}]
runroot = "/run/x"
graphroot = '"'/var/x'"'
transient_store = false
[storage.options]
additionalimagestores = [ "/a", "/b" ] # comment
pull_options = {enable_partial_images = "true", use_hard_links = "false"}
remap-uids = "0:1000:65536"
auto-userns-min-size = 0x10
size = """
10G"""
[storage.options.overlay]
mountopt = "nodev,metacopy=on"
force_mask = "0700"
unknown = 1979-05-27T07:32:00Z
[[other]]
f = 1_0.5e+3
'
[ ! -f /usr/share/containers/storage.conf ] || head -c 4000 /usr/share/containers/storage.conf | seed storage_conf debian ''
text pull_conf auth '\000' '{"auths":{"a.b/c":{"auth":"YTpw"},"https://index.docker.io/v1/":{"auth":"Yjpw","identitytoken":"T"}},"credHelpers":{"a.b:5":"pass"},"credsStore":"all"}'
text pull_conf dockercfg '\001' '{"https://a.b/v1/":{"auth":"YTpw"}}'
text pull_conf policy '\002' '{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"insecureAcceptAnything"}],"a.b/c":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x"}],
"*.b:5":[{"type":"reject"}]},"containers-storage":{"[overlay@/g]docker.io":[{"type":"insecureAcceptAnything"}]},"dir":{"/a":[{"type":"sigstoreSigned","keyPath":"/x"}]}}}'
text pull_conf registries '\003' 'unqualified-search-registries = ["a.b", "c.d:5"]
short-name-mode = "enforcing"
credential-helpers = ["pass"]
[[registry]]
prefix = "a.b/c"
location = "e.f/g"
[[registry.mirror]]
location = "h.i"
insecure = true
pull-from-mirror = "digest-only"
[[registry]]
prefix = "*.b"
blocked = true
[aliases]
"x" = "docker.io/x"
"c/d" = ""
'
text pull_conf first '\003' '[registries.search]
registries = ["a.b"]
[registries.insecure]
registries = ["docker.io"]
[registries.block]
registries = ["a.b/c/"]
'
text id_maps map '\000' '0:100000:65536:65536:300000:1
5:5:5'
text id_maps subid '\001' 'user
root:100000:65536
user:165536:65536
1000:1:2
user:x:y
user:300000:10'
text override_stat file '\000' '0:0:0755:file'
text override_stat device '\000' '1000:1001:4755:char-1-3'
text override_stat old '\005' '0:0:755'
text mount_line lines '' '36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
37 36 0:45 / /var/lib rw - overlay overlay rw,lowerdir=/a:/b'
head -c 2000 /proc/self/mountinfo | seed mount_line ours ''
text timestamp nano '' '2026-11-23T16:56:22.394348017Z'
text timestamp zone '' '2026-11-23t16:56:22+23:59'
text digest sha256 '\000' "$(printf '%s' "$digest" | tr -d '"')"
text digest sha512 '\000' "sha512:$(printf '0%.0s' $(seq 128))"
text quote mixed '' 'a"b\c	größe 😀<&>'
printf '\342\200\250\355\240\200\360\220\200\200\377\302\255' | seed quote utf8 ''
text path dots '' '/a/./b//../../.wh.c/'
text path up '' '../../x/..'
for size in 10m '1.5 GiB' 7b 4e3kb; do text option_text "size-$(printf '%s' "$size" | tr -d ' ')" '\000' "$size"; done
text option_text yes '\001' TRUE
text option_text option '\002' ' overlay.Mount_Program = /usr/bin/x=y'
for time in 90m 1h30m -1.5s 2µs; do text option_text "time$time" '\003' "$time"; done
text ordered pieces '\000\001' 'first
second
third'
printf 'a\nb\377\nc\376' | seed ordered failing '\001\002'

# --- codecs -------------------------------------------------------------------------------------------------------
head -c 3000 "$top/LICENSE" >"$work/plain"
head -c 400 /dev/urandom >"$work/noise"
for name in plain noise f; do
  file=$work/$name
  for level in 1 9; do gzip -n -$level <"$file" | seed gzip "$name.$level" '\000\000'; done
  gzip <"$file" | cat - "$work/f" | seed gzip "$name.garbage" '\000\000'
  { gzip -n <"$file" && gzip -n <"$work/f"; } | seed gzip "$name.two" '\000\001'
  ! has pigz || pigz -n -b 128 <"$file" | seed gzip "$name.pigz" '\000\000'
  seed gzip "$name.round" '\005\001\000' <"$file"
  for level in 1 19; do zstd -q -$level --check <"$file" | seed zstd "$name.$level" '\000\000'; done
  zstd -q --long=27 --no-check <"$file" | seed zstd "$name.long" '\000\000'
  { zstd -q <"$file" && printf '\120\052\115\030\004\000\000\000skip' && zstd -q <"$work/f"; } | seed zstd "$name.two" '\000\001'
  seed zstd "$name.round" '\003\001\000' <"$file"
  for check in none crc32 crc64 sha256; do xz -C $check <"$file" | seed xz "$name.$check" '\000'; done
  xz --x86 --lzma2=dict=4KiB <"$file" | seed xz "$name.x86" '\001'
  { xz -9 <"$file" && printf '\000\000\000\000' && xz -0 <"$work/f"; } | seed xz "$name.two" '\003'
  for level in 1 9; do bzip2 -$level <"$file" | seed bzip2 "$name.$level" '\000'; done
  { bzip2 <"$file" && bzip2 <"$work/f"; } | seed bzip2 "$name.two" '\001'
done

# --- places of images ---------------------------------------------------------------------------------------------
manifest='{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":'$digest',"size":5},"layers":[]}'
manifest_digest=sha256:$(printf '%s' "$manifest" | sha256sum | cut -d' ' -f1)
index='{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"'$manifest_digest'","size":'${#manifest}',
"annotations":{"org.opencontainers.image.ref.name":"v1","x":"y"}},{"mediaType":"a","digest":'$digest',"size":1,"platform":{"os":"linux"}}],"x":[1]}'
text oci_index all '\000' "$index"
text oci_index same '\001' "$index"
hello=${digest#*:} hello=${hello%\"}
{ printf 'findex.json\036%s\037' "$index" && printf 'fblobs/sha256/%s\036%s\037' "${manifest_digest#*:}" "$manifest" &&
  printf 'fother\036hello\037lblobs/sha256/%s\036../../other\037hhard\036other' "$hello"; } | seed oci_archive layout '\000\000'
{ printf 'fmanifest.json\036[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l/layer.tar"]}]\037' &&
  printf 'fc.json\036{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[%s]}}\037' "$digest" &&
  printf 'll/layer.tar\036../layer\037flayer\036hello'; } | seed oci_archive docker '\000\001'
for image in "$top"/tests/data/images/*-archive*.tar.zst; do
  name=$(basename "$image" .tar.zst)
  case $name in *docker*) kind='\001\001' ;; *) kind='\001\000' ;; esac
  if has zstd; then zstd -dcq "$image" | seed oci_archive "$name" "$kind"; fi
done

# --- registries ---------------------------------------------------------------------------------------------------
challenge='401\nWWW-Authenticate: Bearer realm="https://tokens.example/token",service="s",scope="repository:x:pull"\n\n\037200\n\n{"token":"abc","expires_in":300}\037'
# answers NAME CHOICE ANSWERS: as printf's format
answers() { printf "$3" | seed oci_registry "$1" "$2"; }
answers manifest '\000' "${challenge}200\nContent-Type: application/vnd.oci.image.manifest.v1+json\n\n{}"
answers refused '\000' '429\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\n\n{"errors":[{"code":"TOOMANYREQUESTS","message":"a\\u0007"}]}'
answers only_tag '\000' '404\n\n{"errors":[{"code":"MANIFEST_UNKNOWN"}]}\037200\n\n{"tags":["1"]}\037200\n\n{}'
answers redirect '\002' '307\nLocation: https://cdn.example/x?y\n\n\037307\nLocation: /z\n\n\037200\nContent-Length: 10\n\n0123456789'
answers local '\002' '307\nLocation: https://[::ffff:127.0.0.1]:5000/x\n\n'
answers tags '\001' "${challenge}"'200\nLink: </v2/team/tool/tags/list?last=b>; rel="next"\n\n{"tags":["a","b"]}\037200\n\n{"tags":["c"]}'
answers resumed '\002' '200!\n\n01234\037206!\nContent-Range: bytes 5-9/10\n\n567\037200\n\n0123456789'
answers range '\003' '206\nContent-Range: bytes 3-6/10\n\n3456'
answers put '\004' '404\n\n\037202\nLocation: /v2/team/tool/blobs/uploads/1?s=t\n\n\037201\n\n'
answers chunks '\005' '202\nLocation: x\nOCI-Chunk-Min-Length: 1100000\n\n\037202\nLocation: y\n\n\037503\n\n\037204\nRange: 0-1200000\n\n\037202\nLocation: z\n\n\037201\n\n'

# --- EROFS --------------------------------------------------------------------------------------------------------
if has mkfs.erofs; then
  mkdir "$work/small" && cp "$work/f" "$work/small/f"
  for way in '' '-zlz4hc' '-Enoinline_data' '-Elegacy-compress' '-x-1'; do
    # shellcheck disable=SC2086
    mkfs.erofs -T0 -U00000000-0000-0000-0000-000000000000 $way "$work/image" "$work/small" >/dev/null 2>&1 &&
      seed erofs "image$way" '' <"$work/image"
    rm -f "$work/image"
  done
fi
exit 0
