#!/usr/bin/env bash
# Sealpost's one script. Without an argument it shows what Sealpost is for; `./run.sh help` lists the rest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'TEXT'
./run.sh              build, make certificates and a user, move a file over plain TCP and over mutual TLS,
                      and show what a stranger on the wire read of each; ends by itself, safe to run again
./run.sh server …     build and run `sealpost serve …`
./run.sh client …     build and run `sealpost …`, such as ./run.sh client ls
./run.sh gui …        build with the window and open it, `sealpost gui …`
./run.sh lab …        build and run `sealpost lab …`; alone: lab compare, with its report in target/lab
./run.sh screenshots  pictures of every screen of the window, into target/screenshots/
./run.sh test         all tests; installs what they need where it can, and says what it skips
./run.sh check        formatting, lints and documentation, every warning an error
./run.sh bench        throughput, side by side with other programs
TEXT
}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'run.sh: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  next: %s\n' "$line" >&2; done
    exit 1
}

# The program is Rust with a little C inside (aws-lc, the cryptography under rustls).
need_toolchain() {
    if ! command -v cargo >/dev/null 2>&1; then
        local cargo_home=${CARGO_HOME:-${HOME-}/.cargo}
        [ -x "$cargo_home/bin/cargo" ] && PATH="$cargo_home/bin:$PATH"
    fi
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo, Rust's build tool, is missing" \
            "install Rust with rustup (rustup.rs), open a new terminal, and run this again"
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/Cargo.toml")
    have=$(cd "$here" && cargo --version) ||
        fail "cargo does not run (its words are above)" "rustup default stable"
    have=${have#cargo }
    have=${have%% *}
    [ "$(printf '%s\n%s\n' "$wanted" "${have%%-*}" | sort -V | head -n 1)" = "$wanted" ] ||
        fail "cargo $have is too old: Sealpost needs $wanted or newer" \
            "with rustup: rustup update stable" \
            "with another package manager's cargo: install Rust with rustup (rustup.rs) instead"
    command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
        fail "a C compiler is missing" "install one: apt-get install gcc, dnf install gcc, or xcode-select --install"
}

# `build` makes the program without the window; `build window` with it, which takes longer.
build() {
    need_toolchain
    local features=--no-default-features
    [ "${1-}" = window ] && features=--features=gui
    say "building (the first time takes some minutes) …" >&2
    # Whoever watches sees how far it is; a log stays short.
    local quiet=--quiet
    [ -t 2 ] && quiet=
    (cd "$here" && cargo build --release --locked "$features" ${quiet:+"$quiet"} --bin sealpost)
    # A relative CARGO_TARGET_DIR counts from where cargo ran.
    sealpost=$(cd "$here" && cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/sealpost
}

# Opens the window. What it draws with is loaded when it starts, so that the rest runs on machines without.
open_window() {
    build window
    local code=0
    "$sealpost" gui "$@" || code=$?
    [ $code -eq 0 ] || tell_missing_libraries
    exit $code
}

# Which of the libraries that the window loads are not installed, by Debian's package names.
tell_missing_libraries() {
    command -v ldconfig >/dev/null 2>&1 || return 0
    local missing=() each have
    have=$(ldconfig -p)
    for each in libX11.so.6:libx11-6 libXcursor.so.1:libxcursor1 libXi.so.6:libxi6 libX11-xcb.so.1:libx11-xcb1 \
        libxkbcommon-x11.so.0:libxkbcommon-x11-0 libGL.so.1:libgl1; do
        case $have in *"${each%%:*}"*) ;; *) missing+=("${each##*:}") ;; esac
    done
    [ ${#missing[@]} -eq 0 ] ||
        printf 'run.sh: not installed here: %s\n  next: apt-get install %s\n' "${missing[*]}" "${missing[*]}" >&2
}

# Runs a command of sealpost and shows it as one would type it.
run() {
    local word shown=
    for word in "$@"; do
        case $word in *' '*) shown+=" '$word'" ;; *) shown+=" $word" ;; esac
    done
    printf '$ sealpost%s\n' "$shown"
    "$sealpost" "$@" 2>&1
}

