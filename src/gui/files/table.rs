//! The rows: drawn where they are seen, and nowhere else.

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Color32, CursorIcon, Id, PointerButton, Popup, Rangef, Rect, Response, Role, ScrollArea, Sense,
    Stroke, StrokeKind, TextStyle, Ui, WidgetInfo, accesskit, pos2, style::ScrollAnimation, vec2,
};

use super::layout::height;
use super::selection::How;
use super::{Column, Files, Row, sign};
use crate::gui::action::Cx;
use crate::gui::theme::{GAP, ROW};
use crate::text::{self, escape};

/// Room for the sign before a name.
const SIGN: f32 = 24.0;

/// How far from the line between two columns it can be grabbed.
const GRAB: f32 = 4.0;

/// Under which name the rows together have the keyboard's focus.
pub(super) fn list_id() -> Id {
    Id::unique("files")
}

/// The same of the filter's field.
pub(super) fn filter_id() -> Id {
    Id::unique("files filter")
}

/// Gives the rows the keyboard's focus.
pub(super) fn take_focus(ctx: &egui::Context) {
    ctx.memory_mut(|memory| memory.request_focus(list_id()));
}

impl Files {
    /// Draws the rows under their header.
    pub(super) fn show_table(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.spacing_mut().item_spacing.y = 0.0;
        let room = ui.available_rect_before_wrap();
        let columns = self.layout.columns(room.x_range());
        self.show_header(ui, cx, columns);
        let body = ui.available_rect_before_wrap();
        let list = ui.interact(body, list_id(), Sense::click());
        list.widget_info(|| WidgetInfo::labeled(Role::ListBox, true, cx.say("Files", "文件")));
        let by_key = std::mem::take(&mut self.layout.open_menu);
        let mut menu = by_key || list.secondary_clicked();
        if by_key {
            self.layout.menu_at = body.min;
        }
        // Not `clicked`: that is Enter and the space bar as well.
        if list.clicked_by(PointerButton::Primary) || list.secondary_clicked() {
            self.select_none();
            list.request_focus();
        }
        if self.rows.is_empty() {
            self.show_nothing(ui, cx, body);
        } else {
            menu |= self.show_rows(ui, cx, columns, &list, by_key);
        }
        if list.has_focus() && self.cursor().is_none() {
            outline(ui, body);
        }
        if !by_key
            && menu
            && let Some(at) = ui.ctx().pointer_latest_pos()
        {
            self.layout.menu_at = at;
        }
        let open = menu.then_some(egui::SetOpenCommand::Bool(true));
        Popup::menu(&list)
            .open_memory(open)
            .at_position(self.layout.menu_at)
            .show(|ui| self.show_menu(ui, cx));
        if menu {
            // A click closes the menu that was open, but this one is for the next.
            Popup::open_id(ui.ctx(), Popup::default_response_id(&list));
        }
    }

    fn show_header(&mut self, ui: &mut Ui, cx: &Cx<'_>, columns: [Rangef; 4]) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        let lines = ui.visuals().widgets.noninteractive.bg_stroke;
        ui.painter().hline(rect.x_range(), rect.bottom(), lines);
        for (column, word, hint, range) in [
            (Column::Name, cx.say("Name", "名称"), "", columns[0]),
            (
                Column::Owner,
                cx.say("Uploaded by", "上传者"),
                "",
                columns[1],
            ),
            (Column::Size, cx.say("Size", "大小"), "", columns[2]),
            (
                Column::Time,
                cx.say("Time (UTC)", "时间 (UTC)"),
                cx.say(
                    "When the upload was complete, by the server's clock, in UTC",
                    "上传完成的时间，以服务器时钟为准（UTC）",
                ),
                columns[3],
            ),
        ] {
            let rect = Rect::from_x_y_ranges(range, rect.y_range());
            self.show_heading(ui, column, word, hint, rect);
        }
        for (at, column) in columns.iter().enumerate().skip(1) {
            let x = column.min;
            let line = Rect::from_x_y_ranges(x - GRAB..=x + GRAB, rect.y_range());
            let grip = ui.interact(line, list_id().with(("line", at)), Sense::DRAG);
            ui.painter().vline(x, rect.y_range().shrink(4.0), lines);
            if grip.hovered() || grip.dragged() {
                ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
            }
            if grip.dragged() {
                self.layout.drag(at, grip.drag_delta().x);
            }
        }
    }

