//! The command line: exit codes, two lines for each error, JSON, and where a value comes from.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

use serde_json::Value;

use crate::raw::Raw;
use crate::support::{House, Ran, TestServer, Via, digest, skipped};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A house, and `whoami` in it with these flags.
fn whoami(house: &Arc<House>, flags: &[&str]) -> Ran {
    let mut args = vec!["whoami", "--user", "alice", "--password", "env:PW"];
    args.extend(flags);
    house.run(&args)
}

/// Runs `whoami` with these flags: two lines for people, an object for programs, the same number.
#[track_caller]
fn fails_without_a_server(house: &Arc<House>, flags: &str, code: i32) {
    let flags: Vec<&str> = flags.split_whitespace().collect();
    let ran = whoami(house, &flags);
    assert_eq!(ran.code, code, "{flags:?}: {}", ran.err);
    assert!(ran.out.is_empty(), "{flags:?}: {}", ran.out);
    assert_eq!(ran.err.lines().count(), 2, "{flags:?}: {}", ran.err);
    ran.failed(code);

    let ran = whoami(house, &[&flags[..], &["--json"]].concat());
    assert_eq!(ran.code, code, "{flags:?}");
    let error = json(&ran.out);
    for key in ["code", "message", "hint"] {
        assert!(error[key].is_string(), "{flags:?}: {error}");
    }
    let verbose = whoami(house, &[&flags[..], &["-v"]].concat());
    assert_eq!(verbose.code, code, "{flags:?}");
    assert!(
        verbose.err.lines().count() >= 2,
        "{flags:?}: {}",
        verbose.err
    );
}

#[test]
fn a_failure_without_a_server_has_its_number_and_its_two_lines() {
    let house = House::new();
    fs::write(house.path("garbage"), "no PEM").unwrap();
    let garbage = house.arg("garbage");
    let [ca, alice, alices, bobs] = ["ca.crt", "alice.crt", "alice.key", "bob.key"]
        .map(|name| house.arg(&format!("certs/{name}")));
    let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener();
    let silent = taken.local_addr().unwrap();
    let closed = listener().local_addr().unwrap();
    // A label of 64 bytes is no name: nobody is asked about it.
    let no_host = "a".repeat(64);
    for (flags, code) in [
        (format!("--plain --server {no_host}"), 6),
        (format!("--plain --server {closed}"), 7),
        (format!("--plain --server {silent} --timeout 300ms"), 28),
        (
            format!("--cacert {ca} --server {silent} --connect-timeout 300ms"),
            28,
        ),
        // No CA at all.
        (String::new(), 77),
        ("--cacert missing.crt".to_owned(), 77),
        (format!("--cacert {garbage}"), 77),
        // A certificate with another's key, without its file, and a key without a certificate.
        (format!("--cacert {ca} --cert {alice} --key {bobs}"), 58),
        (format!("--cacert {ca} --cert x --key {alices}"), 58),
        (format!("--cacert {ca} --key {alices}"), 2),
        (format!("--cacert {ca} --ciphers RC4-MD5"), 59),
        (format!("--cacert {ca} --crlfile {garbage}"), 82),
    ] {
        fails_without_a_server(&house, &flags, code);
    }
    drop(taken);
}

