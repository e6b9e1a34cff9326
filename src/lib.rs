//! Sealpost: a secure file-transfer server and client.

pub mod cli;
pub mod config;
pub mod error;
pub mod lab;
pub mod pki;
pub mod protocol;
pub mod store;
pub mod text;
