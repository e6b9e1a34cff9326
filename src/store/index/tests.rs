//! The index under many threads, failing disks and restarts.

use std::fs;
use std::sync::Barrier;
use std::thread;

use super::super::journal::Fault;
use super::super::replace::create_new;
use super::*;
use crate::protocol::Sha256;
use crate::text;

fn open(dir: &Path) -> Files {
    let blobs = Arc::new(Blobs::open(dir).unwrap());
    Files::open(dir, blobs, &mut Vec::new()).unwrap()
}

fn name(text: &str) -> FileName {
    text.parse().unwrap()
}

impl Files {
    /// An entry with a blob of its own on disk.
    fn entry(&self, text: &str, owner: &str) -> Entry {
        let blob = BlobId::random().unwrap();
        drop(create_new(&self.blobs.path(&blob)).unwrap());
        Entry {
            name: name(text),
            size: 10,
            sha256: Sha256::of(text.as_bytes()),
            owner: owner.parse().unwrap(),
            modified: text::now(),
            blob,
        }
    }

    fn put(&self, entry: &Entry) -> Result<(), CommitError> {
        let seen = self.find(&entry.name);
        self.commit(Change::Put(entry.clone()), Expected::target(seen.as_ref()))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), CommitError> {
        let (from, to) = (self.find(&name(from)).unwrap(), name(to));
        let expected = Expected::rename(&from, self.find(&to).as_ref());
        let (from, modified) = (from.name, text::now());
        self.commit(Change::Rename { from, to, modified }, expected)
    }

    fn blob_count(&self) -> usize {
        self.blobs.scan().unwrap().0.len()
    }

    fn all(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.page("", "", &mut |entry| {
            entries.push(entry.clone());
            ControlFlow::Continue(())
        });
        entries
    }
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    for text in ["a", "b", "c", "d"] {
        files.put(&files.entry(text, "alice")).unwrap();
    }
    files.put(&files.entry("a", "bob")).unwrap();
    files.rename("b", "z/b").unwrap();
    files.rename("c", "d").unwrap();
    let gone = files.find(&name("z/b"));
    files
        .commit(Change::Delete(name("z/b")), Expected::target(gone.as_ref()))
        .unwrap();
    let again = open(dir.path());
    assert_eq!(again.all(), files.all());
    let names: Vec<String> = again
        .all()
        .iter()
        .map(|entry| entry.name.to_string())
        .collect();
    assert_eq!(names, ["a", "d"]);
    assert_eq!(files.blob_count(), 2, "replaced and deleted blobs are gone");
    assert_eq!(
        again.usage(&"bob".parse().unwrap()),
        Usage {
            bytes: 10,
            files: 1
        }
    );
}

#[test]
fn a_change_of_something_that_is_no_longer_so_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let (one, two) = (files.entry("a", "alice"), files.entry("a", "bob"));
    files.put(&one).unwrap();
    let absent = Expected::target(None);
    let seen = Expected::target(Some(&one));
    let changed = |result| matches!(result, Err(CommitError::Changed));
    assert!(changed(files.commit(Change::Put(two.clone()), absent)));
    files.commit(Change::Put(two.clone()), seen).unwrap();
    assert!(changed(files.commit(Change::Delete(name("a")), seen)));
    assert!(changed(files.commit(Change::Delete(name("b")), absent)));
    let (from, to, modified) = (name("a"), name("b"), text::now());
    let rename = Change::Rename { from, to, modified };
    assert!(changed(
        files.commit(rename.clone(), Expected::rename(&one, None))
    ));
    assert!(changed(
        files.commit(rename.clone(), Expected::rename(&two, Some(&two)))
    ));
    files.commit(rename, Expected::rename(&two, None)).unwrap();
    assert_eq!(files.all().len(), 1);
    assert_eq!(files.find(&name("b")).unwrap().blob, two.blob);
}

#[test]
fn a_rename_onto_itself_keeps_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    files.put(&files.entry("a", "alice")).unwrap();
    files.rename("a", "a").unwrap();
    assert_eq!((files.all().len(), files.blob_count()), (1, 1));
    assert_eq!(open(dir.path()).all(), files.all());
}

