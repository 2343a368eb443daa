#!/bin/sh
# pull and push of oci-storage with Debian's docker-registry on the loopback: without TLS, with TLS and a certificate of one's
# own, with passwords and with tokens; skopeo and Podman on the same registries, and images from one registry to another.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
. tests/programs.sh

if ! is_root || ! has podman || ! has buildah || ! has skopeo || ! has jq; then
  skip registry "needs root, podman, buildah, skopeo and jq"
  exit 0
fi
make_scratch
if ! overlay_works "$scratch"; then skip registry "no overlay file system here"; exit 0; fi

. tests/registries.sh
if ! has_registries; then skip registry "needs docker-registry, htpasswd, openssl, curl and python3"; exit 0; fi

# names STORE: of its images, with their ids
names() { in_place "$1" pod images --noheading --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort; }

# --- registries -------------------------------------------------------------------------------------------------------

certificate() { # NAME SUBJECT SIGNER [EXTENSIONS]
  openssl req -newkey rsa:2048 -nodes -keyout "$scratch/tls/$1.key" -subj "/CN=$2" -out "$scratch/tls/$1.csr" &&
    printf '%s\n' "${4:-}" >"$scratch/tls/$1.ext" &&
    if [ "$3" = "$1" ]; then
      openssl x509 -req -in "$scratch/tls/$1.csr" -signkey "$scratch/tls/$1.key" -days 2 -extfile "$scratch/tls/$1.ext" -out "$scratch/tls/$1.crt"
    else
      openssl x509 -req -in "$scratch/tls/$1.csr" -CA "$scratch/tls/$3.crt" -CAkey "$scratch/tls/$3.key" -CAcreateserial -days 2 \
        -extfile "$scratch/tls/$1.ext" -out "$scratch/tls/$1.crt"
    fi
}
mkdir "$scratch/tls"
{
  certificate authority "an authority" authority 'basicConstraints=critical,CA:TRUE' &&
    certificate other "another authority" other 'basicConstraints=critical,CA:TRUE' &&
    certificate server localhost authority 'subjectAltName=DNS:localhost' &&
    certificate client me authority 'extendedKeyUsage=clientAuth' &&
    certificate elsewhere elsewhere.example authority 'subjectAltName=DNS:elsewhere.example' &&
    certificate issuer issuer issuer 'basicConstraints=critical,CA:TRUE'
} >"$scratch/log" 2>&1 || { not_ok "openssl makes certificates" "$(cat "$scratch/log")"; exit 1; }
mkdir "$scratch/trusted" "$scratch/wrong" "$scratch/mutual"
cp "$scratch/tls/authority.crt" "$scratch/trusted/ca.crt"
cp "$scratch/tls/other.crt" "$scratch/wrong/ca.crt"
cp "$scratch/tls/authority.crt" "$scratch/mutual/ca.crt"
cp "$scratch/tls/client.crt" "$scratch/mutual/client.cert"
cp "$scratch/tls/client.key" "$scratch/mutual/client.key"
tls_of() { printf '  tls:\n    certificate: %s\n    key: %s\n' "$scratch/tls/$1.crt" "$scratch/tls/$1.key"; }

start_registry plain
start_registry mirror
start_registry secure '' "$(tls_of server)"
start_registry elsewhere '' "$(tls_of elsewhere)"
start_registry mutual '' "$(tls_of server; printf '    clientcas:\n      - %s\n' "$scratch/tls/authority.crt")"
start_registry closed "$(htpasswd_auth me 'pass:wörd')"
token_port=$(free_port)
python3 tests/interop/token_server.py "$token_port" "$scratch/tls/issuer.key" "$scratch/tls/issuer.crt" strata-tests me secret \
  "$scratch/asked-tokens" >"$scratch/token.log" 2>&1 &
