//! Colours and sizes. Every pair of colours that is read has a contrast of at least 4.5 (WCAG 2.2, 1.4.3 AA).

use egui::{Button, Color32, Context, CornerRadius, Margin, RichText, Stroke, Theme, Ui, Vec2};

use super::settings::Look;

/// Space between groups of things.
pub const GAP: f32 = 8.0;

/// Height of a row in a table.
pub const ROW: f32 = 26.0;

/// Seconds without any input after which a text cursor stops blinking, as GTK's does: each blink draws the window.
const BLINK_S: f64 = 10.0;

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

/// What is chosen, and the one button that goes on.
pub fn accent(dark: bool) -> Color32 {
    match dark {
        true => Color32::from_rgb(0x2b, 0x6c, 0xb3),
        false => Color32::from_rgb(0x1f, 0x5f, 0xa8),
    }
}

/// Behind things that belong together.
pub fn card(dark: bool) -> Color32 {
    match dark {
        true => Color32::from_rgb(0x26, 0x28, 0x2c),
        false => Color32::WHITE,
    }
}

/// The button that goes on.
pub fn primary(ui: &Ui, word: &str) -> Button<'static> {
    let word = RichText::new(word).color(Color32::WHITE).strong();
    Button::new(word).fill(accent(ui.visuals().dark_mode))
}

/// Takes one of the two themes, or the system's.
pub fn look(ctx: &Context, look: Look) {
    ctx.set_theme(match look {
        Look::System => egui::ThemePreference::System,
        Look::Light => egui::ThemePreference::Light,
        Look::Dark => egui::ThemePreference::Dark,
    });
}

/// Whether a text cursor is to blink, given when there was input last and what time it is.
pub fn blinks(last_input_s: f64, now_s: f64) -> bool {
    now_s - last_input_s < BLINK_S
}

/// Sets sizes and colours of both themes.
pub fn apply(ctx: &Context) {
    ctx.all_styles_mut(|style| {
        style.spacing.item_spacing = Vec2::new(GAP, 6.0);
        style.spacing.button_padding = Vec2::new(10.0, 4.0);
        style.spacing.interact_size.y = ROW;
        style.spacing.window_margin = Margin::same(16);
        style.visuals.window_corner_radius = CornerRadius::same(8);
        style.visuals.striped = true;
    });
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            let paper = Paper::of(theme == Theme::Dark);
            let visuals = &mut style.visuals;
            visuals.panel_fill = paper.panel;
            visuals.window_fill = paper.panel;
            visuals.widgets.noninteractive.bg_fill = paper.panel;
            visuals.widgets.noninteractive.weak_bg_fill = paper.panel;
            visuals.widgets.noninteractive.fg_stroke.color = paper.text;
            visuals.widgets.inactive.bg_stroke = Stroke::new(1.0, paper.edge);
            visuals.weak_text_color = Some(paper.weak);
            visuals.selection.bg_fill = paper.selection;
            visuals.selection.stroke = Stroke::new(1.5, paper.selected);
        });
    }
}

/// What is written on, and with.
struct Paper {
    panel: Color32,
    text: Color32,
    weak: Color32,
    /// Around what can be used.
    edge: Color32,
    selection: Color32,
    selected: Color32,
}

impl Paper {
    fn of(dark: bool) -> Self {
        match dark {
            true => Self {
                panel: Color32::from_rgb(0x1d, 0x1e, 0x21),
                text: Color32::from_gray(0xd2),
                weak: Color32::from_gray(0xa4),
                edge: Color32::from_gray(0x74),
                selection: Color32::from_rgb(0x24, 0x50, 0x82),
                selected: Color32::WHITE,
            },
            false => Self {
                panel: Color32::from_rgb(0xf5, 0xf6, 0xf8),
                text: Color32::from_gray(0x22),
                weak: Color32::from_gray(0x55),
                edge: Color32::from_gray(0x86),
                selection: Color32::from_rgb(0xbf, 0xd9, 0xf7),
                selected: Color32::from_rgb(0x10, 0x2e, 0x52),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, "relative luminance".
    fn luminance(colour: Color32) -> f64 {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            match value <= 0.04045 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        let [r, g, b, _] = colour.to_array();
        0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn everything_that_is_read_stands_out_from_what_it_is_written_on() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
        for dark in [true, false] {
            let paper = Paper::of(dark);
            let inks = [paper.text, paper.weak, good(dark), warning(dark), bad(dark)];
            for ink in inks {
                for under in [paper.panel, card(dark)] {
                    let contrast = contrast(ink, under);
                    assert!(contrast >= 4.5, "{ink:?} on {under:?}: {contrast}");
                }
            }
            // What is no text needs 3 (WCAG 2.2, 1.4.11).
            assert!(contrast(paper.edge, paper.panel) >= 3.0);
            for (ink, under) in [
                (Color32::WHITE, accent(dark)),
                (paper.selected, paper.selection),
            ] {
                assert!(contrast(ink, under) >= 4.5, "{ink:?} on {under:?}");
            }
        }
    }

    #[test]
    fn a_cursor_rests_when_nobody_types() {
        assert!(blinks(5.0, 6.0));
        assert!(!blinks(5.0, 15.0));
    }
}
