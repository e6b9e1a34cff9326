//! What arrives is what was sent, by every way, under every name, in every size.

use std::fs::{self, File};
use std::process::Child;

use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{House, Ran, TestServer, Via, digest, memory_kib, noise, wait};

/// The sizes at which something could go wrong: nothing, one byte, a frame's limit, and many chunks.
const SIZES: [usize; 5] = [0, 1, 65_535, 65_536, 5_000_000];

/// Uploads by `put` and downloads by `get` each size.
#[track_caller]
fn round_trip(server: &TestServer, via: Via, more: &[&str]) {
    let house = &server.house;
    let names: Vec<String> = SIZES.iter().map(|size| format!("{size}.bin")).collect();
    for (size, name) in SIZES.iter().zip(&names) {
        house.write(name, &noise(*size, *size as u64 + 1));
    }
    let folder = format!("{}{}", via.word(), more.len());
    let (to, back) = (format!("{folder}/"), format!("{folder}-back/"));
    let mut put = vec!["put", "--as", &to];
    put.extend(names.iter().map(String::as_str));
    put.extend(more);
    server.run(via, "alice", &put).ok();
    let there: Vec<String> = names.iter().map(|name| format!("{to}{name}")).collect();
    let mut get = vec!["get", "-o", &back];
    get.extend(there.iter().map(String::as_str));
    get.extend(more);
    server.run(via, "alice", &get).ok();
    for (size, name) in SIZES.iter().zip(&names) {
        let got = house.read(&format!("{back}{name}"));
        assert!(got == noise(*size, *size as u64 + 1), "{name}");
        let stat = server.run(via, "alice", &["stat", "--json", &format!("{to}{name}")]);
        let stat: Value = serde_json::from_str(&stat.ok()).unwrap();
        assert_eq!(stat["file"]["size"], *size, "{stat}");
        assert_eq!(stat["file"]["sha256"], digest(&got), "{stat}");
        assert_eq!(stat["file"]["owner"], "alice", "{stat}");
    }
}

#[test]
fn files_of_every_size_come_back_equal_over_plain_tcp() {
    round_trip(&TestServer::via(Via::Plain), Via::Plain, &[]);
}

#[test]
fn files_of_every_size_come_back_equal_over_tls_of_both_versions() {
    let server = TestServer::via(Via::Tls);
    round_trip(&server, Via::Tls, &[]);
    round_trip(&server, Via::Tls, &["--tls-max", "1.2"]);
}

#[test]
fn files_of_every_size_come_back_equal_over_mutual_tls_of_both_versions() {
    let server = TestServer::via(Via::Mtls);
    round_trip(&server, Via::Mtls, &["--tls-min", "1.3"]);
    round_trip(&server, Via::Mtls, &["--tls-max", "1.2", "-j", "2"]);
}

#[test]
fn one_port_serves_plain_and_tls_side_by_side_and_both_see_the_same_files() {
    let server = TestServer::start(&["--allow-plain", "--client-auth", "optional"]);
    for via in Via::ALL {
        round_trip(&server, via, &[]);
        let who = server.run(via, "alice", &["whoami", "--json"]).ok();
        let who: Value = serde_json::from_str(&who).unwrap();
        assert_eq!(who["secure"], via.word(), "{who}");
        assert_eq!(who["tls"].is_null(), via == Via::Plain, "{who}");
    }
    assert_eq!(server.listed(Via::Plain), server.listed(Via::Mtls));
}

#[test]
fn what_was_agreed_on_is_told_and_is_the_version_asked_for() {
    let server = TestServer::via(Via::Tls);
    for (flags, version) in [
        (["--tls-max", "1.2"], "TLSv1.2"),
        (["--tls-min", "1.3"], "TLSv1.3"),
    ] {
        let mut args = vec!["whoami", "--json"];
        args.extend(flags);
        let who: Value = serde_json::from_str(&server.run(Via::Tls, "bob", &args).ok()).unwrap();
        assert_eq!(who["tls"]["version"], version, "{who}");
    }
}