servers="$servers $!"
start_registry tokens "$(printf 'auth:\n  token:\n    realm: http://localhost:%s/token\n    service: tokens\n    issuer: strata-tests\n    rootcertbundle: %s\n' \
  "$token_port" "$scratch/tls/issuer.crt")"

# --- what Podman has --------------------------------------------------------------------------------------------------

mkdir "$scratch/context" "$scratch/context/one" "$scratch/context/two"
echo one >"$scratch/context/one/file"
head -c 3000000 /dev/urandom >"$scratch/context/two/noise"
printf 'FROM scratch\nCOPY one /\nENV A=b\nCOPY two /\nCMD ["/bin/sh"]\n' >"$scratch/context/Dockerfile"
printf 'FROM localhost/tool:1\nCOPY one /more\n' >"$scratch/context/child"
(
  use_store "$scratch/theirs"
  builder build -q --timestamp 1700000000 --layers -t localhost/tool:1 "$scratch/context" &&
    builder build -q --timestamp 1700000000 --layers -t localhost/child:1 -f "$scratch/context/child" "$scratch/context" &&
    builder build -q --platform linux/arm64 --timestamp 1700000000 -t localhost/arm "$scratch/context" &&
    builder manifest create localhost/both localhost/tool:1 localhost/arm &&
    builder manifest push --all --tls-verify=false localhost/both "docker://$plain_at/both:1" &&
    pod push -q --tls-verify=false --format v2s2 localhost/tool:1 "$plain_at/docker/tool:1" &&
    pod push -q --tls-verify=false --format oci localhost/tool:1 "$plain_at/oci/tool:1"
) >"$scratch/log" 2>&1 || { not_ok "podman makes and pushes images" "$(cat "$scratch/log")"; exit 1; }
id_of() { in_place theirs ours inspect "$1" | jq -r '.[0].Id'; }
tool=$(id_of tool:1) arm=$(id_of arm) child=$(id_of child:1)
inspect() { skopeo inspect --raw --tls-verify=false "docker://$1"; }

# --- pull -------------------------------------------------------------------------------------------------------------

pull() { pull_store=$1 && shift && in_place "$pull_store" ours pull -q --tls-verify=false "$@" 2>&1; }
for kind in docker oci; do
  check_equal "pull: an image of $kind's format, its id on stdout" "$tool" "$(pull "ours-$kind" "$plain_at/$kind/tool:1")"
  in_place "pod-$kind" pod pull -q --tls-verify=false "$plain_at/$kind/tool:1" >"$scratch/log" 2>&1
  check_equal "pull: the name that Podman gives it" "$(names "pod-$kind")" "$(names "ours-$kind")"
  for store in pod ours; do
    jq -S 'sort_by(.id)|map(del(.created))' "$scratch/$store-$kind/graph/overlay-layers/layers.json" >"$scratch/layers.$store"
    jq -S 'map(del(.created))' "$scratch/$store-$kind/graph/overlay-images/images.json" >"$scratch/images.$store"
  done
  check "pull: the layers' records that Podman writes" diff "$scratch/layers.pod" "$scratch/layers.ours"
  check "pull: and the image's" diff "$scratch/images.pod" "$scratch/images.ours"
done
check_equal "pull: what was there is not pulled again" "$tool 0" "$(
  before=$(requests plain GET '/blobs/')
  pull ours-oci "$plain_at/docker/tool:1" | tr '\n' ' '
  echo $(($(requests plain GET '/blobs/') - before - 1)) # the configuration
)"
digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$plain_at/oci/tool:1")
check_equal "pull: by digest" "$tool" "$(pull by-digest "docker://$plain_at/oci/tool@$digest")"
check_equal "pull: of several platforms the one that is asked for" "$arm" "$(pull both --platform linux/arm64 "$plain_at/both:1")"
check_equal "pull: or the machine's" "$(case $(uname -m) in aarch64) echo "$arm" ;; *) echo "$tool" ;; esac)" "$(pull both "$plain_at/both:1")"
check_equal "pull: several images" "$(printf '%s\n%s' "$tool" "$tool")" "$(pull several "$plain_at/oci/tool:1" "$plain_at/docker/tool:1")"
check_equal "pull: what Podman prints goes to stderr" "Trying to pull $plain_at/oci/tool:1..." \
  "$(in_place loud ours pull --tls-verify=false "$plain_at/oci/tool:1" 2>&1 >/dev/null)"

