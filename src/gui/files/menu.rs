//! The menu of what is selected.

use egui::{Button, Ui};

use super::Files;
use super::selection::How;
use crate::gui::action::{Action, Cx};
use crate::gui::engine::Order;
use crate::gui::platform::Pick;

impl Files {
    /// Draws the entries.
    pub(super) fn show_menu(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.selection.paths().is_empty() {
            self.show_menu_of_none(ui, cx);
            return;
        }
        let folder = self.single().is_some_and(|path| path.ends_with('/'));
        let single = self.single().is_some();
        let online = self.online;
        if folder && entry(ui, cx.say("Open", "打开"), "Enter", true) {
            self.enter_selected(cx);
        }
        if entry(ui, cx.say("Download…", "下载…"), "", online) {
            self.download(cx);
        }
        ui.separator();
        if entry(ui, cx.say("Rename…", "重命名…"), "F2", online && single) {
            self.ask_rename();
        }
        let word = cx.say("Delete…", "删除…");
        if entry(ui, word, "Del", online) {
            self.ask_delete();
        }
        ui.separator();
        if entry(ui, cx.say("Copy name", "复制名称"), "", true) {
            let names: Vec<&str> = self.selection.paths().iter().map(String::as_str).collect();
            cx.act(Action::Copy(names.join("\n")));
        }
        let word = cx.say("Copy digest (SHA-256)", "复制摘要（SHA-256）");
        if entry(ui, word, "", true) {
            cx.act(Action::Copy(self.digests()));
        }
        if entry(ui, cx.say("Details", "详细信息"), "Alt+Enter", true) {
            self.ask_details();
        }
    }

    fn show_menu_of_none(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let online = self.online;
        if entry(ui, cx.say("Upload files…", "上传文件…"), "", online) {
            cx.act(Action::Pick(Pick::UploadFiles(self.folder.clone())));
        }
        if entry(ui, cx.say("Upload a folder…", "上传文件夹…"), "", online) {
            cx.act(Action::Pick(Pick::UploadFolder(self.folder.clone())));
        }
        ui.separator();
        if entry(ui, cx.say("Select all", "全选"), "Ctrl+A", true) {
            self.select_all();
        }
        if entry(ui, cx.say("Refresh", "刷新"), "F5", online) {
            cx.act(Action::Order(Order::Refresh));
        }
    }

    /// The digest of the file selected; of several, a line each as `sha256sum` writes and checks them.
    pub(super) fn digests(&self) -> String {
        match self.chosen().as_slice() {
            [file] => file.sha256.to_string(),
            files => {
                let lines = files
                    .iter()
                    .map(|file| format!("{}  {}\n", file.sha256, file.name));
                lines.collect()
            }
        }
    }

    /// Opens the folder, or downloads the files, that are selected.
    pub(super) fn enter_selected(&mut self, cx: &mut Cx<'_>) {
        if self.selection.paths().is_empty()
            && let Some(row) = self.cursor()
        {
            self.select(row, How::Only);
        }
        match self.single() {
            Some(folder) if folder.ends_with('/') => self.open(folder.to_owned()),
            _ => self.download(cx),
        }
    }

    /// Asks where to, then downloads what is selected.
    pub(super) fn download(&self, cx: &mut Cx<'_>) {
        let wanted = self.selected();
        if self.online && !wanted.is_empty() {
            cx.act(Action::Pick(Pick::DownloadTo(wanted)));
        }
    }
}

fn entry(ui: &mut Ui, word: &str, keys: &str, enabled: bool) -> bool {
    let button = Button::new(word).shortcut_text(keys);
    let response = ui.add_enabled(enabled, button);
    // The keys are no part of the name.
    response.accessible_name(word).clicked()
}