    fn show_heading(&mut self, ui: &Ui, column: Column, word: &str, hint: &str, rect: Rect) {
        let id = list_id().with(("heading", word));
        let response = ui.interact(rect.shrink2(vec2(GRAB, 0.0)), id, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, word));
        let sorted = self.sort.by == column;
        ui.ctx().accesskit_node_builder(id, |node| {
            if sorted {
                node.set_sort_direction(match self.sort.descending {
                    true => accesskit::SortDirection::Descending,
                    false => accesskit::SortDirection::Ascending,
                });
            }
        });
        let visuals = ui.style().interact(&response);
        if response.hovered() {
            ui.painter().rect_filled(rect, 0.0, visuals.weak_bg_fill);
        }
        if response.has_focus() {
            outline(ui, rect);
        }
        let arrow = match (sorted, self.sort.descending) {
            (false, _) => "",
            (true, false) => "⏶",
            (true, true) => "⏷",
        };
        let colour = ui.visuals().strong_text_color();
        let numbers = column == Column::Size;
        let text = match (sorted, numbers) {
            (false, _) => word.to_owned(),
            (true, false) => format!("{word} {arrow}"),
            (true, true) => format!("{arrow} {word}"),
        };
        write(ui, rect, text, colour, numbers);
        if response.clicked() {
            self.sort_by(column);
            self.layout.changed = true;
        }
        if !hint.is_empty() {
            response.on_hover_text(hint);
        }
    }

    /// Draws the rows that are seen; true when the menu shall open.
    fn show_rows(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        columns: [Rangef; 4],
        list: &Response,
        by_key: bool,
    ) -> bool {
        let mut area = ScrollArea::vertical()
            .id_salt(("files", &self.folder))
            .auto_shrink(false)
            // However low the window is: else rows would be drawn over what is below them.
            .min_scrolled_height(0.0);
        if let Some(scroll) = self.layout.scroll.take() {
            area = area.vertical_scroll_offset(scroll);
        }
        let mut menu = false;
        let reveal = self.layout.reveal.take();
        let output = area.show_rows(ui, ROW, self.rows.len(), |ui, seen| {
            let top = ui.max_rect().top() - height(seen.start);
            let place = |row| {
                let y = top + height(row);
                Rect::from_x_y_ranges(columns[0].min..=columns[3].max, y..=y + ROW)
            };
            if let Some(row) = reveal {
                ui.scroll_to_rect_animation(place(row), None, ScrollAnimation::none());
            }
            let mut hit = None;
            for row in seen {
                let response = self.show_row(ui, cx, row, place(row), &columns, list.has_focus());
                if response.clicked() || response.secondary_clicked() {
                    hit = Some((row, response));
                }
            }
            if let Some(row) = self.cursor()
                && by_key
            {
                let below = place(row).left_bottom() + vec2(GAP, 0.0);
                self.layout.menu_at = ui.clip_rect().clamp(below);
            }
            if let Some((row, response)) = hit {
                list.request_focus();
                menu = response.secondary_clicked();
                self.hit(ui, cx, row, &response);
            }
        });
        self.layout.scrolled = output.state.clamped_offset().y;
        self.layout.page = rows_in(output.inner_rect.height());
        menu
    }

    /// A row was clicked.
    fn hit(&mut self, ui: &Ui, cx: &mut Cx<'_>, row: usize, response: &Response) {
        if response.secondary_clicked() {
            if !self.is_selected(row) {
                self.select(row, How::Only);
            }
        } else if response.double_clicked() {
            self.select(row, How::Only);
            self.enter_selected(cx);
        } else {
            self.select(row, How::of(ui.input(|input| input.modifiers)));
        }
    }

    fn show_row(
        &self,
        ui: &Ui,
        cx: &Cx<'_>,
        row: usize,
        rect: Rect,
        columns: &[Rangef; 4],
        focus: bool,
    ) -> Response {
        let path = self.path(row).unwrap_or_default();
        let selected = self.is_selected(row);
        let response = ui.interact(rect, list_id().with(path), Sense::CLICK);
        let visuals = ui.visuals();
        let (strong, weak) = match selected {
            true => (
                visuals.selection.stroke.color,
                visuals.selection.stroke.color,
            ),
            false => (visuals.widgets.inactive.text_color(), visuals.text_color()),
        };
        let under = match selected {
            true => Some(visuals.selection.bg_fill),
            false if response.hovered() => Some(visuals.widgets.hovered.weak_bg_fill),
            false if row % 2 == 1 => Some(visuals.faint_bg_color),
            false => None,
        };
        if let Some(colour) = under {
            ui.painter().rect_filled(rect, 0.0, colour);
        }
        if focus && self.cursor() == Some(row) {
            outline(ui, rect);
        }
        let (folder, owner, size, time) = match &self.rows[row] {
            Row::Folder(folder) => {
                let count = files_in(folder.files, cx);
                (true, count, folder.bytes, folder.newest)
            }
            Row::File(index) => {
                let file = &self.all[*index];
                let owner = escape(file.owner.as_str());
                (false, owner, file.size, file.modified)
            }
        };
        let name = escape(self.below(path));
        let (size, time) = (text::size(size), text::minute(time));
        response.widget_info(|| WidgetInfo::labeled(Role::ListBoxOption, true, &name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_selected(selected);
            node.set_description(format!("{owner} {size} {time}"));
        });
        let cell = |at: usize| Rect::from_x_y_ranges(columns[at], rect.y_range());
        let at = pos2(rect.left() + GAP, rect.center().y);
        match folder {
            true => sign::folder(ui.painter(), at, weak),
            false => sign::page(ui.painter(), at, weak),
        }
        let mut named = cell(0);
        named.min.x += SIGN;
        let cut = write(ui, named, name.clone(), strong, false);
        write(ui, cell(1), owner, weak, false);
        write(ui, cell(2), size, weak, true);
        write(ui, cell(3), time, weak, false);
        match cut {
            true => response.on_hover_text(name),
            false => response,
        }
    }
}

