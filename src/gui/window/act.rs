//! How what was asked for is done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::Context;

use super::{Tab, Window};
use crate::client::{Job, below};
use crate::error::Kind;
use crate::gui::account::PasswordForm;
use crate::gui::action::{Action, Wanted};
use crate::gui::engine::SessionEvent;
use crate::gui::engine::told::Told;
use crate::gui::engine::transfers::{NewTransfer, NewUploads, TransferOrder};
use crate::gui::files::Files;
use crate::gui::log::Tone;
use crate::gui::platform::{Pick, Picked};
use crate::gui::theme;
use crate::lang::both;

/// A file dialog that is answered with nothing within this time never came up. Long enough for a busy machine; who
/// cancels sooner is asked once more.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Window {
    /// Does it.
    pub(super) fn act(&mut self, action: Action, ctx: &Context) {
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
                self.login.connecting = true;
                if let Err(error) = self.engine.reconnect() {
                    self.session(SessionEvent::Failed(Told::of(&error)));
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
            Action::Order(order) => match self.lost.clone() {
                None => self.engine.order(order),
                Some(told) => {
                    self.files.lost(&told);
                    self.password.refused(&told);
                }
            },
            Action::Transfer(order) => self.engine.transfer(order),
            Action::Upload(paths, folder) => self.upload(&paths, &folder),
            Action::Download(files, to) => self.download(&files, &to),
            Action::ResumeUnfinished => self.resume_unfinished(),
            Action::ForgetUnfinished => self.leave.forget(),
            Action::Close => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Action::Chosen(picked) => self.take(&picked),
            Action::Pick(pick) => {
                self.asked = Some(Instant::now());
                let begins = match pick {
                    Pick::DownloadTo(_) => self.settings.download_folder.as_deref(),
                    _ => None,
                };
                self.platform.pick(pick, begins, self.picked.0.clone());
            }
            Action::Copy(text) => ctx.copy_text(text),
            Action::OpenFolder(folder) => self.platform.open_folder(&folder),
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
            Action::Look(look) => {
                theme::look(ctx, look);
                self.settings.look = look;
                self.save();
            }
            Action::Open(tab) => (self.tab, self.folded) = (tab, false),
            Action::Forget(recent) => {
                self.settings.forget(&recent);
                self.save();
            }
        }
    }

    /// A dialog was answered.
    pub(super) fn take(&mut self, picked: &Picked) {
        let asked = self.asked.take();
        let Some(first) = picked.paths.first().cloned() else {
            if asked.is_some_and(|asked| picked.answered.duration_since(asked) < AT_ONCE) {
                self.no_dialog(picked.pick.clone());
            }
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
            Pick::Capture(keys) => self.wire.save(first, keys),
        }
    }

    /// Nobody cancels a dialog so soon: there was none, and the path is asked for.
    fn no_dialog(&mut self, pick: Pick) {
        let folder = self.settings.download_folder.as_deref();
        if self.typed.ask(pick, folder) {
            return;
        }
        let told = Told {
            kind: Kind::Other,
            message: both("no file dialog came up", "未能打开文件对话框"),
            hint: both(
                "type the path into the field; zenity or xdg-desktop-portal brings the dialog",
                "请在输入框中输入路径；安装 zenity 或 xdg-desktop-portal 后即可使用对话框",
            ),
            causes: Vec::new(),
        };
        self.log.say(Tone::Trouble, told.message.clone());
        self.login.fail(told, false);
    }

    fn upload(&mut self, paths: &[PathBuf], folder: &str) {
        let Some(connected) = &self.connected else {
            return;
        };
        self.transfers.gather();
        self.tab = Tab::Transfers;
        self.engine.transfer(TransferOrder::Upload(NewUploads {
            paths: paths.to_vec(),
            folder: folder.to_owned(),
            target: Arc::clone(&connected.target),
        }));
    }

    fn download(&mut self, wanted: &[Wanted], to: &Path) {
        let Some(connected) = &self.connected else {
            return;
        };
        let mut new = Vec::new();
        for Wanted { file, path } in wanted {
            match below(to, Path::new(path.as_str())) {
                Ok(path) => new.push(NewTransfer {
                    job: Job::Download {
                        name: file.name.clone(),
                        path,
                    },
                    size: Some(file.size),
                    target: Arc::clone(&connected.target),
                }),
                Err(error) => {
                    let told = Told::of(&error);
                    self.log.say(Tone::Trouble, told.message.clone());
                    self.transfers.leave_out(told);
                }
            }
        }
        self.tab = Tab::Transfers;
        self.engine.transfer(TransferOrder::Add(new));
        if self.settings.download_folder.as_deref() != Some(to) {
            self.settings.download_folder = Some(to.to_owned());
            self.save();
        }
    }

    /// Goes on with what an earlier window had begun.
    fn resume_unfinished(&mut self) {
        let Some(connected) = &self.connected else {
            return;
        };
        let target = &connected.target;
        let new = self.leave.resume(target);
        self.tab = Tab::Transfers;
        self.engine.transfer(TransferOrder::Add(new));
    }
}
