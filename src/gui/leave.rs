//! Closing the window while transfers run, and going on with them another time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use egui::{Context, Id, Key, Modal, Modifiers, Ui, ViewportCommand};

use super::action::{Action, Cx};
use super::engine::transfers::{NewTransfer, Transfer};
use super::engine::{Connected, SharedTarget};
use super::settings::Unfinished;
use crate::client::{Job, Target};
use crate::lang::Lang;

/// How soon a transfer that came is written down: a crash loses no more. Hundreds come together.
const COME_WITHIN: Duration = Duration::from_millis(250);

/// How soon one that is over is written down. That can wait: were it begun again, it would find all of it there.
const OVER_WITHIN: Duration = Duration::from_secs(5);

/// So many are remembered: a queue of a million files is begun anew from its folder.
const REMEMBERED_MAX: usize = 10_000;

/// A login of this window: whose transfers go to this target.
#[derive(Debug)]
struct Login {
    target: Weak<Target>,
    place: Place,
}

/// A server, and who is logged in there.
type Place = (String, u16, String);

/// What is not finished, and whether the window may be closed all the same.
#[derive(Debug, Default)]
pub struct Leave {
    /// Of earlier windows, not gone on with yet.
    earlier: Vec<Unfinished>,
    logins: Vec<Login>,
    here: Option<Place>,
    /// When it is to be written down what is not finished.
    due: Option<Instant>,
    asking: bool,
    sure: bool,
}

impl Leave {
    /// What an earlier window left.
    pub fn new(earlier: Vec<Unfinished>) -> Self {
        Self {
            earlier,
            ..Self::default()
        }
    }

    /// A session came about. Returns which targets are of the same server and user.
    pub fn enter(&mut self, connected: &Connected) -> impl Fn(&SharedTarget) -> bool + use<> {
        let target = &connected.target;
        let user = connected.account.user.to_string();
        let place = (target.host.clone(), target.port, user);
        self.logins.retain(|login| login.target.strong_count() > 0);
        let same = self.logins.iter().filter(|login| login.place == place);
        let same: Vec<Weak<Target>> = same.map(|login| Weak::clone(&login.target)).collect();
        self.logins.push(Login {
            target: Arc::downgrade(target),
            place: place.clone(),
        });
        self.here = Some(place);
        move |target| {
            let target = Arc::downgrade(target);
            same.iter().any(|other| other.ptr_eq(&target))
        }
    }

    /// Something is to be done now that was not before.
    pub fn came(&mut self, now: Instant) {
        self.write_by(now + COME_WITHIN);
    }

    /// Something that was to be done is over.
    pub fn went(&mut self, now: Instant) {
        self.write_by(now + OVER_WITHIN);
    }

    fn write_by(&mut self, due: Instant) {
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Whether it is time to write down what is not finished.
    pub fn is_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// How long it is until then, if something is to be written.
    pub fn rests(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }

    /// All that is not finished: of earlier windows, and of this one. No secret is in it.
    pub fn unfinished<'a>(&self, transfers: impl Iterator<Item = &'a Transfer>) -> Vec<Unfinished> {
        let here = transfers
            .filter(|transfer| transfer.state.is_unfinished())
            .filter_map(|transfer| self.tell(transfer));
        let all = self.earlier.iter().cloned().chain(here);
        all.take(REMEMBERED_MAX).collect()
    }

    fn tell(&self, transfer: &Transfer) -> Option<Unfinished> {
        let target = Arc::downgrade(&transfer.target);
        let mut logins = self.logins.iter();
        let login = logins.find(|login| login.target.ptr_eq(&target))?;
        let (host, port, user) = login.place.clone();
        // The settings are text; a path that is none would keep all of them from being written.
        transfer.job.path().to_str()?;
        Some(Unfinished {
            host,
            port,
            user,
            upload: matches!(transfer.job, Job::Upload { .. }),
            path: std::path::absolute(transfer.job.path()).ok()?,
            name: transfer.job.name().clone(),
        })
    }

