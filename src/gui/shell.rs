//! The program's window: eframe, the system's fonts and dialogs.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Instant;

use eframe::egui;
use eframe::egui::FontDefinitions;
use eframe::egui::epaint::text::{FallbackRequest, FontProvider as _};
use egui_system_font_provider::SystemFontProvider;

use super::engine::Wake;
use super::platform::{Pick, Picked, Platform};
use super::preferences;
use super::settings::Settings;
use super::window::{Start, Window};
use crate::error::{Error, Kind, Result};

/// Width and height when none are remembered, in points.
const SIZE: [f32; 2] = [1000.0, 720.0];

/// The least a window may measure; what does not fit can be scrolled to.
const SIZE_MIN: [f32; 2] = [480.0, 360.0];

/// Opens the window, and returns when it is closed.
pub fn run(start: Start) -> Result<()> {
    if !has_display(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return Err(Error::new(Kind::Other, "the window cannot be opened: there is no display")
            .hint("say it in a terminal of your desktop; over ssh take `ssh -X`; without a desktop the other commands do all of it, see `sealpost --help`")
            .zh(
                "无法打开窗口：没有显示器",
                "请在桌面的终端中执行；通过 ssh 时请用 `ssh -X`；没有桌面时，其他命令同样能完成一切，见 `sealpost --help`",
            ));
    }
    let settings = start.settings.as_deref().map(Settings::load);
    let size = settings.and_then(|settings| settings.window());
    let viewport = egui::ViewportBuilder::default()
        .with_title("Sealpost")
        .with_app_id("sealpost")
        .with_inner_size(size.unwrap_or(SIZE))
        .with_min_inner_size(SIZE_MIN);
    let mut options = eframe::NativeOptions {
        viewport,
        // Taken below, with Simplified Chinese preferred.
        system_font_fallback: false,
        ..Default::default()
    };
    prefer_x11(&mut options);
    eframe::run_native(
        "Sealpost",
        options,
        Box::new(move |creation| {
            let ctx = creation.egui_ctx.clone();
            // Without any installed font the built-in ones have to do.
            if let Some((system, fonts)) = quietly(installed_fonts) {
                ctx.set_fonts(fonts);
                ctx.set_font_providers(vec![Arc::new(system)]);
            }
            #[cfg(feature = "gui-tests")]
            super::map::begin(&ctx);
            let desktop = Desktop { ctx: ctx.clone() };
            let wake = Wake::new(move |within| ctx.request_repaint_after(within));
            let mut window = Window::new(&start, Box::new(desktop), wake)?;
            window.dress(&creation.egui_ctx);
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

/// The built-in fonts, and right behind the letters an installed one with Simplified Chinese: the built-in symbols
/// have full-width punctuation of their own, which does not go with Chinese text.
fn installed_fonts() -> (SystemFontProvider, FontDefinitions) {
    let system = SystemFontProvider::new().with_locale(Some("zh-CN"));
    let mut fonts = FontDefinitions::default();
    for (family, all) in &mut fonts.families {
        let request = FallbackRequest {
            cluster: preferences::CHINESE,
            family,
        };
        if let Some(found) = system.font_for(&request) {
            all.insert(all.len().min(1), found.name.clone());
            fonts.font_data.insert(found.name, Arc::new(found.data));
        }
    }
    (system, fonts)
}

/// What `work` comes to; nothing, and not a word of it, when it panics. On a machine without a single font the
/// search for one does, in a thread of its own (fontique 0.11, `backend/fontconfig.rs`).
fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    done.ok()
}

struct App {
    window: Window,
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.window.pump(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.window.show(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.window.close();
    }
}

/// Whether there is something to draw on, by the variables that are set.
fn has_display(set: impl Fn(&str) -> bool) -> bool {
    let named = ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"];
    !cfg!(target_os = "linux") || named.into_iter().any(set)
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
struct Desktop {
    ctx: egui::Context,
}

impl std::fmt::Debug for Desktop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desktop")
    }
}

impl Platform for Desktop {
    fn pick(&mut self, pick: Pick, begins: Option<&Path>, answer: Sender<Picked>) {
        let dialog = rfd::AsyncFileDialog::new();
        let dialog = match begins {
            Some(folder) => dialog.set_directory(folder),
            None => dialog,
        };
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
                Pick::Capture(keys) => {
                    let file = dialog.set_file_name(keys.file_name()).save_file();
                    Box::pin(async { file.await.into_iter().collect() })
                }
                Pick::CaFile | Pick::Certificate | Pick::Key | Pick::RevocationList => {
                    let file = dialog.pick_file();
                    Box::pin(async { file.await.into_iter().collect() })
                }
            };
        let ctx = self.ctx.clone();
        let wait = move || {
            let chosen = pollster::block_on(chosen);
            let paths = chosen.iter().map(|file| file.path().to_owned()).collect();
            let picked = Picked {
                pick,
                paths,
                answered: Instant::now(),
            };
            let _window_closed = answer.send(picked);
            // The answer is looked at while drawing.
            ctx.request_repaint();
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
