//! The man in the middle, done: an attacker between the real client and the real server, step by step.
//!
//! The attacker is a program on the way: it takes the client's connection, makes its own to the server, and
//! does with the bytes what it likes. Plain TCP gives it everything. TLS gives it nothing, as long as the
//! client verifies the server; that is what the steps show, each on a run of its own.

mod flip;
mod forge;
mod plain;
mod sealed;
mod strip;
mod tell;
mod victim;

use serde::Serialize;

use super::house::House;
use super::overhear;
use crate::error::Result;

pub use tell::tell;

/// How the experiment is run; by default as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setup {
    /// As it should be.
    #[default]
    Real,
    /// Every client accepts any certificate; then what verification prevents happens.
    Careless,
    /// The attacker only relays; then no step can show what it claims.
    Idle,
}

/// One thing the attacker tried.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its number, such as `e3`.
    pub id: String,
    /// What was tried.
    pub name: String,
    /// What should come of it.
    pub expected: String,
    /// What came of it, as measured.
    pub observed: String,
    /// The client's own words.
    pub client_said: String,
    /// The exit code the client's words have on the command line; 0 when it was content.
    pub client_exit: u8,
    /// The server's own words: its log, or its audit trail where the log is silent.
    pub server_said: String,
    /// What the attacker had before its eyes, or changed.
    pub bytes_excerpt: Vec<Excerpt>,
    /// Whether it came out as expected.
    pub proved: bool,
}

/// Some bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// What they are.
    pub what: String,
    /// The bytes as text, or in hex.
    pub bytes: String,
}

/// What all steps showed.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How it was run.
    pub setup: &'static str,
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// Whether all came out as expected.
    pub proved: bool,
}

/// What every step needs.
struct Scene {
    house: House,
    setup: Setup,
}

/// Runs all steps.
pub fn run(setup: Setup) -> Result<Finding> {
    overhear::begin();
    let scene = Scene {
        house: House::new()?,
        setup,
    };
    let mut steps = plain::steps(&scene)?;
    steps.extend(sealed::steps(&scene)?);
    steps.extend(flip::steps(&scene)?);
    steps.extend(strip::steps(&scene)?);
    // Where the folder was does not matter, and it is gone when this is read.
    let folder = scene.house.path("").to_string_lossy().into_owned();
    for step in &mut steps {
        for said in [&mut step.client_said, &mut step.server_said] {
            *said = said.replace(&folder, "");
        }
        for excerpt in &mut step.bytes_excerpt {
            excerpt.bytes = excerpt.bytes.replace(&folder, "");
        }
    }
    Ok(Finding {
        setup: match setup {
            Setup::Real => "real",
            Setup::Careless => "careless",
            Setup::Idle => "idle",
        },
        proved: steps.iter().all(|step| step.proved),
        steps,
    })
}

impl Excerpt {
    fn text(what: &str, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<String> = text.trim_end().lines().map(crate::text::escape).collect();
        let bytes = lines.join("\\n");
        Self {
            what: what.to_owned(),
            bytes,
        }
    }

    /// At most [`HEX_BYTES`] bytes, in pairs of digits.
    fn hex(what: &str, bytes: &[u8]) -> Self {
        let shown: Vec<String> = bytes
            .iter()
            .take(HEX_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let more = if bytes.len() > HEX_BYTES { " …" } else { "" };
        Self {
            what: what.to_owned(),
            bytes: format!("{}{more}", shown.join(" ")),
        }
    }
}

/// Bytes of the longest excerpt in hex: a line of a terminal.
const HEX_BYTES: usize = 24;
