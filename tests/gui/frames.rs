//! What one drawn frame costs, with many rows beside the same with none: `cargo test --release --features gui-tests
//! --test gui frames -- --ignored --nocapture`. Drawn without a display, tessellated as for one.

#![expect(clippy::print_stderr, reason = "the figures are for whoever runs it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{
    Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase,
    Vec2, pos2,
};
use sealpost::client::{Job, Login, Target};
use sealpost::gui::action::Cx;
use sealpost::gui::engine::SharedTarget;
use sealpost::gui::engine::transfers::{Finished, State, Transfer};
use sealpost::gui::files::{Column, Files};
use sealpost::gui::listing::Listing;
use sealpost::gui::queue::Transfers;
use sealpost::gui::settings::Settings;
use sealpost::gui::theme;
use sealpost::lang::Lang;
use sealpost::protocol::{FileInfo, Sha256};
use time::OffsetDateTime;

/// The size of the window, in points.
const SIZE: Vec2 = Vec2::new(1_000.0, 700.0);

/// Frames of each kind.
const FRAMES: usize = 60;

/// Where the pointer rests: over the rows of the list.
const OVER: Pos2 = pos2(400.0, 300.0);

/// A window's list above its transfers.
struct Scene {
    ctx: Context,
    files: Files,
    transfers: Transfers,
    time_s: f64,
}

/// So many files as a server lists them, `changed` of them with another size.
fn listing(count: u32, changed: u32) -> Arc<Listing> {
    let mut files: Vec<FileInfo> = (0..count)
        .map(|at| {
            // Spread, so that no order but that of the names is there already.
            let mixed = u64::from(at).wrapping_mul(2_654_435_761) % 1_000_003;
            FileInfo {
                name: format!("measurement {at} of run {mixed}.csv")
                    .parse()
                    .unwrap(),
                size: mixed * 13 + u64::from(at < changed),
                sha256: Sha256::of(b""),
                owner: ["alice", "bob", "carol"][usize::try_from(mixed % 3).unwrap()]
                    .parse()
                    .unwrap(),
                modified: OffsetDateTime::from_unix_timestamp(
                    1_790_000_000 + i64::try_from(mixed).unwrap(),
                )
                .unwrap(),
            }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Arc::new(Listing::of(files))
}

fn target() -> SharedTarget {
    Arc::new(Target {
        host: "localhost".into(),
        port: 1,
        tls: None,
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        rate: None,
        login: Login::Certificate,
        narrator: None,
        onlooker: None,
    })
}

/// The transfer of this number, in this state.
fn transfer(number: u32, state: State, target: &SharedTarget) -> Transfer {
    let name = format!("upload {number}.bin");
    Transfer {
        id: u64::from(number) + 1,
        job: Job::Upload {
            path: name.clone().into(),
            name: name.parse().unwrap(),
        },
        state,
        gauge: Arc::default(),
        target: Arc::clone(target),
    }
}

fn done() -> State {
    State::Done(Finished {
        sha256: Sha256::of(b""),
        size: 1_000,
        resumed: 0,
        name: "a".into(),
        path: "a".into(),
    })
}

impl Scene {
    fn new(rows: u32) -> Self {
        let ctx = Context::default();
        theme::apply(&ctx);
        let mut files = Files::new(&Settings::default());
        files.enter();
        files.update(listing(rows, 0));
        let mut scene = Self {
            ctx,
            files,
            transfers: Transfers::default(),
            time_s: 0.0,
        };
        for _ in 0..3 {
            scene.frame(vec![Event::PointerMoved(OVER)]);
        }
        scene
    }

    /// Draws a frame, as far as the triangles that a graphics card would get.
    fn frame(&mut self, events: Vec<Event>) {
        self.time_s += 0.016;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.time_s),
            events,
            ..RawInput::default()
        };
        let (files, transfers) = (&mut self.files, &mut self.transfers);
        let mut drawn = self.ctx.run_ui(input, |ui| {
            let mut actions = Vec::new();
            let mut cx = Cx {
                lang: Lang::English,
                actions: &mut actions,
            };
            egui::Panel::bottom("transfers")
                .default_size(220.0)
                .show(ui, |ui| transfers.show(ui, &mut cx));
            egui::CentralPanel::default().show(ui, |ui| files.show(ui, &mut cx));
        });
        drawn.textures_delta.clear();
        let triangles = self.ctx.tessellate(drawn.shapes, drawn.pixels_per_point);
        assert!(!triangles.is_empty());
    }

    /// The least, the middle and the most that frames cost before each of which `change` happens, in milliseconds.
    fn measure(&mut self, mut change: impl FnMut(&mut Self, usize) -> Vec<Event>) -> [f64; 3] {
        let mut took: Vec<Duration> = (0..FRAMES)
            .map(|at| {
                let began = Instant::now();
                let events = change(self, at);
                self.frame(events);
                began.elapsed()
            })
            .collect();
        took.sort();
        [took[0], took[FRAMES / 2], took[FRAMES - 1]].map(|took| took.as_secs_f64() * 1_000.0)
    }
}

