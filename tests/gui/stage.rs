//! A window without a display, and hands that use it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use egui::{Event, Modifiers, PointerButton, Pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use sealpost::gui::engine::Wake;
use sealpost::gui::platform::{Pick, Picked, Platform};
use sealpost::gui::theme;
use sealpost::gui::window::{Start, Window};
use sealpost::lang::Lang;

use crate::support::{House, PASSWORD, PATIENCE, TestServer};

/// How the window looks to a test: big enough that nothing has to be scrolled to.
const SIZE: [f32; 2] = [1200.0, 900.0];

/// A window on a stage.
pub(crate) struct Stage {
    /// Its controls.
    pub(crate) harness: Harness<'static, Window>,
    /// What its dialogs were asked and will answer.
    pub(crate) desktop: Desktop,
    bell: Arc<Bell>,
}

/// Rings when the window wants to be drawn.
#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Stage {
    /// A window in English whose certificates are those of `house`.
    pub(crate) fn new(house: &House) -> Self {
        Self::of(&Start {
            lang: Some(Lang::English),
            certs: house.path("certs"),
            settings: Some(house.path("work/window.json")),
        })
    }

    /// A window that starts so.
    pub(crate) fn of(start: &Start) -> Self {
        let (bell, desktop) = (Arc::new(Bell::default()), Desktop::default());
        let ring = Arc::clone(&bell);
        let wake = Wake::new(move |_within: Duration| {
            *ring.rung.lock().unwrap() = true;
            ring.changed.notify_all();
        });
        let window = Window::new(start, Box::new(desktop.clone()), wake).unwrap();
        let mut harness = Harness::builder()
            .with_size(SIZE)
            .allow_missing_glyphs()
            .with_context_setup(theme::apply)
            .build_ui_state(|ui, window: &mut Window| window.show(ui), window);
        let ctx = harness.ctx.clone();
        harness.state_mut().dress(&ctx);
        harness.run_steps(2);
        Self {
            harness,
            desktop,
            bell,
        }
    }

    /// Draws until `there` is.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, there: impl Fn(&Harness<'static, Window>) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.harness.run_steps(2);
            if there(&self.harness) {
                return;
            }
            assert!(
                Instant::now() < end,
                "there is no {what}: {:?}",
                self.harness.root()
            );
            let rung = self.bell.rung.lock().unwrap();
            let wait = Duration::from_millis(100);
            let (mut rung, _) = self
                .bell
                .changed
                .wait_timeout_while(rung, wait, |rung| !*rung)
                .unwrap();
            *rung = false;
        }
    }

    /// Draws until something with this label is there.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, label: &str) {
        self.until(label, |harness| {
            harness.query_all_by_label_contains(label).next().is_some()
        });
    }

    /// Draws until nothing with this label is there.
    #[track_caller]
    pub(crate) fn wait_gone(&mut self, label: &str) {
        self.until(&format!("end of {label}"), |harness| {
            harness.query_all_by_label_contains(label).next().is_none()
        });
    }

    /// Whether something with this label is there now.
    pub(crate) fn sees(&self, label: &str) -> bool {
        self.harness
            .query_all_by_label_contains(label)
            .next()
            .is_some()
    }

    /// Whether what has this very label cannot be clicked now.
    pub(crate) fn is_disabled(&self, label: &str) -> bool {
        let node = self.harness.get_by_label(label);
        node.accesskit_node().is_disabled()
    }

    /// The labels there are now.
    pub(crate) fn labels(&self) -> Vec<String> {
        let all = self.harness.query_all_by(|node| node.label().is_some());
        let named = all.filter_map(|node| node.accesskit_node().label());
        // What a label says is its value.
        let role = egui::accesskit::Role::Label;
        let labels = self.harness.query_all_by_role(role);
        let labels = labels.filter_map(|node| node.accesskit_node().value());
        named.chain(labels).collect()
    }

    /// The whole of the label that contains this.
    #[track_caller]
    pub(crate) fn label_with(&self, text: &str) -> String {
        let labels = self.labels();
        let found = labels.iter().find(|label| label.contains(text));
        found
            .unwrap_or_else(|| panic!("no {text} in {labels:?}"))
            .clone()
    }

    /// What a click on this puts on the clipboard.
    #[track_caller]
    pub(crate) fn copied_by(&mut self, label: &str) -> String {
        self.harness.get_by_label(label).click();
        for _ in 0..4 {
            self.harness.step();
            for command in &self.harness.output().platform_output.commands {
                if let egui::OutputCommand::CopyText(text) = command {
                    return text.clone();
                }
            }
        }
        panic!("{label} copied nothing");
    }

    /// Clicks on what has this very label, as soon as it is there.
    #[track_caller]
    pub(crate) fn click(&mut self, label: &str) {
        self.until(label, |harness| {
            harness.query_all_by_label(label).count() == 1
        });
        let pos = self.harness.get_by_label(label).rect().center();
        self.click_at(pos, PointerButton::Primary, 1);
    }

    /// Clicks there, `times` in a row. In one picture: between two of them what is meant could move away, and more
    /// time passes than between the clicks of a double click.
    pub(crate) fn click_at(&mut self, pos: Pos2, button: PointerButton, times: usize) {
        let button = |pressed| Event::PointerButton {
            pos,
            button,
            pressed,
            modifiers: Modifiers::NONE,
        };
        let events = &mut self.harness.input_mut().events;
        events.push(Event::PointerMoved(pos));
        for _ in 0..times {
            events.extend([true, false].map(button));
        }
        self.harness.run_steps(3);
    }

    /// Writes into the field of this label, in place of what is there.
    #[track_caller]
    pub(crate) fn write(&mut self, label: &str, text: &str) {
        self.harness.run_steps(2);
        let role = |role| {
            matches!(
                role,
                egui::accesskit::Role::TextInput
                    | egui::accesskit::Role::MultilineTextInput
                    | egui::accesskit::Role::PasswordInput
            )
        };
        let field = self
            .harness
            .query_all_by_label(label)
            .find(|node| role(node.accesskit_node().role()))
            .unwrap_or_else(|| panic!("no field {label}"));
        field.focus();
        self.harness.run_steps(2);
        self.harness
            .key_press_modifiers(Modifiers::COMMAND, egui::Key::A);
        self.harness.run_steps(2);
        match text {
            // Typing nothing would replace nothing.
            "" => self.harness.key_press(egui::Key::Delete),
            text => self.harness.event(Event::Text(text.to_owned())),
        }
        self.harness.run_steps(2);
    }

    /// Types the server's address into the form.
    pub(crate) fn aim(&mut self, server: &TestServer) {
        self.aim_at(server.address);
    }

    fn aim_at(&mut self, address: SocketAddr) {
        self.write("Server", "127.0.0.1");
        self.write("Port", &address.port().to_string());
    }

    /// Logs in as alice with her password, protected so, and waits for the list.
    #[track_caller]
    pub(crate) fn log_in(&mut self, server: &TestServer, security: &str) {
        self.log_in_at(server.address, security);
    }

    /// The same elsewhere: at a relay.
    #[track_caller]
    pub(crate) fn log_in_at(&mut self, address: SocketAddr, security: &str) {
        self.try_at(address, security);
        self.wait_for("alice @ ");
    }

    /// Presses "Log in" with all filled in.
    #[track_caller]
    pub(crate) fn try_at(&mut self, address: SocketAddr, security: &str) {
        self.aim_at(address);
        self.click(security);
        self.write("User", "alice");
        self.write("Password", PASSWORD);
        self.click("Log in");
    }
}

/// Dialogs that answer by themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desktop {
    /// What the next dialog answers.
    pub(crate) answer: Arc<Mutex<Vec<PathBuf>>>,
    /// In which folder the last dialog began.
    pub(crate) begun: Arc<Mutex<Option<PathBuf>>>,
    /// The folders that were opened.
    pub(crate) opened: Arc<Mutex<Vec<PathBuf>>>,
}

impl Platform for Desktop {
    fn pick(&mut self, pick: Pick, begins: Option<&Path>, answer: Sender<Picked>) {
        *self.begun.lock().unwrap() = begins.map(Path::to_owned);
        let paths = self.answer.lock().unwrap().clone();
        let answered = Instant::now();
        let picked = Picked {
            pick,
            paths,
            answered,
        };
        answer.send(picked).unwrap();
    }

    fn open_folder(&mut self, folder: &Path) {
        self.opened.lock().unwrap().push(folder.to_owned());
    }
}