#[test]
fn a_failure_with_a_server_has_its_number_and_its_two_lines() {
    let server = TestServer::via(Via::Plain);
    let house = &server.house;
    house.write("a", b"bytes");
    server.run(Via::Plain, "alice", &["put", "a"]).ok();
    fs::create_dir(house.path("work/folder")).unwrap();
    let cases: [(&str, &[&str], i32); 10] = [
        ("a missing local file", &["put", "missing"], 26),
        ("a folder without -r", &["put", "folder"], 26),
        ("a name that is none", &["put", "a", "--as", "../a"], 2),
        ("a name taken", &["put", "a"], 73),
        ("no such file", &["get", "missing"], 78),
        ("a file there already", &["get", "a"], 73),
        ("a place that cannot be", &["get", "a", "-o", "a/b"], 23),
        ("a file of others", &["rm", "a"], 9),
        ("no such file to remove", &["rm", "missing"], 78),
        ("the name it has", &["mv", "a", "a"], 73),
    ];
    for (what, args, code) in cases {
        let user = if code == 9 { "bob" } else { "alice" };
        let ran = server.run(Via::Plain, user, args);
        assert_eq!(ran.code, code, "{what}: {}", ran.err);
        ran.failed(code);
    }
    let mut wrong = server.client(Via::Plain, "alice", &["ls"]);
    let text = Ran::of(wrong.env("PW", "a wrong passphrase")).failed(67);
    assert!(!text.contains("a wrong passphrase"), "{text}");
    let mut unset = server.client(Via::Plain, "alice", &["ls"]);
    Ran::of(unset.env_remove("PW")).failed(2);
    // The id under which the server's log has the cause.
    let text = server.run(Via::Plain, "bob", &["rm", "a"]).failed(9);
    let id = text.split("connection ").nth(1).unwrap();
    let id: String = id.chars().take_while(char::is_ascii_hexdigit).collect();
    let audit = fs::read_to_string(house.path("data/audit.jsonl")).unwrap();
    assert!(id.len() == 12 && audit.contains(&id), "{text}");
}