# fails WHAT PART WORD...: ours fails, prints nothing on stdout and one line on stderr that has the part, and no password
fails() {
  fails_what=$1 fails_part=$2
  shift 2
  if in_place fails ours "$@" >"$scratch/out" 2>"$scratch/err" </dev/null; then
    not_ok "$fails_what fails" "$(cat "$scratch/out")"
  elif [ -s "$scratch/out" ] || [ "$(wc -l <"$scratch/err")" != 1 ] || ! grep -qF -e "$fails_part" "$scratch/err" ||
    grep -qF -e 'wörd' -e hunter -e secret -e "$(printf 'me:pass:wörd' | base64)" "$scratch/err"; then
    not_ok "$fails_what: one line that says why" "$(cat "$scratch/out" "$scratch/err")"
  else
    ok "$fails_what: $(sed "s|$scratch/||g; s|localhost:[0-9]*|REGISTRY|g" "$scratch/err")"
  fi
}
fails "pull: no such tag" "$plain_at/oci/tool:2" pull -q --tls-verify=false "$plain_at/oci/tool:2"
fails "pull: no such repository" "$plain_at/no/such:latest" pull -q --tls-verify=false "$plain_at/no/such"
fails "pull: no name" "Mine" pull -q "$plain_at/Mine"
fails "pull: no such platform" "linux/s390x" pull -q --tls-verify=false --platform linux/s390x "$plain_at/both:1"
fails "pull: no TLS, though it is wanted" "$plain_at/oci/tool:1" pull -q "$plain_at/oci/tool:1"
damaged=$(inspect "$plain_at/docker/tool:1" | jq -r '.layers[1].digest' | cut -d: -f2)
in_place theirs pod push -q --tls-verify=false --format v2s2 localhost/tool:1 "$mirror_at/damaged:1" >"$scratch/log" 2>&1
blob=$(find "$scratch/mirror.data" -path "*$damaged/data")
printf x | dd of="$blob" bs=1 seek=2000000 conv=notrunc 2>"$scratch/log"
fails "pull: a damaged layer" "$damaged" pull -q --tls-verify=false "$mirror_at/damaged:1"
truncate -s -5 "$blob"
fails "pull: a cut layer" "$damaged" pull -q --tls-verify=false "$mirror_at/damaged:1"
rm "$blob"
fails "pull: a layer that is not there" "$damaged" pull -q --tls-verify=false "$mirror_at/damaged:1"
check_equal "pull: what fails leaves no image" "" "$(names fails)"
rm -r "$scratch/mirror.data/docker"

cut_port=$(free_port)
python3 tests/interop/cutting_proxy.py "$cut_port" "${plain_at#*:}" 1000000 3 >"$scratch/proxy.log" 2>&1 &
servers="$servers $!"
sleep 1
check_equal "pull: over connections that break" "$tool" "$(pull cut "localhost:$cut_port/docker/tool:1")"
check_equal "pull: is resumed each time" 3 "$(grep -c '"http.response.status":206' "$scratch/plain.log")"

# --- push -------------------------------------------------------------------------------------------------------------

