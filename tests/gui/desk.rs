//! A desk of its own: a display without a screen (Xvfb), and the real program's window on it, used by pointer and keys
//! (xdotool). The window itself tells where its controls are.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{House, PATIENCE, set_mode, skipped, until, wait};

/// One window at a time: drawing without a graphics card is work for all cores.
static ONE: Mutex<()> = Mutex::new(());

/// How often the window is looked at while something is waited for.
const POLL: Duration = Duration::from_millis(50);

/// A display.
pub(crate) struct Desk {
    xvfb: Child,
    name: String,
    _one: MutexGuard<'static, ()>,
}

/// The program's window on a desk.
pub(crate) struct Shown<'a> {
    desk: &'a Desk,
    program: Child,
    window: String,
    map: PathBuf,
    /// What the next file dialog answers, a path a line.
    answer: PathBuf,
}

/// How a window is to look.
#[derive(Clone, Copy)]
pub(crate) struct Looks {
    pub(crate) language: &'static str,
    pub(crate) theme: &'static str,
    pub(crate) size: [u32; 2],
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            language: "en",
            theme: "light",
            size: [1_000, 700],
        }
    }
}

/// A control as the window tells it.
#[derive(Debug)]
struct Control {
    name: String,
    role: String,
    /// What was typed into it; signs in place of a password.
    value: String,
    enabled: bool,
    focused: bool,
    at: [f64; 4],
}

