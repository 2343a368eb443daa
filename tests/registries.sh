# Debian's docker-registry on the loopback. Read with `.` after lib.sh and make_scratch by what tests registries.

servers=
trap 'for server in $servers; do kill "$server" 2>/dev/null; done; remove_scratch' EXIT
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY
# Nothing of this machine's user: no credentials, no certificates.
export HOME="$scratch/home" REGISTRY_AUTH_FILE="$scratch/home/auth.json"
mkdir -p "$HOME" && echo "{}" >"$REGISTRY_AUTH_FILE"

has_registries() { has docker-registry && has htpasswd && has openssl && has curl && has python3; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_registry NAME [YAML of auth] [YAML of http.tls]: sets NAME_at to its address; the
# registry takes variables that begin with REGISTRY_ for its own
start_registry() {
  port=$(free_port)
  mkdir "$scratch/$1.data"
  {
    printf 'version: 0.1\nlog:\n  level: info\n  formatter: json\n'
    printf 'storage:\n  filesystem:\n    rootdirectory: %s\n' "$scratch/$1.data"
    printf 'http:\n  addr: 127.0.0.1:%s\n' "$port"
    printf '%s\n%s\n' "${3:-}" "${2:-}"
  } >"$scratch/$1.yml"
  env -u REGISTRY_AUTH_FILE docker-registry serve "$scratch/$1.yml" >"$scratch/$1.log" 2>&1 &
  servers="$servers $!"
  eval "$1_at=localhost:$port"
  for _ in $(seq 100); do
    # its socket is there, whatever it answers and whomever it trusts
    if curl -s -o "$scratch/answer" "http://localhost:$port/v2/"; then return 0; fi
    sleep 0.1
  done
  not_ok "docker-registry starts" "$(cat "$scratch/$1.log")"
  exit 1
}
# htpasswd_auth USER PASSWORD: the auth of a registry that wants them
htpasswd_auth() {
  htpasswd -Bbn "$1" "$2" >"$scratch/htpasswd" 2>/dev/null
  printf 'auth:\n  htpasswd:\n    realm: closed\n    path: %s\n' "$scratch/htpasswd"
}
# requests NAME METHOD PART: how many requests the registry has answered whose target has the part
requests() {
  grep '"http.response.status"' "$scratch/$1.log" | grep -F "\"http.request.method\":\"$2\"" |
    grep -c "\"http.request.uri\":\"[^\"]*$3"
}