push() { in_place theirs ours push -q --tls-verify=false "$@"; }
# podman_reads WHAT IMAGE ID
number=0
podman_reads() {
  number=$((number + 1))
  check_equal "$1: podman pulls it" "$3" "$(in_place "read$number" pod pull -q --tls-verify=false "$2" 2>&1)"
}
check "push: an image" push --digestfile "$scratch/digest" localhost/tool:1 "$mirror_at/ours/tool:1"
podman_reads "push" "$mirror_at/ours/tool:1" "$tool"
check_equal "push: --digestfile" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$mirror_at/ours/tool:1")" "$(cat "$scratch/digest")"
check_equal "push: prints nothing" "" "$(in_place theirs ours push --tls-verify=false localhost/tool:1 "docker://$mirror_at/ours/tool:1" 2>&1)"
before=$(requests mirror PUT '/blobs/uploads/')
check "push: under another tag" push "$tool" "$mirror_at/ours/tool:2"
check_equal "push: sends no blob that is there" "$before" "$(requests mirror PUT '/blobs/uploads/')"
check "push: a child" push localhost/child:1 "$mirror_at/ours/tool:child"
check_equal "push: sends its one layer and its configuration" $((before + 2)) "$(requests mirror PUT '/blobs/uploads/')"
podman_reads "push of a child" "$mirror_at/ours/tool:child" "$child"
in_place theirs ours add-names --name "$mirror_at/ours/tool:1" "$tool" >"$scratch/log"
before=$(requests mirror PUT '/blobs/uploads/')
check "push: to another repository of the registry" push "$mirror_at/ours/tool:1" "$mirror_at/ours/again:1"
check_equal "push: the registry takes the blobs from the first one" "$before" "$(requests mirror PUT '/blobs/uploads/')"
podman_reads "push of what the registry has" "$mirror_at/ours/again:1" "$tool"
for format in oci v2s2; do
  for compress in gzip zstd none; do
    [ "$format $compress" != "v2s2 zstd" ] || continue
    check "push: --format $format --compress $compress" push --format $format --compress $compress localhost/tool:1 "$mirror_at/$format/$compress:1"
    podman_reads "push of $format and $compress" "$mirror_at/$format/$compress:1" "$tool"
  done
  check_equal "push: a manifest of the format $format" \
    "$(case $format in oci) echo application/vnd.oci.image.manifest.v1+json ;; *) echo application/vnd.docker.distribution.manifest.v2+json ;; esac)" \
    "$(inspect "$mirror_at/$format/gzip:1" | jq -r .mediaType)"
done
fails "push: an unknown image" "nosuch" push -q nosuch "$mirror_at/x"
in_place fails ours pull -q --tls-verify=false "$plain_at/oci/tool:1" >"$scratch/log"
fails "push: an unknown format" "--format tar" push -q --format tar --tls-verify=false "$tool" "$mirror_at/x"
fails "push: an image without a name" "destination" push -q --tls-verify=false "$tool"
fails "push: no registry" "of localhost:1/x," push -q --tls-verify=false "$tool" localhost:1/x

# --- from one registry to another -------------------------------------------------------------------------------------

check_equal "mirror: pulled from one" "$tool" "$(pull between "$plain_at/docker/tool:1")"
check "mirror: and pushed to another" in_place between ours push -q --tls-verify=false "$plain_at/docker/tool:1" "$mirror_at/by/ours:1"
check "mirror: by skopeo" skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$plain_at/docker/tool:1" "docker://$mirror_at/by/skopeo:1"
check_equal "mirror: the same configuration" "$(inspect "$mirror_at/by/skopeo:1" | jq -r .config.digest)" "$(inspect "$mirror_at/by/ours:1" | jq -r .config.digest)"
check_equal "mirror: ours pulls what skopeo put" "$tool" "$(pull skopeos "$mirror_at/by/skopeo:1")"
check_equal "mirror: skopeo lists the tags that ours put" "$(printf '%s\n' 1 2 child)" \
  "$(skopeo list-tags --tls-verify=false "docker://$mirror_at/ours/tool" | jq -r '.Tags[]' | sort)"

# --- TLS --------------------------------------------------------------------------------------------------------------