#[test]
fn a_password_is_never_taken_from_the_command_line_nor_repeated() {
    let house = House::new();
    for args in [
        &["whoami", "--password", "hunter2-hunter2"][..],
        &["put", "x", "--password=hunter2-hunter2"],
        &["passwd", "--new-password", "hunter2-hunter2"],
        &["serve", "--pass", "hunter2-hunter2"],
    ] {
        let text = house.run(args).failed(2);
        assert!(text.contains("env:VARIABLE"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn results_are_json_documents_and_transfers_json_events() {
    let server = TestServer::via(Via::Tls);
    let house = &server.house;
    house.write("d/a", b"one");
    house.write("d/b", b"two");
    let run = |args: &[&str]| server.run(Via::Tls, "alice", &[args, &["--json"]].concat());
    let put = run(&["put", "-r", "d"]).ok();
    let events: Vec<Value> = put.lines().map(json).collect();
    let uploaded = events.iter().filter(|event| event["event"] == "uploaded");
    assert_eq!(uploaded.count(), 2, "{put}");
    let listed = json(&run(&["ls"]).ok());
    assert_eq!(listed["files"][0]["sha256"], digest(b"one"), "{listed}");
    let stat = json(&run(&["stat", "d/a"]).ok());
    assert_eq!(stat["file"]["owner"], "alice", "{stat}");
    let who = json(&run(&["whoami"]).ok());
    assert_eq!(who["secure"], "tls", "{who}");
    let got = run(&["get", "d/a", "-o", "x"]).ok();
    let got: Vec<Value> = got.lines().map(json).collect();
    assert_eq!(got.last().unwrap()["event"], "downloaded", "{got:?}");
    // Some of several fail: each is told, and the number is that of the first failure.
    let some = run(&["get", "d/b", "d/none", "-o", "y/"]);
    assert_eq!(some.code, 78, "{}", some.err);
    let events: Vec<Value> = some.out.lines().map(json).collect();
    let has = |word: &str| events.iter().any(|event| event["event"] == word);
    assert!(has("downloaded") && has("error"), "{}", some.out);
    assert_eq!(house.read("y/b"), b"two");
    let moved = json(&run(&["mv", "d/a", "c"]).ok());
    assert_eq!(moved["file"]["name"], "c", "{moved}");
    let removed = run(&["rm", "c"]).ok();
    assert_eq!(json(&removed)["event"], "removed");
}

#[test]
fn a_listing_for_people_is_sorted_as_asked_and_escapes_nothing_it_need_not() {
    let server = TestServer::via(Via::Plain);
    let mut raw = Raw::logged_in_cheaply(&server);
    for (name, size) in [("b 课程", 1), ("a", 3_000), ("c\u{202e}fdp.exe", 20)] {
        raw.put(name, &vec![0; size], "error");
    }
    let ls = |args: &[&str]| {
        let out = server
            .run(Via::Plain, "alice", &[&["ls"], args].concat())
            .ok();
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ls(&[]), ["a", "b 课程", "c\\u{202e}fdp.exe"]);
    assert_eq!(ls(&["--reverse"]), ["c\\u{202e}fdp.exe", "b 课程", "a"]);
    assert_eq!(
        ls(&["--sort", "size"]),
        ["b 课程", "c\\u{202e}fdp.exe", "a"]
    );
    let long = ls(&["-l"]);
    assert_eq!(long.len(), 4, "{long:?}");
    assert!(
        long[1].contains("3.0 kB") && long[1].contains("alice"),
        "{long:?}"
    );
}

#[test]
fn a_flag_is_switched_by_the_usual_words_in_the_environment_and_nothing_is_not_set() {
    let house = House::new();
    let origins = |value: &str| {
        let mut command = house.sealpost(&["config", "whoami", "--json"]);
        let unset = ["SERVER", "CONFIG"].map(|name| (format!("SEALPOST_{name}"), ""));
        let out = Ran::of(command.envs(unset).env("SEALPOST_PLAIN", value)).ok();
        let options = json(&out)["options"].as_array().unwrap().clone();
        let mut options = options.into_iter();
        ["server", "plain"].map(|name| {
            let row = options.find(|row| row["option"] == name).unwrap();
            row["origin"].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(origins("1"), ["default", "environment"]);
    assert_eq!(origins(""), ["default", "default"]);
    // In plain it gets as far as connecting; else there is no CA.
    for (words, code) in [
        (&["1", "true", "yes", "ON"][..], 7),
        (&["0", "false", "no", "off", ""], 77),
        (&["perhaps"], 2),
    ] {
        for word in words {
            let mut command = house.sealpost(&["whoami", "--server", "127.0.0.1:1"]);
            let ran = Ran::of(command.env("SEALPOST_PLAIN", word));
            assert_eq!(ran.code, code, "{word}: {}", ran.err);
        }
    }
}

#[test]
fn a_value_comes_from_the_flag_else_the_environment_else_the_file_else_the_default() {
    let server = TestServer::via(Via::Plain);
    let house = &server.house;
    let file = house.arg("sealpost.toml");
    let at = server.at();
    let effective = |env: &[(&str, &str)], config: bool| {
        let mut args = vec!["config", "whoami", "--json"];
        if config {
            args.extend(["--config", &file]);
        }
        let mut command = house.sealpost(&args);
        let out = Ran::of(command.envs(env.iter().copied())).ok();
        let options = json(&out)["options"].as_array().unwrap().clone();
        let row = options
            .iter()
            .find(|row| row["option"] == "server")
            .unwrap();
        (
            row["value"][0].as_str().unwrap().to_owned(),
            row["origin"].as_str().unwrap().to_owned(),
        )
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    fs::write(&file, "[client]\nserver = \"file.example:1\"\n").unwrap();
    let env = [("SEALPOST_SERVER", "env.example:2")];
    let all = json(&house.run(&["config", "--json"]).ok());
    assert_eq!(all[0]["command"], "serve", "one document: {all}");
    assert_eq!(effective(&[], false), pair("127.0.0.1:9999", "default"));
    assert_eq!(effective(&[], true), pair("file.example:1", "file"));
    assert_eq!(effective(&env, true), pair("env.example:2", "environment"));

    // And so in earnest: a value before it would connect to where nobody is.
    let toml = format!(
        "[client]\nserver = \"{at}\"\nuser = \"alice\"\npassword = \"env:PW\"\nplain = true\n"
    );
    fs::write(&file, toml).unwrap();
    house.run(&["whoami", "--config", &file]).ok();
    let mut by_env = house.sealpost(&["whoami"]);
    by_env.env("SEALPOST_CONFIG", &file);
    Ran::of(&mut by_env).ok();
    let nowhere = "127.0.0.1:1";
    Ran::of(
        house
            .sealpost(&["whoami", "--config", &file])
            .env("SEALPOST_SERVER", nowhere),
    )
    .failed(7);
    let flag = ["whoami", "--config", &file, "--server", &at];
    Ran::of(house.sealpost(&flag).env("SEALPOST_SERVER", nowhere)).ok();
}

#[test]
fn a_key_the_file_should_not_have_is_named() {
    let house = House::new();
    let file = house.arg("sealpost.toml");
    for (text, named) in [
        ("sevrer = \"x\"\n", "sevrer"),
        ("[client]\nusr = \"x\"\n", "client.usr"),
        ("[serve]\nserver = \"x\"\n", "serve.server"),
        ("[nothing]\nuser = \"x\"\n", "nothing"),
        ("not toml at all", "not TOML"),
    ] {
        fs::write(&file, text).unwrap();
        let text = house.run(&["ls", "--config", &file]).failed(2);
        assert!(
            text.contains(named) && text.contains("sealpost.toml"),
            "{text}"
        );
    }
    house.run(&["ls", "--config", "missing.toml"]).failed(2);
}

#[test]
fn every_command_has_a_help_text_with_a_usage_and_a_word_on_each_option() {
    let house = House::new();
    let mut waiting = vec![Vec::<String>::new()];
    let mut seen = BTreeSet::new();
    while let Some(command) = waiting.pop() {
        let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
        args.push("--help");
        let text = house.run(&args).ok();
        assert!(text.contains("Usage: sealpost"), "{command:?}: {text}");
        assert!(
            text.lines().next().is_some_and(|line| line.len() > 8),
            "{command:?}"
        );
        let commands = text.split("Commands:\n").nth(1).unwrap_or_default();
        for line in commands.lines().take_while(|line| !line.is_empty()) {
            let Some(word) = line
                .strip_prefix("  ")
                .filter(|line| !line.starts_with(' '))
            else {
                continue;
            };
            let word = word.split_whitespace().next().unwrap().to_owned();
            if word != "help" {
                let mut inner = command.clone();
                inner.push(word);
                waiting.push(inner);
            }
        }
        seen.insert(command.join(" "));
    }
    for command in [
        "serve",
        "put",
        "get",
        "ls",
        "whoami",
        "config",
        "pki init",
        "pki issue client",
    ] {
        assert!(seen.contains(command), "{command} not among {seen:?}");
    }
}

#[test]
fn what_is_not_a_command_line_is_answered_with_2() {
    let house = House::new();
    for args in [
        &[][..],
        &["dance"],
        &["put"],
        &["ls", "--nonsense"],
        &["put", "x", "--conflict", "maybe"],
        &["put", "x", "-j", "0"],
        &["whoami", "--timeout", "soon"],
        &["whoami", "--pinnedpubkey", "sha256//short"],
        &["whoami", "--cacert", "x", "--public-roots"],
        &["serve", "--plain", "--allow-plain"],
        &["serve", "--client-auth", "maybe"],
        &["serve", "--plain", "--max-connections", "0"],
        &["serve", "--plain", "--listen", "nowhere"],
        &["serve", "--plain", "--listen", "0.0.0.0:0"],
        &["config", "dance"],
    ] {
        let ran = house.run(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    // It refused before it made anything.
    assert!(house.names("work").is_empty());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let server = TestServer::via(Via::Plain);
    let mut raw = Raw::logged_in_cheaply(&server);
    for n in 0..50 {
        raw.put(&format!("{n}"), b"", "error");
    }
    let client = server.client(Via::Plain, "alice", &["ls"]);
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", "\"$0\" \"$@\" | true; echo ${PIPESTATUS[0]}"]);
    shell
        .arg(client.get_program())
        .args(client.get_args())
        .env("PW", crate::support::PASSWORD);
    let Ok(output) = shell.output() else {
        skipped("a broken pipe: no bash");
        return;
    };
    let ran = Ran::from(output);
    assert_eq!(ran.out.trim(), "0", "{}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}
