//! The small tables (users, access rules): CSV files that are read whole, rewritten whole, and may be
//! changed by an administrator's command while a server runs.
//!
//! Two processes never lose each other's change: who changes a table holds its lock file, reads the table
//! anew if it is not the one last read, and puts a complete new file in its place. Who only reads compares
//! the file's stamp and needs no lock, because the file is never seen half-written.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use super::{lock, read, replace, write};
use crate::error::{Error, Kind, Result};

/// What a table holds, and how it stands in its file.
pub(super) trait Rows: Clone + Default {
    /// The file's name without `.csv`.
    const NAME: &'static str;
    /// The header row.
    const COLUMNS: &'static [&'static str];

    /// Takes in one row of the file; the error says what is wrong with it.
    fn add(&mut self, fields: &[&str]) -> Result<(), String>;

    /// The rows to write, in the order to write them.
    fn rows(&self) -> Vec<Vec<String>>;
}

/// A table in memory that follows its file.
pub(super) struct Table<T> {
    path: PathBuf,
    lock_path: PathBuf,
    state: RwLock<State<T>>,
    changing: Mutex<()>,
}

struct State<T> {
    /// Of the file the rows are from.
    stamp: Option<Stamp>,
    /// Of the last file that could not be read: it is not tried again before it has changed.
    refused: Option<Stamp>,
    /// Whether it is known, and was said, that the file is gone.
    gone: bool,
    rows: Arc<T>,
}

/// What tells one version of a file from the next; every change makes a new inode.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    inode: u64,
    bytes: u64,
}

impl<T: Rows> Table<T> {
    /// Reads the table in `dir`; a missing file is an empty table.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(format!("{}.csv", T::NAME));
        let state = read_file(&path)?;
        Ok(Self {
            lock_path: dir.join(format!("{}.lock", T::NAME)),
            path,
            state: RwLock::new(state),
            changing: Mutex::new(()),
        })
    }

    /// The rows as they are now: a changed file is read anew. If it cannot be, that is logged once and the
    /// old rows stay.
    pub(super) fn rows(&self) -> Arc<T> {
        let stamp = stamp(&self.path);
        let state = read(&self.state);
        let tried = match stamp {
            Some(_) => state.refused == stamp,
            None => state.gone,
        };
        if state.stamp == stamp || tried {
            return Arc::clone(&state.rows);
        }
        drop(state);
        if let Err(error) = self.reload() {
            tracing::error!(%error, "the old table stays in force");
            let mut state = write(&self.state);
            (state.refused, state.gone) = (stamp, stamp.is_none());
        }
        Arc::clone(&read(&self.state).rows)
    }

    /// Reads the file, changed or not; on an error the old rows stay. That it is gone is an error too: a
    /// slip, or an editor between two steps, must not lift every rule or remove every account.
    pub(super) fn reload(&self) -> Result<()> {
        let new = read_file(&self.path)?;
        let mut state = write(&self.state);
        if new.stamp.is_none() && state.stamp.is_some() {
            let what = format!("{} is gone", self.path.display());
            return Err(Error::new(Kind::LocalRead, what)
                .hint("put it back, or start the server anew to go on without it"));
        }
        *state = new;
        Ok(())
    }

    /// Changes the rows and their file together; an error of `change` changes nothing.
    pub(super) fn change<R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let _one_thread = lock(&self.changing);
        let _one_process = self.lock_file()?;
        if stamp(&self.path) != read(&self.state).stamp {
            self.reload()?;
        }
        let mut rows = T::clone(&read(&self.state).rows);
        let answer = change(&mut rows)?;
        replace::replace(&self.path, 0o600, &encode(&rows)?)
            .map_err(|error| cannot_write(&self.path, error))?;
        *write(&self.state) = State {
            stamp: stamp(&self.path),
            refused: None,
            gone: false,
            rows: Arc::new(rows),
        };
        Ok(answer)
    }

    fn lock_file(&self) -> Result<File> {
        // The first account may be made before the first server ran.
        let dir = self.path.parent().map_or(Ok(()), replace::private_dir);
        dir.and_then(|()| replace::open_append(&self.lock_path))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| cannot_write(&self.lock_path, error))
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        inode: metadata.ino(),
        bytes: metadata.len(),
    })
}

