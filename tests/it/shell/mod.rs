//! `sealpost shell`: scripts of its words against a real server.

mod lost;
mod terminal;

use std::fs::{self, File};

use serde_json::Value;

use crate::raw::Raw;
use crate::support::{Ran, TestServer, Via};

/// Runs these lines, piped in, as `user`.
fn shell_as(server: &TestServer, via: Via, user: &str, lines: &[&str]) -> Ran {
    shell_at(server, &server.at(), via, user, lines)
}

fn shell_at(server: &TestServer, at: &str, via: Via, user: &str, lines: &[&str]) -> Ran {
    let script = server.house.path("script");
    fs::write(&script, lines.join("\n")).unwrap();
    let mut command = server.client_at(at, via, user, &["shell"]);
    Ran::of(command.stdin(File::open(script).unwrap()))
}

/// Runs these lines as alice over plain TCP.
fn shell(server: &TestServer, lines: &[&str]) -> Ran {
    shell_as(server, Via::Plain, "alice", lines)
}

/// A server with these files of alice's, each with its own name in it.
fn with_files(names: &[&str]) -> TestServer {
    let server = TestServer::via(Via::Plain);
    let mut raw = Raw::logged_in_cheaply(&server);
    for name in names {
        raw.put(name, name.as_bytes(), "error");
    }
    server
}

#[test]
fn a_script_uploads_lists_downloads_renames_and_removes() {
    for via in Via::ALL {
        let server = TestServer::via(via);
        let house = &server.house;
        house.write("a.txt", b"bytes of a");
        let ran = shell_as(
            &server,
            via,
            "alice",
            &[
                "# a remark, and an empty line",
                "",
                "put a.txt",
                "put a.txt docs/b.txt",
                "ls",
                "rename docs/b.txt docs/c.txt",
                "get docs/c.txt back.txt",
                "rm a.txt",
                "ls -R",
                "whoami",
                "bye",
                "rm docs/c.txt",
            ],
        );
        // A quiet connection is not taken for a lost one, tickets of TLS or not.
        assert!(!ran.err.contains("anew"), "{}", ran.err);
        let word = format!("secure    {}", via.word());
        let out = ran.ok();
        assert!(
            out.starts_with("a.txt\ndocs/\ndocs/c.txt\nuser      alice (user)\n"),
            "{out}"
        );
        assert!(out.contains(&word), "{out}");
        assert_eq!(house.read("back.txt"), b"bytes of a");
        // What follows `bye` is not done.
        assert_eq!(server.listed(via), ["docs/c.txt"]);
    }
}

#[test]
fn the_folder_is_gone_to_and_names_are_meant_from_there() {
    let server = with_files(&["docs/a", "docs/deep/b", "top"]);
    let out = shell(
        &server,
        &[
            "pwd",
            "cd docs",
            "pwd",
            "ls",
            "cd deep/",
            "ls",
            "ls ..",
            "ls /top",
            "cd ../..",
            "pwd",
            "cd docs",
            "cd /",
            "cd ..",
            "pwd",
            "cd docs/deep",
            "cd",
            "pwd",
        ],
    )
    .ok();
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            "/",
            "/docs",
            "a",
            "deep/",
            "b",
            "/docs/a",
            "/docs/deep/",
            "/top",
            "/",
            "/",
            "/"
        ]
    );
    // Where no name begins so there is no folder, and one stays.
    let ran = shell(&server, &["-cd missing", "pwd", "-cd top", "pwd"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out, "/\n/\n");
    assert!(
        ran.err.contains("no file's name begins with missing/"),
        "{}",
        ran.err
    );
    shell(&server, &["cd missing"]).failed(78);
    // Files come and go from where one is.
    server.house.write("new", b"new");
    shell(
        &server,
        &["cd docs", "put new", "get ../top", "mv new /moved", "rm a"],
    )
    .ok();
    assert_eq!(server.house.read("top"), b"top");
    assert_eq!(server.listed(Via::Plain), ["docs/deep/b", "moved", "top"]);
}

