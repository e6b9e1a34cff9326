//! Whether the audit trail is whole: each line names the digest of the one before.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::audit::{CONTINUED, CUT, FIRST_PREV};
use super::trail::each_line;
use crate::error::Result;
use crate::protocol::Sha256;

/// Whether the chain of a trail is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Complete lines read.
    pub lines: u64,
    /// Lines a crash cut short, each followed by an event that says so.
    pub cut: u64,
    /// The digest of the last complete line: noted elsewhere, it later proves that nothing was cut off.
    pub last: String,
    /// Bytes after the last line end: a line being written, or cut by a crash since the last start.
    pub unended_bytes: u64,
    /// The first line that does not fit.
    pub broken: Option<Broken>,
    /// What the first line goes on from, when it is not the first of all.
    pub continues: Option<Continues>,
}

/// A line that does not fit the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

/// The end of an older file of the same trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Continues {
    /// The name the older file was given, if it is known.
    pub name: Option<String>,
    /// The digest of its last line.
    pub last: String,
}

/// One file of a trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Where it is.
    pub file: PathBuf,
    /// Its own chain, and with the next newer part.
    #[serde(flatten)]
    pub report: VerifyReport,
}

/// Follows the trail at `path` and its older files as far as they are in the same folder; the newest comes first.
/// Nothing older than a break is looked at.
pub fn verify_all(path: &Path) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(file) = next.take() {
        let mut report = verify(&file)?;
        let newer = parts
            .last()
            .and_then(|newer| newer.report.continues.as_ref());
        if let Some(newer) = newer.filter(|newer| newer.last != report.last) {
            let what = format!(
                "the newer file goes on from a line with the digest {}, which is not the last here",
                newer.last
            );
            report.broken.get_or_insert(Broken {
                line: report.lines,
                what,
            });
        }
        if let (None, Some(continues)) = (&report.broken, &report.continues) {
            let name = continues.name.as_deref().and_then(own_name);
            let older = name.map(|name| path.with_file_name(name));
            let seen =
                |older: &PathBuf| *older == file || parts.iter().any(|part| part.file == *older);
            next = older.filter(|older| older.exists() && !seen(older));
        }
        parts.push(Part { file, report });
    }
    Ok(parts)
}

/// A name that is nothing but one: it comes from the file.
fn own_name(name: &str) -> Option<&str> {
    (Path::new(name).file_name() == Some(name.as_ref())).then_some(name)
}

