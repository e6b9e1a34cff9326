//! A client written from the specification alone, in another language, works in all modes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{PASSWORD, Ran, TestServer, Via, skipped};

/// Every Python 3 that can be found, each once.
fn pythons() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let home = std::env::var_os("HOME").unwrap_or_default();
    let versions = fs::read_dir(Path::new(&home).join(".pyenv/versions"));
    let versions = versions.into_iter().flatten().flatten();
    folders.extend(versions.map(|entry| entry.path().join("bin")));
    let found: BTreeSet<PathBuf> = folders
        .iter()
        .map(|folder| folder.join("python3"))
        .filter_map(|python| fs::canonicalize(python).ok())
        .filter(|python| python.is_file())
        .collect();
    found.into_iter().collect()
}

/// Its version, if it is one that is still looked after enough to have what the client needs.
fn version(python: &Path) -> Option<String> {
    let code = "import sys, ssl; assert sys.version_info >= (3, 8); print(sys.version.split()[0])";
    let output = Command::new(python).args(["-c", code]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[test]
fn the_client_in_python_does_every_operation_in_every_mode() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/sealpost_client.py");
    if !script.is_file() {
        skipped("the client in Python: tests/interop/sealpost_client.py is missing");
        return;
    }
    let mut tried = BTreeSet::new();
    for python in pythons() {
        let Some(version) = version(&python) else {
            continue;
        };
        if tried.insert(version.clone()) {
            for via in Via::ALL {
                selftest(&script, &python, &version, via);
            }
        }
    }
    if tried.is_empty() {
        skipped("the client in Python: no python3 of 3.8 or later");
    }
}

/// Runs the client's test of itself, against a server of its own: its wrong passwords slow down its address.
fn selftest(script: &Path, python: &Path, version: &str, via: Via) {
    let server = TestServer::via(via);
    let path = |name: &str| server.house.arg(&format!("certs/{name}"));
    let port = server.address.port().to_string();
    let mut command = Command::new(python);
    command.arg(script).args(["127.0.0.1", &port, via.word()]);
    if via != Via::Plain {
        command.args(["--ca", &path("ca.crt")]);
    }
    if via == Via::Mtls {
        command.args(["--cert", &path("alice.crt"), "--key", &path("alice.key")]);
    }
    command.arg("selftest").env("PW", PASSWORD);
    command.env("PYTHONIOENCODING", "utf-8");
    let ran = Ran::of(&mut command);
    let (out, err) = (&ran.out, &ran.err);
    assert_eq!(ran.code, 0, "Python {version} {via:?}:\n{out}{err}");
    for done in ["put resume:", "rename:", "quit:"] {
        assert!(out.contains(done), "Python {version} {via:?}: {out}");
    }
    assert!(server.listed(via).is_empty());
}
