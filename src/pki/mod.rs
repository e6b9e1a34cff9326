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
//! - [`inspect`] reads a certificate into a plain struct.

pub mod authority;
pub mod index;
pub mod inspect;
pub mod keys;
pub mod lint;
pub mod profile;
pub mod request;
pub mod revocation;
pub mod subject;
pub mod verify;

#[cfg(test)]
mod check_tests;
mod folder;
#[cfg(test)]
mod life_tests;
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
pub use renewal::{RenewRequest, Renewed};
pub use revocation::{Revoked, WrittenList};
pub use signing::{SignRequest, Signed, change_passphrase};
