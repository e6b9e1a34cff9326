//! The lab: what a stranger on the wire learns, measured on the user's own run.
//!
//! [`tap`] stands between a client and a server and records every byte that passes. [`packets`] turns the
//! record into TCP packets in a [`pcapng`] file that Wireshark opens. [`streams`] reads such a file, or one
//! captured elsewhere, back into byte streams, and [`find`] tells what is readable in them: nothing there
//! is assumed, every figure is computed from captured bytes. [`tell`] puts the finding into words.
//!
//! The experiments run real clients and servers in a temporary folder: [`mitm`] is the man in the middle,
//! [`certificates`] the zoo of bad certificates, [`revocation`] what it takes to shut out a certificate,
//! [`resumption`] what a ticket saves.
//!
//! Where it may, the [`kernel`] captures beside the tap, and both must have recorded the same bytes. What an
//! experiment would leave when it is cut off is cleared away by [`traces`].
//!
//! [`timeline`] annotates the handshakes of a capture: what a stranger sees of each record beside what is
//! inside, as far as the secrets at hand open it.
//!
//! [`compare`] carries one file plain and sealed through all of it, and [`report`] shows the difference.
//! [`DISSECTOR`] is for those who look at the packets themselves.

pub mod certificates;
pub mod compare;
mod door;
pub mod find;
pub mod frames;
mod house;
pub mod kernel;
pub mod mitm;
mod overhear;
pub mod packets;
pub mod pcapng;
pub mod report;
pub mod resumption;
pub mod revocation;
pub mod search;
pub mod streams;
pub mod tap;
pub mod tell;
pub mod timeline;
pub mod tls;
pub mod traces;

/// Sealpost's protocol for Wireshark 4.0 and later, in Lua: a file for its folder of plugins.
pub const DISSECTOR: &str = include_str!("sealpost.lua");
