//! The window, driven as a user drives it, without a display: `egui_kittest` finds every control by its name,
//! and the server behind it is the real one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on says so by panicking, and its fixtures are written in place"
)]

mod desk;
mod dropped;
#[path = "../it/fake.rs"]
mod fake;
mod files;
mod frames;
mod hostile;
mod log;
mod login;
mod logins;
mod pictures;
#[path = "../it/raw.rs"]
#[expect(dead_code, reason = "the relay needs one function of it")]
mod raw;
#[path = "../it/relay.rs"]
#[expect(dead_code, reason = "the other tests need more of it than these")]
mod relay;
mod settings;
mod stage;
#[path = "../it/support.rs"]
#[expect(dead_code, reason = "the other tests need more of it than these")]
mod support;
mod transfers;
mod trust;
mod wire;
mod xvfb;
