//! Local folders, file by file: what an upload of a folder consists of, and where the files of a download go.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};

use super::Job;
use crate::error::{Error, Kind, Result};
use crate::protocol::{FileName, NameError};
use crate::text::{escape, is_invisible};

/// What is found in a folder.
#[derive(Debug)]
pub enum Found {
    /// A file, and the name it will have.
    File(Job),
    /// Something that cannot be uploaded: its name is none for the server, or it cannot be read.
    Trouble(Error),
    /// A link to a folder, or to nothing. It is not followed: it may go in circles.
    Link(PathBuf),
}

/// Tells `each` what is below the folder `path`, in the order of names; names begin with `name/`. What `skip`
/// says yes to is left out. Ends early when `each` says so.
pub fn walk(
    path: &Path,
    name: &str,
    skip: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(Found) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let failed = |error| {
        Error::io(
            Kind::LocalRead,
            format_args!("read {}", path.display()),
            error,
        )
    };
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return each(Found::Trouble(failed(error))),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let own = entry.file_name();
        let Some(own) = own.to_str() else {
            each(Found::Trouble(not_utf8(&entry.path())))?;
            continue;
        };
        let name = format!("{name}/{own}");
        if skip(&name) {
            continue;
        }
        match entry.file_type() {
            Err(error) => each(Found::Trouble(failed(error)))?,
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &name, skip, each)?,
            Ok(_) if entry.path().is_file() => each(file(entry.path(), &name))?,
            Ok(kind) if kind.is_symlink() => each(Found::Link(entry.path()))?,
            // Sockets, pipes, devices: they have no bytes to upload.
            Ok(_) => {}
        }
    }
    ControlFlow::Continue(())
}

/// One file, to be uploaded as `name`.
pub fn file(path: PathBuf, name: &str) -> Found {
    match FileName::normalize(name) {
        Ok(name) => Found::File(Job::Upload { path, name }),
        Err(error) => Found::Trouble(no_name(name, error)),
    }
}

/// The name of a file or folder, as the server could have it.
pub fn own_name(path: &Path) -> Result<String> {
    let own = match path.file_name() {
        Some(own) => own.to_owned(),
        // `.`, `..`, `/`: what they are called says the file system.
        None => fs::canonicalize(path)
            .map_err(|error| {
                Error::io(
                    Kind::LocalRead,
                    format_args!("read {}", path.display()),
                    error,
                )
            })?
            .file_name()
            .unwrap_or_default()
            .to_owned(),
    };
    own.into_string().map_err(|_name| not_utf8(path))
}

/// Where a file goes whose path below the folder `into` is `relative`. Characters that would make a name read
/// as another are replaced by `_`; a path that leaves the folder is refused.
pub fn below(into: &Path, relative: &Path) -> Result<PathBuf> {
    let leaves = || {
        let shown = escape(&relative.to_string_lossy());
        Error::new(
            Kind::LocalWrite,
            format!("{shown} would not be in the folder chosen"),
        )
        .hint("rename it on the server, then download it")
        .zh(
            format!("{shown} 会写到所选文件夹之外"),
            "请先在服务器上重命名，再下载",
        )
    };
    let mut path = into.to_owned();
    for part in relative.components() {
        let Component::Normal(part) = part else {
            return Err(leaves());
        };
        let safe = |c: char| match c.is_control() || is_invisible(c) || c == '\\' {
            true => '_',
            false => c,
        };
        path.push(part.to_string_lossy().chars().map(safe).collect::<String>());
    }
    match relative.components().next() {
        Some(_) => Ok(path),
        None => Err(leaves()),
    }
}

fn not_utf8(path: &Path) -> Error {
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let own = escape(&own);
    Error::new(Kind::LocalRead, format!("the name {own} is not UTF-8"))
        .hint("rename it, or leave it out with --exclude")
        .zh(
            format!("名称 {own} 不是 UTF-8"),
            "请重命名，或用 --exclude 排除它",
        )
}

fn no_name(name: &str, why: NameError) -> Error {
    let name = escape(name);
    let reason = match why {
        NameError::Empty => "名称不能为空",
        NameError::TooLong => "名称太长",
        NameError::PartTooLong => "名称的某一段超过 255 字节",
        NameError::EmptyPart => "名称不能有开头、结尾或连续的斜杠",
        NameError::DotPart => "名称的任何一段都不能是 . 或 ..",
        NameError::Control => "名称不能有控制字符",
        NameError::Backslash => "名称不能有反斜杠",
        NameError::NotNormal => "名称不是 Unicode NFC",
        NameError::UserCharacter => "名称中有不允许的字符",
    };
    Error::new(
        Kind::LocalRead,
        format!("{name} is no name for a file on the server: {why}"),
    )
    .hint("rename it here, then upload it")
    .zh(
        format!("{name} 不能用作服务器上的文件名：{reason}"),
        "请在本机重命名，再上传",
    )
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "fixtures")]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn found(top: &Path) -> (Vec<String>, usize, usize) {
        let (mut names, mut troubles, mut links) = (Vec::new(), 0, 0);
        let end = walk(
            top,
            "t",
            &|name| name.ends_with("z-skipped"),
            &mut |found| {
                match found {
                    Found::File(job) => names.push(job.name().to_string()),
                    Found::Trouble(_) => troubles += 1,
                    Found::Link(_) => links += 1,
                }
                ControlFlow::Continue(())
            },
        );
        assert!(end.is_continue());
        (names, troubles, links)
    }

    #[test]
    fn what_cannot_be_uploaded_is_told_and_the_rest_is_found_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        fs::create_dir_all(top.join("课程/b")).unwrap();
        for name in ["a", "课程/b/c", "back\\slash", "line\nfeed", "z-skipped"] {
            fs::write(top.join(name), name).unwrap();
        }
        fs::write(top.join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
        std::os::unix::fs::symlink(top, top.join("circle")).unwrap();
        std::os::unix::fs::symlink(top.join("a"), top.join("to-a")).unwrap();
        std::os::unix::fs::symlink(top.join("gone"), top.join("nowhere")).unwrap();
        let (names, troubles, links) = found(top);
        assert_eq!(names, ["t/a", "t/to-a", "t/课程/b/c"]);
        assert_eq!((troubles, links), (3, 2));
    }

    #[test]
    fn a_walk_ends_when_it_is_told_to() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let mut seen = 0;
        let end = walk(dir.path(), "t", &|_| false, &mut |_found| {
            seen += 1;
            ControlFlow::Break(())
        });
        assert!(end.is_break());
        assert_eq!(seen, 1);
    }

    #[test]
    fn downloads_stay_in_the_folder_chosen() {
        let into = Path::new("/home/alice/got");
        let put = |relative: &str| below(into, Path::new(relative));
        assert_eq!(put("a/b.txt").unwrap(), into.join("a/b.txt"));
        assert_eq!(put("a\u{202e}fdp.exe").unwrap(), into.join("a_fdp.exe"));
        for bad in ["", ".", "..", "a/../../b", "/etc/passwd", "../b"] {
            assert_eq!(put(bad).unwrap_err().kind(), Kind::LocalWrite, "{bad}");
        }
    }
}
