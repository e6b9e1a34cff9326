//! How the table lies on the screen: widths of columns, and how far it is scrolled.

use egui::{Pos2, Rangef};

use crate::gui::theme::ROW;

/// Widths of uploader, size and time, in points, until they are dragged.
const WIDTHS: [f32; 3] = [120.0, 88.0, 144.0];

/// What a column can be dragged to, in points.
const WIDTH_MIN: f32 = 48.0;
const WIDTH_MAX: f32 = 600.0;

/// What is left for the names, in points, however wide the others are.
const NAME_MIN: f32 = 120.0;

/// How the table lies.
#[derive(Debug)]
pub(super) struct Layout {
    /// Widths of uploader, size and time; names get the rest.
    pub(super) widths: [f32; 3],
    /// Rows that are seen at once.
    pub(super) page: usize,
    /// How far it is scrolled.
    pub(super) scrolled: f32,
    /// How far it shall be scrolled.
    pub(super) scroll: Option<f32>,
    /// The row to be shown.
    pub(super) reveal: Option<usize>,
    /// The menu shall open, by a key.
    pub(super) open_menu: bool,
    /// Where it is.
    pub(super) menu_at: Pos2,
    /// Widths or order changed, and the settings do not know it yet.
    pub(super) changed: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self::of(None)
    }
}

impl Layout {
    /// One with the columns as they are remembered.
    pub(super) fn of(widths: Option<[f32; 3]>) -> Self {
        let sane = |width: f32| match width.is_finite() {
            true => width.clamp(WIDTH_MIN, WIDTH_MAX),
            false => WIDTH_MIN,
        };
        Self {
            widths: widths.map_or(WIDTHS, |widths| widths.map(sane)),
            page: 1,
            scrolled: 0.0,
            scroll: None,
            reveal: None,
            open_menu: false,
            menu_at: Pos2::ZERO,
            changed: false,
        }
    }

    /// The first row that is seen, unless that is the very first: then new ones shall be seen.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of rows, from 0"
    )]
    pub(super) fn top_row(&self) -> Option<usize> {
        (self.scrolled > 0.0).then_some((self.scrolled / ROW) as usize)
    }

    /// The row that was here is there: what is seen stays where it is.
    pub(super) fn shift(&mut self, was: usize, is: usize) {
        if was != is {
            self.scroll = Some((self.scrolled + height(is) - height(was)).max(0.0));
        }
    }

    /// Where the columns are within `room`; those beside the names give way where it is narrow.
    pub(super) fn columns(&self, room: Rangef) -> [Rangef; 4] {
        let wanted: f32 = self.widths.iter().sum();
        let scale = ((room.span() - NAME_MIN).max(0.0) / wanted).min(1.0);
        let [owner, size, time] = self.widths.map(|width| width * scale);
        let (c, b) = (room.max - time, room.max - time - size);
        let a = b - owner;
        [
            Rangef::new(room.min, a),
            Rangef::new(a, b),
            Rangef::new(b, c),
            Rangef::new(c, room.max),
        ]
    }

    /// The line left of column `at` (1 ..= 3) is dragged `by` points; the others stay where they are.
    pub(super) fn drag(&mut self, at: usize, by: f32) {
        let right = self.widths[at - 1] - by;
        let left = at.checked_sub(2).map(|left| (left, self.widths[left] + by));
        let fits = |width: f32| (WIDTH_MIN..=WIDTH_MAX).contains(&width);
        if fits(right) && left.is_none_or(|(_, width)| fits(width)) {
            self.widths[at - 1] = right;
            if let Some((left, width)) = left {
                self.widths[left] = width;
            }
            self.changed = true;
        }
    }
}

/// The height of so many rows.
#[expect(clippy::cast_precision_loss, reason = "rows are counted in thousands")]
pub(super) fn height(rows: usize) -> f32 {
    rows as f32 * ROW
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    reason = "whole numbers, far below where they are rounded"
)]
mod tests {
    use super::*;

    fn edges(layout: &Layout, width: f32) -> [f32; 4] {
        layout
            .columns(Rangef::new(0.0, width))
            .map(|column| column.max)
    }

    #[test]
    fn columns_fill_the_room_and_names_get_what_is_left() {
        let layout = Layout::of(Some([100.0, 80.0, 120.0]));
        assert_eq!(edges(&layout, 800.0), [500.0, 600.0, 680.0, 800.0]);
        assert_eq!(edges(&layout, 270.0)[0], NAME_MIN);
        assert_eq!(edges(&layout, 270.0)[3], 270.0);
    }

    #[test]
    fn a_dragged_line_moves_alone_and_stops_where_a_column_would_vanish() {
        let mut layout = Layout::of(Some([100.0, 80.0, 120.0]));
        layout.drag(2, 10.0);
        assert_eq!(edges(&layout, 800.0), [500.0, 610.0, 680.0, 800.0]);
        layout.drag(1, -50.0);
        assert_eq!(edges(&layout, 800.0), [450.0, 610.0, 680.0, 800.0]);
        let before = layout.widths;
        layout.drag(2, 60.0);
        layout.drag(3, -2_000.0);
        assert_eq!(layout.widths, before);
    }

    #[test]
    fn remembered_widths_that_make_no_sense_are_bounded() {
        let layout = Layout::of(Some([f32::NAN, -5.0, 1e9]));
        assert_eq!(layout.widths, [WIDTH_MIN, WIDTH_MIN, WIDTH_MAX]);
    }

    #[test]
    fn what_is_seen_stays_where_it_is_when_rows_come_before_it() {
        let mut layout = Layout::default();
        assert_eq!(layout.top_row(), None);
        layout.scrolled = ROW * 10.5;
        assert_eq!(layout.top_row(), Some(10));
        layout.shift(10, 12);
        assert_eq!(layout.scroll, Some(ROW * 12.5));
    }
}
