//! Ctrl-C. In the middle of an experiment: no folder, no program, no process is left. In the middle of a transfer: what
//! arrived is kept, and the next step is told.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::compared::names;
use crate::raw::Raw;
use crate::support::{PATIENCE, Ran, TestServer, Via, noise, skipped, until, wait};

/// A running `sealpost lab …`, with its temporary files in a folder of its own.
fn lab(dir: &Path, args: &[&str]) -> Child {
    fs::create_dir(dir.join("tmp")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_sealpost"))
        .arg("lab")
        .args(args)
        .current_dir(dir)
        .env("TMPDIR", dir.join("tmp"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The command lines of all processes that were given this folder for temporary files: the program's own,
/// and whatever it started.
fn processes(dir: &Path) -> Vec<String> {
    let mark = format!("TMPDIR={}", dir.join("tmp").display());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        if variables.any(|variable| variable == mark.as_bytes()) {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

/// Ends it by `signal` when `now` holds of it; what is left.
#[track_caller]
fn interrupted(args: &[&str], signal: Signal, now: impl Fn(&Path) -> bool) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("large"), noise(40_000_000, 7)).unwrap();
    let mut child = lab(dir.path(), args);
    // As long as it takes on a busy machine: an experiment that ends without it ends the wait.
    while !now(dir.path()) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended too early");
        thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    assert_eq!(wait(&mut child, PATIENCE), Some(130), "{args:?}");
    let left = names(&dir.path().join("tmp"));
    assert_eq!(left, Vec::<String>::new(), "{args:?}");
    // Half a result is none.
    assert!(!dir.path().join("sealpost-lab").exists(), "{args:?}");
    if Path::new("/proc/self/environ").exists() {
        // A program that was killed is gone once its parent, or init, has taken note.
        until("nothing runs", || processes(dir.path()).is_empty());
    }
}

fn has_a_folder(dir: &Path) -> bool {
    names(&dir.join("tmp"))
        .iter()
        .any(|name| name.starts_with("sealpost-lab-"))
}

#[test]
fn ctrl_c_during_any_experiment_leaves_no_folder_and_no_process() {
    for args in [
        &["handshake"][..],
        &["mitm"],
        &["certificates"],
        &["revocation"],
        &["resumption"],
    ] {
        interrupted(args, Signal::INT, has_a_folder);
    }
}

#[test]
fn ctrl_c_in_the_middle_of_a_transfer_leaves_no_folder_and_no_process() {
    let in_the_middle = |dir: &Path| {
        let folders = names(&dir.join("tmp"));
        folders.iter().any(|folder| {
            let capture = dir.join("tmp").join(folder).join("plain.pcapng");
            fs::metadata(capture).is_ok_and(|file| file.len() > 1_000_000)
        })
    };
    interrupted(&["compare", "large"], Signal::INT, in_the_middle);
    interrupted(&["compare", "large"], Signal::TERM, in_the_middle);
}

#[test]
fn a_program_that_the_experiment_started_ends_with_it() {
    if Command::new("openssl").arg("version").output().is_err() {
        return skipped("programs of an interrupted experiment: openssl is not installed");
    }
    // Sent to this process alone, as `kill` does: nobody else would end the program.
    interrupted(&["certificates"], Signal::TERM, |dir| {
        let mut all = processes(dir).into_iter();
        all.any(|line| line.starts_with("openssl s_server"))
    });
}

/// Presses ctrl-c when `now` holds of the running command, and gives how it ended.
fn pressed(server: &TestServer, args: &[&str], now: impl Fn() -> bool) -> Ran {
    let mut command = server.client(Via::Plain, "alice", args);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !now() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended too early");
        thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn an_interrupted_upload_ends_with_its_number_and_its_next_step_which_works() {
    let server = TestServer::via(Via::Plain);
    let house = &server.house;
    house.write("large", &noise(8_000_000, 3));
    let arrives = || {
        let held = fs::read_dir(house.path("data/partial"))
            .into_iter()
            .flatten();
        held.flatten()
            .any(|file| file.metadata().is_ok_and(|file| file.len() > 0))
    };
    let slow = ["put", "large", "--limit-rate", "100K"];
    let ran = pressed(&server, &slow, arrives);
    let text = ran.failed(130);
    assert!(text.contains("--conflict resume"), "{text}");
    // What a connection still writes to is not gone on with by another.
    assert!(server.log.wait_for("connection lost"));
    assert!(server.listed(Via::Plain).is_empty());
    let resumed = server.run(
        Via::Plain,
        "alice",
        &["put", "large", "--conflict", "resume"],
    );
    assert!(resumed.err.contains("resumed at"), "{}", resumed.err);
    resumed.ok();

    let again = [&slow[..], &["--conflict", "overwrite", "--json"]].concat();
    let ran = pressed(&server, &again, arrives);
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["code"], "interrupted", "{last}");
    assert!(!last["hint"].as_str().unwrap().contains("resume"), "{last}");
}

#[test]
fn many_interrupted_downloads_are_told_of_once() {
    let server = TestServer::via(Via::Plain);
    let mut raw = Raw::logged_in_cheaply(&server);
    let names: Vec<String> = (0..20).map(|n| format!("many/{n}")).collect();
    for name in &names {
        raw.put(name, &noise(1_000_000, 5), "error");
    }
    let arrived = || server.house.path("work/out/many").exists();
    let slow = [
        "get",
        "-r",
        "many",
        "-o",
        "out",
        "-j",
        "3",
        "--limit-rate",
        "100K",
    ];
    let text = pressed(&server, &slow, arrived).failed(130);
    assert_eq!(text.matches("interrupted").count(), 1, "{text}");
}
