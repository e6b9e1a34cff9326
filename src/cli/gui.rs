//! `sealpost gui`.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::error::Result;

/// `sealpost gui`
#[derive(Debug, Args)]
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
