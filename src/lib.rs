//! # Sealpost
//!
//! Moves files between a server and its clients, over plain TCP (a postcard) or inside mutual TLS (a sealed
//! envelope), and shows what a stranger on the wire learns from each. It refuses to fall back from TLS to
//! plain, to show a file that is not complete, and to keep a byte that does not have its digest.
//!
//! It is synchronous: `std::net`, one named thread for each accepted connection, `rustls::StreamOwned`
//! around the socket. No async runtime, no database.
//!
//! ## The map
//!
//! | room | what it does | what it alone knows |
//! |---|---|---|
//! | [`protocol`] | the wire: frames, messages, names; its documentation is the specification | the bytes |
//! | [`transport`] | plain or TLS streams with deadlines; TLS failures in words | rustls |
//! | [`server`] | accepts, and serves each connection on its own thread; one table of rights | |
//! | [`client`] | a typed client, transfers with resume, many at once, stopped when asked | |
//! | [`store`] | users, index, blobs, access rules, audit trail; writes under `data/` | argon2, csv |
//! | [`pki`] | certificates and their revocation; writes under `certs/` | rcgen, x509-parser, pkcs8, PEM |
//! | [`doctor`] | examines a server from outside | |
//! | [`lab`] | records a connection and tells what can be read in it; carries a file plain and sealed, and reports the difference; annotates a handshake, with keys or without; experiments with attackers and bad certificates | pcapng, maud, memchr, packet sockets |
//! | `gui` | the desktop client (feature `gui`) | egui |
//! | [`cli`] | what people type and read, as commands or in a session (`cli/shell`) | clap, rustyline, the terminal |
//! | [`error`], [`lang`], [`config`], [`text`] | the error type, its languages, every limit, sizes and times as people write them | |
//!
//! ```text
//! main → cli → { server, client, doctor, gui, pki, lab, store }     doctor → client, transport, pki
//! server → transport, protocol, store, pki (reading a certificate)    client → transport, protocol
//! transport → pki (keys), protocol (ALPN)     store → protocol (names)     any → error, config, text
//! gui → client, transport, protocol, pki, lab (what reads bytes, and its packets)
//! lab → server, client, pki, transport, protocol, store (its own of each, in a temporary folder)
//! ```
//!
//! ## What always holds
//!
//! **Invariant: client and server never name each other.** They share [`protocol`] and [`transport`].
//!
//! **Invariant: a session never names TLS or sockets.** It gets a [`transport::Wire`] and who is at the other
//! end, so the plain and the TLS run of a transfer execute the same code: that is the comparison.
//!
//! **Invariant: a name from a peer becomes a [`protocol::FileName`] or [`protocol::UserName`] at the border,
//! and never a path on the server.** Blobs are named by the server.
//!
//! **Invariant: each foreign interface has one room that knows it**, as the map says. Nobody ends the
//! process but `main`, with the exit code it is given.
//!
//! **Invariant: nothing happens on the accepting thread but accepting.** The handshake runs on the
//! connection's own thread under an absolute deadline; a failing `accept` rests and never spins; a panic in
//! one connection ends that connection.
//!
//! **Invariant: success is said last.** "Connected" only after the reply to `hello`, "uploaded" only after
//! the final reply, and nothing has its final name before it is complete: uploads, downloads, tables,
//! certificates.
//!
//! **Invariant: every operation is a row of one table, and one function permits** (`server/access.rs`); a
//! test walks all cells.
//!
//! **Invariant: the window never waits.** What it draws asks for things as actions; threads do them and send
//! events back (`gui/engine`), and nothing that is drawn reads a file or a socket.
//!
//! **Invariant: what the lab says was computed from the bytes of this very run**, into plain structs that
//! pure functions render.

pub mod cli;
pub mod client;
pub mod config;
pub mod doctor;
pub mod error;
#[cfg(feature = "gui")]
pub mod gui;
pub mod lab;
pub mod lang;
pub mod pki;
pub mod protocol;
pub mod server;
pub mod store;
pub mod text;
pub mod transport;
