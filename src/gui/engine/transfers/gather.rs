//! Finds the files of what is to be uploaded, on a thread of its own: a folder may have a million of them.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use super::{Gathering, Mail, NewTransfer, NewUploads, TransferOrder};
use crate::client::{Found, file, own_name, walk};
use crate::error::{Error, Kind, Result};
use crate::gui::engine::told::Told;
use crate::gui::engine::{Out, Post, thread};
use crate::text::escape;

/// Files told of together.
const BATCH: usize = 200;

/// Reasons for leaving something out that are told of one by one; of further ones the number.
const LEFT_OUT_MAX: usize = 1_000;

/// Starts to find them. Ends early when `stop` is set.
pub(super) fn start(
    uploads: NewUploads,
    mail: Sender<Mail>,
    out: Out,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    thread("gather", move || {
        let mut gather = Gather {
            uploads,
            mail,
            out,
            stop,
            batch: Vec::new(),
            left_out: Vec::new(),
            left_out_count: 0,
        };
        gather.run();
    })
    .map(drop)
}

struct Gather {
    uploads: NewUploads,
    mail: Sender<Mail>,
    out: Out,
    stop: Arc<AtomicBool>,
    batch: Vec<NewTransfer>,
    left_out: Vec<Told>,
    left_out_count: usize,
}

impl Gather {
    fn run(&mut self) {
        for path in std::mem::take(&mut self.uploads.paths) {
            if self.one(&path).is_break() {
                break;
            }
        }
        if let Some(more) = self.left_out_count.checked_sub(LEFT_OUT_MAX + 1) {
            self.left_out.push(Told::of(&and_more(more + 1)));
        }
        self.flush(true);
    }

    fn one(&mut self, path: &Path) -> ControlFlow<()> {
        let metadata = fs::metadata(path).map_err(|error| {
            Error::io(
                Kind::LocalRead,
                format_args!("read {}", path.display()),
                error,
            )
        });
        let name = own_name(path).map(|own| format!("{}{own}", self.uploads.folder));
        match (metadata, name) {
            (Ok(metadata), Ok(name)) if metadata.is_dir() => {
                walk(path, &name, &|_| false, &mut |found| self.take(found))
            }
            (Ok(_), Ok(name)) => self.take(file(path.to_owned(), &name)),
            (Err(error), _) | (_, Err(error)) => self.take(Found::Trouble(error)),
        }
    }

    fn take(&mut self, found: Found) -> ControlFlow<()> {
        match found {
            Found::File(job) => self.batch.push(NewTransfer {
                size: fs::metadata(job.path()).ok().map(|metadata| metadata.len()),
                job,
                target: Arc::clone(&self.uploads.target),
            }),
            Found::Trouble(error) => self.leave_out(&error),
            Found::Link(path) => self.leave_out(&not_followed(&path)),
        }
        if self.batch.len() >= BATCH {
            self.flush(false);
        }
        match self.stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn leave_out(&mut self, error: &Error) {
        self.left_out_count += 1;
        if self.left_out_count <= LEFT_OUT_MAX {
            self.left_out.push(Told::of(error));
        }
    }

    fn flush(&mut self, over: bool) {
        let batch = std::mem::take(&mut self.batch);
        let news = Gathering {
            found: batch.len(),
            left_out: std::mem::take(&mut self.left_out),
            over,
        };
        if !batch.is_empty() {
            let _ended = self.mail.send(Mail::Order(TransferOrder::Add(batch)));
        }
        self.out.send(Post::Gathering(news));
    }
}

fn not_followed(path: &Path) -> Error {
    let path = escape(&path.to_string_lossy());
    Error::new(
        Kind::LocalRead,
        format!("{path} is a link to a folder, or to nothing: it is left out"),
    )
    .hint("upload what it points to by itself")
    .zh(
        format!("{path} 是指向文件夹的链接，或目标不存在：未上传"),
        "请单独上传它所指向的内容",
    )
}

fn and_more(more: usize) -> Error {
    Error::new(Kind::LocalRead, format!("{more} more are left out"))
        .hint("upload the folders one by one to see why")
        .zh(
            format!("另有 {more} 个未上传"),
            "请逐个上传文件夹以查看原因",
        )
}