/// The number of the transfer that ends before this frame.
fn ended(frame: usize) -> u32 {
    u32::try_from(frame).unwrap()
}

fn wheel(at: usize) -> Vec<Event> {
    let down = (at / 15).is_multiple_of(2);
    let y = if down { -400.0 } else { 300.0 };
    vec![Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: Vec2::new(0.0, y),
        source: MouseWheelSource::Wheel,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    }]
}

fn say(what: &str, rows: u32, [least, middle, most]: [f64; 3]) {
    eprintln!("{what:<34} {rows:>7} rows: {least:>8.2} {middle:>8.2} {most:>8.2} ms");
}

#[test]
#[ignore = "measures, and asserts nothing: see the top of the file"]
fn frames_of_long_lists() {
    eprintln!(
        "{:<34} {:>12}  {:>8} {:>8} {:>8}",
        "", "", "least", "middle", "most"
    );
    let target = target();
    for rows in [0, 10_000, 100_000] {
        let listings = [listing(rows, 0), listing(rows, 1)];
        let scene = &mut Scene::new(rows);
        say("at rest", rows, scene.measure(|_, _| Vec::new()));
        say("scrolling", rows, scene.measure(|_, at| wheel(at)));
        let filters = ["m", "me", "run 12", "run 123", "run 12", ""];
        let filter = scene.measure(|scene, at| {
            scene.files.set_filter(filters[at % filters.len()]);
            Vec::new()
        });
        say("a letter in the filter each", rows, filter);
        scene.files.set_filter("");
        let columns = [Column::Size, Column::Time, Column::Owner, Column::Name];
        let sort = scene.measure(|scene, at| {
            scene.files.sort_by(columns[at % 4]);
            Vec::new()
        });
        say("another order each", rows, sort);
        scene.files.sort_by(Column::Name);
        let update = scene.measure(|scene, at| {
            scene.files.update(Arc::clone(&listings[at % 2]));
            Vec::new()
        });
        say("a new listing each", rows, update);
        scene.files.select_all();
        say("all selected", rows, scene.measure(|_, _| Vec::new()));
        let update = scene.measure(|scene, at| {
            scene.files.update(Arc::clone(&listings[at % 2]));
            Vec::new()
        });
        say("all selected, a new listing each", rows, update);
        scene.files.select_none();
        for number in 0..rows {
            let transfer = transfer(number, State::Waiting, &target);
            scene.transfers.update(transfer);
        }
        say(
            "as many transfers wait",
            rows,
            scene.measure(|_, _| Vec::new()),
        );
        let running = scene.measure(|scene, at| {
            scene.transfers.update(transfer(ended(at), done(), &target));
            scene
                .transfers
                .update(transfer(ended(at) + 1, State::Running, &target));
            Vec::new()
        });
        say("one of them ends, one begins each", rows, running);
    }
}