check "TLS: push" in_place theirs ours push -q --cert-dir "$scratch/trusted" localhost/tool:1 "$secure_at/tool:1"
check_equal "TLS: pull" "$tool" "$(in_place tls ours pull -q --cert-dir "$scratch/trusted" "$secure_at/tool:1" 2>&1)"
check_equal "TLS: podman pulls it" "$tool" "$(in_place tls-pod pod pull -q --cert-dir "$scratch/trusted" "$secure_at/tool:1" 2>&1)"
check_equal "TLS: any certificate, if that is wanted" "$tool" "$(in_place lax ours pull -q --tls-verify=false "$secure_at/tool:1" 2>&1)"
fails "TLS: an authority that is not known" "certificate" pull -q "$secure_at/tool:1"
fails "TLS: another authority" "certificate" pull -q --cert-dir "$scratch/wrong" "$secure_at/tool:1"
fails "TLS: the certificate of another host" "certificate" pull -q --cert-dir "$scratch/trusted" "$elsewhere_at/tool:1"
mkdir -p "$HOME/.config/containers/certs.d/$secure_at"
cp "$scratch/trusted/ca.crt" "$HOME/.config/containers/certs.d/$secure_at"
check_equal "TLS: an authority of the user's certs.d" "$tool" "$(in_place home ours pull -q "$secure_at/tool:1" 2>&1)"
check "TLS: a certificate of the client, push" in_place theirs ours push -q --cert-dir "$scratch/mutual" localhost/tool:1 "$mutual_at/tool:1"
check_equal "TLS: and pull" "$tool" "$(in_place mutual ours pull -q --cert-dir "$scratch/mutual" "$mutual_at/tool:1" 2>&1)"
fails "TLS: no certificate of the client" "no trusted connection" pull -q --cert-dir "$scratch/trusted" "$mutual_at/tool:1"

# --- passwords and tokens ---------------------------------------------------------------------------------------------

# guarded NAME ADDRESS CREDENTIALS
guarded() {
  check "$1: push" in_place theirs ours push -q --tls-verify=false --creds "$3" localhost/tool:1 "$2/tool:1"
  check_equal "$1: pull" "$tool" "$(in_place "$1" ours pull -q --tls-verify=false --creds "$3" "$2/tool:1" 2>&1)"
  check_equal "$1: podman pulls it" "$tool" "$(in_place "$1-pod" pod pull -q --tls-verify=false --creds "$3" "$2/tool:1" 2>&1)"
  in_place theirs pod push -q --tls-verify=false --creds "$3" localhost/child:1 "$2/tool:pod" >"$scratch/log" 2>&1
  check_equal "$1: ours pulls what podman pushed" "$child" "$(in_place "$1" ours pull -q --tls-verify=false --creds "$3" "$2/tool:pod" 2>&1)"
  fails "$1: a wrong password" "credentials are refused" pull -q --tls-verify=false --creds me:hunter2 "$2/tool:1"
  fails "$1: no credentials" "no credentials" pull -q --tls-verify=false "$2/tool:1"
  fails "$1: a push with a wrong password" "credentials are refused" push -q --tls-verify=false --creds me:hunter2 "$tool" "$2/tool:3"
}
guarded passwords "$closed_at" 'me:pass:wörd'
guarded tokens "$tokens_at" 'me:secret'
check_equal "tokens: one for a pull" 1 "$(
  : >"$scratch/asked-tokens"
  in_place one-token ours pull -q --tls-verify=false --creds me:secret "$tokens_at/tool:1" >"$scratch/log"
  grep -c 'True repository:tool:pull$' "$scratch/asked-tokens"
)"
fails "no credentials in --creds" "--creds" pull -q --creds me "$plain_at/oci/tool:1"

# --- what the host says -----------------------------------------------------------------------------------------------

