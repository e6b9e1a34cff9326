//! The program's window: eframe, the system's fonts and dialogs.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::Sender;
use std::thread;

use eframe::egui;

use super::engine::Wake;
use super::platform::{Pick, Picked, Platform};
use super::theme;
use super::window::{Start, Window};
use crate::error::{Error, Kind, Result};

/// Opens the window, and returns when it is closed.
pub fn run(start: Start) -> Result<()> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Sealpost")
        .with_app_id("sealpost")
        .with_inner_size([1000.0, 700.0])
        .with_min_inner_size([480.0, 360.0]);
    let mut options = eframe::NativeOptions {
        viewport,
        ..Default::default()
    };
    prefer_x11(&mut options);
    eframe::run_native(
        "Sealpost",
        options,
        Box::new(move |creation| {
            let ctx = creation.egui_ctx.clone();
            theme::apply(&ctx);
            #[cfg(feature = "gui-tests")]
            super::map::begin(&ctx);
            let wake = Wake::new(move |within| ctx.request_repaint_after(within));
            let window = Window::new(&start, Box::new(Desktop), wake)?;
            Ok(Box::new(App { window }))
        }),
    )
    .map_err(|error| {
        Error::new(Kind::Other, "the window cannot be opened")
            .hint("it needs a desktop (X11 or Wayland) with OpenGL 2; on Debian: apt-get install libgl1 libx11-6 libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0")
            .zh(
                "无法打开窗口",
                "需要带 OpenGL 2 的桌面（X11 或 Wayland）；Debian 上：apt-get install libgl1 libx11-6 libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0",
            )
            .source(error.to_string())
    })
}

struct App {
    window: Window,
}

impl eframe::App for App {
    fn logic(&mut self, _ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.window.pump();
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.window.show(ui);
    }
}

/// X11 where it is to be had, by `XWayland` too: winit brings no dropped files on Wayland (winit issue 1881).
/// `SEALPOST_WAYLAND=1` takes Wayland all the same.
#[cfg(target_os = "linux")]
fn prefer_x11(options: &mut eframe::NativeOptions) {
    use winit::platform::x11::EventLoopBuilderExtX11 as _;
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("DISPLAY") && !set("SEALPOST_WAYLAND") {
        options.event_loop_builder = Some(Box::new(|builder| {
            builder.with_x11();
        }));
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_x11(_options: &mut eframe::NativeOptions) {}

/// The desktop this program runs on.
#[derive(Debug)]
struct Desktop;

impl Platform for Desktop {
    fn pick(&mut self, pick: Pick, answer: Sender<Picked>) {
        let dialog = rfd::AsyncFileDialog::new();
        // Made here: some systems want dialogs made on the thread of the window.
        let chosen: std::pin::Pin<Box<dyn Future<Output = Vec<rfd::FileHandle>> + Send>> =
            match pick {
                Pick::UploadFiles(_) => {
                    let files = dialog.pick_files();
                    Box::pin(async { files.await.unwrap_or_default() })
                }
                Pick::UploadFolder(_) | Pick::DownloadTo(_) => {
                    let folder = dialog.pick_folder();
                    Box::pin(async { folder.await.into_iter().collect() })
                }
                Pick::Capture => {
                    let file = dialog.set_file_name("sealpost.pcapng").save_file();
                    Box::pin(async { file.await.into_iter().collect() })
                }
                Pick::CaFile | Pick::Certificate | Pick::Key => {
                    let file = dialog.pick_file();
                    Box::pin(async { file.await.into_iter().collect() })
                }
            };
        let wait = move || {
            let chosen = pollster::block_on(chosen);
            let paths = chosen.iter().map(|file| file.path().to_owned()).collect();
            let _window_closed = answer.send(Picked { pick, paths });
        };
        let _no_thread = thread::Builder::new().name("dialog".into()).spawn(wait);
    }

    fn open_folder(&mut self, folder: &Path) {
        let opener = if cfg!(target_os = "macos") {
            "open"
        } else {
            "xdg-open"
        };
        let _none_installed = Command::new(opener).arg(folder).spawn();
    }
}
