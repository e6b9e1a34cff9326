//! Sealpost as its users meet it: the real binary, real sockets on loopback, real certificates.
//!
//! One binary, a file per concern. Every test starts its own server on port 0 with its own folders, and
//! leaves nothing behind. A promise is tested in pairs, the allowed and the refused, from one fixture.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on says so by panicking, and its fixtures are written in place"
)]

mod acceptance;
mod access;
mod accounts;
mod attack;
mod cli;
mod compare;
mod compared;
mod dissector;
mod explain;
mod fake;
mod handshake;
mod hostile;
mod integrity;
mod interop;
mod interrupt;
mod lab;
mod layering;
mod lifecycle;
mod limits;
mod listing;
mod misuse;
mod pki;
mod raw;
mod relay;
mod resume;
mod revocation;
mod shell;
mod support;
mod tamper;
mod tls;
mod trail;
mod transfer;
mod window;
mod words;