# both NAME WORD...: pull -q of ours and of Podman's, each into a store of its own; ours must print what Podman prints
both() {
  both_name=$1
  shift
  check_equal "$both_name" "$(in_place host-pod pod pull -q "$@" 2>/dev/null)" "$(in_place host-ours ours pull -q "$@" 2>&1)"
}
podman_login() { podman login --tls-verify=false -u "$1" -p "$2" "$3" >"$scratch/log" 2>&1; }
podman_login me 'pass:wörd' "$closed_at"
both "credentials: as podman login leaves them" --tls-verify=false "$closed_at/tool:1"
podman_login me secret "$tokens_at"
both "credentials: for a registry with tokens" --tls-verify=false "$tokens_at/tool:1"
check "credentials: push" in_place theirs ours push -q --tls-verify=false localhost/tool:1 "$closed_at/tool:mine"
mv "$REGISTRY_AUTH_FILE" "$scratch/auth.json"
echo '{}' >"$REGISTRY_AUTH_FILE"
fails "credentials: none" "$closed_at" pull -q --tls-verify=false "$closed_at/tool:1"
check_equal "credentials: of --authfile" "$tool" "$(in_place host-ours ours pull -q --tls-verify=false --authfile "$scratch/auth.json" "$closed_at/tool:1" 2>&1)"
fails "credentials: no such file" "nowhere.json" pull -q --tls-verify=false --authfile "$scratch/nowhere.json" "$closed_at/tool:1"

registries() { printf '%s\n' "$@" >"$scratch/registries.conf"; }
export CONTAINERS_REGISTRIES_CONF="$scratch/registries.conf"
registries "unqualified-search-registries = ['$secure_at', '$plain_at']" "[[registry]]" "location = '$plain_at'" "insecure = true" \
  "[[registry]]" "location = '$secure_at'" "insecure = true" "[aliases]" "'alias' = '$plain_at/docker/tool'" \
  "[[registry]]" "prefix = 'images.example'" "location = '$plain_at/nothing'" "insecure = true" \
  "[[registry.mirror]]" "location = '$mirror_at/nothing'" "insecure = true" "[[registry.mirror]]" "location = '$plain_at/oci'" "insecure = true" \
  "[[registry]]" "location = 'blocked.example'" "blocked = true"
both "registries.conf: an insecure registry" "$plain_at/oci/tool:1"
both "registries.conf: a short name in the registries to search" both:1
both "registries.conf: an alias" alias:1
both "registries.conf: a mirror" images.example/tool:1
check_equal "registries.conf: the names are those that Podman gives" "$(names host-pod)" "$(names host-ours)"
fails "registries.conf: a blocked registry" "blocked.example" pull -q blocked.example/tool:1
fails "registries.conf: no place has it" "images.example" pull -q images.example/none:1
fails "registries.conf: push to a blocked registry" "blocked.example" push -q "$(in_place fails ours pull -q "$plain_at/both:1")" blocked.example/tool:1
unset CONTAINERS_REGISTRIES_CONF

mkdir -p "$HOME/.config/containers"
policy() { printf '%s\n' "$1" >"$HOME/.config/containers/policy.json"; }
policy '{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":{"'"$plain_at"'/docker":[{"type":"reject"}],"'"$plain_at"'/oci":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/none"}]}}}'
fails "policy.json: an image that it rejects" "$plain_at/docker" pull -q --tls-verify=false "$plain_at/docker/tool:1"
fails "policy.json: an image that must be signed" "signed" pull -q --tls-verify=false "$plain_at/oci/tool:1"
both "policy.json: an image that it lets through" --tls-verify=false "$plain_at/both:1"
policy '{"default":[{"type":"reject"}]}'
fails "policy.json: nothing is let through" "policy.json" pull -q --tls-verify=false "$plain_at/both:1"
policy '{"defaults":[]}'
fails "policy.json: a broken one" "policy.json" pull -q --tls-verify=false "$plain_at/both:1"
rm "$HOME/.config/containers/policy.json"
