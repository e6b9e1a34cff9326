//! The window: a desktop client. (Feature `gui`.)
//!
//! Three layers, each knowing only the next. [`shell`] is the program's window: eframe, fonts, file dialogs.
//! [`window`] is what is in it, drawn with egui alone, so that tests drive it without a display; its parts
//! ([`login`], [`status`], [`account`], [`files`], [`queue`], [`dropped`], [`leave`], [`typed`], [`trust`], [`wire`], [`log`]) keep
//! what they know apart from how it is drawn, and say what is to be done as [`action::Action`]s. [`engine`] does
//! it, on threads of its own, and knows nothing of drawing; [`scribe`] writes the settings on another.
//!
//! Nothing here waits: not for the network, not for a disk, not for a dialog. The window draws when something
//! happened, and rests otherwise.

pub mod account;
pub mod action;
pub mod dropped;
pub mod engine;
pub mod files;
pub mod leave;
pub mod listing;
pub mod log;
pub mod login;
#[cfg(feature = "gui-tests")]
pub mod map;
pub mod modal;
mod natural;
pub mod platform;
pub mod preferences;
pub mod queue;
pub mod scribe;
pub mod secret;
pub mod settings;
pub mod shell;
pub mod status;
pub mod theme;
pub mod trust;
pub mod typed;
pub mod window;
pub mod wire;
mod words;
