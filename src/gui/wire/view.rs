//! Drawing the panel.

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, Label, Panel, RichText, ScrollArea, Sense, TextStyle, Ui};
use time::OffsetDateTime;

use super::block::{Field, LINE_BYTES};
use super::ear::Ear;
use super::{Part, Row, Wire};
use crate::gui::action::{Action, Cx};
use crate::gui::platform::{Keys, Pick};
use crate::gui::theme;
use crate::lab::tap::Direction;
use crate::text::size;

/// Space between two lines: they belong together.
const LINE_GAP: f32 = 2.0;

impl Wire {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if !self.paused
            && let Some(again) = self.look()
        {
            ui.ctx().request_repaint_after(again);
        }
        // Above what grows: a button does not move away under the pointer.
        self.show_bar(ui, cx);
        self.show_sentence(ui, cx);
        Panel::left("wire connections")
            .resizable(true)
            .default_size(280.0)
            .size_range(160.0..=480.0)
            .show(ui, |ui| self.show_connections(ui, cx));
        self.show_conversation(ui, cx);
    }

    fn show_sentence(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let outside = &self.outside;
        let told = self.learned.sentence(outside);
        let dark = ui.visuals().dark_mode;
        let (sign, colour) = match (
            outside.connections,
            self.learned.is_nothing(),
            outside.plain,
        ) {
            (0, ..) => ("", ui.visuals().text_color()),
            (_, true, 0) => ("🔒 ", theme::good(dark)),
            _ => ("🔓 ", theme::bad(dark)),
        };
        let told = cx.say(told.en, told.zh);
        let text = RichText::new(format!("{sign}{told}"))
            .color(colour)
            .strong();
        ui.add(Label::new(text).wrap());
    }

    fn show_bar(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.horizontal_wrapped(|ui| {
            let save = egui::Button::new(cx.say("Save the capture…", "保存抓包…"));
            let save = ui.add_enabled(!self.ears.is_empty(), save);
            let hint = cx.say(
                "A pcapng file with what passed, for Wireshark; it holds no keys",
                "保存经过的数据为 pcapng 文件，可用 Wireshark 打开；其中不含密钥",
            );
            if save.on_hover_text(hint).clicked() {
                cx.act(Action::Pick(Pick::Capture(Keys::Without)));
            }
            self.show_save_with_keys(ui, cx);
            let word = cx.say("Pause", "暂停");
            ui.toggle_value(&mut self.paused, word)
                .on_hover_text(cx.say(
                    "Show no news for a while; they are kept",
                    "暂不显示新数据；数据仍会保留",
                ));
            ui.separator();
            if ui.button(cx.say("First", "最早")).clicked() {
                self.goal = Some(0);
            }
            if ui.button(cx.say("Latest", "最新")).clicked() {
                self.goal = Some(self.rows.len());
            }
            self.show_legend(ui, cx);
            self.show_limits(ui, cx);
        });
    }

    /// Only where there is something to decrypt.
    fn show_save_with_keys(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.outside.plain == self.outside.connections {
            return;
        }
        let save = egui::Button::new(cx.say("Save with keys…", "连同密钥保存…"));
        let save = ui.add_enabled(self.overheard.keeps_secrets(), save);
        let hint = cx.say(
            "The same with the keys inside: Wireshark decrypts it with no setup, and whoever has the file reads everything, the password too",
            "同上，并含密钥：Wireshark 无需设置即可解密；任何得到该文件的人都能读到全部内容，包括密码",
        );
        let disabled_hint = cx.say(
            "The keys were not kept: tick “Keep the TLS keys for a capture” under “Advanced” before logging in",
            "未保留密钥：请在登录前勾选“高级”中的“为抓包保留 TLS 密钥”",
        );
        let save = save
            .on_hover_text(hint)
            .on_disabled_hover_text(disabled_hint);
        if save.clicked() {
            cx.act(Action::Pick(Pick::Capture(Keys::Embedded)));
        }
    }

    /// What the colours mean; a click goes to the first place of each.
    fn show_legend(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let style = ui.style().text_styles[&TextStyle::Body].clone();
        for field in Field::ALL {
            let Some(first) = self.first_with(field) else {
                continue;
            };
            let word = field.word();
            let format = format_of(ui, style.clone(), Some(field));
            let fill = format.background;
            let mut job = LayoutJob::default();
            job.append(cx.say(&word.en, &word.zh), 0.0, format);
            let button = egui::Button::new(job).fill(fill);
            let hint = cx.say("Go to the first one", "转到第一处");
            if ui.add(button).on_hover_text(hint).clicked() {
                self.goal = Some(first);
            }
        }
    }

    /// What of all that passed cannot be shown.
    fn show_limits(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let missing = self.missing();
        if missing > 0 {
            let bytes = size(missing);
            let en = format!("{bytes} passed that were not kept");
            let zh = format!("另有 {bytes} 经过但未保留");
            ui.weak(cx.say(en, zh)).on_hover_text(cx.say(
                "Of each connection the first MB and the end are kept; in the capture the gap shows as segments that were not captured",
                "每个连接只保留开头 1 MB 和结尾；在抓包中缺口显示为未捕获的分段",
            ));
        }
        if self.forgotten > 0 {
            let en = format!("{} older connections not kept", self.forgotten);
            let zh = format!("{} 个较早的连接未保留", self.forgotten);
            ui.weak(cx.say(en, zh));
        }
        if self.transcript.gone() > 0 {
            ui.weak(cx.say(
                "the oldest lines are only in the capture",
                "最早的内容仅在抓包中",
            ));
        }
    }

    fn show_connections(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let mut shown = self.shown;
        let height = 2.0 * ui.text_style_height(&TextStyle::Body) + ui.spacing().item_spacing.y;
        let numbers: Vec<u64> = self.ears.keys().copied().collect();
        ScrollArea::both()
            .id_salt("connections")
            .auto_shrink(false)
            .show_rows(ui, height, numbers.len() + 1, |ui, rows| {
                for row in rows {
                    let (text, this) = match row.checked_sub(1).map(|index| numbers[index]) {
                        None => (cx.say("All connections", "全部连接").to_owned(), None),
                        Some(number) => (self.ears[&number].tell(cx), Some(number)),
                    };
                    let hover = this.map(|number| self.ears[&number].tell_more(cx));
                    let button = egui::Button::selectable(shown == this, text)
                        .min_size(egui::vec2(ui.available_width(), height));
                    let mut button = ui.add(button);
                    if let Some(hover) = hover {
                        button = button.on_hover_text(hover);
                    }
                    if button.clicked() {
                        shown = this;
                    }
                }
            });
        if shown != self.shown {
            self.shown = shown;
            self.arrange();
        }
    }

    fn show_conversation(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.rows.is_empty() {
            ui.weak(cx.say(
                "Nothing has passed yet on this connection",
                "此连接尚无数据经过",
            ));
            return;
        }
        let font = ui.style().text_styles[&TextStyle::Monospace].clone();
        let height = ui.text_style_height(&TextStyle::Monospace).max(theme::GAP);
        ui.spacing_mut().item_spacing.y = LINE_GAP;
        let mut unfold = None;
        let mut area = ScrollArea::both()
            .id_salt(("conversation", self.shown))
            .auto_shrink(false)
            .stick_to_bottom(self.goal.is_none());
        if let Some(goal) = self.goal.take() {
            #[expect(clippy::cast_precision_loss, reason = "some 100,000 rows")]
            let offset = goal as f32 * (height + ui.spacing().item_spacing.y);
            area = area.vertical_scroll_offset(offset);
        }
        area.show_rows(ui, height, self.rows.len(), |ui, rows| {
            for row in &self.rows[rows] {
                if self.show_row(ui, cx, *row, &font) {
                    unfold = Some(row.block);
                }
            }
        });
        if let Some(block) = unfold.and_then(|number| self.transcript.block_mut(number)) {
            block.unfolded = !block.unfolded;
            self.arrange();
        }
    }

    /// Draws a row; whether it is to be unfolded, or folded.
    fn show_row(&self, ui: &mut Ui, cx: &Cx<'_>, row: Row, font: &FontId) -> bool {
        let Some(block) = self.transcript.block(row.block) else {
            return false;
        };
        match row.part {
            Part::Title => {
                let title = block.title();
                let arrow = match block.way {
                    Direction::ToServer => cx.say("→ to server", "→ 发往服务器"),
                    Direction::ToClient => cx.say("← from server", "← 来自服务器"),
                };
                let (number, at) = (block.connection, clock(block.at_ns));
                let text = format!(" #{number}  {at}  {arrow}  {}", cx.say(title.en, title.zh));
                ui.add(Label::new(RichText::new(text).strong()).extend());
                false
            }
            Part::Line(line) => {
                let mut job = LayoutJob::default();
                let line = block.line(line);
                let plain = format_of(ui, font.clone(), None);
                job.append(&format!("  {:08x}  ", line.offset), 0.0, plain.clone());
                for (byte, field) in &line.cells {
                    let format = format_of(ui, font.clone(), *field);
                    job.append(&format!("{byte:02x}"), 0.0, format);
                    job.append(" ", 0.0, plain.clone());
                }
                let pad = 3 * (LINE_BYTES - line.cells.len()) + 1;
                job.append(&" ".repeat(pad), 0.0, plain);
                for (byte, field) in &line.cells {
                    let shown = match byte {
                        0x20..=0x7e => char::from(*byte),
                        _ => '.',
                    };
                    let format = format_of(ui, font.clone(), *field);
                    job.append(shown.encode_utf8(&mut [0; 4]), 0.0, format);
                }
                ui.add(Label::new(job).extend());
                false
            }
            Part::More => {
                let hidden = block.hidden();
                let text = if block.unfolded && hidden == 0 {
                    cx.say("fold", "折叠").to_owned()
                } else {
                    let more = size(hidden);
                    cx.say(format!("… {more} more"), format!("… 还有 {more}"))
                };
                let label = Label::new(RichText::new(format!("  {text}")).weak()).extend();
                if block.folds() {
                    ui.add(label.sense(Sense::click())).clicked()
                } else {
                    ui.add(label);
                    false
                }
            }
        }
    }
}

