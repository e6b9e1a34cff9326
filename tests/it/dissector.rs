//! The dissector in Wireshark, over the real program's own captures and over conversations made for it.
//!
//! Everything is asked by field: what the Info column says differs between versions of Wireshark.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sealpost::lab::DISSECTOR;
use sealpost::lab::packets::Recorder;
use sealpost::lab::tap::Direction::{ToClient, ToServer};
use sealpost::lab::tap::{Direction, Event, Sink as _, What};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::raw::frame;
use crate::support::{PASSWORD, PATIENCE, Ran, TestServer, Via, digest, noise, skipped, wait};

/// Whether tshark is there; says so when not.
fn has_tshark() -> bool {
    let found = Command::new("tshark").arg("--version").output().is_ok();
    if !found {
        skipped("the dissector in Wireshark: no tshark");
    }
    found
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lab/sealpost.lua")
}

/// Runs tshark with the dissector, in a home without plugins; whatever it says, no Lua may have failed.
#[track_caller]
fn tshark(capture: &Path, args: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let load = format!("lua_script:{}", script().display());
    let mut command = Command::new("tshark");
    command.args(["-X", &load, "-r"]).arg(capture).args(args);
    command.env("HOME", home.path()).env("LC_ALL", "C.UTF-8");
    let ran = Ran::of(&mut command);
    let said = format!("{}{}", ran.out, ran.err);
    for trouble in ["Lua Error", "Lua error", "lua error", "dissector failed"] {
        assert!(!said.contains(trouble), "{said}");
    }
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    ran.out
}

/// Asks for fields of the packets that `filter` finds: for each packet, for each field its values joined by |.
#[track_caller]
fn ask(capture: &Path, more: &[&str], filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut args = vec!["-Y", filter, "-T", "fields", "-E", "separator=/t"];
    args.extend(["-E", "aggregator=|"]);
    for field in fields {
        args.extend(["-e", field]);
    }
    args.extend(more);
    let out = tshark(capture, &args);
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    out.lines().map(row).collect()
}

/// The values of one field, of all packets that have it.
#[track_caller]
fn values(capture: &Path, more: &[&str], field: &str) -> Vec<String> {
    let rows = ask(capture, more, field, &[field]);
    let values = rows.iter().flat_map(|row| row[0].split('|'));
    values.map(str::to_owned).collect()
}

#[track_caller]
fn count(capture: &Path, more: &[&str], filter: &str) -> usize {
    ask(capture, more, filter, &["frame.number"]).len()
}

