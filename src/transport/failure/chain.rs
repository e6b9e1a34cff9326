//! The certificates at hand when a connection failed, and which of them is to blame.

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;

use super::Failure;
use super::context::{Context, Place};
use super::find::webpki_word;
use super::form::Form;
use super::terms::Terms;
use super::trust::{Revocation, Trust};
use crate::pki::inspect::{self, CertificateInfo};
use crate::text;

/// The least bits of an RSA key that rustls takes.
const RSA_BITS_MIN: usize = 2_048;

/// A certificate to blame, and where it stands.
pub(super) type Culprit = Option<(CertificateInfo, Place)>;

/// The certificates at hand: what the peer showed, and the CAs believed here.
pub(super) struct Chain<'a> {
    shown: &'a [CertificateDer<'static>],
    anchors: &'a [CertificateDer<'static>],
}

impl<'a> Chain<'a> {
    pub(super) fn of(context: &'a Context) -> Self {
        Self {
            shown: &context.shown,
            anchors: &context.anchors,
        }
    }

    /// Those shown, read, leaf first.
    pub(super) fn infos(&self) -> impl Iterator<Item = (CertificateInfo, Place)> {
        let shown = self.shown.iter().enumerate();
        shown.filter_map(|(at, der)| {
            let place = if at == 0 {
                Place::Leaf
            } else {
                Place::Intermediate
            };
            inspect::certificate(der).ok().map(|info| (info, place))
        })
    }

    pub(super) fn leaf(&self) -> Culprit {
        self.infos().find(|(_, place)| *place == Place::Leaf)
    }

    /// The first shown that `is` it, else the leaf.
    pub(super) fn find(&self, is: impl Fn(&CertificateInfo) -> bool) -> Culprit {
        self.infos()
            .find(|(info, _)| is(info))
            .or_else(|| self.leaf())
    }

    pub(super) fn is_self_signed(&self) -> bool {
        self.shown
            .first()
            .is_some_and(|leaf| inspect::is_signed_by(leaf, leaf).unwrap_or(false))
    }

    /// A signature does not fit: that of a key too short, of a CA with another key, or of the handshake.
    pub(super) fn of_bad_signature(&self) -> (Failure, Culprit) {
        let anchors = self.anchors.iter();
        let anchors =
            anchors.filter_map(|der| Some((inspect::certificate(der).ok()?, Place::Anchor)));
        let mut all = self.infos().chain(anchors);
        let short =
            |info: &CertificateInfo| info.key_algorithm == "RSA" && info.key_bits < RSA_BITS_MIN;
        if let Some((info, place)) = all.find(|(info, _)| short(info)) {
            let short = Form::ShortRsa {
                bits: info.key_bits,
            };
            return (Failure::Form(short), Some((info, place)));
        }
        let signed = |der: &CertificateDer<'_>| {
            let mut above = self.anchors.iter().chain(self.shown);
            above.any(|issuer| inspect::is_signed_by(der, issuer).unwrap_or(false))
        };
        let trust = match self.shown.first().is_some_and(signed) {
            true => Trust::Impostor,
            false => Trust::OtherKey,
        };
        (Failure::Trust(trust), self.leaf())
    }

    pub(super) fn of_revoked(&self, context: &Context) -> (Failure, Culprit) {
        for (info, place) in self.infos() {
            let mut lists = context
                .lists
                .iter()
                .filter(|(_, list)| list.issuer == info.issuer);
            let found = lists.find_map(|(file, list)| {
                let mut revoked = list.revoked.iter();
                Some((file, revoked.find(|entry| entry.serial == info.serial)?))
            });
            if let Some((file, entry)) = found {
                let revocation = Revocation {
                    file: file.clone(),
                    at: text::time(entry.at),
                    reason: entry.reason.clone(),
                };
                let revoked = Failure::Trust(Trust::Revoked(Some(revocation)));
                return (revoked, Some((info, place)));
            }
        }
        (Failure::Trust(Trust::Revoked(None)), self.leaf())
    }

    pub(super) fn of_form(&self, error: &CertificateError) -> (Failure, Culprit) {
        let is_weak = |info: &CertificateInfo| {
            let algorithm = info.signature_algorithm.to_ascii_lowercase();
            algorithm.contains("sha1") || algorithm.contains("md5")
        };
        let word = webpki_word(error);
        let (form, culprit) = match (error, word.as_deref()) {
            (CertificateError::BadEncoding, _) => (Form::Damaged, self.leaf()),
            (CertificateError::UnhandledCriticalExtension, _)
            | (_, Some("UnsupportedCriticalExtension")) => (Form::CriticalExtension, self.leaf()),
            (_, Some("UnsupportedCertVersion")) => {
                (Form::NotVersion3, self.find(|info| info.version != 3))
            }
            (_, Some("CaUsedAsEndEntity")) => {
                let is_self_signed = self.is_self_signed();
                (Form::CaUsedAsLeaf { is_self_signed }, self.leaf())
            }
            (_, Some("EndEntityUsedAsCa")) => (Form::IssuerNotCa, self.leaf()),
            (_, Some("NameConstraintViolation" | "PathLenConstraintViolated")) => {
                (Form::Constrained, self.leaf())
            }
            (_, Some("EmptyEkuExtension")) => {
                return (
                    Failure::Terms(Terms::WrongPurpose { has: Vec::new() }),
                    self.leaf(),
                );
            }
            (
                CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
                _,
            ) => {
                let culprit = self.find(is_weak);
                let algorithm =
                    |(info, _): &(CertificateInfo, Place)| info.signature_algorithm.clone();
                let algorithm = culprit.as_ref().map_or_else(|| "?".to_owned(), algorithm);
                match culprit.as_ref().is_some_and(|(info, _)| is_weak(info)) {
                    true => (Form::WeakDigest { algorithm }, culprit),
                    false => (Form::OtherSignature { algorithm }, culprit),
                }
            }
            _ => (Form::Other, self.leaf()),
        };
        (Failure::Form(form), culprit)
    }
}
