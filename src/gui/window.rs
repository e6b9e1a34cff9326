//! The whole window: which parts it has, what events change, and how actions are done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use egui::{CentralPanel, Context, Panel, Ui};

use super::account::PasswordForm;
use super::action::{Action, Cx, Wanted};
use super::engine::told::Told;
use super::engine::transfers::{NewTransfer, State, TransferOrder};
use super::engine::{Connected, Deed, Engine, Event, Order, SessionEvent, Wake};
use super::files::Files;
use super::log::{Log, Tone};
use super::login::LoginForm;
use super::platform::{Pick, Picked, Platform};
use super::queue::Transfers;
use super::settings::Settings;
use super::status;
use super::trust::Trust;
use super::wire::Wire;
use crate::client::Job;
use crate::error::Result;
use crate::lang::{Lang, both};
use crate::protocol::FileName;

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
    password: PasswordForm,
    transfers: Transfers,
    trust: Trust,
    wire: Wire,
    log: Log,
    tab: Tab,
}

impl Window {
    /// One that draws when `wake` is called.
    pub fn new(start: &Start, platform: Box<dyn Platform>, wake: Wake) -> Result<Self> {
        let settings = start
            .settings
            .as_deref()
            .map(Settings::load)
            .unwrap_or_default();
        let remembered = settings.language.as_deref().map(|word| match word {
            "zh" => Lang::Chinese,
            _ => Lang::English,
        });
        let engine = Engine::start(wake)?;
        Ok(Self {
            lang: start.lang.or(remembered).unwrap_or_else(locale),
            wire: Wire::new(Arc::clone(engine.overheard())),
            engine,
            platform,
            login: LoginForm::new(&start.certs, settings.recent.first()),
            files: Files::new(&settings),
            password: PasswordForm::default(),
            settings,
            settings_path: start.settings.clone(),
            picked: channel(),
            connected: None,
            lost: None,
            transfers: Transfers::default(),
            trust: Trust::default(),
            log: Log::default(),
            tab: Tab::default(),
        })
    }

