//! TLS failures put into words, in English and Chinese: which side, which certificate, which file, which rule
//! and where it is written, and the command that mends it. No error of rustls is shown raw.
//!
//! The peer only ever learns the alert. These texts are for the own side: the user at the client, the log at
//! the server. [`find`] turns an error and what is known around it ([`Context`]) into a [`Failure`]; pure
//! functions turn that into words.

mod chain;
mod context;
mod find;
mod form;
mod lists;
mod own;
mod refused;
mod talk;
mod terms;
#[cfg(test)]
mod tests;
mod trust;

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::{CertificateError, OtherError};

pub use context::{Context, Stage};
pub(super) use own::{ca_unusable, foreign_list, lists_unusable, own_certificate, policy};

use crate::error::{Error, Kind};
use crate::lang::{Both, both};
use context::Scene;
use form::Form;
use lists::ListFault;
use refused::Refused;
use talk::Talk;
use terms::Terms;
use trust::Trust;

/// Whose point of view an error is told from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The client: the peer is the server.
    #[default]
    Client,
    /// The server: the peer is the client.
    Server,
}

impl Side {
    fn own(self) -> Both {
        match self {
            Self::Client => both("client", "客户端"),
            Self::Server => both("server", "服务器"),
        }
    }

    fn peer(self) -> Both {
        match self {
            Self::Client => Self::Server.own(),
            Self::Server => Self::Client.own(),
        }
    }
}

/// Everything that can go wrong in TLS, by what has to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failure {
    /// Nothing vouches for the peer's certificate, or not for this use of it.
    Trust(Trust),
    /// It is not for this host, time or purpose.
    Terms(Terms),
    /// It is made in a way nobody accepts any more.
    Form(Form),
    /// Whether it is revoked cannot be said.
    List(ListFault),
    /// The peer refuses the own certificate.
    Refused(Refused),
    /// The two sides do not understand each other, or something comes between them.
    Talk(Talk),
}

impl Failure {
    fn kind(&self, side: Side) -> Kind {
        match self {
            Self::Trust(trust) => trust.kind(),
            Self::Terms(_) | Self::Form(_) => Kind::PeerCertificate,
            Self::List(fault) => fault.kind(),
            Self::Refused(refused) => refused.kind(side),
            Self::Talk(talk) => talk.kind(),
        }
    }

    fn message(&self, scene: &Scene<'_>) -> Both {
        match self {
            Self::Trust(trust) => trust.message(scene),
            Self::Terms(terms) => terms.message(scene),
            Self::Form(form) => form.message(scene),
            Self::List(fault) => fault.message(scene),
            Self::Refused(refused) => refused.message(scene),
            Self::Talk(talk) => talk.message(scene),
        }
    }

    fn hint(&self, scene: &Scene<'_>) -> Both {
        match self {
            Self::Trust(trust) => trust.hint(scene),
            Self::Terms(terms) => terms.hint(scene),
            Self::Form(form) => form.hint(scene),
            Self::List(fault) => fault.hint(scene),
            Self::Refused(refused) => refused.hint(scene),
            Self::Talk(talk) => talk.hint(scene),
        }
    }

    /// The failure in words.
    fn told(&self, scene: &Scene<'_>) -> Error {
        let (message, hint) = (self.message(scene), self.hint(scene));
        let error = Error::new(self.kind(scene.side), message.en)
            .hint(hint.en)
            .zh(message.zh, hint.zh);
        match (
            self.is_in_the_log_of_the_server(scene),
            scene.context.place(),
        ) {
            (true, Some(place)) => error.about_both(&place),
            _ => error,
        }
    }

    /// Whether only the server's log knows the cause, and no id was given yet to look it up by.
    fn is_in_the_log_of_the_server(&self, scene: &Scene<'_>) -> bool {
        let is_told_by_the_peer = match self {
            Self::Refused(_) => true,
            Self::Talk(talk) => talk.is_told_by_the_peer(),
            _ => false,
        };
        is_told_by_the_peer && scene.side == Side::Client && scene.context.stage != Stage::Talk
    }
}

/// What a failed handshake, read or write means, told from `side`. An error without TLS in it is told as
/// what the socket says.
pub fn explain(side: Side, error: &io::Error, context: &Context) -> Error {
    let (failure, culprit) = find::find(side, error, context);
    let scene = Scene {
        side,
        certificate: culprit,
        context,
    };
    failure.told(&scene).source(find::technical(error))
}

/// What broke a connection that was in use, in words for the server's log.
pub fn lost(error: &io::Error) -> String {
    let context = Context {
        stage: Stage::Talk,
        ..Context::default()
    };
    explain(Side::Server, error, &context).message().to_owned()
}

/// The server answered plain bytes with TLS.
pub fn server_speaks_tls(context: &Context) -> Error {
    let scene = Scene {
        side: Side::Client,
        certificate: None,
        context,
    };
    Failure::Talk(Talk::TlsServer).told(&scene)
}

/// The public key of a server is not the pinned one.
#[derive(Debug)]
struct PinMismatch {
    shown: String,
    wanted: String,
}

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the public key is not the pinned one")
    }
}

impl std::error::Error for PinMismatch {}

/// As an error of the certificate: rustls then tells the server `certificate_unknown` (RFC 8446 §6.2), and
/// not `handshake_failure`, which reads as if the two had no cipher suite in common.
pub(super) fn pin_mismatch(shown: String, wanted: String) -> rustls::Error {
    let mismatch = OtherError(Arc::new(PinMismatch { shown, wanted }));
    CertificateError::Other(mismatch).into()
}