demo() {
    build
    cd "$here"
    umask 077
    local out=target/demo
    mkdir -p "$out"
    rm -f "$out"/*.pcapng "$out"/*.out
    trap stop_all EXIT
    trap 'exit 130' INT TERM

    say
    say "1. Certificates: a CA of our own, a server and a client it vouches for"
    [ -f certs/ca.crt ] || run -q pki init
    [ -f certs/server.crt ] || run -q pki issue server localhost
    [ -f certs/client.crt ] || run -q pki issue client demo
    run pki list

    say
    say "2. A server that takes both, plain TCP and mutual TLS, so that they can be compared"
    start_server
    export SEALPOST_DEMO_PASSWORD
    SEALPOST_DEMO_PASSWORD=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
    local login=(--user demo --password env:SEALPOST_DEMO_PASSWORD)
    if ! "$sealpost" -q register --server "$server" "${login[@]}" 2>"$out/register.out"; then
        # From an earlier run, which took its password with it.
        run -q user passwd demo --password env:SEALPOST_DEMO_PASSWORD
    fi
    say "   at $server, with a user demo and a random password"

    say
    say "3. The same file, up and down, twice; a tap in the middle writes down what passes"
    sample "$out/lecture notes 讲义.txt"
    local name="lecture notes 讲义.txt" kind
    transfer plain --plain
    transfer mtls

    say
    say "4. What a stranger on the wire read"
    local look=(--find "user=text:demo" --find "password=env:SEALPOST_DEMO_PASSWORD" --find "file name=text:$name" --find-file "$out/$name")
    for kind in plain mtls; do
        say
        say "   $kind, the upload's connection and the download's:"
        "$sealpost" -q capture read "$out/$kind.pcapng" "${look[@]}" | sed 's/^/   /'
    done
    say
    say "5. The same file once more, in the lab, which compares the two and writes a report"
    run lab compare "$out/$name" --out "$out/lab"
    say
    say "The report is $out/lab/report.html. The captures of step 3 are $out/plain.pcapng and"
    say "$out/mtls.pcapng: open both in Wireshark, or say ./run.sh client capture read $out/plain.pcapng"
    say "Next: ./run.sh server, and in another terminal ./run.sh client --help"
}

# Uploads and downloads the sample through a tap that records into $out/$1.pcapng; the rest are options.
transfer() {
    local kind=$1
    shift
    "$sealpost" -q capture --listen 127.0.0.1:0 --to "$server" --out "$out/$kind.pcapng" --connections 2 \
        >"$out/$kind.tap.out" 2>&1 &
    pids+=($!)
    local tap=$! address
    address=$(address_in "$out/$kind.tap.out" "$tap") || fail "the tap did not start" "see $out/$kind.tap.out"
    rm -f "$out/$kind.txt"
    run put "$out/$name" --conflict overwrite --server "$address" "${login[@]}" "$@"
    run get "$name" -o "$out/$kind.txt" --server "$address" "${login[@]}" "$@"
    wait "$tap" || fail "the tap failed" "see $out/$kind.tap.out"
    cmp "$out/$name" "$out/$kind.txt" || fail "the file that came back differs"
    say "   the bytes that came back are equal"
}

start_server() {
    local listen
    for listen in 127.0.0.1:9999 127.0.0.1:0; do
        "$sealpost" serve --listen "$listen" --allow-plain >"$out/server.out" 2>"$out/server.log" &
        pids+=($!)
        if server=$(address_in "$out/server.out" $!); then
            return
        fi
        # Port 9999 is taken, or it is something a free port will not help; the second try tells.
    done
    cat "$out/server.log" >&2
    fail "the server did not start"
}

# The address that process $2 printed into file $1; waits for it.
address_in() {
    local tries=0 found
    while [ $tries -lt 100 ]; do
        found=$(grep -o '127\.0\.0\.1:[0-9]*' "$1" 2>/dev/null | head -n 1 || true)
        if [ -n "$found" ]; then
            printf '%s' "$found"
            return 0
        fi
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
        tries=$((tries + 1))
    done
    return 1
}

# A real file of some megabytes: the program's own text, again and again.
sample() {
    local text=target/demo/source.out
    find src -name '*.rs' -exec cat {} + >"$text"
    : >"$1"
    while [ "$(wc -c <"$1")" -lt 4000000 ]; do cat "$text" >>"$1"; done
}

pids=()
stop_all() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
}

# Programs that tests talk to, by Debian's package names. Each test that misses one says SKIPPED.
install_for_tests() {
    local missing=() tool
    for tool in openssl:openssl python3:python3 curl:curl tshark:tshark luac5.2:lua5.2 luac5.4:lua5.4 \
        Xvfb:xvfb xdotool:xdotool import:imagemagick fc-list:fontconfig; do
        command -v "${tool%%:*}" >/dev/null 2>&1 || missing+=("${tool##*:}")
    done
    # What the window loads when it opens, a Chinese font, and what drops files on it.
    if command -v dpkg-query >/dev/null 2>&1; then
        for tool in libgl1 libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0 libfontconfig1 fonts-wqy-microhei python3-xlib; do
            dpkg-query -W -f '${Status}' "$tool" 2>/dev/null | grep -q ' installed$' || missing+=("$tool")
        done
    fi
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing ${missing[*]} for the tests"
        apt-get update -qq >/dev/null 2>&1 || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
            say "SKIPPED: could not install ${missing[*]}; the tests that need them are skipped"
    else
        say "SKIPPED: ${missing[*]} not installed, and no root with apt-get to do it; the tests that need them are skipped"
    fi
}

run_tests() {
    need_toolchain
    install_for_tests
    cd "$here"
    cargo test --locked --features gui-tests --lib --bins --tests "$@"
}

screenshots() {
    need_toolchain
    install_for_tests
    cd "$here"
    cargo test --locked --features gui-tests --test gui -- --ignored every_screen
    say "target/screenshots/ has every screen, tests/gui/pictures/ those of the README"
}

# Whoever builds without the window gets none of its crates.
without_window() {
    local found
    found=$(cargo tree --locked --no-default-features --edges normal,build --prefix none --target all |
        grep -E '^(accesskit|arboard|eframe|egui|epaint|glow|glutin|pollster|rfd|sys-locale|winit)([-_ ]|$)' || true)
    [ -z "$found" ] || fail "without the feature gui these crates of the window are built all the same:" "$found"
}

check() {
    need_toolchain
    cd "$here"
    cargo fmt --check
    # With the window and its tests, and without it: neither may lean on the other.
    cargo clippy --locked --all-targets --features gui-tests -- -D warnings
    cargo clippy --locked --no-default-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-default-features --no-deps --document-private-items --quiet
    without_window
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --config .deny.toml check bans licenses sources
    else
        say "SKIPPED: cargo-deny is not installed (cargo install cargo-deny)"
    fi
    say "check passed"
}

case "${1-}" in
"") demo ;;
server) shift; build; exec "$sealpost" serve "$@" ;;
client) shift; build; exec "$sealpost" "$@" ;;
test) shift; run_tests "$@" ;;
check) check ;;
screenshots) screenshots ;;
lab)
    shift
    build
    [ $# -gt 0 ] || set -- compare --out "$here/target/lab"
    exec "$sealpost" lab "$@"
    ;;
gui) shift; open_window "$@" ;;
bench) shift; build; exec "$here/tests/bench/throughput.sh" "$sealpost" "$@" ;;
help | -h | --help) usage ;;
*) usage >&2; fail "there is no ./run.sh $1" ;;
esac
