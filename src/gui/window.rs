//! The whole window: which parts it has, what events change, and how actions are done (`hear`, `act`).

mod act;
mod hear;
mod panels;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use egui::{CentralPanel, Context, Panel, Ui};

use super::account::PasswordForm;
use super::action::Cx;
use super::dropped::{self, Dropped};
use super::engine::told::Told;
use super::engine::transfers::State;
use super::engine::{Connected, Engine, Event, Order, Wake};
use super::files::Files;
use super::leave::Leave;
use super::log::{Log, Tone};
use super::login::LoginForm;
use super::platform::{Picked, Platform};
use super::queue::Transfers;
use super::scribe::Scribe;
use super::settings::{Keep, Settings};
use super::status::{self, Standing};
use super::theme;
use super::trust::Trust;
use super::typed::Typed;
use super::wire::Wire;
use crate::client::Job;
use crate::error::Result;
use crate::lang::Lang;
pub use panels::Tab;

/// While uploads end one after another, the list is looked at as often as this.
const LIST_AGAIN: Duration = Duration::from_secs(2);

/// Events are taken in for so long before what they changed is drawn: ten thousand at once are no reason to stand still.
const EVENTS_FOR: Duration = Duration::from_millis(6);

/// Where the window takes its beginnings from.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The language, if it was chosen.
    pub lang: Option<Lang>,
    /// The folder in which certificates are looked for.
    pub certs: PathBuf,
    /// The file of what is remembered; nothing is remembered without one.
    pub settings: Option<PathBuf>,
}

/// The window.
#[derive(Debug)]
pub struct Window {
    lang: Lang,
    engine: Engine,
    platform: Box<dyn Platform>,
    settings: Settings,
    /// Writes the settings, if they are to be remembered.
    scribe: Option<Scribe>,
    picked: (Sender<Picked>, Receiver<Picked>),
    /// When a file dialog was asked for.
    asked: Option<Instant>,
    login: LoginForm,
    connected: Option<Box<Connected>>,
    /// The session ended by itself, for this reason.
    lost: Option<Told>,
    files: Files,
    password: PasswordForm,
    typed: Typed,
    transfers: Transfers,
    dropped: Dropped,
    leave: Leave,
    trust: Trust,
    wire: Wire,
    log: Log,
    tab: Tab,
    /// Of the panels only the tabs are shown.
    folded: bool,
    /// When there was input last, in seconds of egui's clock.
    last_input_s: f64,
    /// What is remembered of its measures was taken; only now do they count.
    dressed: bool,
    /// Transfers ended that the list may not show yet.
    unlisted: bool,
    /// When it was looked at for the sake of uploads.
    listed: Option<Instant>,
}

impl Window {
    /// One that draws when `wake` is called.
    pub fn new(start: &Start, platform: Box<dyn Platform>, wake: Wake) -> Result<Self> {
        let (mut keep, settings, unread) = Keep::open(start.settings.as_deref());
        let engine = Engine::start(wake)?;
        let mut window = Self {
            lang: start
                .lang
                .or_else(|| settings.lang())
                .unwrap_or_else(locale),
            wire: Wire::new(Arc::clone(engine.overheard())),
            engine,
            platform,
            login: LoginForm::new(&start.certs, settings.recent.first()),
            leave: Leave::new(settings.unfinished.clone()),
            dropped: Dropped::default(),
            files: Files::new(&settings),
            password: PasswordForm::default(),
            typed: Typed::default(),
            settings,
            scribe: match start.settings {
                Some(_) => Some(Scribe::start(move |settings| keep.save(settings))?),
                None => None,
            },
            picked: channel(),
            asked: None,
            connected: None,
            lost: None,
            transfers: Transfers::default(),
            trust: Trust::default(),
            log: Log::default(),
            tab: Tab::default(),
            folded: false,
            last_input_s: 0.0,
            dressed: false,
            unlisted: false,
            listed: None,
        };
        if let Some(told) = unread {
            window.log.say(Tone::Trouble, told.message.clone());
            window.login.fail(told, false);
        }
        Ok(window)
    }

    /// Takes the look and the size that are remembered; once, before anything is drawn.
    pub fn dress(&mut self, ctx: &Context) {
        self.dressed = true;
        theme::apply(ctx);
        theme::look(ctx, self.settings.look);
        ctx.set_zoom_factor(self.settings.zoom());
    }

    /// Writes what is to be remembered: the window is closed.
    pub fn close(&mut self) {
        self.write_unfinished();
        self.save();
        // Waits until it is written.
        self.scribe = None;
    }

