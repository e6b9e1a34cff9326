//! A comparison of the lab, made for a test, and the tools that look at it from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, skipped};

/// A comparison that was made, in a folder that goes with it.
#[derive(Debug)]
pub(crate) struct Compared {
    dir: TempDir,
    pub(crate) report: Value,
}

impl Compared {
    pub(crate) fn make(args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let json = Ran::of(&mut sealpost(dir.path(), args)).ok();
        Self::of(dir, &json)
    }

    /// Makes one of a file with this name and these bytes.
    pub(crate) fn of_file(name: &str, bytes: &[u8], args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), bytes).unwrap();
        let json = Ran::of(sealpost(dir.path(), args).arg(name)).ok();
        Self::of(dir, &json)
    }

    /// One that was made in `dir` and printed `json`.
    pub(crate) fn of(dir: TempDir, json: &str) -> Self {
        let report = serde_json::from_str(json).unwrap();
        Self { dir, report }
    }

    /// What a shell in the folder of the result prints.
    pub(crate) fn shell(&self, command: &str) -> String {
        shell(&self.out(), command)
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("sealpost-lab")
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.out().join(name)).unwrap()
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.report[key].as_str().unwrap()
    }

    pub(crate) fn run(&self, kind: &str) -> &Value {
        let runs = self.report["runs"].as_array().unwrap();
        runs.iter().find(|run| run["kind"] == kind).unwrap()
    }

    /// The frame where this was found, by the report.
    pub(crate) fn found(&self, kind: &str, label: &str) -> Option<u64> {
        let secrets = self.run(kind)["connection"]["secrets"].as_array().unwrap();
        let secret = secrets.iter().find(|secret| secret["label"] == label);
        secret.unwrap()["found"]["frame"].as_u64()
    }

    /// Blocks of the file found, to the server and to the client.
    pub(crate) fn blocks(&self, kind: &str) -> [u64; 2] {
        let connection = &self.run(kind)["connection"];
        ["to_server", "to_client"].map(|way| connection[way]["blocks_found"].as_u64().unwrap())
    }
}

/// `sealpost lab compare --json`, with its temporary files below `dir` too.
pub(crate) fn sealpost(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    let tmp = dir.join("tmp");
    fs::create_dir_all(&tmp).unwrap();
    command
        .args(["lab", "compare", "--json"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", tmp)
        .stdin(Stdio::null());
    command
}

/// Whether the tools of the README's commands are there.
pub(crate) fn tshark() -> bool {
    let there = |tool: &str| Command::new(tool).arg("-v").output().is_ok();
    let all = there("tshark") && there("xxd");
    if !all {
        skipped("the proofs of the comparison: tshark or xxd is not installed");
    }
    all
}

/// The names in a folder, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What a shell in `dir` prints.
pub(crate) fn shell(dir: &Path, command: &str) -> String {
    let ran = Command::new("sh")
        .args(["-c", command])
        .current_dir(dir)
        .output()
        .unwrap();
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}
