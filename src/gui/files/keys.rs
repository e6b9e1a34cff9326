//! What keys do in the list.

use egui::{Event, EventFilter, FocusDirection, Key, Modifiers, Popup, Ui};

use super::selection::{How, Step};
use super::{Files, last_part, table};
use crate::gui::action::{Action, Cx};
use crate::gui::engine::Order;
use crate::gui::natural::{begins_with, fold};

/// Within so many seconds letters typed add up to the beginning of a name.
const TYPING_S: f64 = 1.0;

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    Step(Step, How),
    Toggle,
    All,
    Open,
    Up,
    Delete,
    Rename,
    Details,
    Menu,
    Leave,
}

/// What the key asks of the list; `None` when it means nothing there.
fn wish(key: Key, modifiers: Modifiers) -> Option<Wish> {
    let how = match How::of(modifiers) {
        How::Toggle => How::Not,
        how => how,
    };
    let step = match key {
        Key::ArrowUp if modifiers.alt => return Some(Wish::Up),
        Key::Enter if modifiers.alt => return Some(Wish::Details),
        _ if modifiers.alt => return None,
        Key::ArrowUp => Step::Up,
        Key::ArrowDown => Step::Down,
        Key::PageUp => Step::PageUp,
        Key::PageDown => Step::PageDown,
        Key::Home => Step::Home,
        Key::End => Step::End,
        Key::A if modifiers.command => return Some(Wish::All),
        Key::Space if modifiers.command => return Some(Wish::Toggle),
        Key::F10 if modifiers.shift => return Some(Wish::Menu),
        _ if modifiers.any() => return None,
        Key::Enter => return Some(Wish::Open),
        Key::Backspace => return Some(Wish::Up),
        Key::Delete => return Some(Wish::Delete),
        Key::F2 => return Some(Wish::Rename),
        Key::Menu => return Some(Wish::Menu),
        Key::Escape => return Some(Wish::Leave),
        _ => return None,
    };
    Some(Wish::Step(step, how))
}