#[test]
fn names_of_any_script_and_with_any_sign_come_back_as_they_were() {
    let server = TestServer::via(Via::Plain);
    let house = &server.house;
    let names = [
        "课程 报告.txt",
        " leading and trailing ",
        "a,b\"c.csv",
        "=cmd|'/c calc'!A1",
        "+1",
        "@SUM(A1)",
        "%2e%2e%2fx",
        "$HOME `id`; x&y|z",
        "files.csv",
        "users.csv",
        "naïve é 😀.bin",
        "．．／",
        "a.part",
    ];
    let folder: Vec<(String, Vec<u8>)> = names
        .iter()
        .map(|name| ((*name).to_owned(), name.as_bytes().to_vec()))
        .collect();
    for (name, bytes) in &folder {
        house.write(&format!("src/{name}"), bytes);
    }
    house.write("-rf", b"a name that looks like an option");
    server.run(Via::Plain, "alice", &["put", "-r", "src"]).ok();
    server.run(Via::Plain, "alice", &["put", "--", "-rf"]).ok();
    let mut expected: Vec<String> = names.iter().map(|name| format!("src/{name}")).collect();
    expected.push("-rf".into());
    expected.sort();
    let listed = server.run(Via::Plain, "bob", &["ls", "--json"]).ok();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let listed = listed["files"].as_array().unwrap();
    let listed: Vec<&str> = listed
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(listed, expected);
    let args = ["get", "-r", "src", "-o", "back"];
    server.run(Via::Plain, "bob", &args).ok();
    for (name, bytes) in &folder {
        assert_eq!(house.read(&format!("back/src/{name}")), *bytes, "{name}");
    }
}

#[test]
fn a_name_in_another_normal_form_is_the_same_name() {
    let server = TestServer::via(Via::Plain);
    server.house.write("e\u{301}.txt", b"one");
    let put = ["put", "e\u{301}.txt"];
    server.run(Via::Plain, "alice", &put).ok();
    assert_eq!(server.listed(Via::Plain), ["é.txt"]);
    server.run(Via::Plain, "alice", &put).failed(73);
}

#[test]
fn folders_travel_whole_both_ways_over_four_connections() {
    let server = TestServer::via(Via::Mtls);
    let house = &server.house;
    let names: Vec<String> = (0..40)
        .map(|n| format!("tree/{}/deeper/{n}.bin", n % 5))
        .collect();
    for (n, name) in names.iter().enumerate() {
        house.write(name, &noise(n * 3_000, n as u64));
    }
    house.write("tree/left-out.tmp", b"x");
    let put = ["put", "-r", "-j", "4", "--exclude", "*.tmp", "tree"];
    server.run(Via::Mtls, "alice", &put).ok();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(server.listed(Via::Mtls), sorted);
    let get = ["get", "-r", "-j", "4", "tree/", "-o", "copy"];
    server.run(Via::Mtls, "bob", &get).ok();
    for (n, name) in names.iter().enumerate() {
        assert!(
            house.read(&format!("copy/{name}")) == noise(n * 3_000, n as u64),
            "{name}"
        );
    }
    let rm = ["rm", "-r", "tree"];
    server.run(Via::Mtls, "bob", &rm).failed(9);
    server.run(Via::Mtls, "alice", &rm).ok();
    assert!(server.listed(Via::Mtls).is_empty());
}

#[test]
fn a_taken_name_is_refused_replaced_or_numbered_as_asked_on_upload() {
    let server = TestServer::via(Via::Tls);
    let house = &server.house;
    house.write("a.txt", b"first");
    server.run(Via::Tls, "alice", &["put", "a.txt"]).ok();
    house.write("a.txt", b"second");
    server.run(Via::Tls, "alice", &["put", "a.txt"]).failed(73);
    let resume = ["put", "a.txt", "--conflict", "resume"];
    server.run(Via::Tls, "alice", &resume).failed(73);
    // The same bytes are there already: nothing is left to do.
    house.write("a.txt", b"first");
    server.run(Via::Tls, "alice", &resume).ok();
    house.write("a.txt", b"second");
    let stored = |name: &str| {
        let out = ["get", name, "-o", "out", "--conflict", "overwrite"];
        server.run(Via::Tls, "alice", &out).ok();
        house.read("out")
    };
    assert_eq!(stored("a.txt"), b"first");
    for n in 1..=2 {
        let rename = ["put", "a.txt", "--conflict", "rename"];
        server.run(Via::Tls, "alice", &rename).ok();
        assert_eq!(stored(&format!("a ({n}).txt")), b"second");
    }
    let overwrite = ["put", "a.txt", "--conflict", "overwrite"];
    server.run(Via::Tls, "bob", &overwrite).failed(9);
    assert_eq!(stored("a.txt"), b"first");
    server.run(Via::Tls, "alice", &overwrite).ok();
    assert_eq!(stored("a.txt"), b"second");
    assert_eq!(server.listed(Via::Tls), ["a (1).txt", "a (2).txt", "a.txt"]);
}

