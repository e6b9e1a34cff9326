//! Progress of transfers: bars on a terminal, one line a file otherwise, one JSON event a line with `--json`.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::output::{Output, error_json, watched};
use crate::client::{Job, Outcome, Progress, Watch};
use crate::error::{Kind, Result};
use crate::text::{escape, size};

/// How a bar looks.
const STYLE: &str =
    "{wide_msg} {decimal_bytes:>10} {decimal_bytes_per_sec:>12} {eta:>5} [{bar:20}] {percent:>3}%";

/// What is shown of a batch.
pub(crate) struct Bars<'a> {
    jobs: &'a [Job],
    output: Output,
    all: MultiProgress,
    each: Vec<ProgressBar>,
}

impl<'a> Bars<'a> {
    pub(crate) fn new(jobs: &'a [Job], output: Output) -> Self {
        let shown = watched() && !output.quiet && !output.json;
        let all = MultiProgress::with_draw_target(match shown {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        let each = jobs.iter().map(|_| ProgressBar::hidden()).collect();
        Self {
            jobs,
            output,
            all,
            each,
        }
    }

    /// Draws no bars; the lines remain.
    pub(crate) fn hide(&self) {
        self.all.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        let _no_terminal = self.all.clear();
    }

    fn name(&self, job: usize) -> String {
        self.jobs
            .get(job)
            .map_or_else(String::new, |job| escape(job.name().as_str()))
    }

    /// One line about a job that ended well.
    fn tell(&self, outcome: &Outcome) {
        let (verb, file, resumed, place) = match outcome {
            Outcome::Uploaded(done) => ("uploaded", &done.file, done.resumed, None),
            Outcome::Downloaded(done) => ("downloaded", &done.file, done.resumed, Some(&done.path)),
        };
        if self.output.json {
            self.output.json(&json!({
                "event": verb,
                "file": file,
                "resumed": resumed,
                "path": place,
            }));
            return;
        }
        let from = match resumed {
            0 => String::new(),
            held if held == file.size => ", nothing was left to transfer".to_owned(),
            held => format!(", resumed at {}", size(held)),
        };
        let to = place.map_or_else(String::new, |path| {
            format!(" to {}", escape(&path.display().to_string()))
        });
        let text = format!(
            "{verb} {}{to}: {}, sha256 {}{from}",
            escape(file.name.as_str()),
            size(file.size),
            file.sha256
        );
        self.all.suspend(|| self.output.note(text));
    }
}

impl Watch for Bars<'_> {
    fn progress(&self, job: usize, progress: Progress) {
        let Some(bar) = self.each.get(job) else {
            return;
        };
        match progress {
            Progress::Begin { size, held } => {
                self.all.add(bar.clone());
                if let Ok(style) = ProgressStyle::with_template(STYLE) {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_length(size);
                bar.set_message(self.name(job));
                bar.set_position(held);
                bar.reset_eta();
                if self.output.json {
                    let name = self.jobs.get(job).map(Job::name);
                    self.output.json(
                        &json!({ "event": "begin", "name": name, "size": size, "held": held }),
                    );
                }
            }
            Progress::Moved(bytes) => bar.inc(bytes),
        }
    }

    fn ended(&self, job: usize, result: &Result<Outcome>) {
        if let Some(bar) = self.each.get(job) {
            bar.finish_and_clear();
        }
        match result {
            Ok(outcome) => self.tell(outcome),
            // The only job's failure is told once, by the command.
            Err(_) if self.jobs.len() == 1 => {}
            // And that all were interrupted is told once.
            Err(error) if error.kind() == Kind::Interrupted => {}
            Err(error) if self.output.json => {
                let mut event = error_json(error);
                if let Some(event) = event.as_object_mut() {
                    event.insert("name".into(), json!(self.jobs.get(job).map(Job::name)));
                }
                self.output.json(&event);
            }
            Err(error) => self.all.suspend(|| {
                self.output.warn(format!("{}: failed", self.name(job)));
                self.output.error(error);
            }),
        }
    }
}
