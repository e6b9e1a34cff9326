//! `sealpost gui`.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::error::Result;

/// `sealpost gui`
#[derive(Debug, Args)]
#[command(
    long_about = "Open the desktop client: log in over plain TCP, TLS or mutual TLS, see the list, upload, download, \
        and watch what a stranger on the wire sees of it.\n\n\
        It needs a desktop (X11 or Wayland) with OpenGL 2. What it remembers (connections without their secrets, \
        language, colours, sizes) is in the file that --settings names. --lang is the language to begin with. \
        SEALPOST_WAYLAND=1 takes Wayland where there is X11 too, by which alone files can be dropped on the window.",
    after_help = "Keys: Return logs in, Escape cancels an attempt, Ctrl and +, - or 0 change the size of everything."
)]
pub(super) struct GuiCommand {
    /// The folder in which certificates are looked for
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// Keep what the window remembers in this file, which never holds a secret [default: the user's settings]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// Runs `sealpost gui`.
#[cfg(feature = "gui")]
pub(super) fn run(command: GuiCommand, output: Output) -> Result<()> {
    use crate::gui::{settings::Settings, shell, window::Start};
    shell::run(Start {
        lang: output.lang_named,
        certs: command.certs,
        settings: command.settings.or_else(Settings::path),
    })
}

/// Says that there is no window in this build.
#[cfg(not(feature = "gui"))]
pub(super) fn run(_command: GuiCommand, _output: Output) -> Result<()> {
    use crate::error::{Error, Kind};
    Err(
        Error::new(Kind::Other, "this sealpost was built without the window")
            .hint("build it with `cargo build --release`, or say ./run.sh gui")
            .zh(
                "此 sealpost 未包含窗口界面",
                "请用 `cargo build --release` 构建，或执行 ./run.sh gui",
            ),
    )
}