    /// Takes in what happened, and whether the window is to close; draws nothing.
    pub fn pump(&mut self, ctx: &Context) {
        let began = Instant::now();
        while let Some(event) = self.engine.event() {
            match event {
                Event::Session(event) => self.session(event),
                Event::Transfer(transfer) => {
                    self.log.transfer(&transfer);
                    // What fails may have lost the server: the session is to notice soon, and not by chance.
                    self.unlisted |= matches!(
                        (&transfer.job, &transfer.state),
                        (Job::Upload { .. }, State::Done(_)) | (_, State::Failed(_))
                    );
                    let was = self.transfers.is_unfinished(transfer.id);
                    let is = transfer.state.is_unfinished();
                    match (was, is) {
                        (false, true) => self.leave.came(Instant::now()),
                        (true, false) => self.leave.went(Instant::now()),
                        _ => {}
                    }
                    self.transfers.update(*transfer);
                }
                Event::Gathering(news) => {
                    for told in &news.left_out {
                        self.log.say(Tone::Trouble, told.message.clone());
                    }
                    self.transfers.gathered(news);
                }
            }
            if began.elapsed() >= EVENTS_FOR {
                self.engine.wake();
                break;
            }
        }
        while let Ok(picked) = self.picked.1.try_recv() {
            self.take(&picked);
        }
        while let Some(saved) = self.wire.saved() {
            self.log.saved(&saved);
        }
        self.leave.hear(ctx, self.transfers.active());
        while let Some(told) = self.scribe.as_ref().and_then(Scribe::trouble) {
            self.log.say(Tone::Trouble, told.message);
        }
        self.list_uploads();
        self.remember_unfinished();
    }

    /// Has the list looked at again when uploads are done; not after each of thousands.
    fn list_uploads(&mut self) {
        let rested = self.listed.is_none_or(|at| at.elapsed() >= LIST_AGAIN);
        if self.unlisted && (rested || self.transfers.active() == 0) {
            self.unlisted = false;
            self.listed = Some(Instant::now());
            self.engine.order(Order::Refresh);
        }
    }

    /// Writes down what is not finished, so that not even a power failure loses it.
    fn remember_unfinished(&mut self) {
        if self.leave.is_due(Instant::now()) {
            self.write_unfinished();
        }
    }

    fn write_unfinished(&mut self) {
        let unfinished = self.leave.unfinished(self.transfers.all());
        if unfinished != self.settings.unfinished {
            self.settings.unfinished = unfinished;
            self.save();
        }
    }

    /// Draws everything, then does what was asked for.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.pump(&ctx);
        self.measure(ui);
        let mut actions = Vec::new();
        let mut cx = Cx {
            lang: self.lang,
            actions: &mut actions,
        };
        Panel::top("status").show(ui, |ui| {
            let standing = Standing {
                connected: self.connected.as_deref(),
                lost: self.lost.as_ref(),
                connecting: self.login.connecting,
                look: self.settings.look,
            };
            status::show(ui, &mut cx, &standing);
        });
        if self.connected.is_some() || self.transfers.busy() > 0 {
            self.show_panels(ui, &mut cx);
        }
        let folder = self
            .connected
            .is_some()
            .then(|| self.files.folder().to_owned());
        CentralPanel::default().show(ui, |ui| {
            self.dropped.show(ui, &mut cx, folder.as_deref());
            if self.connected.is_some() {
                self.leave.show_unfinished(ui, &mut cx);
                self.files.show(ui, &mut cx);
            } else {
                self.login
                    .show(ui, &mut cx, &self.settings.recent, &self.trust);
            }
        });
        self.password.show(&ctx, &mut cx);
        self.typed.show(&ctx, &mut cx);
        let active = self.transfers.active();
        let closing = self.leave.ask(&ctx, &mut cx, active);
        if !closing && !self.transfers.ask(&ctx, &mut cx) {
            dropped::show_hover(&ctx, &cx, folder.as_deref());
        }
        self.dropped.take(&ctx, &mut cx, folder.as_deref());
        for action in actions {
            self.act(action, &ctx);
        }
        if let Some(rest) = self.leave.rests(Instant::now()) {
            ctx.request_repaint_after(rest);
        }
    }

    /// Takes the measures that are remembered, and lets the text cursor rest when nobody types.
    fn measure(&mut self, ui: &mut Ui) {
        let zoom = ui.ctx().zoom_factor();
        let (size, full, now_s, input) = ui.input(|i| {
            let viewport = i.viewport();
            let full = viewport.maximized == Some(true) || viewport.fullscreen == Some(true);
            let size = viewport.inner_rect.map(|rect| rect.size() * zoom);
            (size, full, i.time, !i.events.is_empty())
        });
        if self.dressed {
            self.settings.zoom = Some(zoom);
            if let (Some(size), false) = (size, full) {
                self.settings.window = Some([size.x.round(), size.y.round()]);
            }
        }
        if input {
            self.last_input_s = now_s;
        }
        ui.visuals_mut().text_cursor.blink = theme::blinks(self.last_input_s, now_s);
    }

    fn save(&self) {
        if let Some(scribe) = &self.scribe {
            scribe.write(&self.settings);
        }
    }
}

impl Drop for Window {
    /// What runs now goes on another time.
    fn drop(&mut self) {
        self.write_unfinished();
    }
}

/// The language of the system.
fn locale() -> Lang {
    match sys_locale::get_locale() {
        Some(locale) => Lang::of_locale(|name| (name == "LANG").then(|| locale.clone())),
        None => Lang::English,
    }
}
