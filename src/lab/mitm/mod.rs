//! The man in the middle, done: an attacker between the real client and the real server, step by step.
//!
//! The attacker is a program on the way: it takes the client's connection, makes its own to the server, and
//! does with the bytes what it likes. Plain TCP gives it everything. TLS gives it nothing, as long as the
//! client verifies the server; that is what the steps show, each on a run of its own.

mod flip;
mod forge;
mod intercept;
mod plain;
mod sealed;
mod strip;
mod tell;
mod victim;

use serde::Serialize;

use super::house::House;
use super::overhear;
use crate::error::Result;
use crate::lang::{Both, both, english, same};

pub use tell::tell;

/// How the experiment is run; by default as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
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
    #[serde(serialize_with = "english")]
    pub name: Both,
    /// What should come of it.
    #[serde(serialize_with = "english")]
    pub expected: Both,
    /// What came of it, as measured.
    #[serde(serialize_with = "english")]
    pub observed: Both,
    /// The client's own words.
    #[serde(serialize_with = "english")]
    pub client_said: Both,
    /// The exit code the client's words have on the command line; 0 when it was content.
    pub client_exit: u8,
    /// The server's own words: its log, or its audit trail where the log is silent.
    #[serde(serialize_with = "english")]
    pub server_said: Both,
    /// What the attacker had before its eyes, or changed.
    pub bytes_excerpt: Vec<Excerpt>,
    /// Whether it came out as expected.
    pub proved: bool,
}

/// Some bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// What they are.
    #[serde(serialize_with = "english")]
    pub what: Both,
    /// The bytes as text, or in hex; or what became of them, in words.
    #[serde(serialize_with = "english")]
    pub bytes: Both,
    /// Whether these are the attacker's own words, and no bytes of the wire.
    #[serde(skip)]
    pub is_said: bool,
}

/// What all steps showed.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How it was run.
    pub setup: Setup,
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
            *said = said.map(|said| said.replace(&folder, ""));
        }
        for excerpt in &mut step.bytes_excerpt {
            excerpt.bytes = excerpt.bytes.map(|bytes| bytes.replace(&folder, ""));
        }
    }
    Ok(Finding {
        setup,
        proved: steps.iter().all(|step| step.proved),
        steps,
    })
}

impl Excerpt {
    fn text(what: Both, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<String> = text.trim_end().lines().map(crate::text::escape).collect();
        Self {
            what,
            bytes: same(lines.join("\\n")),
            is_said: false,
        }
    }

    /// What became of the bytes, in words.
    fn words(what: Both, words: Both) -> Self {
        Self {
            what,
            bytes: words,
            is_said: false,
        }
    }

    /// What the attacker's own TLS says.
    fn attacker(words: Both) -> Self {
        Self {
            what: both("the attacker's TLS says", "攻击者的 TLS 说"),
            bytes: words,
            is_said: true,
        }
    }

    /// At most [`HEX_BYTES`] bytes, in pairs of digits.
    fn hex(what: Both, bytes: &[u8]) -> Self {
        let shown: Vec<String> = bytes
            .iter()
            .take(HEX_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let more = if bytes.len() > HEX_BYTES { " …" } else { "" };
        Self {
            what,
            bytes: same(format!("{}{more}", shown.join(" "))),
            is_said: false,
        }
    }
}

/// Bytes of the longest excerpt in hex: a line of a terminal.
const HEX_BYTES: usize = 24;
