//! From an error and what is known around it to the [`Failure`]: the one place that reads rustls' errors.

use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use time::OffsetDateTime;

use super::chain::{Chain, Culprit};
use super::context::{Context, Stage};
use super::lists::ListFault;
use super::refused::Refused;
use super::talk::Talk;
use super::terms::{self, Terms};
use super::trust::Trust;
use super::{Failure, PinMismatch, Side};
use crate::pki::inspect::CertificateInfo;
use crate::text;
use crate::transport::clients::NotAllowed;
use crate::transport::tls::names;

/// What failed, and the certificate that is to blame.
pub(super) fn find(side: Side, error: &io::Error, context: &Context) -> (Failure, Culprit) {
    let chain = Chain::of(context);
    match tls(error) {
        Some(rustls::Error::InvalidCertificate(error)) => of_certificate(error, context, &chain),
        Some(rustls::Error::InvalidCertRevocationList(error)) => {
            let files = context.lists.iter().map(|(file, _)| file.clone()).collect();
            let fault = match error {
                rustls::CertRevocationListError::BadSignature => ListFault::Forged { files },
                _ => ListFault::Unusable { files },
            };
            (Failure::List(fault), chain.leaf())
        }
        Some(rustls::Error::Other(other)) => {
            let Some(denied) = other.0.downcast_ref::<NotAllowed>() else {
                return (Failure::Talk(Talk::Internal), None);
            };
            let denied = Trust::NotAllowed(denied.0.clone());
            (Failure::Trust(denied), chain.leaf())
        }
        Some(error) => (of_tls(side, error, context), None),
        None => (of_socket(error, context), None),
    }
}

fn tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn of_socket(error: &io::Error, context: &Context) -> Failure {
    let was_asked = context.tls && context.stage != Stage::Talk && context.asked.is_some();
    Failure::Talk(match error.kind() {
        io::ErrorKind::TimedOut => Talk::TooSlow,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
            if was_asked =>
        {
            return Failure::Refused(Refused::Silent);
        }
        io::ErrorKind::UnexpectedEof if context.stage == Stage::Talk => Talk::Truncated,
        io::ErrorKind::UnexpectedEof => Talk::HungUp,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Talk::Cut,
        _ => Talk::Network(crate::error::plain(error)),
    })
}

fn of_tls(side: Side, error: &rustls::Error, context: &Context) -> Failure {
    use rustls::Error as E;
    Failure::Talk(match error {
        E::AlertReceived(alert) => return of_alert(*alert, context),
        E::NoCertificatesPresented => match side {
            Side::Server => return Failure::Refused(Refused::Required),
            Side::Client => Talk::Misbehaved,
        },
        E::InvalidMessage(_) if context.stage == Stage::Handshake => match side {
            Side::Client => Talk::PlainServer,
            Side::Server => Talk::PlainClient,
        },
        E::PeerIncompatible(why) => of_incompatible(why),
        E::NoApplicationProtocol => Talk::NotSealpost,
        E::DecryptError => Talk::Tampered,
        E::InvalidMessage(_)
        | E::InappropriateMessage { .. }
        | E::InappropriateHandshakeMessage { .. }
        | E::PeerMisbehaved(_)
        | E::PeerSentOversizedRecord => Talk::Misbehaved,
        _ => Talk::Internal,
    })
}

fn of_alert(alert: AlertDescription, context: &Context) -> Failure {
    use AlertDescription as A;
    Failure::Refused(match alert {
        A::CertificateRequired => Refused::Required,
        A::UnknownCA => Refused::UnknownCa,
        A::CertificateRevoked => Refused::Revoked,
        A::CertificateExpired => Refused::OutOfDate,
        A::UnsupportedCertificate => Refused::WrongPurpose,
        A::BadCertificate | A::CertificateUnknown | A::DecryptError => Refused::Unacceptable,
        A::AccessDenied => Refused::AccessDenied,
        // TLS 1.2 has no word for a certificate that is missing (RFC 5246 §7.4.6).
        A::HandshakeFailure if context.asked.is_some() && context.own.is_none() => {
            Refused::Required
        }
        A::ProtocolVersion => return Failure::Talk(Talk::NoCommonVersion),
        A::HandshakeFailure | A::InsufficientSecurity => {
            return Failure::Talk(Talk::NothingInCommon);
        }
        A::NoApplicationProtocol => return Failure::Talk(Talk::NotSealpost),
        A::BadRecordMac | A::DecryptionFailed => return Failure::Talk(Talk::Tampered),
        other => return Failure::Talk(Talk::Alert(names::alert(u8::from(other)))),
    })
}

fn of_incompatible(why: &PeerIncompatible) -> Talk {
    use PeerIncompatible as P;
    match why {
        P::ServerDoesNotSupportTls12Or13
        | P::ServerTlsVersionIsDisabledByOurConfig
        | P::SupportedVersionsExtensionRequired
        | P::Tls12NotOffered
        | P::Tls12NotOfferedOrEnabled => Talk::NoCommonVersion,
        P::NoCipherSuitesInCommon => Talk::NoCommonCipher,
        _ => Talk::NoCommonGroup,
    }
}