    /// Takes those of earlier windows that can go on now.
    pub fn resume(&mut self, target: &SharedTarget) -> Vec<NewTransfer> {
        let mut seen = HashSet::new();
        let new = self.take().into_iter().filter_map(|unfinished| {
            let Unfinished { path, name, .. } = unfinished;
            seen.insert((path.clone(), name.clone(), unfinished.upload))
                .then(|| NewTransfer {
                    size: size(unfinished.upload, &path),
                    job: match unfinished.upload {
                        true => Job::Upload { path, name },
                        false => Job::Download { name, path },
                    },
                    target: Arc::clone(target),
                })
        });
        new.collect()
    }

    /// Forgets those of earlier windows that could go on now.
    pub fn forget(&mut self) {
        self.take();
    }

    fn take(&mut self) -> Vec<Unfinished> {
        let Some(here) = &self.here else {
            return Vec::new();
        };
        self.due = Some(Instant::now());
        self.earlier
            .extract_if(.., |unfinished| is_of(unfinished, here))
            .collect()
    }

    /// Offers to go on with what an earlier window left at this server.
    pub fn show_unfinished(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(here) = &self.here else {
            return;
        };
        let of_here = self.earlier.iter().filter(|one| is_of(one, here));
        let count = of_here.count();
        if count == 0 {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.label(match (cx.lang, count) {
                (Lang::English, 1) => "1 unfinished transfer from last time".to_owned(),
                (Lang::English, _) => format!("{count} unfinished transfers from last time"),
                (Lang::Chinese, _) => format!("上次有 {count} 个传输未完成"),
            });
            if ui.button(cx.say("Go on with them", "继续传输")).clicked() {
                cx.act(Action::ResumeUnfinished);
            }
            if ui.button(cx.say("Forget them", "放弃")).clicked() {
                cx.act(Action::ForgetUnfinished);
            }
        });
    }

    /// Keeps the window open when it is asked to close while something of `active` transfers goes on, and has the
    /// question put. Not only while drawing: eframe (0.37, `update_logic_only`) takes the silence of a window that is
    /// minimized, covered or late for a yes.
    pub fn hear(&mut self, ctx: &Context, active: usize) {
        if !ctx.input(|input| input.viewport().close_requested()) {
            return;
        }
        self.due = Some(Instant::now());
        if active > 0 && !self.sure {
            self.asking = true;
            // The question wants to be seen.
            for wish in [
                ViewportCommand::CancelClose,
                ViewportCommand::Minimized(false),
                ViewportCommand::Focus,
            ] {
                ctx.send_viewport_cmd(wish);
            }
        }
    }

    /// Asks, if it was heard, while something of `active` transfers goes on. Whether it asks.
    pub fn ask(&mut self, ctx: &Context, cx: &mut Cx<'_>, active: usize) -> bool {
        if active == 0 {
            self.asking = false;
        }
        if !self.asking {
            return false;
        }
        let (mut close, mut stay) = (false, false);
        Modal::new(Id::unique("close")).show(ctx, |ui| {
            ui.set_width(420.0);
            ui.heading(cx.say("Close the window?", "关闭窗口？"));
            ui.label(match (cx.lang, active) {
                (Lang::English, 1) => {
                    "1 transfer is running. What has arrived is kept; next time it goes on."
                        .to_owned()
                }
                (Lang::English, _) => format!(
                    "{active} transfers are running. What has arrived is kept; next time they go on."
                ),
                (Lang::Chinese, _) => {
                    format!("有 {active} 个传输正在进行。已到达的内容会保留，下次继续。")
                }
            });
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                let size = [110.0, 28.0];
                let word = cx.say("Stay", "留下");
                stay = ui.add(egui::Button::new(word).min_size(size.into())).clicked();
                let word = cx.say("Close anyway", "仍然关闭");
                close = ui.add(egui::Button::new(word).min_size(size.into())).clicked();
            });
        });
        if ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            stay = true;
        }
        if close {
            self.sure = true;
            cx.act(Action::Close);
        }
        self.asking = !stay && !close;
        true
    }
}

fn is_of(unfinished: &Unfinished, (host, port, user): &Place) -> bool {
    (&unfinished.host, unfinished.port, &unfinished.user) == (host, *port, user)
}

/// What is known of the size of a file before it moves.
fn size(upload: bool, path: &Path) -> Option<u64> {
    let metadata = upload.then(|| std::fs::metadata(path).ok()).flatten()?;
    Some(metadata.len())
}

#[cfg(test)]
mod tests;
