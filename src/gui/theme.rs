//! Colours and sizes.

use egui::{Color32, Context, CornerRadius, Margin, Theme, Vec2};

/// Space between groups of things.
pub const GAP: f32 = 8.0;

/// Height of a row in a table.
pub const ROW: f32 = 24.0;

/// What is safe: proved and sealed.
pub fn good(dark: bool) -> Color32 {
    match dark {
        true => Color32::from_rgb(0x6c, 0xcf, 0x8e),
        false => Color32::from_rgb(0x14, 0x73, 0x3c),
    }
}

/// What needs attention: sealed, but not proved on both sides; a transfer that waits for an answer.
pub fn warning(dark: bool) -> Color32 {
    match dark {
        true => Color32::from_rgb(0xf0, 0xb4, 0x4c),
        false => Color32::from_rgb(0x8f, 0x56, 0x00),
    }
}

/// What is dangerous or failed: anyone can read it.
pub fn bad(dark: bool) -> Color32 {
    match dark {
        true => Color32::from_rgb(0xff, 0x8a, 0x80),
        false => Color32::from_rgb(0xb3, 0x1d, 0x28),
    }
}

/// Sets sizes and colours of both themes.
pub fn apply(ctx: &Context) {
    ctx.all_styles_mut(|style| {
        style.spacing.item_spacing = Vec2::new(GAP, 6.0);
        style.spacing.button_padding = Vec2::new(10.0, 4.0);
        style.spacing.window_margin = Margin::same(16);
        style.visuals.window_corner_radius = CornerRadius::same(8);
        style.visuals.striped = true;
    });
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            let accent = match theme {
                Theme::Dark => Color32::from_rgb(0x3d, 0x7e, 0xc9),
                Theme::Light => Color32::from_rgb(0xbf, 0xd9, 0xf7),
            };
            style.visuals.selection.bg_fill = accent;
        });
    }
}
