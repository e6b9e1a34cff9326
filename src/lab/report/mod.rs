//! A comparison as people read it: pure functions of [`super::compare::facts`].
//!
//! Whatever came from the wire, or from a file's name, is escaped where it is rendered: by `maud` in HTML,
//! by [`crate::text::escape`] elsewhere.

mod handshake;
pub mod html;
mod lessons;
mod login;
mod picture;
pub mod proof;
mod questions;
pub mod readme;
#[cfg(test)]
mod sample;
pub mod story;
mod streams;
pub mod table;
pub mod tampering;
#[cfg(test)]
mod tests;
mod words;
pub mod zoo;