    /// Takes in what happened; draws nothing.
    pub fn pump(&mut self) {
        while let Some(event) = self.engine.event() {
            match event {
                Event::Session(event) => self.session(event),
                Event::Transfer(transfer) => {
                    self.log.transfer(&transfer);
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
        while let Some(saved) = self.wire.saved() {
            self.log.saved(&saved);
        }
    }

    /// Draws everything, then does what was asked for.
    pub fn show(&mut self, ui: &mut Ui) {
        self.pump();
        let mut actions = Vec::new();
        let mut cx = Cx {
            lang: self.lang,
            actions: &mut actions,
        };
        Panel::top("status").show(ui, |ui| {
            status::show(ui, &mut cx, self.connected.as_deref());
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
                show_lost(ui, &mut cx, self.lost.as_ref());
                self.files.show(ui, &mut cx);
            } else {
                self.login.show(ui, &mut cx, &self.settings.recent);
            }
        });
        let ctx = ui.ctx().clone();
        self.password.show(&ctx, &mut cx);
        for action in actions {
            self.act(action, &ctx);
        }
    }

    fn session(&mut self, event: SessionEvent) {
        self.log.hear(&event);
        match event {
            SessionEvent::Locked(path) => {
                self.login.connecting = false;
                self.login.locked = Some(path);
            }
            SessionEvent::Story(story) => self.trust.hear(*story),
            SessionEvent::Connected(connected) => self.enter(connected),
            SessionEvent::Failed(told) => {
                self.login.connecting = false;
                match self.connected {
                    // Connecting again did not succeed: what is shown stays.
                    Some(_) => self.lost = Some(told),
                    None => self.login.trouble = Some(told),
                }
            }
            SessionEvent::Lost(told) => {
                self.files.lost(&told);
                self.password.refused(&told);
                self.lost = Some(told);
            }
            SessionEvent::Listing(files) => self.files.update(files),
            SessionEvent::Target(target) => {
                self.engine.log_in_as(&target);
                if let Some(connected) = &mut self.connected {
                    connected.target = target;
                }
            }
            SessionEvent::Done(deed) => {
                self.files.done(&deed);
                if deed == Deed::PasswordChanged {
                    self.password.done();
                }
            }
            SessionEvent::Refused(Deed::PasswordChanged, told) => self.password.refused(&told),
            SessionEvent::Refused(deed, told) => self.files.refused(&deed, &told),
        }
    }

    fn enter(&mut self, connected: Box<Connected>) {
        self.login.connecting = false;
        self.login.forget_secrets();
        if let Ok(recent) = self.login.recent() {
            self.settings.remember(recent);
        }
        self.lost = None;
        self.files.enter();
        self.connected = Some(connected);
        self.save();
    }

    /// A dialog was answered.
    fn take(&mut self, picked: &Picked) {
        let Some(first) = picked.paths.first().cloned() else {
            return;
        };
        match picked.pick.clone() {
            Pick::CaFile | Pick::Certificate | Pick::Key => self.login.picked(picked),
            Pick::UploadFiles(folder) | Pick::UploadFolder(folder) => {
                self.upload(&picked.paths, &folder);
            }
            Pick::DownloadTo(files) => self.download(&files, &first),
            Pick::Capture => self.wire.save(first),
        }
    }

    fn act(&mut self, action: Action, ctx: &Context) {
        match action {
            Action::Connect(request) => {
                self.trust.forget();
                self.login.connecting = true;
                self.log.connecting(&request);
                if let Err(error) = self.engine.connect(*request) {
                    self.session(SessionEvent::Failed(Told::of(&error)));
                }
            }
            Action::Reconnect => {
                if let Err(error) = self.engine.reconnect() {
                    self.session(SessionEvent::Lost(Told::of(&error)));
                }
            }
            Action::Disconnect => {
                self.log.disconnected();
                self.engine.disconnect();
                self.login.connecting = false;
                self.connected = None;
                self.lost = None;
                self.files = Files::new(&self.settings);
                self.password = PasswordForm::default();
            }
            Action::Order(order) => self.engine.order(order),
            Action::Transfer(order) => self.engine.transfer(order),
            Action::Upload(paths, folder) => self.upload(&paths, &folder),
            Action::Download(files, to) => self.download(&files, &to),
            Action::Pick(pick) => self.platform.pick(pick, self.picked.0.clone()),
            Action::Copy(text) => ctx.copy_text(text),
            Action::OpenFolder(folder) => self.platform.open_folder(&folder),
            Action::SaveCapture(path) => self.wire.save(path),
            Action::Columns(widths, sort) => {
                self.settings.columns = Some(widths);
                self.settings.sort = sort;
                self.save();
            }
            Action::AskPassword => self.password.open(),
            Action::Speak(lang) => {
                self.lang = lang;
                self.settings.language = Some(lang.pick("en", "zh").to_owned());
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

    fn download(&mut self, files: &[Wanted], to: &Path) {
        let Some(connected) = &self.connected else {
            return;
        };
        let new = files.iter().map(|wanted| NewTransfer {
            job: Job::Download {
                name: wanted.file.name.clone(),
                path: to.join(wanted.path.parts().collect::<PathBuf>()),
            },
            size: Some(wanted.file.size),
            target: Arc::clone(&connected.target),
        });
        self.engine.transfer(TransferOrder::Add(new.collect()));
        self.settings.download_folder = Some(to.to_owned());
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

fn show_lost(ui: &mut Ui, cx: &mut Cx<'_>, lost: Option<&Told>) {
    let Some(told) = lost else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(crate::text::escape(
            cx.say(&told.message.en, &told.message.zh),
        ));
        if ui.button(cx.say("Connect again", "重新连接")).clicked() {
            cx.act(Action::Reconnect);
        }
        if ui.button(cx.say("Refresh", "刷新")).clicked() {
            cx.act(Action::Order(Order::Refresh));
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
