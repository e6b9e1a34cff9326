//! The signs before names, drawn: no font has both of them in a size that can be told apart.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

/// Height of a sign, in points.
const SIZE: f32 = 14.0;

/// Draws a folder whose left edge is at `at`, at half its height.
pub(super) fn folder(painter: &Painter, at: Pos2, colour: Color32) {
    let body = Rect::from_min_size(at - vec2(0.0, SIZE / 2.0 - 3.0), vec2(15.0, SIZE - 4.0));
    let tab = Rect::from_min_size(body.min - vec2(0.0, 2.0), vec2(6.5, 4.0));
    painter.rect_filled(tab, 1.5, colour);
    painter.rect_filled(body, 2.0, colour);
}

/// Draws a page with a folded corner, likewise.
pub(super) fn page(painter: &Painter, at: Pos2, colour: Color32) {
    let page = Rect::from_min_size(at + vec2(2.0, -SIZE / 2.0), vec2(11.0, SIZE));
    let fold = 4.0;
    let (left, right) = (page.left() + 0.5, page.right() - 0.5);
    let (top, bottom) = (page.top() + 0.5, page.bottom() - 0.5);
    let stroke = Stroke::new(1.0, colour);
    let outline = vec![
        pos2(left, top),
        pos2(right - fold, top),
        pos2(right, top + fold),
        pos2(right, bottom),
        pos2(left, bottom),
    ];
    painter.add(Shape::closed_line(outline, stroke));
    let corner = vec![
        pos2(right - fold, top),
        pos2(right - fold, top + fold),
        pos2(right, top + fold),
    ];
    painter.add(Shape::line(corner, stroke));
}
