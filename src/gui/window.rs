//! The whole window: which parts it has, what events change, and how actions are done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use egui::{CentralPanel, Context, Panel, Ui};

use super::action::{Action, Cx};
use super::engine::told::Told;
use super::engine::transfers::{NewTransfer, State, TransferOrder};
use super::engine::{Connected, Deed, Engine, Event, Order, SessionEvent, Wake};
use super::files::Files;
use super::log::{Log, Tone};
use super::login::LoginForm;
use super::platform::{Pick, Picked, Platform};
use super::queue::Transfers;
use super::settings::Settings;
use super::status::{self, Standing};
use super::theme;
use super::trust::Trust;
use super::wire::{self, Wire};
use crate::client::Job;
use crate::error::Result;
use crate::lang::{Lang, both};
use crate::protocol::{FileInfo, FileName};

/// The panels below the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Transfers.
    #[default]
    Transfers,
    /// What a stranger sees.
    Wire,
    /// The server's certificate.
    Trust,
    /// What was done.
    Log,
}

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
    settings_path: Option<PathBuf>,
    picked: (Sender<Picked>, Receiver<Picked>),
    login: LoginForm,
    connected: Option<Box<Connected>>,
    /// The session ended by itself, for this reason.
    lost: Option<Told>,
    files: Files,
    transfers: Transfers,
    trust: Trust,
    wire: Wire,
    log: Log,
    tab: Tab,
    /// When there was input last, in seconds of egui's clock.
    last_input_s: f64,
    /// What is remembered of its measures was taken; only now do they count.
    dressed: bool,
}

impl Window {
    /// One that draws when `wake` is called.
    pub fn new(start: &Start, platform: Box<dyn Platform>, wake: Wake) -> Result<Self> {
        let settings = start
            .settings
            .as_deref()
            .map(Settings::load)
            .unwrap_or_default();
        let engine = Engine::start(wake)?;
        Ok(Self {
            lang: start
                .lang
                .or_else(|| settings.lang())
                .unwrap_or_else(locale),
            wire: Wire::new(Arc::clone(engine.overheard())),
            engine,
            platform,
            login: LoginForm::new(&start.certs, settings.recent.first()),
            settings,
            settings_path: start.settings.clone(),
            picked: channel(),
            connected: None,
            lost: None,
            files: Files::default(),
            transfers: Transfers::default(),
            trust: Trust::default(),
            log: Log::default(),
            tab: Tab::default(),
            last_input_s: 0.0,
            dressed: false,
        })
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
        self.save();
    }

    /// Takes in what happened; draws nothing.
    pub fn pump(&mut self) {
        while let Some(event) = self.engine.event() {
            match event {
                Event::Session(event) => self.session(event),
                Event::Transfer(transfer) => {
                    if matches!(
                        (&transfer.job, &transfer.state),
                        (Job::Upload { .. }, State::Done(_))
                    ) {
                        self.engine.order(Order::Refresh);
                    }
                    self.transfers.update(*transfer);
                }
            }
        }
        while let Ok(picked) = self.picked.1.try_recv() {
            self.take(&picked);
        }
    }