impl Files {
    /// Does what the keys ask for. Nothing while a dialog or a menu is open; and only F5 and ctrl-F while
    /// something else has the focus, a text field above all.
    pub(super) fn obey_keys(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.arrived) {
            // A field of the form keeps the focus for the frame in which it is missed: the first key is the list's.
            ui.memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id);
                }
            });
        }
        let free = ui.memory(|memory| memory.allows_interaction(ui.layer_id()));
        if !free || Popup::is_any_open(ui.ctx()) {
            return;
        }
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F5)) {
            cx.act(Action::Order(Order::Refresh));
        }
        if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::F)) {
            ui.memory_mut(|memory| memory.request_focus(table::filter_id()));
            return;
        }
        let focused = ui.memory(egui::Memory::focused);
        // What had the focus a frame ago counts too: Escape takes it away before anybody sees the key.
        let before = std::mem::replace(&mut self.focused, focused);
        let other = |id: egui::Id| id != table::list_id();
        if focused.is_some_and(other) || before.is_some_and(other) {
            return;
        }
        ui.memory_mut(|memory| {
            let filter = EventFilter {
                horizontal_arrows: true,
                vertical_arrows: true,
                escape: true,
                ..EventFilter::default()
            };
            memory.set_focus_lock_filter(table::list_id(), filter);
        });
        let now = ui.input(|input| input.time);
        for event in ui.input(|input| input.events.clone()) {
            match event {
                Event::Key {
                    key,
                    pressed: true,
                    repeat,
                    modifiers,
                    ..
                } => {
                    if let Some(wish) = wish(key, modifiers)
                        && (!repeat || matches!(wish, Wish::Step(..)))
                    {
                        self.grant(&wish, ui, cx);
                    }
                }
                Event::Text(text) => self.jump(&text, now),
                _ => {}
            }
        }
    }

    fn grant(&mut self, wish: &Wish, ui: &Ui, cx: &mut Cx<'_>) {
        // So that it is seen where the next key goes.
        table::take_focus(ui.ctx());
        // The arrow that moves the cursor shall not move the focus on as well.
        ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
        match wish {
            Wish::Step(step, how) => self.step(*step, self.layout.page, *how),
            Wish::Toggle => {
                if let Some(row) = self.cursor() {
                    self.select(row, How::Toggle);
                }
            }
            Wish::All => self.select_all(),
            Wish::Open => self.enter_selected(cx),
            Wish::Up => self.up(),
            Wish::Delete => self.ask_delete(),
            Wish::Rename => self.ask_rename(),
            Wish::Details => self.ask_details(),
            Wish::Menu => self.layout.open_menu = true,
            Wish::Leave if self.filter.is_empty() => self.select_none(),
            Wish::Leave => self.set_filter(""),
        }
        ui.ctx().request_repaint();
    }

    /// Jumps to the next name that begins with what is being typed.
    fn jump(&mut self, text: &str, now: f64) {
        if text.chars().any(char::is_whitespace) && self.typed.0.is_empty() {
            return;
        }
        let (typed, last) = &mut self.typed;
        if now - *last > TYPING_S {
            typed.clear();
        }
        *last = now;
        typed.push_str(&fold(text));
        let same = |c: char| typed.starts_with(c);
        // The same letter again and again goes from name to name.
        let first = typed.chars().next().map(String::from);
        let (wanted, from) = match first {
            Some(first) if typed.chars().all(same) => {
                (first, self.cursor().map_or(0, |row| row + 1))
            }
            _ => (typed.clone(), self.cursor().unwrap_or(0)),
        };
        let count = self.rows.len();
        let mut rows = (0..count).map(|row| (from + row) % count);
        let begins = |row: &usize| {
            self.path(*row)
                .is_some_and(|path| begins_with(last_part(path), &wanted))
        };
        if let Some(row) = rows.find(begins) {
            self.select(row, How::Only);
            self.reveal(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::listing;
    use super::*;
    use egui::Id;
    use std::sync::Arc;

    #[test]
    fn keys_mean_what_they_mean_elsewhere() {
        let (none, shift) = (Modifiers::NONE, Modifiers::SHIFT);
        let (command, alt) = (Modifiers::COMMAND, Modifiers::ALT);
        for (key, modifiers, meant) in [
            (
                Key::ArrowDown,
                none,
                Some(Wish::Step(Step::Down, How::Only)),
            ),
            (
                Key::ArrowDown,
                shift,
                Some(Wish::Step(Step::Down, How::Range)),
            ),
            (
                Key::ArrowDown,
                command,
                Some(Wish::Step(Step::Down, How::Not)),
            ),
            (Key::ArrowUp, alt, Some(Wish::Up)),
            (Key::Backspace, none, Some(Wish::Up)),
            (Key::A, command, Some(Wish::All)),
            (Key::A, none, None),
            (Key::Delete, none, Some(Wish::Delete)),
            (Key::Delete, shift, None),
            (Key::Enter, none, Some(Wish::Open)),
            (Key::Enter, alt, Some(Wish::Details)),
            (Key::F2, none, Some(Wish::Rename)),
            (Key::F2, alt, None),
        ] {
            assert_eq!(wish(key, modifiers), meant, "{key:?} {modifiers:?}");
        }
    }

    #[test]
    fn keys_after_logging_in_are_for_the_list_and_not_for_the_form_that_is_gone() {
        let mut list = Files::default();
        list.enter();
        list.update(Arc::new(listing(&[("a", "u", 1, 1), ("b", "u", 1, 1)])));
        let ctx = egui::Context::default();
        let frame = |list: &mut Files, form: bool, events: Vec<Event>| {
            let input = egui::RawInput {
                events,
                ..egui::RawInput::default()
            };
            let mut actions = Vec::new();
            let mut drawn = ctx.run_ui(input, |ui| {
                if form {
                    let field =
                        ui.interact(ui.max_rect(), Id::unique("form"), egui::Sense::click());
                    field.request_focus();
                } else {
                    let mut cx = Cx {
                        lang: crate::lang::Lang::English,
                        actions: &mut actions,
                    };
                    list.show(ui, &mut cx);
                }
            });
            drawn.textures_delta.clear();
            actions
        };
        let event = |key, pressed| {
            vec![Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: Modifiers::NONE,
            }]
        };
        let press = |key| event(key, true);
        frame(&mut list, true, Vec::new());
        frame(&mut list, false, Vec::new());
        frame(&mut list, false, press(Key::ArrowDown));
        let selected: Vec<_> = list.selection.paths().iter().collect();
        assert_eq!(selected, ["a"]);
        // What is held moves on, and does nothing else again and again.
        frame(&mut list, false, press(Key::ArrowDown));
        assert_eq!(list.cursor(), Some(1));
        for (pressed, asks) in [(true, true), (true, false), (false, false), (true, true)] {
            frame(&mut list, false, event(Key::Delete, pressed));
            assert_eq!(list.dialog.take().is_some(), asks);
            frame(&mut list, false, Vec::new());
        }
        let actions = frame(&mut list, false, press(Key::F5));
        assert!(matches!(actions[..], [Action::Order(Order::Refresh)]));
        // Escape takes back the filter first, then the selection.
        list.set_filter("b");
        frame(&mut list, false, press(Key::Escape));
        assert_eq!((list.filter.as_str(), list.rows().len()), ("", 2));
        assert_eq!(list.selection.paths().len(), 1);
        frame(&mut list, false, event(Key::Escape, false));
        frame(&mut list, false, press(Key::Escape));
        assert!(list.selection.paths().is_empty());
    }

    #[test]
    fn letters_jump_to_names_and_the_same_letter_goes_on() {
        let names = ["apple", "banana", "Blue", "box/x", "课程"];
        let files = names.map(|name| (name, "a", 1, 1));
        let mut list = Files::default();
        list.update(Arc::new(listing(&files)));
        let at = |list: &Files| list.selection.cursor.clone().map(|(_, path)| path);
        list.jump("b", 10.0);
        assert_eq!(at(&list).as_deref(), Some("box/"));
        list.jump("B", 10.5);
        assert_eq!(at(&list).as_deref(), Some("banana"));
        list.jump("l", 20.0);
        assert_eq!(at(&list).as_deref(), Some("banana"), "nothing begins so");
        list.jump("b", 30.0);
        list.jump("l", 30.1);
        assert_eq!(at(&list).as_deref(), Some("Blue"));
        list.jump("课", 40.0);
        assert_eq!(at(&list).as_deref(), Some("课程"));
    }
}
