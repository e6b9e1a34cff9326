//! Sealpost: a secure file-transfer server and client.

pub mod cli;
pub mod client;
pub mod config;
pub mod error;
pub mod lab;
pub mod pki;
pub mod protocol;
pub mod server;
pub mod store;
pub mod text;
pub mod transport;