fn of_certificate(
    error: &CertificateError,
    context: &Context,
    chain: &Chain<'_>,
) -> (Failure, Culprit) {
    let leaf = chain.leaf();
    let trust = |trust| (Failure::Trust(trust), leaf.clone());
    let terms = |terms| (Failure::Terms(terms), leaf.clone());
    match error {
        CertificateError::UnknownIssuer => match chain.is_self_signed() {
            true => trust(Trust::SelfSigned),
            false => trust(Trust::UnknownIssuer),
        },
        CertificateError::BadSignature => chain.of_bad_signature(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let host = context.host.clone().unwrap_or_default();
            terms(match presented.as_slice() {
                [] => Terms::NoSubjectAltName { host },
                presented => Terms::WrongHost {
                    host,
                    names: named(&leaf).unwrap_or_else(|| terms::names(presented)),
                },
            })
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            let expired = Terms::Expired {
                at: date(*not_after),
            };
            let culprit = chain.find(|info| is_at(info.not_after, *not_after));
            (Failure::Terms(expired), culprit)
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let early = Terms::NotYetValid {
                from: date(*not_before),
            };
            let culprit = chain.find(|info| is_at(info.not_before, *not_before));
            (Failure::Terms(early), culprit)
        }
        CertificateError::InvalidPurposeContext { .. } => terms(Terms::WrongPurpose {
            has: leaf
                .as_ref()
                .map_or_else(Vec::new, |(info, _)| info.extended_key_usage.clone()),
        }),
        CertificateError::Revoked => chain.of_revoked(context),
        CertificateError::UnknownRevocationStatus => {
            (Failure::List(unknown_status(context, chain)), leaf)
        }
        CertificateError::ExpiredRevocationListContext { next_update, .. } => {
            let mut lists = context.lists.iter();
            let list = lists.find(|(_, list)| {
                list.next_update
                    .is_some_and(|next| is_at(next, *next_update))
            });
            let file = list.map(|(file, _)| file.clone());
            let since = date(*next_update);
            (Failure::List(ListFault::Expired { file, since }), leaf)
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<PinMismatch>() {
            Some(pins) => trust(Trust::PinMismatch {
                shown: pins.shown.clone(),
                wanted: pins.wanted.clone(),
            }),
            None => chain.of_form(error),
        },
        other => chain.of_form(other),
    }
}

/// The hosts and addresses a certificate is for.
fn named(leaf: &Culprit) -> Option<Vec<String>> {
    let (info, _) = leaf.as_ref()?;
    let hosts = info.dns_names.iter().map(|name| text::escape(name));
    let addresses = info.ip_addresses.iter().map(ToString::to_string);
    let names: Vec<_> = hosts.chain(addresses).collect();
    (!names.is_empty()).then_some(names)
}

/// None of the lists tells: is there none of this CA, or are all of CAs that nobody asked about?
fn unknown_status(context: &Context, chain: &Chain<'_>) -> ListFault {
    let is_known = |issuer: &String| chain.infos().any(|(info, _)| info.issuer == *issuer);
    let mut lists = context.lists.iter().map(|(_, list)| &list.issuer);
    if lists.any(is_known) || context.lists.is_empty() {
        let listed = |info: &CertificateInfo| {
            context
                .lists
                .iter()
                .any(|(_, list)| list.issuer == info.issuer)
        };
        let unlisted = chain
            .infos()
            .find(|(info, _)| !listed(info))
            .or_else(|| chain.leaf());
        return ListFault::Missing {
            issuer: unlisted.map_or_else(|| "?".to_owned(), |(info, _)| info.issuer),
        };
    }
    let (files, issuers) = context
        .lists
        .iter()
        .map(|(file, list)| (file.clone(), list.issuer.clone()))
        .unzip();
    ListFault::Foreign { files, issuers }
}

/// The name of webpki's own error inside one of rustls, which hides its type: a word such as
/// `CaUsedAsEndEntity`.
pub(super) fn webpki_word(error: &CertificateError) -> Option<String> {
    match error {
        CertificateError::Other(other) => Some(format!("{:?}", other.0)),
        _ => None,
    }
}

/// A plain technical phrase for `-v`: the alert by its name, or rustls' own classification in words.
pub(super) fn technical(error: &io::Error) -> String {
    match tls(error) {
        Some(error) => phrase(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "end of file".to_owned(),
        None => crate::error::plain(error),
    }
}

/// As [`technical`], of an error of rustls.
pub(super) fn phrase(error: &rustls::Error) -> String {
    match error {
        rustls::Error::AlertReceived(alert) => {
            let number = u8::from(*alert);
            let name = names::alert(number);
            format!("received the TLS alert {name}, number {number} of RFC 8446 §6")
        }
        rustls::Error::Other(other) => other.0.to_string(),
        error => words(error),
    }
}

/// The names of nested variants as words: `InvalidCertificate(Revoked)` is `invalid certificate: revoked`.
pub(super) fn words(error: &impl std::fmt::Debug) -> String {
    let raw = format!("{error:?}");
    let names = raw
        .split(['{', '[', '"', ',', ' '])
        .next()
        .unwrap_or_default();
    let names = names.split(['(', ')']).filter(|name| !name.is_empty());
    let names = names.filter(|name| !["Other", "OtherError"].contains(name));
    let names: Vec<_> = names.map(|name| apart(name, ' ')).collect();
    names.join(": ")
}

/// `UnknownCA` as `unknown_ca`.
fn apart(name: &str, between: char) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for c in name.chars() {
        if c.is_uppercase() && after_small {
            words.push(between);
        }
        after_small = c.is_lowercase() || c.is_ascii_digit();
        words.extend(c.to_lowercase());
    }
    words
}

fn is_at(time: OffsetDateTime, other: UnixTime) -> bool {
    u64::try_from(time.unix_timestamp()).is_ok_and(|time| time == other.as_secs())
}

fn date(time: UnixTime) -> String {
    let at = i64::try_from(time.as_secs()).ok();
    let at = at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    at.map_or_else(|| "a date out of range".to_owned(), text::time)
}
