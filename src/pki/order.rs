//! What a CA is asked for, and what it answers.

use std::path::PathBuf;

use serde::Serialize;
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::passphrase::Passphrase;
use super::profile::{self, Algorithm, AltName, Role};
use super::subject::{Part, Subject};
use crate::error::{Error, Kind, Result};
use crate::protocol::UserName;

/// The CN of a root, unless told otherwise.
pub const ROOT_NAME: &str = "Sealpost CA";

/// What a new CA is to be.
#[derive(Clone, Debug, Default)]
pub struct InitOptions {
    /// The CN of the root; [`ROOT_NAME`] when there is none here and none in the subject.
    pub name: Option<String>,
    /// The other parts of its name.
    pub subject: Option<Subject>,
    /// The kind of its key.
    pub algorithm: Algorithm,
    /// Days it is valid; [`profile::ROOT_DAYS`] by default.
    pub days: Option<u32>,
    /// Whether to make an intermediate CA that issues in the root's place.
    pub intermediate: bool,
    /// Locks the keys of the CA.
    pub passphrase: Option<Passphrase>,
    /// Replaces a CA that is there; everything it issued is worthless then.
    pub force: bool,
}

/// What a new certificate is to be.
#[derive(Clone, Debug)]
pub struct IssueRequest {
    /// [`Role::Server`] or [`Role::Client`].
    pub role: Role,
    /// Names and addresses of a server; the one user name of a client.
    pub names: Vec<String>,
    /// Parts of the subject; the CN is set from the first name where it has none.
    pub subject: Option<Subject>,
    /// A mail address among the alternative names.
    pub email: Option<String>,
    /// The OU.
    pub ou: Option<String>,
    /// The kind of the key.
    pub algorithm: Algorithm,
    /// Days it is valid; never longer than its CA.
    pub days: u32,
    /// When it begins, for certificates that are expired or not yet valid on purpose; a little before now.
    pub not_before: Option<OffsetDateTime>,
    /// The name of the files, without `.crt`.
    pub out: Option<String>,
    /// Replaces files that are there.
    pub force: bool,
    /// Locks the new key.
    pub passphrase: Option<Passphrase>,
}

impl IssueRequest {
    /// A certificate for a server of these names.
    pub fn server<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self {
            role: Role::Server,
            names: names.into_iter().map(Into::into).collect(),
            subject: None,
            email: None,
            ou: None,
            algorithm: Algorithm::default(),
            days: profile::LEAF_DAYS,
            not_before: None,
            out: None,
            force: false,
            passphrase: None,
        }
    }

    /// A certificate for a user.
    pub fn client(user: &str) -> Self {
        Self {
            role: Role::Client,
            ..Self::server([user])
        }
    }

    /// The subject and the alternative names of a leaf.
    pub(super) fn subject_and_names(&self) -> Result<(Subject, Vec<AltName>)> {
        let mut subject = self.subject.clone().unwrap_or_default();
        if let Some(ou) = &self.ou {
            subject.set(Part::OrganizationalUnit, ou)?;
        }
        let email = self.email.as_deref().map(AltName::email).transpose()?;
        let none = || {
            Error::new(Kind::Usage, "no name given")
                .hint("name the server or the user, as in `sealpost pki issue server localhost`")
        };
        let first = self.names.first().ok_or_else(none)?;
        let mut names = if self.role == Role::Client {
            if self.names.len() > 1 {
                return Err(
                    Error::new(Kind::Usage, "a client certificate is for one user")
                        .hint("issue one for each user"),
                );
            }
            user_name(first)?;
            subject.set(Part::CommonName, first)?;
            Vec::new()
        } else {
            let given = self.names.iter().map(|name| AltName::server(name));
            let given = given.collect::<Result<Vec<_>>>()?;
            // A CN is for readers only (RFC 6125 §6.4.4), and bounded; the names are what counts.
            if subject.get(Part::CommonName).is_none() && first.len() <= 64 {
                subject.set(Part::CommonName, first)?;
            }
            profile::server_names(&given)?
        };
        names.extend(email);
        Ok((subject, names))
    }
}

impl InitOptions {
    /// The name of the root.
    pub(super) fn root_subject(&self) -> Result<Subject> {
        let mut subject = self.subject.clone().unwrap_or_default();
        match (&self.name, subject.get(Part::CommonName)) {
            (Some(name), _) => subject.set(Part::CommonName, name)?,
            (None, None) => subject.set(Part::CommonName, ROOT_NAME)?,
            (None, Some(_)) => {}
        }
        Ok(subject)
    }
}

/// A user as the server knows users, so that the certificate can be used to log in.
pub(super) fn user_name(text: &str) -> Result<()> {
    text.parse::<UserName>().map(drop).map_err(|error| {
        Error::new(Kind::Usage, format!("{text} is not a user name: {error}"))
            .hint("give the name the user logs in with, as in `sealpost pki issue client alice`")
    })
}

/// What was made: the facts a person wants to know, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issued {
    /// What it is for.
    pub role: Role,
    /// Its subject.
    pub subject: String,
    /// What it is good for: its alternative names.
    pub names: Vec<String>,
    /// Its serial number.
    pub serial: String,
    /// Valid from.
    #[serde(with = "rfc3339")]
    pub not_before: OffsetDateTime,
    /// Valid until.
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// SHA-256 of the certificate, in hex.
    pub fingerprint: String,
    /// The files that were written.
    pub files: Vec<PathBuf>,
}