/// The bytes of files that a capture shows in packets of `filter`.
#[track_caller]
fn file_bytes(capture: &Path, more: &[&str], filter: &str) -> Vec<u8> {
    let rows = ask(capture, more, filter, &["sealpost.file_data"]);
    let hex: String = rows.iter().flatten().flat_map(|v| v.split('|')).collect();
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// `sealpost capture` before a server.
struct Tapped {
    child: Child,
    at: String,
    out: PathBuf,
}

impl Tapped {
    fn before(server: &TestServer, out: &str, connections: usize) -> Self {
        let (to, connections) = (server.at(), connections.to_string());
        let args = ["-q", "capture", "--to", &to, "--out", out];
        let mut command = server.house.sealpost(&args);
        command.args(["--connections", &connections]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let at = line.strip_prefix("listening on ").unwrap();
        let at = at.split(',').next().unwrap().to_owned();
        // The rest is two lines: they fit the pipe, and nobody needs them.
        let mut child = Self {
            child,
            at,
            out: server.house.path("work").join(out),
        };
        child.child.stdout = Some(stdout.into_inner());
        child
    }

    fn run(&self, server: &TestServer, via: Via, args: &[&str]) -> Ran {
        Ran::of(&mut server.client_at(&self.at, via, "alice", args))
    }

    /// Waits for its end, after the last connection.
    fn capture(&mut self) -> PathBuf {
        assert_eq!(wait(&mut self.child, PATIENCE), Some(0));
        self.out.clone()
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

/// Conversations written into a capture by hand.
struct Made {
    recorder: Recorder<File>,
    path: PathBuf,
    connection: u64,
    at_ns: u64,
    dir: TempDir,
}

impl Made {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made.pcapng");
        Self {
            recorder: Recorder::new(File::create(&path).unwrap()).unwrap(),
            path,
            connection: 0,
            at_ns: 1_700_000_000_000_000_000,
            dir,
        }
    }

    fn record(&mut self, what: What) {
        self.at_ns += 1_000_000;
        let event = Event {
            connection: self.connection,
            at_ns: self.at_ns,
            what,
        };
        self.recorder.record(event).unwrap();
    }

    /// A connection on which these bytes pass, in segments of at most `segment`.
    fn connection(&mut self, said: &[(Direction, Vec<u8>)], segment: usize) {
        self.connection += 1;
        let port = 20_000 + u16::try_from(self.connection).unwrap();
        let client: SocketAddr = ([10, 0, 0, 1], port).into();
        let server: SocketAddr = ([10, 0, 0, 2], 7_777).into();
        self.record(What::Opened { client, server });
        for (direction, bytes) in said {
            for chunk in bytes.chunks(segment) {
                self.record(What::Bytes(*direction, chunk.to_vec()));
            }
        }
        self.record(What::Ended(ToServer));
        self.record(What::Ended(ToClient));
        self.record(What::Closed);
    }

    fn finish(self) -> (PathBuf, TempDir) {
        self.recorder.finish().unwrap();
        (self.path, self.dir)
    }
}

fn json_frame(value: &Value) -> Vec<u8> {
    frame(value.to_string().as_bytes())
}

fn up(value: &Value) -> (Direction, Vec<u8>) {
    (ToServer, json_frame(value))
}

fn down(value: &Value) -> (Direction, Vec<u8>) {
    (ToClient, json_frame(value))
}

fn hello() -> Vec<(Direction, Vec<u8>)> {
    vec![
        up(&json!({"op": "hello", "version": 1, "agent": "made/1"})),
        down(
            &json!({"ok": true, "version": 1, "agent": "made/2", "secure": "plain", "identity": null,
            "login": ["password"], "register": true, "id": "c0ffee"}),
        ),
    ]
}

fn info(name: &str, bytes: &[u8]) -> Value {
    json!({"name": name, "size": bytes.len(), "sha256": digest(bytes), "owner": "alice",
        "modified": "2026-01-01T00:00:00Z"})
}

fn announced(name: &str, size: usize) -> (Direction, Vec<u8>) {
    up(&json!({"op": "put", "name": name, "size": size, "conflict": "error"}))
}

/// An upload, its bytes and its last frame written at once.
fn upload(name: &str, bytes: &[u8]) -> Vec<(Direction, Vec<u8>)> {
    let end = json_frame(&json!({"sha256": digest(bytes)}));
    vec![
        announced(name, bytes.len()),
        down(&json!({"ok": true, "name": name, "offset": 0})),
        (ToServer, [bytes, &end].concat()),
        down(&json!({"ok": true, "file": info(name, bytes)})),
    ]
}

/// A download, the reply and the bytes written at once.
fn download(name: &str, bytes: &[u8], offset: usize) -> Vec<(Direction, Vec<u8>)> {
    let reply = json_frame(&json!({"ok": true, "file": info(name, bytes), "offset": offset}));
    vec![
        up(&json!({"op": "get", "name": name, "offset": offset})),
        (ToClient, [&reply, &bytes[offset..]].concat()),
    ]
}

fn goodbye() -> Vec<(Direction, Vec<u8>)> {
    vec![up(&json!({"op": "quit"})), down(&json!({"ok": true}))]
}

#[test]
fn what_is_printed_is_the_file_and_both_luas_take_it() {
    let house = crate::support::House::new();
    let printed = house.run(&["capture", "dissector"]).ok();
    assert_eq!(printed, DISSECTOR);
    assert_eq!(printed, fs::read_to_string(script()).unwrap());
    let help = house.run(&["capture", "dissector", "--help"]).ok();
    assert!(help.contains("~/.local/lib/wireshark/plugins"), "{help}");
    for compiler in ["luac5.2", "luac5.4"] {
        let mut command = Command::new(compiler);
        match command.arg("-p").arg(script()).output() {
            Ok(output) => assert!(output.status.success(), "{compiler}: {output:?}"),
            Err(_) => skipped(&format!("the dissector's syntax: no {compiler}")),
        }
    }
    for gone in ["bit32.", "module(", " unpack(", "loadstring", "setfenv"] {
        assert!(!DISSECTOR.contains(gone), "{gone}");
    }
}

#[test]
fn in_the_plugin_folder_it_is_found_even_twice() {
    if !has_tshark() {
        return;
    }
    let mut made = Made::new();
    made.connection(&[hello(), goodbye()].concat(), 1460);
    let (capture, dir) = made.finish();
    let plugins = dir.path().join(".local/lib/wireshark/plugins");
    fs::create_dir_all(&plugins).unwrap();
    fs::write(plugins.join("sealpost.lua"), DISSECTOR).unwrap();
    let twice = format!("lua_script:{}", script().display());
    for more in [vec![], vec!["-X", &twice]] {
        let mut command = Command::new("tshark");
        command.args(more).arg("-r").arg(&capture);
        command.args(["-Y", "sealpost.op", "-T", "fields", "-e", "sealpost.op"]);
        let ran = Ran::of(command.env("HOME", dir.path()));
        assert_eq!(ran.out, "hello\nquit\n", "{}", ran.err);
        assert!(!ran.err.contains("Lua"), "{}", ran.err);
    }
}

/// Every operation but `passwd`, each on a connection of its own, plain.
fn every_operation(server: &TestServer, tap: &Tapped) {
    for args in [
        &["put", "lecture 讲义.txt"][..],
        &["ls"],
        &["stat", "lecture 讲义.txt"],
        &["get", "lecture 讲义.txt", "-o", "back.txt"],
        &["mv", "lecture 讲义.txt", "b.txt"],
        &["rm", "b.txt"],
        &["whoami"],
    ] {
        tap.run(server, Via::Plain, args).ok();
    }
    tap.run(server, Via::Plain, &["get", "nothing"]).failed(78);
}

#[test]
fn a_plain_run_shows_every_field_and_warns_of_every_password() {
    if !has_tshark() {
        return;
    }
    let server = TestServer::via(Via::Plain);
    let lecture = noise(40_000, 7);
    server.house.write("lecture 讲义.txt", &lecture);
    let mut tap = Tapped::before(&server, "plain.pcapng", 8);
    every_operation(&server, &tap);
    let capture = tap.capture();

    let seen = |field: &str| {
        let mut values = values(&capture, &[], field);
        values.sort();
        values.dedup();
        values
    };
    assert_eq!(
        seen("sealpost.op"),
        [
            "delete", "get", "hello", "list", "login", "put", "quit", "rename", "stat"
        ]
        .iter()
        .chain(&["whoami"])
        .copied()
        .collect::<Vec<_>>()
    );
    let (agent, hash) = (sealpost::protocol::AGENT, digest(&lecture));
    for (field, expected) in [
        ("sealpost.user", "alice"),
        ("sealpost.password", PASSWORD),
        ("sealpost.from", "lecture 讲义.txt"),
        ("sealpost.to", "b.txt"),
        ("sealpost.size", "40000"),
        ("sealpost.sha256", &hash),
        ("sealpost.code", "not_found"),
        ("sealpost.secure", "plain"),
        ("sealpost.agent", agent),
        ("sealpost.version", "1"),
        ("sealpost.role", "user"),
        ("sealpost.owner", "alice"),
        ("sealpost.login", "password"),
        ("sealpost.files", "1"),
        ("sealpost.conflict", "error"),
    ] {
        assert_eq!(seen(field), [expected], "{field}");
    }
    assert_eq!(
        seen("sealpost.name"),
        ["b.txt", "lecture 讲义.txt", "nothing"]
    );
    assert_eq!(seen("sealpost.id").len(), 8);
    assert!(seen("sealpost.message")[0].contains("nothing"));
    assert_eq!(seen("sealpost.file_name"), ["lecture 讲义.txt"]);
    let json = seen("sealpost.json");
    assert!(json.contains(&r#"{"op":"whoami"}"#.to_owned()), "{json:?}");

    for filter in ["tcp.dstport", "tcp.srcport"] {
        let filter = format!(
            "sealpost.file_data && {filter} == {}",
            server.address.port()
        );
        assert_eq!(file_bytes(&capture, &[], &filter), lecture, "{filter}");
    }
    assert_eq!(count(&capture, &[], "sealpost.password"), 8);
    assert_eq!(count(&capture, &[], "sealpost.cleartext_password"), 8);
    assert_eq!(count(&capture, &[], "sealpost.cleartext_file"), 2);
    assert_eq!(count(&capture, &[], "sealpost.refused"), 1);
    let trouble = "sealpost.malformed || sealpost.unknown || sealpost.fault || sealpost.file_shorter \
                   || sealpost.file_longer || sealpost.file_gap || sealpost.unknown_op";
    assert_eq!(count(&capture, &["-2"], trouble), 0);
    links_agree(&capture);
}

/// Every request names its reply and every reply its request, and both alike.
#[track_caller]
fn links_agree(capture: &Path) {
    let numbers = |filter: &str, field: &str| {
        let rows = ask(capture, &["-2"], filter, &["frame.number", field]);
        let pair = |row: Vec<String>| (row[0].clone(), row[1].clone());
        rows.into_iter().map(pair).collect::<Vec<_>>()
    };
    let replies = numbers("sealpost.ok", "sealpost.reply_to");
    let mut requests = numbers("sealpost.reply_in", "sealpost.reply_in");
    let mut back: Vec<_> = replies.into_iter().map(|(reply, to)| (to, reply)).collect();
    requests.sort();
    back.sort();
    assert!(requests.len() > 20, "{requests:?}");
    assert_eq!(requests, back);
    let times = values(capture, &[], "sealpost.time");
    assert_eq!(times.len(), requests.len());
    assert!(
        times
            .iter()
            .all(|time| (0.0..30.0).contains(&time.parse::<f64>().unwrap())),
        "{times:?}"
    );
}

#[test]
fn inside_tls_nothing_without_the_keys_and_with_them_all_but_the_warning() {
    if !has_tshark() {
        return;
    }
    for (via, version) in [(Via::Tls, "1.2"), (Via::Mtls, "1.3")] {
        let server = TestServer::via(via);
        let bytes = noise(100_000, 3);
        server.house.write("sealed.bin", &bytes);
        let mut tap = Tapped::before(&server, "tls.pcapng", 2);
        let tls = ["--tls-min", version, "--tls-max", version];
        let keys = server.house.arg("work/tls.keys");
        let keylog = [&tls[..], &["--keylog", &keys]].concat();
        for args in [
            &["put", "sealed.bin"][..],
            &["get", "sealed.bin", "-o", "back.bin"],
        ] {
            let args = [args, &keylog].concat();
            tap.run(&server, via, &args).ok();
        }
        let capture = tap.capture();
        assert_eq!(count(&capture, &[], "sealpost"), 0, "{version}");

        let with_keys = format!("tls.keylog_file:{keys}");
        let with_keys = ["-o", with_keys.as_str()];
        let logins = ask(
            &capture,
            &with_keys,
            "sealpost.password",
            &["sealpost.password", "frame.protocols"],
        );
        assert_eq!(logins.len(), 2, "{version}");
        for login in logins {
            assert_eq!(login[0], PASSWORD);
            assert!(login[1].ends_with(":tcp:tls:sealpost"), "{login:?}");
        }
        for never in [
            "sealpost.cleartext_password || sealpost.cleartext_file",
            "sealpost.inside_tls == 0",
            "sealpost.malformed || sealpost.unknown || sealpost.fault",
        ] {
            assert_eq!(count(&capture, &with_keys, never), 0, "{version} {never}");
        }
        let mut secure = values(&capture, &with_keys, "sealpost.secure");
        secure.dedup();
        assert_eq!(secure, [via.word()]);
        for end in ["tcp.dstport", "tcp.srcport"] {
            let filter = format!("sealpost.file_data && {end} == {}", server.address.port());
            // Read once, and read twice: many records of a packet are told apart.
            for passes in [&with_keys[..], &[&with_keys[..], &["-2"]].concat()] {
                assert_eq!(
                    file_bytes(&capture, passes, &filter),
                    bytes,
                    "{version} {end}"
                );
            }
        }
    }
}

#[test]
fn however_the_bytes_are_cut_into_segments_the_same_is_found() {
    if !has_tshark() {
        return;
    }
    let lecture = noise(3_000, 5);
    let said = [
        hello(),
        upload("lecture.txt", &lecture),
        download("lecture.txt", &lecture, 100),
        upload("empty", b""),
        goodbye(),
    ]
    .concat();
    let mut made = Made::new();
    let cuts = [11, 17, 100, 1_460, 60_000];
    for segment in cuts {
        made.connection(&said, segment);
    }
    let (capture, _dir) = made.finish();
    let once = ask(&capture, &[], "sealpost", &["frame.number", "_ws.col.Info"]);
    let twice = ask(
        &capture,
        &["-2"],
        "sealpost",
        &["frame.number", "_ws.col.Info"],
    );
    assert_eq!(once, twice);
    for stream in 0..cuts.len() {
        let of = |filter: &str| format!("tcp.stream == {stream} && {filter}");
        let ops = ask(&capture, &[], &of("sealpost.op"), &["sealpost.op"]).concat();
        assert_eq!(ops, ["hello", "put", "get", "put", "quit"], "{stream}");
        let sent = of("sealpost.file_data && tcp.dstport == 7777");
        let received = of("sealpost.file_data && tcp.srcport == 7777");
        assert_eq!(file_bytes(&capture, &[], &sent), lecture, "{stream}");
        assert_eq!(
            file_bytes(&capture, &[], &received),
            lecture[100..],
            "{stream}"
        );
        let offsets = ask(&capture, &[], &received, &["sealpost.file_offset"]).concat();
        assert_eq!(offsets[0], "100", "{stream}");
        let trouble = of("(sealpost.unknown || sealpost.malformed || sealpost.fault)");
        assert_eq!(count(&capture, &["-2"], &trouble), 0, "{stream}");
    }
    // Without Wireshark's help it collects them itself.
    let alone = ["-o", "tcp.desegment_tcp_streams:FALSE"];
    let ops = ask(
        &capture,
        &alone,
        "tcp.stream == 2 && sealpost.op",
        &["sealpost.op"],
    );
    assert_eq!(ops.concat(), ["hello", "put", "get", "put", "quit"]);
}

#[test]
fn resumed_refused_short_and_long_files_are_told_apart() {
    if !has_tshark() {
        return;
    }
    let bytes = noise(9_000, 2);
    let held =
        json!({"ok": true, "name": "r", "offset": 4_000, "prefix_sha256": digest(&bytes[..4_000])});
    let resumed = |resume: bool, from: usize| {
        let answer = json_frame(&json!({"resume": resume}));
        let end = json_frame(&json!({"sha256": digest(&bytes)}));
        vec![
            up(&json!({"op": "put", "name": "r", "size": bytes.len(), "conflict": "resume"})),
            down(&held),
            (ToServer, [&answer, &bytes[from..], &end].concat()),
            down(&json!({"ok": true, "file": info("r", &bytes)})),
        ]
    };
    let refusal = |code: &str| down(&json!({"ok": false, "code": code, "message": "no"}));
    let begun = |sent: Vec<u8>| {
        let go = down(&json!({"ok": true, "name": "x", "offset": 0}));
        vec![announced("x", 9_000), go, (ToServer, sent)]
    };
    let mut made = Made::new();
    for said in [
        resumed(true, 4_000),
        resumed(false, 0),
        vec![announced("x", 9), refusal("exists")],
        [begun(bytes[..6_000].to_vec()), vec![refusal("no_space")]].concat(),
        begun([&bytes[..], b"and more"].concat()),
    ] {
        made.connection(&[hello(), said].concat(), 1_460);
    }
    let (capture, _dir) = made.finish();
    let stream = |number: usize, filter: &str| format!("tcp.stream == {number} && {filter}");
    let body = |number, from: usize| {
        let filter = stream(number, "sealpost.file_data");
        let offsets = ask(&capture, &[], &filter, &["sealpost.file_offset"]).concat();
        assert_eq!(offsets[0], from.to_string());
        file_bytes(&capture, &[], &filter)
    };
    assert_eq!(body(0, 4_000), bytes[4_000..]);
    assert_eq!(body(1, 0), bytes);
    assert_eq!(body(3, 0), bytes[..6_000]);
    assert_eq!(body(4, 0), bytes);
    for (expert, streams) in [
        ("sealpost.refused", &["2", "3"][..]),
        ("sealpost.file_shorter", &["3"]),
        ("sealpost.file_longer", &["4"]),
        ("sealpost.malformed || sealpost.fault", &[]),
    ] {
        let mut found = ask(&capture, &["-2"], expert, &["tcp.stream"]).concat();
        found.dedup();
        assert_eq!(found, streams, "{expert}");
    }
    let codes = values(&capture, &[], "sealpost.code");
    assert_eq!(codes, ["exists", "no_space"]);
}

#[test]
fn garbage_is_named_as_such_and_fails_nothing() {
    if !has_tshark() {
        return;
    }
    let deep = |open: &str| open.repeat(5_000).into_bytes();
    let frames: [Vec<u8>; 12] = [
        br#"{"op":"login","op":"x"}"#.to_vec(),
        br#"{"op":tru}"#.to_vec(),
        b"{\"op\":\"\xc0\xae\"}".to_vec(),
        b"{\"op\":\"a\nb\"}".to_vec(),
        br#"{"op":"\ud800"}"#.to_vec(),
        br#"{"op":"quit"} x"#.to_vec(),
        br#"{"op":01}"#.to_vec(),
        br#"{"op":"quit",}"#.to_vec(),
        deep(r#"{"a":"#),
        [br#"{"a":"#.to_vec(), deep("[")].concat(),
        b"{".to_vec(),
        br#"{"op":"login","user":7,"password":null}"#.to_vec(),
    ];
    let mut made = Made::new();
    for text in &frames {
        made.connection(&[hello(), vec![(ToServer, frame(text))]].concat(), 1_460);
    }
    for bytes in [&b"\0\0\0\0abc"[..], b"\0\x01\0\x01{", b"\xff\xff\xff\xff{"] {
        made.connection(&[hello(), vec![(ToServer, bytes.to_vec())]].concat(), 1_460);
    }
    let whole = frames.len() + 3;
    // Well-formed, however odd.
    let odd = r#" {"op":"put","name":"\u8bb2\ud83d\ude00\u0000\n","size":18446744073709551615,"conflict":"error","x":[1e3]} "#;
    let odd = vec![(ToServer, frame(odd.as_bytes()))];
    made.connection(&[hello(), odd].concat(), 1_460);
    let (capture, _dir) = made.finish();
    let malformed = ask(&capture, &["-2"], "sealpost.malformed", &["tcp.stream"]).concat();
    let expected: Vec<String> = (0..whole).map(|stream| stream.to_string()).collect();
    assert_eq!(malformed, expected);
    let last = ask(
        &capture,
        &[],
        "sealpost.size",
        &["sealpost.size", "sealpost.name"],
    );
    assert_eq!(last, [["18446744073709551615", "讲😀␀\\n"]]);
    tshark(&capture, &["-V"]);
}

#[test]
fn flipped_bytes_and_short_snapshots_never_make_lua_fail() {
    if !has_tshark() {
        return;
    }
    let lecture = noise(2_000, 5);
    let said = [
        hello(),
        upload("lecture.txt", &lecture),
        download("lecture.txt", &lecture, 0),
        goodbye(),
    ]
    .concat();
    let mut made = Made::new();
    for seed in 0..80 {
        let dice = noise(64, seed + 1);
        let mut flipped = said.clone();
        for (i, die) in dice.chunks(4).take(usize::from(dice[63] % 8)).enumerate() {
            let bytes = &mut flipped[(i + usize::from(die[0])) % said.len()].1;
            let at = usize::from(die[1]) % bytes.len();
            bytes[at] = die[2];
        }
        made.connection(&flipped, [13, 400, 1_460][usize::from(dice[0]) % 3]);
    }
    let (capture, dir) = made.finish();
    let check = |capture: &Path| {
        assert_eq!(count(capture, &[], "sealpost.fault"), 0);
        assert_eq!(count(capture, &["-2"], "sealpost.fault"), 0);
        tshark(capture, &["-V"]);
    };
    check(&capture);
    let cut = dir.path().join("cut.pcapng");
    for args in [
        &["-s", "60"][..],
        &["-s", "200"],
        &["-E", "0.02", "--seed", "3"],
    ] {
        let mut command = Command::new("editcap");
        let edited = command.args(args).arg(&capture).arg(&cut).output();
        if edited.is_ok_and(|output| output.status.success()) {
            check(&cut);
        } else {
            skipped("captures cut short under the dissector: no editcap");
        }
    }
}