#[test]
fn a_name_of_a_folder_takes_files_in() {
    let server = with_files(&["docs/a", "x"]);
    let house = &server.house;
    house.write("f", b"f");
    house.write("tree/g", b"g");
    house.write("tree/h/i", b"i");
    shell(
        &server,
        &["put f docs", "mv x docs", "put -r tree docs", "put f new/"],
    )
    .ok();
    let names = [
        "docs/a",
        "docs/f",
        "docs/tree/g",
        "docs/tree/h/i",
        "docs/x",
        "new/f",
    ];
    assert_eq!(server.listed(Via::Plain), names);
    // And all of it comes back, or goes.
    shell(&server, &["get -r docs out/", "cd docs", "rm -r tree"]).ok();
    assert_eq!(house.read("out/docs/tree/h/i"), b"i");
    assert_eq!(
        server.listed(Via::Plain),
        ["docs/a", "docs/f", "docs/x", "new/f"]
    );
    shell(&server, &["get docs"]).failed(78);
    shell(&server, &["put tree"]).failed(26);
}

#[test]
fn quotes_keep_a_name_together_and_patterns_stand_for_many() {
    let names = ["a b.pdf", "c.pdf", "d.txt", "deep/e.pdf", "x*y"];
    let server = with_files(&names);
    let house = &server.house;
    shell(
        &server,
        &["get \"a b.pdf\" one", "get a\\ b.pdf two", "get 'x*y' star"],
    )
    .ok();
    for name in ["one", "two"] {
        assert_eq!(house.read(name), b"a b.pdf");
    }
    assert_eq!(house.read("star"), b"x*y");

    fs::create_dir(house.path("work/pdfs")).unwrap();
    let ran = shell(
        &server,
        &["ls *.pdf", "get *.pdf pdfs", "mget */*.pdf pdfs"],
    );
    assert_eq!(ran.ok(), "a b.pdf\nc.pdf\n");
    assert_eq!(house.names("work/pdfs"), ["a b.pdf", "c.pdf", "e.pdf"]);
    // In quotes a star is a star, and there is no such file.
    shell(&server, &["get \"*.pdf\""]).failed(78);
    shell(&server, &["rm *.doc"]).failed(78);
    shell(&server, &["get 'a b.pdf"]).failed(2);

    for name in ["l1.log", "l2.log", "other"] {
        house.write(name, b"log");
    }
    shell(&server, &["mput l*.log logs", "rm *.pdf"]).ok();
    let left = ["d.txt", "deep/e.pdf", "logs/l1.log", "logs/l2.log", "x*y"];
    assert_eq!(server.listed(Via::Plain), left);
    shell(&server, &["put *.nothing"]).failed(26);
}

#[test]
fn the_local_words_work_on_this_machine() {
    let server = with_files(&[]);
    let house = &server.house;
    house.write("here", b"here");
    let out = shell(
        &server,
        &[
            "lls",
            "lmkdir sub",
            "lcd sub",
            "lpwd",
            "lls",
            "put ../here",
            "!echo $((1 + 2))",
        ],
    )
    .ok();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "here");
    let sub = house.path("work/sub").canonicalize().unwrap();
    assert_eq!(lines[1], sub.to_str().unwrap(), "{out}");
    assert_eq!(lines[2..], ["3"], "{out}");
    assert_eq!(server.listed(Via::Plain), ["here"]);
    for (line, code) in [
        ("lcd missing", 26),
        ("lmkdir here", 23),
        ("lls missing", 26),
        ("!exit 3", 1),
    ] {
        shell(&server, &[line]).failed(code);
    }
}

