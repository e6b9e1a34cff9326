//! From what was typed to one job a file: folders walked, names made, nothing outside the target.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::files::{file_name, is_folder};
use crate::client::{self, Found, Job};
use crate::error::{Error, Kind, Result};
use crate::protocol::{FileInfo, FileName};

/// A shell pattern such as `*.pdf`; `*` does not stop at a slash, and the last part alone may match.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(glob::Pattern);

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        glob::Pattern::new(text)
            .map(Self)
            .map_err(|error| format!("not a pattern: {}", error.msg))
    }
}

impl Pattern {
    pub(crate) fn matches(&self, name: &str) -> bool {
        let last = name.rsplit('/').next().unwrap_or(name);
        self.0.matches(name) || self.0.matches(last)
    }
}

/// One job for each file of `paths`; folders only with `recursive`.
pub(crate) fn uploads(
    paths: &[PathBuf],
    name: Option<&str>,
    recursive: bool,
    exclude: &[Pattern],
) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| {
            Error::io(
                Kind::LocalRead,
                format_args!("read {}", path.display()),
                error,
            )
        })?;
        if metadata.is_dir() {
            if !recursive {
                return Err(
                    Error::new(Kind::LocalRead, format!("{} is a folder", path.display()))
                        .hint("give -r to upload it with all that is in it"),
                );
            }
            let folder = folder_name(path, name)?;
            walk(path, &folder, exclude, &mut jobs)?;
            continue;
        }
        let local = path.file_name().unwrap_or_default().to_string_lossy();
        let name = match name {
            None => local.into_owned(),
            Some(folder) if folder.ends_with('/') => format!("{folder}{local}"),
            Some(_) if paths.len() > 1 => {
                return Err(Error::new(Kind::Usage, "several files cannot get one name")
                    .hint("end the name of --as with / to put them into a folder"));
            }
            Some(name) => name.to_owned(),
        };
        if !exclude.iter().any(|pattern| pattern.matches(&name)) {
            jobs.push(Job::Upload {
                path: path.clone(),
                name: file_name(&name)?,
            });
        }
    }
    if jobs.is_empty() {
        return Err(Error::new(Kind::LocalRead, "there is nothing to upload")
            .hint("the folder has no files, or --exclude leaves all of them out"));
    }
    Ok(jobs)
}

/// What a folder is called there: its own last part, or what `--as` says.
fn folder_name(path: &Path, name: Option<&str>) -> Result<String> {
    let own = || client::own_name(path);
    match name {
        None => own(),
        Some(folder) if folder.ends_with('/') => Ok(format!("{folder}{}", own()?)),
        Some(name) => Ok(name.to_owned()),
    }
}