impl Desk {
    /// One of these measures; `None`, and said so, where there are no programs for it.
    pub(crate) fn new() -> Option<Self> {
        for (program, argument) in [
            ("Xvfb", "-help"),
            ("xdotool", "version"),
            ("import", "-version"),
        ] {
            let mut ask = Command::new(program);
            ask.arg(argument)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            if ask.status().is_err() {
                skipped(&format!(
                    "{program} is not installed; the real window is not tried"
                ));
                return None;
            }
        }
        let mut python = python();
        let python = python.args(["-c", "import Xlib"]).stderr(Stdio::null());
        if !python.status().is_ok_and(|status| status.success()) {
            skipped("python3-xlib is not installed; the real window is not tried");
            return None;
        }
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut xvfb = Command::new("Xvfb");
        // Without -r a key that is released late, on a busy machine, is typed again and again. Without -noreset the
        // display begins anew when its last user leaves, as xdotool does, and turns away the window that just comes.
        xvfb.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-r"])
            .arg("-noreset")
            .args(["-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut xvfb = xvfb.spawn().unwrap();
        let mut number = String::new();
        let mut out = BufReader::new(xvfb.stdout.take().unwrap());
        out.read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        Some(Self {
            xvfb,
            name,
            _one: one,
        })
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        let output = command.env("DISPLAY", &self.name).args(args).output();
        let output = output.unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Opens the window in `work/` of a house, with the form filled as for an earlier connection.
    pub(crate) fn open(&self, house: &House, port: u16, security: &str, looks: Looks) -> Shown<'_> {
        let map = house.path("work/map.json");
        let answer = house.path("work/answer.txt");
        let _none = fs::remove_file(&map);
        house.write(
            "window.json",
            settings(house, port, security, looks).as_bytes(),
        );
        dialog(house, &answer);
        let mut command = house.sealpost(&["gui", "--certs", "../certs"]);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .args(["--settings", "window.json"])
            .env("PATH", format!("{}:{path}", house.arg("bin")))
            .env("HOME", house.path("work"))
            .env("DISPLAY", &self.name)
            .env("LANG", "C.UTF-8")
            .env("SEALPOST_GUI_MAP", &map)
            .stderr(fs::File::create(house.path("work/window.err")).unwrap());
        let mut program = command.spawn().unwrap();
        let pid = program.id().to_string();
        let mut window = String::new();
        until("window", || {
            let ended = program.try_wait().unwrap();
            assert_eq!(
                ended,
                None,
                "{}",
                String::from_utf8_lossy(&house.read("window.err"))
            );
            let found = self.run("xdotool", &["search", "--onlyvisible", "--pid", &pid]);
            window.clear();
            window.push_str(found.lines().next().unwrap_or_default());
            !window.is_empty()
        });
        // Without a window manager nobody else gives it the keys.
        self.run("xdotool", &["windowmove", &window, "0", "0"]);
        self.run("xdotool", &["windowfocus", "--sync", &window]);
        Shown {
            desk: self,
            program,
            window,
            map,
            answer,
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ended = self.xvfb.kill();
        let _ended = self.xvfb.wait();
    }
}

/// What an earlier window would have remembered.
fn settings(house: &House, port: u16, security: &str, looks: Looks) -> String {
    let recent = json!({
        "host": "127.0.0.1", "port": port, "user": "alice", "security": security,
        "ca": house.path("certs/ca.crt"), "certificate": house.path("certs/alice.crt"),
        "key": house.path("certs/alice.key"),
    });
    json!({
        "language": looks.language, "look": looks.theme, "window": looks.size,
        "recent": [recent], "download_folder": house.path("work/down"),
    })
    .to_string()
}

/// The program that asks for files where there is no desktop, answering by itself.
fn dialog(house: &House, answer: &Path) {
    let path = house.path("bin/zenity");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let script = format!("#!/bin/sh\ncat '{}'\n", answer.display());
    fs::write(&path, script).unwrap();
    set_mode(&path, 0o755);
}

impl Shown<'_> {
    fn controls(&self) -> Vec<Control> {
        let text = fs::read_to_string(&self.map).unwrap_or_default();
        let all: Value = serde_json::from_str(&text).unwrap_or_default();
        let all = all.as_array().cloned().unwrap_or_default();
        let control = |value: Value| {
            let at = value["at"].as_array()?;
            let at: Vec<f64> = at.iter().filter_map(Value::as_f64).collect();
            Some(Control {
                name: value["name"].as_str()?.to_owned(),
                role: value["role"].as_str()?.to_owned(),
                value: value["value"].as_str().unwrap_or_default().to_owned(),
                enabled: value["enabled"].as_bool()?,
                focused: value["focused"].as_bool()?,
                at: at.try_into().ok()?,
            })
        };
        all.into_iter().filter_map(control).collect()
    }

    /// Waits until something says this.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        self.until(text, |control| control.name.contains(text));
    }

    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&Control) -> bool) -> Control {
        let mut found = None;
        let end = Instant::now() + PATIENCE;
        while found.is_none() {
            let controls = self.controls();
            assert!(
                Instant::now() < end,
                "there is no {what}: {:?}",
                controls
                    .iter()
                    .map(|control| &control.name)
                    .collect::<Vec<_>>()
            );
            found = controls.into_iter().find(&is);
            if found.is_none() {
                thread::sleep(POLL);
            }
        }
        found.unwrap()
    }

    /// Clicks on what has this name, as soon as it is there.
    #[track_caller]
    pub(crate) fn click(&self, name: &str) {
        let control = self.until(name, |control| {
            control.name == name && control.enabled && control.role != "Label"
        });
        self.click_at(&control);
    }

    /// Clicks on the text.
    #[track_caller]
    pub(crate) fn click_text(&self, text: &str) {
        let control = self.until(text, |control| control.name == text);
        self.click_at(&control);
    }

    fn click_at(&self, control: &Control) {
        let [x0, y0, x1, y1] = control.at;
        let middle = |from: f64, to: f64| format!("{:.0}", f64::midpoint(from, to));
        let (x, y) = (middle(x0, x1), middle(y0, y1));
        let to = ["mousemove", "--window", &self.window, &x, &y, "click", "1"];
        self.desk.run("xdotool", &to);
    }

    /// Clicks into the field of this name and types over what is there.
    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: &str) {
        let is_field = |control: &Control| control.name == name && control.role.ends_with("Input");
        let focused = |control: &Control| is_field(control) && control.focused;
        let end = Instant::now() + PATIENCE;
        // The form may move under the pointer: what was typed before can have changed it.
        loop {
            let field = self.until(name, is_field);
            self.click_at(&field);
            if soon(|| self.controls().iter().any(focused)) {
                break;
            }
            assert!(Instant::now() < end, "{name} does not take the keys");
        }
        self.key("ctrl+a");
        self.desk.run("xdotool", &["type", "--delay", "15", text]);
        let secret = |text: &str| "•".repeat(text.chars().count());
        self.until(&format!("field {name} with what was typed"), |control| {
            is_field(control) && [text, &secret(text)].contains(&control.value.as_str())
        });
    }

    /// Presses a key.
    pub(crate) fn key(&self, key: &str) {
        self.desk.run("xdotool", &["key", key]);
    }

    /// What the next file dialogs answer.
    pub(crate) fn answer(&self, paths: &[PathBuf]) {
        let mut lines = String::new();
        for path in paths {
            lines.push_str(path.to_str().unwrap());
            lines.push('\n');
        }
        fs::write(&self.answer, lines).unwrap();
    }

    /// Drops a file on the window.
    #[track_caller]
    pub(crate) fn drop_file(&self, path: &Path) {
        let dropped = self.python("drop").arg(path).status();
        assert!(dropped.unwrap().success());
    }

    /// Asks the window to close, as its frame would.
    #[track_caller]
    pub(crate) fn ask_to_close(&self) {
        assert!(self.python("close").status().unwrap().success());
    }

    /// The same while another window covers it, which goes when this one wants to be seen.
    #[track_caller]
    pub(crate) fn ask_to_close_covered(&self) {
        let wants_to_be_seen = self.python("close-covered").status();
        assert!(wants_to_be_seen.unwrap().success());
    }

    fn python(&self, what: &str) -> Command {
        let mut python = python();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gui/desk.py");
        python
            .args([script, what, &self.window])
            .env("DISPLAY", &self.desk.name);
        python
    }

    /// Whether the program ends by itself, and how.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        wait(&mut self.program, PATIENCE)
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.program.try_wait().unwrap().is_none()
    }

    /// Writes a picture of the window, in at most so many colours.
    pub(crate) fn picture(&self, path: &Path, colours: u32) {
        let colours = colours.to_string();
        let path = format!("PNG8:{}", path.display());
        // A palette without filters compresses best.
        let args = [
            "-window",
            &self.window,
            "+dither",
            "-colors",
            &colours,
            "-strip",
            "-define",
            "png:exclude-chunks=date,time",
            "-define",
            "png:compression-level=9",
            "-define",
            "png:compression-filter=0",
            &path,
        ];
        self.desk.run("import", &args);
    }

    /// Moves the pointer where it hovers over nothing.
    pub(crate) fn away(&self) {
        let to = ["mousemove", "1279", "799"];
        self.desk.run("xdotool", &to);
    }

    /// Logs in as alice with the password.
    #[track_caller]
    pub(crate) fn log_in(&self, log_in: &str, user: &str, password: &str) {
        self.write(user, "alice");
        self.write(password, crate::support::PASSWORD);
        self.click(log_in);
        self.wait_for("alice");
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let _ended = self.program.kill();
        let _ended = self.program.wait();
    }
}

/// Whether it is so within two seconds.
fn soon(check: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        if check() {
            return true;
        }
        thread::sleep(POLL);
    }
    false
}

fn python() -> Command {
    // The distribution's own, which has the distribution's modules.
    let own = Path::new("/usr/bin/python3");
    Command::new(if own.exists() {
        own
    } else {
        Path::new("python3")
    })
}