fn read_file<T: Rows>(path: &Path) -> Result<State<T>> {
    // Taken first: if the file is replaced in between, the next look sees a new stamp.
    let stamp = stamp(path);
    let (stamp, rows) = match fs::read(path) {
        Ok(bytes) => (stamp, parse(path, &bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (None, T::default()),
        Err(error) => {
            let what = format!("read {}", path.display());
            return Err(Error::io(Kind::LocalRead, what, error));
        }
    };
    Ok(State {
        stamp,
        refused: None,
        gone: false,
        rows: Arc::new(rows),
    })
}

/// Reads the text of a table; `path` is for the error, which names the line and what to do.
pub(super) fn parse<T: Rows>(path: &Path, bytes: &[u8]) -> Result<T> {
    let mut table = T::default();
    let bad = |line: u64, what: &str| {
        Error::new(
            Kind::LocalRead,
            format!("{}, line {line}: {what}", path.display()),
        )
        .hint("mend that line in a text editor, or restore the file from a backup")
    };
    if bytes.is_empty() {
        // What a full disk or a power cut makes of a file that another program wrote. A table without rows
        // has its header.
        return Err(bad(1, "the file is empty, without even its header")
            .hint("restore it from a backup; remove it if there are to be no rows"));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(bad(1, "the file begins with a byte order mark")
            .hint("save it as UTF-8 without BOM: sed -i '1s/^\\xEF\\xBB\\xBF//' does that"));
    }
    let lines = || bytes.split(|byte| *byte == b'\n').zip(1..);
    if let Some((_, line)) = lines().find(|(text, _)| text.contains(&b'\r')) {
        return Err(bad(line, "the file has Windows line ends")
            .hint("save it with Unix line ends: dos2unix does that"));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = csv::StringRecord::new();
    let mut header_seen = false;
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(table),
            Err(_) => return Err(bad(line, "the text is not UTF-8")),
        }
        let line = record.position().map_or(line, csv::Position::line);
        if !header_seen {
            if record != *T::COLUMNS {
                let wanted = format!("the header is not {}", T::COLUMNS.join(","));
                return Err(bad(line, &wanted));
            }
            header_seen = true;
            continue;
        }
        if record.len() != T::COLUMNS.len() {
            let (has, wanted) = (record.len(), T::COLUMNS.len());
            return Err(bad(line, &format!("{has} fields instead of {wanted}")));
        }
        if record
            .iter()
            .any(|field| field.chars().any(char::is_control))
        {
            return Err(bad(line, "a field holds a control character"));
        }
        let fields: Vec<&str> = record.iter().collect();
        table.add(&fields).map_err(|what| bad(line, &what))?;
    }
}

fn encode<T: Rows>(table: &T) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer
        .write_record(T::COLUMNS)
        .and_then(|()| {
            table
                .rows()
                .iter()
                .try_for_each(|row| writer.write_record(row))
        })
        .map_err(|error| Error::new(Kind::Other, format!("cannot write a table: {error}")));
    written?;
    writer
        .into_inner()
        .map_err(|error| Error::new(Kind::Other, format!("cannot write a table: {error}")))
}