/// Follows the chain of the file at `path` up to the first line that does not fit.
pub fn verify(path: &Path) -> Result<VerifyReport> {
    #[derive(Deserialize)]
    struct Link {
        event: String,
        prev: String,
        name: Option<String>,
    }
    let mut report = VerifyReport {
        lines: 0,
        cut: 0,
        last: FIRST_PREV.to_owned(),
        unended_bytes: 0,
        broken: None,
        continues: None,
    };
    let mut unreadable = false;
    let broken = |line, what: &str| {
        let what = what.to_owned();
        Some(Broken { line, what })
    };
    report.unended_bytes = each_line(path, |line| {
        report.lines += 1;
        match serde_json::from_slice::<Link>(line) {
            Ok(link) if report.lines == 1 && link.event == CONTINUED => {
                report.continues = Some(Continues {
                    name: link.name,
                    last: link.prev,
                });
            }
            Ok(link) if link.prev != report.last => {
                let what = "the line before it was changed, removed or added";
                report.broken = broken(report.lines, what);
            }
            Ok(link) if unreadable && link.event != CUT => {
                report.broken = broken(report.lines - 1, "the line is not an event");
            }
            Ok(_) => {
                report.cut += u64::from(unreadable);
                unreadable = false;
            }
            Err(_) if unreadable => {
                report.broken = broken(report.lines - 1, "the line is not an event");
            }
            Err(_) => unreadable = true,
        }
        report.last = Sha256::of(line).to_string();
        report.broken.is_none()
    })?;
    if report.broken.is_none() && unreadable {
        report.broken = broken(report.lines, "the line is not an event");
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::audit::{Audit, Event};
    use super::super::replace::replace;
    use super::*;

    fn event(event: &'static str, id: &str, user: Option<&str>) -> Event {
        Event {
            user: user.map(str::to_owned),
            ..Event::new(event, id)
        }
    }

    fn trail() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        for round in 0..2 {
            let audit = Audit::open(&path).unwrap();
            audit.record(event("start", "", None));
            for n in 0..3 {
                audit.record(event("put", &format!("{round}{n}"), Some("alice")));
            }
        }
        (dir, path)
    }

    #[test]
    fn an_untouched_trail_is_whole_over_restarts() {
        let (_dir, path) = trail();
        let report = verify(&path).unwrap();
        assert_eq!((report.lines, report.cut, report.broken), (8, 0, None));
        let text = fs::read_to_string(&path).unwrap();
        let last = Sha256::of(text.lines().last().unwrap().as_bytes());
        assert_eq!(report.last, last.to_string());
    }

    #[test]
    fn a_line_changed_removed_or_added_is_found() {
        let (_dir, path) = trail();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let changed = lines[2].replace("alice", "malice");
        let cases: [(Vec<&str>, u64); 6] = [
            ([&lines[..2], &[changed.as_str()], &lines[3..]].concat(), 4),
            ([&lines[..2], &lines[3..]].concat(), 3),
            ([&lines[..3], &lines[2..]].concat(), 4),
            (lines[1..].to_vec(), 1),
            ([&lines[..2], &["{}"], &lines[3..]].concat(), 4),
            ([&lines[..7], &["nonsense"]].concat(), 8),
        ];
        for (lines, line) in cases {
            replace(&path, 0o600, format!("{}\n", lines.join("\n")).as_bytes()).unwrap();
            let broken = verify(&path).unwrap().broken.unwrap();
            assert_eq!(broken.line, line, "{}", broken.what);
        }
    }

    #[test]
    fn a_line_cut_by_a_crash_is_said_to_be_so_and_the_chain_goes_on() {
        let (_dir, path) = trail();
        let text = fs::read(&path).unwrap();
        replace(&path, 0o600, &text[..text.len() - 20]).unwrap();
        assert!(verify(&path).unwrap().unended_bytes > 0);
        Audit::open(&path).unwrap().record(event("start", "", None));
        let report = verify(&path).unwrap();
        assert_eq!((report.lines, report.cut, report.broken), (10, 1, None));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().nth(8).unwrap().contains("cut short after"));
    }

    #[test]
    fn several_processes_write_one_trail_and_its_chain_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        // Each has the file open on its own, as processes would.
        let writers = [(); 3].map(|()| Audit::open(&path).unwrap());
        let together = std::sync::Barrier::new(writers.len());
        std::thread::scope(|scope| {
            for (n, audit) in writers.iter().enumerate() {
                let write = || {
                    together.wait();
                    for _ in 0..1_000 {
                        audit.record(event("put", "", Some("alice")));
                    }
                };
                std::thread::Builder::new()
                    .name(n.to_string())
                    .spawn_scoped(scope, write)
                    .unwrap();
            }
        });
        let report = verify(&path).unwrap();
        assert_eq!((report.lines, report.cut, report.broken), (3_000, 0, None));
    }

    #[test]
    fn nothing_is_written_while_another_process_writes() {
        let (_dir, path) = trail();
        let audit = Audit::open(&path).unwrap();
        let other = fs::File::open(&path).unwrap();
        other.lock().unwrap();
        assert!(audit.try_record(event("put", "1", None)).is_err());
        other.unlock().unwrap();
        audit.try_record(event("put", "2", None)).unwrap();
        assert_eq!(verify(&path).unwrap().lines, 9);
    }

    #[test]
    fn the_trail_is_this_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, path) = trail();
        let older = path.with_file_name("audit-1.jsonl");
        Audit::open(&path).unwrap().rotate(&older).unwrap();
        for path in [path, older] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_rotated_trail_goes_on_in_a_new_file_for_all_who_write_it() {
        let (_dir, path) = trail();
        let server = Audit::open(&path).unwrap();
        let command = Audit::open(&path).unwrap();
        let [first, second] =
            ["audit-1.jsonl", "audit-2.jsonl"].map(|name| path.with_file_name(name));
        for older in [&first, &second] {
            command.rotate(older).unwrap();
            server.record(event("login", "1", Some("alice")));
            command.record(event("user_role", "", Some("alice")));
            server.record(event("login", "2", Some("alice")));
        }
        assert!(command.rotate(&first).is_err(), "the name is taken");
        server.record(event("stop", "", None));
        let parts = verify_all(&path).unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|part| (&part.file, part.report.lines))
            .collect();
        assert_eq!(seen, [(&path, 5), (&second, 4), (&first, 8)]);
        assert!(parts.iter().all(|part| part.report.broken.is_none()));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3);

        // A line more or less at the end of an older file is found: the newer one knows how it ended.
        let text = fs::read_to_string(&second).unwrap();
        let shorter = text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
        replace(&second, 0o600, shorter.as_bytes()).unwrap();
        let parts = verify_all(&path).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].report.broken.as_ref().unwrap().line, 3);
    }

    #[test]
    fn a_file_moved_away_under_the_server_is_followed_by_one_that_carries_the_chain_over() {
        let (_dir, path) = trail();
        let server = Audit::open(&path).unwrap();
        let older = path.with_file_name("audit.jsonl.1");
        fs::rename(&path, &older).unwrap();
        server.record(event("login", "1", Some("alice")));
        server.record(event("login", "2", Some("alice")));
        let [old, new] = [&older, &path].map(|path| verify(path).unwrap());
        assert_eq!((old.lines, old.broken), (8, None));
        assert_eq!((new.lines, new.broken), (3, None));
        assert_eq!(new.continues.unwrap().last, old.last);
    }

    #[test]
    fn lines_cut_off_while_the_server_writes_are_noticed() {
        let (_dir, path) = trail();
        let server = Audit::open(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let end = text.trim_end().rfind('\n').unwrap() + 1;
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(end as u64)
            .unwrap();
        server.record(event("login", "1", Some("alice")));
        assert_eq!(verify(&path).unwrap().broken.unwrap().line, 8);
    }
}