#[test]
fn a_script_ends_at_the_first_error_with_its_code_unless_the_line_begins_with_a_dash() {
    let server = with_files(&["a"]);
    let ran = shell(&server, &["get missing", "rm a"]);
    assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    assert!(ran.failed(78).contains("standard input, line 1"));
    assert_eq!(server.listed(Via::Plain), ["a"]);

    let ran = shell(&server, &["-get missing", "  - frobnicate", "rm a"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.err.matches("error: ").count(), 2, "{}", ran.err);
    assert!(server.listed(Via::Plain).is_empty());

    // Of many at once the first failure counts.
    server.house.write("a", b"a");
    server.house.write("b", b"b");
    shell(&server, &["put a"]).ok();
    let ran = shell(&server, &["put [ab] /", "rm a"]);
    assert_eq!(ran.code, 73, "{}", ran.err);
    assert_eq!(server.listed(Via::Plain), ["a", "b"]);
    let ran = shell_as(&server, Via::Plain, "bob", &["rm a"]);
    ran.failed(9);
}

#[test]
fn a_script_can_be_a_file_and_a_missing_one_is_told_before_anything_is_asked() {
    let server = with_files(&["a", "b"]);
    server.house.write("script", b"rm a\nbye\n");
    let batch = ["shell", "--batch", "script"];
    server.run(Via::Plain, "alice", &batch).ok();
    assert_eq!(server.listed(Via::Plain), ["b"]);
    server
        .run(Via::Plain, "alice", &["shell", "-b", "missing"])
        .failed(26);
    let mut from_pipe = server.client(Via::Plain, "alice", &["shell", "-b", "-"]);
    server.house.write("script", b"get b\nfrobnicate");
    let script = File::open(server.house.path("work/script")).unwrap();
    let text = Ran::of(from_pipe.stdin(script)).failed(2);
    assert!(text.contains("line 2"), "{text}");
    assert_eq!(server.house.read("b"), b"b");
}

#[test]
fn a_name_that_is_taken_is_refused_and_replaced_when_asked() {
    let server = with_files(&["a"]);
    server.house.write("a", b"another");
    shell(&server, &["put a"]).failed(73);
    shell(&server, &["get a"]).failed(73);
    assert_eq!(server.house.read("a"), b"another");
    shell(&server, &["put --conflict overwrite a", "get a b"]).ok();
    assert_eq!(server.house.read("b"), b"another");
    shell(&server, &["put a c"]).ok();
    shell(&server, &["mv a c"]).failed(73);
    shell(&server, &["mv --conflict overwrite a c"]).ok();
    assert_eq!(server.listed(Via::Plain), ["c"]);
}

#[test]
fn words_that_have_nothing_to_do_say_so() {
    let server = with_files(&["a"]);
    let ran = shell(
        &server,
        &["mkdir docs", "progress", "help", "? get", "version"],
    );
    assert!(ran.err.contains("comes with its first file"), "{}", ran.err);
    assert!(ran.err.contains("progress bars are off"), "{}", ran.err);
    let out = ran.ok();
    for word in [
        "reput",
        "!COMMAND",
        "--conflict",
        "; the server is sealpost",
    ] {
        assert!(out.contains(word), "{word}: {out}");
    }
    assert_eq!(server.listed(Via::Plain), ["a"]);
    for word in ["chmod 700 a", "df", "rmdir docs", "ln a b", "cp a b"] {
        let text = shell(&server, &[word]).failed(2);
        assert!(text.contains("not a thing on this server"), "{text}");
    }
    let text = shell(&server, &["frobnicate"]).failed(2);
    assert!(text.contains("there is no word frobnicate"), "{text}");
    // Nobody is there to type a password, and one in the line is refused unread.
    let text = shell(&server, &["passwd hunter2-hunter2"]).failed(2);
    assert!(text.contains("help passwd"), "{text}");
}

#[test]
fn stat_and_a_long_list_tell_all_and_programs_get_json() {
    let server = with_files(&["a", "docs/b", "docs/cc"]);
    let out = shell(&server, &["stat a", "ls -l", "ls -l --sort size -r docs"]).ok();
    assert!(out.starts_with("name      a\nsize      1 B"), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[6].contains("alice") && lines[6].ends_with('a'),
        "{out}"
    );
    // A folder has the size of all that is in it.
    assert!(
        lines[7].starts_with("13 B") && lines[7].ends_with("docs/"),
        "{out}"
    );
    assert!(lines[9].ends_with("docs/cc"), "{out}");
    assert!(lines[10].ends_with("docs/b"), "{out}");

    let script = server.house.path("script");
    fs::write(&script, "ls\nput missing\n").unwrap();
    let mut command = server.client(Via::Plain, "alice", &["shell", "--json"]);
    let ran = Ran::of(command.stdin(File::open(script).unwrap()));
    assert_eq!(ran.code, 26, "{}", ran.err);
    let lines = ran.out.lines().map(serde_json::from_str::<Value>);
    let [listing, error]: [Value; 2] = lines
        .map(Result::unwrap)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(listing["files"][0]["name"], "a");
    assert_eq!(listing["folders"][0], "docs/");
    assert_eq!(error["code"], "local_read");
}