/// Writes one line into a cell, cut with … where it does not fit; true when it was.
fn write(ui: &Ui, cell: Rect, text: String, colour: Color32, to_the_right: bool) -> bool {
    let cell = cell.shrink2(vec2(GAP, 0.0));
    let font = TextStyle::Body.resolve(ui.style());
    let mut job = LayoutJob::simple_singleline(text, font, colour);
    job.wrap = TextWrapping {
        max_width: cell.width().max(0.0),
        max_rows: 1,
        break_anywhere: true,
        ..TextWrapping::default()
    };
    let galley = ui.painter().layout_job(job);
    let x = match to_the_right {
        true => cell.right() - galley.size().x,
        false => cell.left(),
    };
    let at = pos2(x, cell.center().y - galley.size().y / 2.0);
    let cut = galley.elided;
    ui.painter().galley(at, galley, colour);
    cut
}

/// Marks what has the keyboard's focus.
fn outline(ui: &Ui, rect: Rect) {
    let stroke = Stroke::new(1.0, ui.visuals().strong_text_color());
    let rect = rect.shrink(1.0);
    ui.painter()
        .rect_stroke(rect, 2.0, stroke, StrokeKind::Inside);
}

/// How many files, in words.
fn files_in(count: usize, cx: &Cx<'_>) -> String {
    match count {
        1 => cx.say("1 file", "1 个文件").to_owned(),
        _ => cx.say(format!("{count} files"), format!("{count} 个文件")),
    }
}

/// How many whole rows there are in this height.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a height on a screen"
)]
fn rows_in(height: f32) -> usize {
    ((height / ROW) as usize).max(1)
}