    /// Draws everything, then does what was asked for.
    pub fn show(&mut self, ui: &mut Ui) {
        self.pump();
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
        if self.connected.is_some() {
            Panel::bottom("panels")
                .resizable(true)
                .default_size(220.0)
                .show(ui, |ui| {
                    show_tabs(ui, &mut cx, &mut self.tab);
                    match self.tab {
                        Tab::Transfers => self.transfers.show(ui, &mut cx),
                        Tab::Wire => self.wire.show(ui, &mut cx),
                        Tab::Trust => self.trust.show(ui, &mut cx),
                        Tab::Log => self.log.show(ui, &mut cx),
                    }
                });
        }
        CentralPanel::default().show(ui, |ui| {
            if self.connected.is_some() {
                self.files.show(ui, &mut cx);
            } else {
                self.login
                    .show(ui, &mut cx, &self.settings.recent, &self.trust);
            }
        });
        let ctx = ui.ctx().clone();
        for action in actions {
            self.act(action, &ctx);
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

    fn session(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Locked(path, wrong) => self.login.lock(path, wrong),
            SessionEvent::Story(story) => self.trust.hear(*story),
            SessionEvent::Connected(connected) => self.enter(connected),
            SessionEvent::Failed(told) => {
                self.log.say(Tone::Trouble, told.message.clone());
                match self.connected {
                    // Connecting again did not succeed: what is shown stays.
                    Some(_) => {
                        self.login.connecting = false;
                        self.lost = Some(told);
                    }
                    None => self.login.fail(told, self.trust.was_stopped()),
                }
            }
            SessionEvent::Lost(told) => {
                self.log.say(Tone::Trouble, told.message.clone());
                self.lost = Some(told);
            }
            SessionEvent::Listing(files) => self.files.update(files),
            SessionEvent::Done(deed) => self.done(&deed),
            SessionEvent::Refused(_, told) => self.log.say(Tone::Trouble, told.message),
        }
    }

    fn enter(&mut self, connected: Box<Connected>) {
        self.log.connection = Some(connected.hello.id.clone());
        let user = &connected.account.user;
        self.log.say(
            Tone::Note,
            both(format!("logged in as {user}"), format!("已登录：{user}")),
        );
        if self.connected.is_none()
            && let Some(recent) = self.login.recent()
        {
            self.settings.remember(recent);
        }
        self.login.succeed();
        self.lost = None;
        self.connected = Some(connected);
        self.save();
    }

    fn done(&mut self, deed: &Deed) {
        let text = match deed {
            Deed::Listed => return,
            Deed::Deleted(name) => both(format!("deleted {name}"), format!("已删除 {name}")),
            Deed::Renamed(from, to) => both(
                format!("renamed {from} to {to}"),
                format!("已将 {from} 重命名为 {to}"),
            ),
            Deed::PasswordChanged => both("password changed", "密码已更改"),
        };
        self.log.say(Tone::Note, text);
    }

    /// A dialog was answered.
    fn take(&mut self, picked: &Picked) {
        let Some(first) = picked.paths.first().cloned() else {
            return;
        };
        match picked.pick.clone() {
            Pick::CaFile | Pick::Certificate | Pick::Key | Pick::RevocationList => {
                self.login.picked(picked);
            }
            Pick::UploadFiles(folder) | Pick::UploadFolder(folder) => {
                self.upload(&picked.paths, &folder);
            }
            Pick::DownloadTo(files) => self.download(&files, &first),
            Pick::Capture => self.save_capture(&first),
        }
    }

    fn act(&mut self, action: Action, ctx: &Context) {
        match action {
            Action::Connect(request) => {
                self.trust.forget();
                self.login.connecting = true;
                if let Err(error) = self.engine.connect(*request) {
                    self.session(SessionEvent::Failed(Told::of(&error)));
                }
            }
            Action::Reconnect => {
                self.login.connecting = true;
                if let Err(error) = self.engine.reconnect() {
                    self.session(SessionEvent::Failed(Told::of(&error)));
                }
            }
            Action::Disconnect => {
                self.engine.disconnect();
                self.login.connecting = false;
                self.connected = None;
                self.lost = None;
                self.files = Files::default();
            }
            Action::Order(order) => self.engine.order(order),
            Action::Transfer(order) => self.engine.transfer(order),
            Action::Upload(paths, folder) => self.upload(&paths, &folder),
            Action::Download(files, to) => self.download(&files, &to),
            Action::Pick(pick) => self.platform.pick(pick, self.picked.0.clone()),
            Action::Copy(text) => ctx.copy_text(text),
            Action::OpenFolder(folder) => self.platform.open_folder(&folder),
            Action::SaveCapture(path) => self.save_capture(&path),
            Action::Speak(lang) => {
                self.lang = lang;
                self.settings.language = Some(lang.pick("en", "zh").to_owned());
                self.save();
            }
            Action::Look(look) => {
                theme::look(ctx, look);
                self.settings.look = look;
                self.save();
            }
            Action::Open(tab) => self.tab = tab,
            Action::Forget(recent) => {
                self.settings.forget(&recent);
                self.save();
            }
        }
    }

    fn upload(&mut self, paths: &[PathBuf], folder: &str) {
        let Some(connected) = &self.connected else {
            return;
        };
        let mut new = Vec::new();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match FileName::normalize(&format!("{folder}{name}")) {
                Ok(name) => new.push(NewTransfer {
                    job: Job::Upload {
                        path: path.clone(),
                        name,
                    },
                    size: None,
                    target: Arc::clone(&connected.target),
                }),
                Err(error) => self
                    .log
                    .say(Tone::Trouble, both(error.to_string(), error.to_string())),
            }
        }
        self.engine.transfer(TransferOrder::Add(new));
    }

    fn download(&mut self, files: &[FileInfo], to: &Path) {
        let Some(connected) = &self.connected else {
            return;
        };
        let new = files.iter().map(|file| NewTransfer {
            job: Job::Download {
                name: file.name.clone(),
                path: to.join(file.name.last_part()),
            },
            size: Some(file.size),
            target: Arc::clone(&connected.target),
        });
        self.engine.transfer(TransferOrder::Add(new.collect()));
        self.settings.download_folder = Some(to.to_owned());
    }

    fn save_capture(&mut self, path: &Path) {
        let shown = path.display();
        match wire::save(self.engine.overheard(), path) {
            Ok(()) => self.log.say(
                Tone::Note,
                both(
                    format!("capture saved: {shown}"),
                    format!("抓包已保存：{shown}"),
                ),
            ),
            Err(error) => self.log.say(Tone::Trouble, Told::of(&error).message),
        }
    }

    fn save(&mut self) {
        let Some(path) = &self.settings_path else {
            return;
        };
        if let Err(error) = self.settings.save(path) {
            self.log.say(Tone::Trouble, Told::of(&error).message);
        }
    }
}

fn show_tabs(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab) {
    ui.horizontal(|ui| {
        for (this, word) in [
            (Tab::Transfers, cx.say("Transfers", "传输")),
            (Tab::Wire, cx.say("The wire", "线路上")),
            (Tab::Trust, cx.say("Certificate", "证书")),
            (Tab::Log, cx.say("Log", "日志")),
        ] {
            ui.selectable_value(tab, this, word);
        }
    });
}

/// The language of the system.
fn locale() -> Lang {
    match sys_locale::get_locale() {
        Some(locale) => Lang::of_locale(|name| (name == "LANG").then(|| locale.clone())),
        None => Lang::English,
    }
}
