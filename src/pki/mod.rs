//! Certificates: their whole life, from the first key to the last revocation.
//!
//! The only room that writes under `certs/`, and the only one that knows rcgen, x509-parser, pkcs8 and PEM.
//! It makes what strict verifiers take (`openssl verify -x509_strict`, Python 3.13's default context,
//! webpki) and says in words what they would refuse. It does not verify a live peer: rustls does that.
//!
//! - [`keys`] loads certificates, private keys and revocation lists as people have them; [`Passphrase`]
//!   locks and unlocks a key.
//! - [`authority`] is the CA of a folder: it issues, signs, renews, revokes. [`profile`] says what each kind
//!   of certificate holds, [`subject`] how a name is written, [`index`] what was issued.
//! - [`inspect`] and [`lists`] read a certificate and a revocation list into plain structs; [`verify`] checks
//!   a certificate step by step, [`lint`] says what is wrong with one.
//!
//! # The same with openssl
//!
//! The commands every course begins with make certificates of 1999: X.509 v1, no names, RSA of 1024 bits,
//! SHA-1. [`lint`] says so. Corrected, they make what Sealpost and every other TLS program of today takes
//! (a test of this room runs them):
//!
//! ```text
#![doc = include_str!("recipe.txt")]
//! ```

pub mod authority;
pub mod index;
pub mod inspect;
pub mod keys;
pub mod lint;
pub mod lists;
pub mod profile;
pub mod request;
pub mod revocation;
pub mod specimen;
pub mod subject;
pub mod verify;

#[cfg(test)]
mod check_tests;
mod folder;
#[cfg(test)]
mod life_tests;
mod on_list;
mod order;
mod passphrase;
mod pem;
mod render;
mod renewal;
mod rules;
mod signer;
mod signing;
mod steps;
#[cfg(test)]
mod testing;

pub use authority::Authority;
pub use order::{InitOptions, IssueRequest, Issued, ROOT_NAME};
pub use passphrase::Passphrase;
pub(crate) use pem::base64;
pub use renewal::{RenewRequest, Renewed};
pub use revocation::{Revoked, WrittenList};
pub use signing::{SignRequest, Signed, change_passphrase};
