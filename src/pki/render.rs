//! What was read or checked, for a reader: pure functions of the plain structs.

use std::fmt::Write as _;

use time::OffsetDateTime;

use super::inspect::CertificateInfo;
use super::lint::{Lint, Weight};
use super::lists::RevocationListInfo;
use super::verify::{Outcome, Verification};
use crate::text::{self, escape};

impl Verification {
    /// Each step on a line, a failure with its rule and what to do; `file` is the certificate's.
    pub fn text(&self, file: &str) -> String {
        self.steps.iter().fold(String::new(), |mut all, step| {
            let mark = match step.outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAIL",
                Outcome::Skipped => "-",
            };
            let check = format!("{:?}", step.check).to_lowercase();
            let _infallible = writeln!(all, "{mark:<5} {check:<11} {}", escape(&step.says));
            if let (Some(rule), Some(cure)) = (step.rule, &step.cure) {
                let cure = cure.replace("FILE", file);
                let _infallible = write!(all, "{:18}rule: {rule}\n{:18}next: {cure}\n", "", "");
            }
            all
        })
    }
}

impl Lint {
    /// Each fault on a line, with its rule and what to do.
    pub fn text(&self) -> String {
        self.findings
            .iter()
            .fold(String::new(), |mut all, finding| {
                let weight = match finding.weight {
                    Weight::Refused => "refused",
                    Weight::Strict => "strict",
                    Weight::Advice => "advice",
                };
                let _infallible = write!(
                    all,
                    "{weight:<8} {}: {}\n{:9}rule: {}\n{:9}next: {}\n",
                    finding.rule,
                    escape(&finding.says),
                    "",
                    finding.source,
                    "",
                    finding.cure,
                );
                all
            })
    }
}

impl RevocationListInfo {
    /// The list for a reader: one line a fact, then one a certificate.
    pub fn text(&self, now: OffsetDateTime) -> String {
        let until = match self.next_update {
            Some(next) if now > next => format!("{} (out of date)", text::time(next)),
            Some(next) => text::time(next),
            None => "no end".to_owned(),
        };
        let lines = [
            ("list of", self.issuer.clone()),
            ("number", self.number.clone().unwrap_or_else(none)),
            ("made", text::time(self.this_update)),
            ("good until", until),
            (
                "issuer's key",
                self.authority_key_id.clone().unwrap_or_else(none),
            ),
            ("revoked", self.revoked.len().to_string()),
        ];
        let mut all = String::new();
        for (label, value) in lines {
            let _infallible = writeln!(all, "{label:<13} {}", escape(&value));
        }
        for entry in &self.revoked {
            let reason = entry.reason.as_deref().unwrap_or("no reason given");
            let at = text::time(entry.at);
            let _infallible = writeln!(all, "  {} {at} {}", entry.serial, escape(reason));
        }
        all
    }
}

impl CertificateInfo {
    /// The certificate for a reader: one line a fact, `now` for the dates.
    pub fn text(&self, now: OffsetDateTime) -> String {
        let mut lines = vec![
            ("subject", self.subject.clone()),
            ("issuer", self.issuer.clone()),
            ("serial", self.serial.clone()),
            ("version", format!("v{}", self.version)),
            ("valid from", text::time(self.not_before)),
            (
                "valid until",
                format!("{} ({})", text::time(self.not_after), self.left(now)),
            ),
        ];
        let addresses = self.ip_addresses.iter().map(ToString::to_string);
        let names = self.dns_names.iter().cloned().chain(addresses);
        let names = names.chain(self.emails.iter().cloned()).collect::<Vec<_>>();
        let key = match self.key_algorithm.as_str() {
            "RSA" => format!("RSA, {} bits", self.key_bits),
            other => other.to_owned(),
        };
        let path = self
            .path_length
            .map(|most| format!(", at most {most} CAs below"));
        let ca = if self.is_ca { "yes" } else { "no" };
        lines.extend([
            ("names", or_none(&names)),
            ("key", key),
            ("key usage", or_none(&self.key_usage)),
            ("purpose", or_none(&self.extended_key_usage)),
            ("is a CA", format!("{ca}{}", path.unwrap_or_default())),
            ("signature", self.signature_algorithm.clone()),
            ("key id", self.subject_key_id.clone().unwrap_or_else(none)),
            (
                "issuer's key",
                self.authority_key_id.clone().unwrap_or_else(none),
            ),
            ("SHA-256", self.fingerprint.clone()),
            ("pin", self.pin.clone()),
        ]);
        lines.iter().fold(String::new(), |mut all, (label, value)| {
            let _infallible = writeln!(all, "{label:<13} {}", escape(value));
            all
        })
    }

    fn left(&self, now: OffsetDateTime) -> String {
        if now < self.not_before {
            return format!(
                "not valid for another {} days",
                (self.not_before - now).whole_days()
            );
        }
        match (self.not_after - now).whole_days() {
            _ if now > self.not_after => {
                format!("expired {} days ago", (now - self.not_after).whole_days())
            }
            days => format!("{days} days left"),
        }
    }
}

fn or_none(all: &[String]) -> String {
    if all.is_empty() {
        return none();
    }
    all.join(" ")
}

fn none() -> String {
    "none".to_owned()
}