#[test]
fn sixteen_threads_at_once_leave_one_consistent_index() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    thread::scope(|scope| {
        for thread in 0..16 {
            let files = &files;
            scope.spawn(move || {
                for round in 0..50 {
                    let own = format!("own/{thread}/{round}");
                    files.put(&files.entry(&own, "alice")).unwrap();
                    let shared = files.entry(&format!("shared/{}", round % 5), "bob");
                    if files.put(&shared).is_err() {
                        files.blobs.remove(&shared.blob);
                    }
                    if round % 3 == 0 {
                        files.rename(&own, &format!("{own}.moved")).unwrap();
                    } else if round % 3 == 1 {
                        let seen = files.find(&name(&own));
                        let expected = Expected::target(seen.as_ref());
                        files.commit(Change::Delete(name(&own)), expected).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(files.all().len(), 16 * 33 + 5);
    assert_eq!(files.blob_count(), files.all().len());
    assert_eq!(open(dir.path()).all(), files.all());
    let alice = files.usage(&"alice".parse().unwrap());
    assert_eq!(
        alice,
        Usage {
            bytes: 16 * 33 * 10,
            files: 16 * 33
        }
    );
}

#[test]
fn of_many_who_saw_the_same_exactly_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    for _round in 0..20 {
        let seen = files.find(&name("a"));
        let start = Barrier::new(16);
        let won: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| {
                        let entry = files.entry("a", "alice");
                        start.wait();
                        let expected = Expected::target(seen.as_ref());
                        let won = files.commit(Change::Put(entry.clone()), expected).is_ok();
                        if !won {
                            files.blobs.remove(&entry.blob);
                        }
                        usize::from(won)
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!((won, files.blob_count()), (1, 1));
    }
}

#[test]
fn a_page_begins_after_a_name_keeps_to_its_prefix_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    for n in 0..300 {
        files
            .put(&files.entry(&format!("b/{n:03}"), "alice"))
            .unwrap();
    }
    for text in ["a", "b", "b.txt", "c"] {
        files.put(&files.entry(text, "alice")).unwrap();
    }
    let page = |prefix: &str, after: &str, most: usize| {
        let mut names = Vec::new();
        files.page(prefix, after, &mut |entry| {
            // No lock is held here: looking something up, or changing it, cannot deadlock.
            assert!(files.find(&entry.name).is_some());
            names.push(entry.name.to_string());
            if names.len() == most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        names
    };
    assert_eq!(page("", "", 1_000).len(), 304);
    assert_eq!(page("b/", "", 1_000).len(), 300);
    assert_eq!(page("b", "", 1_000).len(), 302);
    assert_eq!(page("b/", "b/298", 1_000), ["b/299"]);
    assert_eq!(page("b/", "a", 2), ["b/000", "b/001"]);
    assert_eq!(page("", "b/299", 9), ["c"]);
    assert_eq!(page("x", "", 9), [""; 0]);
    assert_eq!(page("b", "zzz", 9), [""; 0]);
}

#[test]
fn a_full_disk_refuses_the_change_and_the_next_one_works() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    files.put(&files.entry("a", "alice")).unwrap();
    let before = fs::read(dir.path().join("files.csv")).unwrap();
    lock(&files.journal).fault = Some(Fault::Full);
    let entry = files.entry("b", "alice");
    assert!(matches!(files.put(&entry), Err(CommitError::NoSpace)));
    assert_eq!(fs::read(dir.path().join("files.csv")).unwrap(), before);
    assert!(files.find(&entry.name).is_none());
    files.put(&entry).unwrap();
    assert_eq!(open(dir.path()).all(), files.all());
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_a_fresh_file_takes_over() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    files.put(&files.entry("a", "alice")).unwrap();
    let inode = || fs::metadata(dir.path().join("files.csv")).unwrap().ino();
    let old = inode();
    lock(&files.journal).fault = Some(Fault::Sync);
    let entry = files.entry("a", "bob");
    assert!(matches!(files.put(&entry), Err(CommitError::Io(_))));
    assert_ne!(inode(), old);
    let owner = |files: &Files| files.find(&name("a")).unwrap().owner.to_string();
    assert_eq!(
        (owner(&files), owner(&open(dir.path()))),
        ("alice".into(), "alice".into())
    );
    files.blobs.remove(&entry.blob);
    assert_eq!(files.blob_count(), 1);
    files.put(&files.entry("b", "bob")).unwrap();
    assert_eq!(open(dir.path()).all(), files.all());
}

#[test]
fn while_no_fresh_file_can_be_written_changes_are_refused_and_no_blob_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    files.put(&files.entry("a", "alice")).unwrap();
    lock(&files.journal).fault = Some(Fault::SyncAndRewrite);
    let entry = files.entry("a", "bob");
    for _ in 0..2 {
        assert!(files.put(&entry).is_err());
        files.blobs.remove(&entry.blob);
    }
    // The row may be what a power cut leaves: whichever it is, its blob is there.
    let after_power_cut = open(dir.path()).find(&name("a")).unwrap();
    assert!(files.blobs.path(&after_power_cut.blob).exists());
    assert_eq!(files.blob_count(), 2);
    assert_eq!(files.find(&name("a")).unwrap().owner.as_str(), "alice");
    lock(&files.journal).fault = None;
    files.put(&files.entry("b", "bob")).unwrap();
    assert_eq!(open(dir.path()).all(), files.all());
}

#[test]
fn a_mostly_dead_file_is_written_fresh_while_running_and_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let (one, two) = (files.entry("a", "alice"), files.entry("a", "alice"));
    files.put(&one).unwrap();
    let path = dir.path().join("files.csv");
    let row = fs::read_to_string(&path).unwrap();
    let row = row.lines().nth(1).unwrap();
    let many = format!("{row}\n").repeat(10_000);
    {
        let mut journal = lock(&files.journal);
        journal.append(many.as_bytes(), 10_000).unwrap();
    }
    files.put(&two).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert_eq!(open(dir.path()).all(), files.all());

    let all = format!("{}{many}{many}", fs::read_to_string(&path).unwrap());
    super::super::replace::replace(&path, 0o600, all.as_bytes()).unwrap();
    assert_eq!(open(dir.path()).all().len(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[test]
fn without_room_for_a_fresh_file_the_mostly_dead_one_serves_on() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    files.put(&files.entry("a", "alice")).unwrap();
    let path = dir.path().join("files.csv");
    let text = fs::read_to_string(&path).unwrap();
    let many = format!("{}\n", text.lines().nth(1).unwrap()).repeat(10_000);
    {
        let mut journal = lock(&files.journal);
        journal.append(many.as_bytes(), 10_000).unwrap();
        journal.fault = Some(Fault::Rewrite);
    }
    for text in ["b", "c"] {
        files.put(&files.entry(text, "alice")).unwrap();
    }
    let seen = files.find(&name("a"));
    let expected = Expected::target(seen.as_ref());
    files.commit(Change::Delete(name("a")), expected).unwrap();
    assert_eq!(files.blob_count(), 2, "deleting makes room");
    assert!(fs::read_to_string(&path).unwrap().lines().count() > 10_000);
    assert_eq!(open(dir.path()).all(), files.all());
}

#[test]
fn a_quota_counts_uploads_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let (alice, bob) = ("alice".parse().unwrap(), "bob".parse().unwrap());
    files.put(&files.entry("a", "alice")).unwrap();
    let quota = Some(100);
    let first = files.reserve(&alice, 60, 0, quota).unwrap();
    assert!(files.reserve(&alice, 31, 0, quota).is_none());
    assert!(files.reserve(&alice, u64::MAX, 0, quota).is_none());
    let replacing = files.reserve(&alice, 40, 10, quota).unwrap();
    assert!(files.reserve(&alice, 1, 0, quota).is_none());
    assert!(files.reserve(&alice, 10, 10, quota).is_some());
    assert!(files.reserve(&bob, 100, 0, quota).is_some());
    assert!(files.reserve(&alice, 1 << 60, 0, None).is_some());
    drop(first);
    assert!(files.reserve(&alice, 61, 0, quota).is_none());
    assert!(files.reserve(&alice, 60, 0, quota).is_some());
    drop(replacing);
    assert!(files.reserve(&alice, 90, 0, quota).is_some());
}
