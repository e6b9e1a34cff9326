#!/usr/bin/env bash
# Moves one large file up and down on loopback: Sealpost plain and over mutual TLS, beside cp (what the disk
# does without a network) and, where installed, nginx with curl over mutual TLS (no digest, no sync).
#   throughput.sh PATH-TO-SEALPOST [MEBIBYTES] [ROUNDS]
# Prints MB/s (10^6 bytes a second) of each round. Sealpost digests at both ends and syncs uploads to disk.
set -euo pipefail
sealpost=$(readlink -f "$1") mebibytes=${2:-1024} rounds=${3:-3}
work=$(mktemp -d)
pids=()
cleanup() {
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

head -c $((mebibytes * 1048576)) /dev/urandom >file
"$sealpost" -q pki init >/dev/null
"$sealpost" -q pki issue server localhost >/dev/null
"$sealpost" -q pki issue client bench >/dev/null
"$sealpost" -q serve --listen 127.0.0.1:0 --allow-plain >server.out 2>server.log &
pids+=($!)
for _ in $(seq 100); do grep -q listening server.out && break || sleep 0.1; done
server=$(grep -o '127\.0\.0\.1:[0-9]*' server.out | head -n 1)
export BENCH_PASSWORD=correct-horse-battery
login=(--server "$server" --user bench --password env:BENCH_PASSWORD --conflict overwrite)
"$sealpost" -q register --server "$server" --user bench --password env:BENCH_PASSWORD

start_nginx() {
    command -v nginx >/dev/null 2>&1 && command -v curl >/dev/null 2>&1 || return 1
    mkdir -p web
    cat >nginx.conf <<CONF
daemon off; pid $work/nginx.pid; error_log $work/nginx.log; worker_processes 2;
$([ "$(id -u)" = 0 ] && echo "user root;")
events {}
http {
  access_log off; sendfile on; client_max_body_size 0; client_body_temp_path $work/body;
  server {
    listen 127.0.0.1:$1 ssl; root $work/web;
    ssl_certificate $work/certs/server.crt; ssl_certificate_key $work/certs/server.key;
    ssl_client_certificate $work/certs/ca.crt; ssl_verify_client on; ssl_protocols TLSv1.3;
    location / { dav_methods PUT; }
  }
}
CONF
    nginx -p "$work" -c "$work/nginx.conf" >/dev/null 2>&1 &
    pids+=($!)
    sleep 0.5
    kill -0 "${pids[-1]}" 2>/dev/null
}
nginx_port=$((20000 + RANDOM % 20000))
if start_nginx "$nginx_port"; then nginx=yes; else nginx=no; echo "SKIPPED: nginx or curl is missing, no peer to compare with"; fi
tls=(--cacert certs/ca.crt --cert certs/client.crt --key certs/client.key --tlsv1.3 -sf)

# Runs a command and prints its rate.
rate() {
    local name=$1 begin end
    shift
    sync
    begin=$(date +%s%N)
    "$@" >/dev/null
    end=$(date +%s%N)
    printf '%-24s %7d MB/s\n' "$name" $((mebibytes * 1048576 * 1000 / (end - begin)))
}

for round in $(seq "$rounds"); do
    echo "round $round of $rounds, $mebibytes MiB"
    rm -f copy back
    rate "cp" cp file copy
    rate "sealpost plain up" "$sealpost" -q put file "${login[@]}" --plain
    rate "sealpost plain down" "$sealpost" -q get file -o back "${login[@]}" --plain
    rate "sealpost mtls up" "$sealpost" -q put file "${login[@]}"
    rate "sealpost mtls down" "$sealpost" -q get file -o back "${login[@]}"
    cmp file back
    if [ "$nginx" = yes ]; then
        rate "nginx mtls up" curl "${tls[@]}" -T file "https://localhost:$nginx_port/file"
        rate "nginx mtls down" curl "${tls[@]}" -o back "https://localhost:$nginx_port/file"
    fi
done