#[test]
fn a_taken_name_is_refused_replaced_or_numbered_as_asked_on_download() {
    let server = TestServer::via(Via::Plain);
    let house = &server.house;
    house.write("a.txt", b"theirs");
    server.run(Via::Plain, "alice", &["put", "a.txt"]).ok();
    house.write("a.txt", b"mine");
    for refused in ["error", "resume"] {
        let get = ["get", "a.txt", "--conflict", refused];
        server.run(Via::Plain, "bob", &get).failed(73);
    }
    assert_eq!(house.read("a.txt"), b"mine");
    let rename = ["get", "a.txt", "--conflict", "rename"];
    server.run(Via::Plain, "bob", &rename).ok();
    assert_eq!(house.read("a (1).txt"), b"theirs");
    let overwrite = ["get", "a.txt", "--conflict", "overwrite"];
    server.run(Via::Plain, "bob", &overwrite).ok();
    assert_eq!(house.read("a.txt"), b"theirs");
    // The same bytes are here already: nothing is left to do.
    let resume = ["get", "a.txt", "--conflict", "resume"];
    server.run(Via::Plain, "bob", &resume).ok();
    assert_eq!(house.names("work"), ["a (1).txt", "a.txt"]);
}

#[test]
fn a_listing_of_1200_files_comes_in_pages_that_fit_their_frames() {
    let server = TestServer::via(Via::Plain);
    let mut raw = Raw::logged_in(&server, Via::Plain, "alice");
    // Names of 1,015 bytes: 64 of them fill a frame, long before the 500 asked for.
    let long = format!("{0}/{0}/{0}/{0}", "长".repeat(84));
    let mut names: Vec<String> = (0..1_000).map(|n| format!("s{n:04}")).collect();
    names.extend((0..200).map(|n| format!("{}{n:03}", &long[..long.len() - 3])));
    for name in &names {
        assert_eq!(raw.put(name, b"", "error")["ok"], true, "{name}");
    }
    names.sort();
    let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let list = json!({"op": "list", "prefix": "", "after": after, "limit": 500});
        let page = raw.ask(&list);
        assert_eq!(page["ok"], true, "{page}");
        let files = page["files"].as_array().unwrap();
        seen.extend(
            files
                .iter()
                .map(|file| file["name"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        if page["more"] == false {
            break;
        }
        after.clone_from(seen.last().unwrap());
    }
    assert!(seen == names, "{} of {}", seen.len(), names.len());
    assert!(pages > 4, "{pages}");
    assert!(server.listed(Via::Plain) == names);
    let prefix = server.run(Via::Plain, "bob", &["ls", "s000"]).ok();
    assert_eq!(prefix.lines().count(), 10);
    let matched = server
        .run(Via::Plain, "bob", &["ls", "--match", "s*99"])
        .ok();
    assert_eq!(matched.lines().count(), 10);
    let zero = json!({"op": "list", "prefix": "", "after": "", "limit": 0});
    raw.refused(&zero, "bad_request");
}

#[test]
fn files_are_renamed_moved_and_removed_by_those_who_may() {
    let server = TestServer::via(Via::Tls);
    let house = &server.house;
    for name in ["a", "b"] {
        house.write(name, name.as_bytes());
        server.run(Via::Tls, "alice", &["put", name]).ok();
    }
    server.run(Via::Tls, "alice", &["mv", "a", "b"]).failed(73);
    server.run(Via::Tls, "bob", &["mv", "a", "c"]).failed(9);
    server
        .run(Via::Tls, "alice", &["mv", "missing", "c"])
        .failed(78);
    server.run(Via::Tls, "alice", &["mv", "a", "dir/"]).ok();
    assert_eq!(server.listed(Via::Tls), ["b", "dir/a"]);
    let over = ["mv", "dir/a", "b", "--conflict", "overwrite"];
    server.run(Via::Tls, "alice", &over).ok();
    assert_eq!(server.listed(Via::Tls), ["b"]);
    server.run(Via::Tls, "alice", &["get", "b", "-o", "c"]).ok();
    assert_eq!(house.read("c"), b"a");
    server.run(Via::Tls, "bob", &["rm", "b"]).failed(9);
    server.run(Via::Tls, "root", &["rm", "b"]).ok();
    server.run(Via::Tls, "alice", &["stat", "b"]).failed(78);
    server
        .run(Via::Tls, "alice", &["get", "b", "-o", "d"])
        .failed(78);
    assert!(!house.names("work").iter().any(|name| name.contains("part")));
}

#[test]
fn an_account_is_made_used_and_given_a_new_password() {
    let server = TestServer::via(Via::Tls);
    server.run(Via::Tls, "张三", &["register"]).ok();
    server.run(Via::Tls, "张三", &["register"]).failed(73);
    let who = server.run(Via::Tls, "张三", &["whoami"]).ok();
    assert!(who.contains("张三 (user)"), "{who}");
    let passwd = |new: &str| {
        let args = ["passwd", "--new-password", "env:NEW"];
        let mut passwd = server.client(Via::Tls, "张三", &args);
        Ran::of(passwd.env("NEW", new))
    };
    passwd("short").failed(2);
    passwd("another good one").ok();
    server.run(Via::Tls, "张三", &["whoami"]).failed(67);
    let mut who = server.client(Via::Tls, "张三", &["whoami"]);
    Ran::of(who.env("PW", "another good one")).ok();
}

/// The most memory a running process had, in KiB, and its exit code.
fn watched(mut child: Child) -> (i32, u64) {
    let mut peak = 0;
    loop {
        peak = peak.max(memory_kib(child.id(), "VmHWM").unwrap_or(0));
        if let Some(code) = wait(&mut child, std::time::Duration::ZERO) {
            return (code, peak);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Moves a file of `size` bytes, nearly all holes, up and down; neither side may grow with it.
fn big(house_via: Via, size: u64) {
    let server = TestServer::via(house_via);
    let house: &House = &server.house;
    let file = File::create(house.path("work/big")).unwrap();
    file.set_len(size).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"the end", size - 7).unwrap();
    let spawn = |args: &[&str]| {
        let mut client = server.client(house_via, "alice", args);
        client.stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let (code, up) = watched(spawn(&["put", "big"]));
    assert_eq!(code, 0);
    fs::remove_file(house.path("work/big")).unwrap();
    let (code, down) = watched(spawn(&["get", "big"]));
    assert_eq!(code, 0);
    let got = File::open(house.path("work/big")).unwrap();
    assert_eq!(got.metadata().unwrap().len(), size);
    let mut tail = [0; 8];
    std::os::unix::fs::FileExt::read_exact_at(&got, &mut tail, size - 8).unwrap();
    assert_eq!(tail, *b"\0the end");
    let peak = server.memory_kib("VmHWM");
    for (side, kib) in [
        ("uploading client", up),
        ("downloading client", down),
        ("server", peak),
    ] {
        assert!(
            kib < 80 * 1024,
            "the {side} took {kib} KiB for {size} bytes"
        );
    }
}

#[test]
fn memory_of_neither_side_grows_with_the_size_of_a_file() {
    big(Via::Plain, 256 << 20);
}

#[test]
fn a_file_of_4_gib_and_a_byte_comes_back() {
    if std::env::var_os("SEALPOST_TEST_BIG").is_none() {
        crate::support::skipped("4 GiB + 1: set SEALPOST_TEST_BIG=1");
        return;
    }
    big(Via::Mtls, (4 << 30) + 1);
}
