//! Drawing what few need.

use egui::Ui;

use super::fields::Rows;
use super::{Field, LoginForm, Security, Versions};
use crate::gui::action::Cx;
use crate::gui::platform::Pick;

impl LoginForm {
    /// Draws it, folded until it is wanted or something is wrong in it.
    pub(super) fn show_advanced(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, rows: &mut Rows) {
        let inside = [Field::List, Field::Pin, Field::Timeout];
        let wrong = rows.wrong.is_some_and(|field| inside.contains(&field));
        egui::CollapsingHeader::new(cx.say("Advanced", "高级"))
            .id_salt("advanced")
            .open(wrong.then_some(true))
            .show_unindented(ui, |ui| {
                if self.security != Security::Plain {
                    self.show_advanced_tls(ui, cx, rows);
                }
                let tip = cx.say(
                    "How long connecting and the handshake may take, such as 10s or 500ms",
                    "建立连接和握手最多用多久，例如 10s 或 500ms",
                );
                let label = cx.say("Connect timeout", "连接时限");
                let timeout = (Some(Field::Timeout), label, tip);
                rows.text(ui, timeout, &mut self.advanced.timeout, "10s");
                self.show_trouble(ui, cx, Some(Field::Timeout));
            });
    }

    fn show_advanced_tls(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, rows: &mut Rows) {
        let tip = cx.say(
            "The name the server's certificate must have, if it is not the one under Server",
            "服务器证书必须含有的名称（若与“服务器”一栏不同）",
        );
        let name = (None, cx.say("Name to expect", "期望的名称"), tip);
        let hint = cx.say("as under Server", "与“服务器”一栏相同");
        rows.text(ui, name, &mut self.advanced.server_name, hint);
        let tip = cx.say(
            "Refuse a server whose certificate is on this list of its CA, PEM or DER",
            "若服务器的证书在其 CA 的这份吊销列表中，则拒绝连接（PEM 或 DER）",
        );
        let list = (Field::List, cx.say("Revocation list", "吊销列表"), tip);
        let file = &mut self.advanced.revocation_list;
        rows.file(ui, cx, list, file, Pick::RevocationList);
        self.show_trouble(ui, cx, Some(Field::List));
        let tip = cx.say(
            "Accept only this public key, besides all other checks; `sealpost pki fingerprint FILE` prints it",
            "除其他检查外，只接受这个公钥；`sealpost pki fingerprint FILE` 可显示",
        );
        let pin = (
            Some(Field::Pin),
            cx.say("Pinned public key", "固定公钥"),
            tip,
        );
        rows.text(ui, pin, &mut self.advanced.pin, "sha256//…");
        self.show_trouble(ui, cx, Some(Field::Pin));
        let label = cx.say("TLS versions", "TLS 版本");
        let tip = cx.say(
            "What this side offers; a server that wants another is refused",
            "本端提供的版本；要求其他版本的服务器会被拒绝",
        );
        Rows::row(ui, label, tip, |ui, id| {
            let chosen = &mut self.advanced.versions;
            let name = |versions: Versions| {
                let name = versions.name();
                cx.say(name.en, name.zh)
            };
            egui::ComboBox::from_id_salt("versions")
                .selected_text(name(*chosen))
                .width(160.0)
                .show_ui(ui, |ui| {
                    for versions in Versions::ALL {
                        ui.selectable_value(chosen, versions, name(versions));
                    }
                })
                .response
                .labelled_by(id);
        });
        let mut tick = |chosen: &mut bool, word, tip| {
            Rows::row(ui, "", "", |ui, _id| {
                ui.checkbox(chosen, word).on_hover_text(tip);
            });
        };
        let word = cx.say("Believe the CAs of the public web", "信任公共网络的 CA");
        let tip = cx.say(
            "Instead of a CA file: for a server with a certificate as web sites have them",
            "代替 CA 文件：用于证书与网站证书相同的服务器",
        );
        tick(&mut self.advanced.public_roots, word, tip);
        let word = cx.say("Keep the TLS keys for a capture", "为抓包保留 TLS 密钥");
        let tip = cx.say(
            "In memory, until another session begins or the window is closed: “The wire” can then save a capture that Wireshark decrypts",
            "仅保存在内存中，直到开始另一次会话或关闭窗口：之后可在“线路上”面板中保存 Wireshark 能够解密的抓包",
        );
        tick(&mut self.advanced.keep_secrets, word, tip);
    }
}