/// Adds every file below `path`; the first that cannot be read, or cannot have its name there, ends it. Links
/// to folders are left out.
fn walk(path: &Path, name: &str, exclude: &[Pattern], jobs: &mut Vec<Job>) -> Result<()> {
    let skip = |name: &str| exclude.iter().any(|pattern| pattern.matches(name));
    let mut trouble = Ok(());
    let _end = client::walk(path, name, &skip, &mut |found| {
        match found {
            Found::File(job) => jobs.push(job),
            Found::Link(_) => {}
            Found::Trouble(error) => {
                trouble = Err(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    trouble
}

/// The beginning of the names in a folder.
pub(crate) fn prefix(text: &str) -> Result<String> {
    let text = text.trim_end_matches('/');
    if text.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("{}/", file_name(text)?))
}

/// The files of a listing that are in the folder `text`, each with the parts of its local path: the
/// folder's own last part, and what follows.
pub(crate) fn folder(text: &str, files: &[FileInfo]) -> Vec<(FileName, Vec<String>)> {
    let folder = text.trim_end_matches('/');
    let above = folder
        .rsplit_once('/')
        .map_or(0, |(above, _)| above.split('/').count());
    let local = |file: &FileInfo| {
        let parts = file.name.parts().skip(above).map(str::to_owned).collect();
        (file.name.clone(), parts)
    };
    files.iter().map(local).collect()
}

/// Where one file goes.
pub(crate) fn download(name: FileName, into: Option<&Path>, several: bool) -> Job {
    let path = match into {
        None => PathBuf::from(name.last_part()),
        Some(into) if several || is_folder(into) => into.join(name.last_part()),
        Some(into) => into.to_owned(),
    };
    Job::Download { name, path }
}

/// Where the files of a folder go. A name has no empty part, no `.` and no `..`, so this cannot leave the
/// target, whatever the server says.
pub(crate) fn downloads_into(
    found: Vec<(FileName, Vec<String>)>,
    into: Option<&Path>,
) -> impl Iterator<Item = Job> {
    let into = into.unwrap_or_else(|| Path::new("")).to_owned();
    found.into_iter().map(move |(name, parts)| {
        let mut path = into.clone();
        path.extend(parts);
        Job::Download { name, path }
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "fixtures")]
mod tests {
    use super::*;

    fn names(jobs: &[Job]) -> Vec<&str> {
        jobs.iter().map(|job| job.name().as_str()).collect()
    }

    #[test]
    fn a_folder_is_walked_in_order_and_patterns_leave_files_out() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("课程");
        fs::create_dir_all(top.join("b")).unwrap();
        for name in ["a.txt", "b/c.txt", "b/d.tmp"] {
            fs::write(top.join(name), name).unwrap();
        }
        std::os::unix::fs::symlink(&top, top.join("circle")).unwrap();
        let exclude = ["*.tmp".parse().unwrap()];
        let jobs = uploads(std::slice::from_ref(&top), None, true, &exclude).unwrap();
        assert_eq!(names(&jobs), ["课程/a.txt", "课程/b/c.txt"]);
        let jobs = uploads(std::slice::from_ref(&top), Some("x/"), true, &[]).unwrap();
        assert_eq!(
            names(&jobs),
            ["x/课程/a.txt", "x/课程/b/c.txt", "x/课程/b/d.tmp"]
        );
        assert_eq!(
            uploads(&[top], None, false, &[]).unwrap_err().kind(),
            Kind::LocalRead
        );
    }

    #[test]
    fn several_files_need_a_folder_and_one_may_get_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| dir.path().join(name));
        for path in &paths {
            fs::write(path, "x").unwrap();
        }
        assert_eq!(
            names(&uploads(&paths, Some("d/"), false, &[]).unwrap()),
            ["d/a", "d/b"]
        );
        assert_eq!(
            uploads(&paths, Some("d"), false, &[]).unwrap_err().kind(),
            Kind::Usage
        );
        assert_eq!(
            names(&uploads(&paths[..1], Some("d/e"), false, &[]).unwrap()),
            ["d/e"]
        );
        assert_eq!(
            uploads(&paths, Some("../"), false, &[]).unwrap_err().kind(),
            Kind::Usage
        );
    }

    #[test]
    fn downloads_stay_below_their_target() {
        let name: FileName = "x/docs/a/b.txt".parse().unwrap();
        let local = |into: Option<&str>, several| {
            let Job::Download { path, .. } = download(name.clone(), into.map(Path::new), several)
            else {
                panic!("not a download");
            };
            path
        };
        assert_eq!(local(None, false), Path::new("b.txt"));
        assert_eq!(local(Some("out.txt"), false), Path::new("out.txt"));
        assert_eq!(local(Some("out/"), false), Path::new("out/b.txt"));
        assert_eq!(local(Some("out"), true), Path::new("out/b.txt"));

        let info = FileInfo {
            name: name.clone(),
            size: 0,
            sha256: crate::protocol::Sha256::of(b""),
            owner: "alice".parse().unwrap(),
            modified: crate::text::now(),
        };
        let found = folder("x/docs/", &[info]);
        let job = downloads_into(found, Some(Path::new("out"))).next();
        let Some(Job::Download { path, .. }) = job else {
            panic!("not a download");
        };
        assert_eq!(path, Path::new("out/docs/a/b.txt"));
    }
}