impl Ear {
    /// In two lines.
    fn tell(&self, cx: &Cx<'_>) -> String {
        let about = &self.about;
        let kind = self.kind();
        let over = match about.ended_ns {
            Some(_) => cx.say(", closed", "，已关闭"),
            None => "",
        };
        format!(
            "#{}  {}{over}\n{}  → {}  ← {}",
            about.number,
            cx.say(kind.en, kind.zh),
            clock(about.began_ns),
            size(about.sent),
            size(about.received),
        )
    }

    /// What does not fit there.
    fn tell_more(&self, cx: &Cx<'_>) -> String {
        let about = &self.about;
        let entropy = self.entropy();
        let addresses = format!("{} → {}", about.client, about.server);
        let en = format!("{addresses}\n{entropy:.2} bits of entropy a byte (8 is noise)");
        let zh = format!("{addresses}\n每字节熵 {entropy:.2} 比特（8 即噪声）");
        cx.say(en, zh)
    }
}

/// How a byte, or the word for what it is, looks: a field is underlined and on a ground of its own.
fn format_of(ui: &Ui, font: FontId, field: Option<Field>) -> TextFormat {
    let dark = ui.visuals().dark_mode;
    let plain = ui.visuals().text_color();
    let Some(field) = field else {
        return TextFormat::simple(font, plain);
    };
    let (colour, ground) = match (field, dark) {
        (Field::Password, _) => (Color32::WHITE, Color32::from_rgb(0xb3, 0x1d, 0x28)),
        (Field::User, true) => (Color32::BLACK, Color32::from_rgb(0xf0, 0xb4, 0x4c)),
        (Field::User, false) => (Color32::BLACK, Color32::from_rgb(0xff, 0xd5, 0x8a)),
        (Field::Name, true) => (Color32::BLACK, Color32::from_rgb(0x8f, 0xc4, 0xff)),
        (Field::Name, false) => (Color32::BLACK, Color32::from_rgb(0xbf, 0xdc, 0xff)),
    };
    TextFormat {
        background: ground,
        ..TextFormat::simple(font, colour)
    }
}

/// Nanoseconds since 1970 as the time of day, to the millisecond, UTC.
fn clock(at_ns: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(at_ns.into());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second, milli) = at.to_hms_milli();
    format!("{hour:02}:{minute:02}:{second:02}.{milli:03}")
}