fn cannot_write(path: &Path, error: io::Error) -> Error {
    Error::io(Kind::LocalWrite, format!("write {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of two columns without repeated names.
    #[derive(Clone, Default, Debug, PartialEq)]
    struct Pairs(Vec<(String, String)>);

    impl Rows for Pairs {
        const NAME: &'static str = "pairs";
        const COLUMNS: &'static [&'static str] = &["left", "right"];

        fn add(&mut self, fields: &[&str]) -> Result<(), String> {
            if self.0.iter().any(|(left, _)| left == fields[0]) {
                return Err("twice".to_owned());
            }
            self.0.push((fields[0].to_owned(), fields[1].to_owned()));
            Ok(())
        }

        fn rows(&self) -> Vec<Vec<String>> {
            let row = |(left, right): &(String, String)| vec![left.clone(), right.clone()];
            self.0.iter().map(row).collect()
        }
    }

    fn push(table: &Table<Pairs>, left: &str) -> Result<()> {
        table.change(|pairs| {
            pairs.0.push((left.to_owned(), "x".to_owned()));
            Ok(())
        })
    }

    fn put(dir: &Path, text: &str) {
        replace::replace(&dir.join("pairs.csv"), 0o600, text.as_bytes()).unwrap();
    }

    #[test]
    fn what_was_written_is_read_back_whatever_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let table = Table::<Pairs>::open(dir.path()).unwrap();
        assert_eq!(*table.rows(), Pairs::default());
        for left in ["a,b\"c", "", " =1+1 ", "课程", "\u{2028}"] {
            push(&table, left).unwrap();
        }
        let again = Table::<Pairs>::open(dir.path()).unwrap();
        assert_eq!(*again.rows(), *table.rows());
        assert_eq!(again.rows().0.len(), 5);
    }

    #[test]
    fn two_processes_see_and_keep_each_others_changes() {
        let dir = tempfile::tempdir().unwrap();
        let server = Table::<Pairs>::open(dir.path()).unwrap();
        let command = Table::<Pairs>::open(dir.path()).unwrap();
        push(&server, "a").unwrap();
        push(&command, "b").unwrap();
        push(&server, "c").unwrap();
        assert_eq!(server.rows().0.len(), 3);
        assert_eq!(*command.rows(), *server.rows());
    }

    #[test]
    fn changes_at_the_same_time_all_count() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let dir = dir.path();
                scope.spawn(move || {
                    let table = Table::<Pairs>::open(dir).unwrap();
                    for change in 0..5 {
                        push(&table, &format!("{thread}-{change}")).unwrap();
                    }
                });
            }
        });
        let table = Table::<Pairs>::open(dir.path()).unwrap();
        assert_eq!(table.rows().0.len(), 40);
    }

    #[test]
    fn bad_files_are_refused_with_the_line_and_good_ones_taken() {
        for (text, line) in [
            ("\u{feff}left,right\n", 1),
            ("left,right\r\na,b\r\n", 1),
            ("left,right\na,b\r\n", 2),
            ("left,wrong\n", 1),
            ("left,right,more\n", 1),
            ("a,b\n", 1),
            ("left,right\na,b\na\n", 3),
            ("left,right\na,b,c\n", 2),
            ("left,right\na,b\nc,d\na,e\n", 4),
            ("left,right\na,\"b\nc,d\n", 2),
            ("left,right\na,\0\n", 2),
            ("", 1),
        ] {
            let path = Path::new("data/pairs.csv");
            let error = parse::<Pairs>(path, text.as_bytes()).unwrap_err();
            let begin = format!("data/pairs.csv, line {line}: ");
            assert!(error.message().starts_with(&begin), "{text:?}: {error}");
            assert!(error.next_step().is_some());
        }
        assert!(parse::<Pairs>(Path::new("x"), b"left,right\na,\xff\n").is_err());
        for text in [
            "left,right\n",
            "left,right",
            "left,right\na,b",
            "left,right\n\na,b\n",
        ] {
            assert!(
                parse::<Pairs>(Path::new("x"), text.as_bytes()).is_ok(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_file_that_vanishes_leaves_the_old_rows_and_nothing_is_written_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let table = Table::<Pairs>::open(dir.path()).unwrap();
        push(&table, "a").unwrap();
        let (path, aside) = (table.path.clone(), dir.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        assert_eq!(table.rows().0.len(), 1);
        assert!(table.reload().unwrap_err().next_step().is_some());
        assert!(push(&table, "b").is_err());
        assert!(!path.exists());
        fs::rename(&aside, &path).unwrap();
        push(&table, "b").unwrap();
        assert_eq!(table.rows().0.len(), 2);
        fs::remove_file(&path).unwrap();
        assert!(
            Table::<Pairs>::open(dir.path())
                .unwrap()
                .rows()
                .0
                .is_empty()
        );
    }

    #[test]
    fn a_bad_new_file_leaves_the_old_rows_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let table = Table::<Pairs>::open(dir.path()).unwrap();
        push(&table, "a").unwrap();
        put(dir.path(), "left,right\nbroken\n");
        assert_eq!(table.rows().0.len(), 1);
        assert!(table.reload().is_err());
        assert!(push(&table, "b").is_err());
        let text = fs::read_to_string(dir.path().join("pairs.csv")).unwrap();
        assert!(text.contains("broken"));

        put(dir.path(), "left,right\nmended,x\n");
        push(&table, "b").unwrap();
        assert_eq!(table.rows().0.len(), 2);
    }
}
