//! Where a server keeps its data and its audit trail, for the commands of its operator; what they change is in the
//! trail too.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::store::{AUDIT_NAME, Audit, Event};
use crate::text::escape;

/// Where the server keeps its data.
#[derive(Debug, Args)]
pub(super) struct DataOption {
    /// The server's data folder
    #[arg(long, global = true, value_name = "DIR", default_value = "data")]
    pub(super) data: PathBuf,
    /// The audit trail, which a change is noted in [default: audit.jsonl in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    audit_log: Option<PathBuf>,
}

impl DataOption {
    /// Where the audit trail is.
    pub(super) fn trail(&self) -> PathBuf {
        self.audit_log
            .clone()
            .unwrap_or_else(|| self.data.join(AUDIT_NAME))
    }

    /// Notes in the trail what was changed, and by which user of this machine. It is done by then: that it could not be
    /// noted is a warning.
    pub(super) fn note(&self, event: Event, output: Output) {
        let uid = rustix::process::getuid().as_raw();
        let event = Event {
            agent: Some(format!("command line, uid {uid}")),
            ..event
        };
        let path = self.trail();
        let noted = Audit::open(&path)
            .map_err(|error| error.to_string())
            .and_then(|audit| {
                audit
                    .try_record(event)
                    .map_err(|error| crate::error::plain(&error))
            });
        if let Err(error) = noted {
            let path = escape(&path.to_string_lossy());
            let error = escape(&error);
            output.warn(output.lang.pick(
                format!("done, but not noted in the audit trail {path}: {error}"),
                format!("已完成，但未能写入审计记录 {path}：{error}"),
            ));
        }
    }
}
