//! Who the server is: its certificate, and how each check of it went. `view` draws it.

mod view;

use time::OffsetDateTime;

use crate::pki::inspect::CertificateInfo;
use crate::pki::verify::{Check, Outcome, Step};
use crate::transport::{Checks, Ending, Party, Story, What};

/// Fewer days left than these are warned of.
const WARN_DAYS: i64 = 30;

/// What is known of the server's proof.
#[derive(Debug, Default)]
pub struct Trust {
    story: Option<Story>,
    /// The server's number of the connection.
    connection: Option<String>,
}

/// How long a certificate is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Not yet.
    NotYet,
    /// For so many whole days.
    Days(i64),
    /// For so few whole days that it should be renewed.
    Few(i64),
    /// No longer.
    Over,
}

impl Validity {
    /// That of `certificate` at a time.
    pub fn of(certificate: &CertificateInfo, now: OffsetDateTime) -> Self {
        if now < certificate.not_before {
            return Self::NotYet;
        }
        if now > certificate.not_after {
            return Self::Over;
        }
        match (certificate.not_after - now).whole_days() {
            days if days < WARN_DAYS => Self::Few(days),
            days => Self::Days(days),
        }
    }
}

/// Pairs of hex digits in groups of four, in two lines, as people compare them.
pub fn grouped(fingerprint: &str) -> String {
    let digits: Vec<char> = fingerprint.chars().collect();
    let groups: Vec<String> = digits
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    let lines: Vec<String> = groups.chunks(8).map(|line| line.join(" ")).collect();
    lines.join("\n")
}

impl Trust {
    /// How a connection came about, or did not.
    pub fn hear(&mut self, story: Story) {
        self.connection = match &story.ending {
            Ending::Connected { hello, .. } => Some(hello.id.clone()),
            Ending::Failed { .. } => None,
        };
        self.story = Some(story);
    }

    /// Forgets: another attempt begins.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The chain the server showed, leaf first.
    pub fn chain(&self) -> &[CertificateInfo] {
        self.shown_by(Party::Server)
    }

    /// The chain this side showed, leaf first.
    pub fn own(&self) -> &[CertificateInfo] {
        self.shown_by(Party::Client)
    }

    fn shown_by(&self, party: Party) -> &[CertificateInfo] {
        let steps = self.story.iter().flat_map(|story| &story.steps);
        let mut chains = steps.filter_map(|step| match &step.what {
            What::Certificate { chain } if step.by == party => Some(chain.as_slice()),
            _ => None,
        });
        chains.next().unwrap_or_default()
    }

    /// How the checks of the server's certificate went.
    pub fn checks(&self) -> Option<&Checks> {
        let mut steps = self.story.iter().flat_map(|story| &story.steps);
        steps.find_map(|step| match &step.what {
            What::Checks(checks) => Some(checks),
            _ => None,
        })
    }

    /// Whether the last attempt failed and there is a certificate to show for it.
    pub fn was_stopped(&self) -> bool {
        let failed = |story: &Story| matches!(story.ending, Ending::Failed { .. });
        self.story.as_ref().is_some_and(failed) && !self.chain().is_empty()
    }

    /// Whether the path to the CA holds, whatever else is wrong.
    fn is_path_proved(&self) -> bool {
        let counts = |step: &&Step| matches!(step.check, Check::Issuer | Check::Signature);
        self.checks().is_some_and(|checks| {
            let mut steps = checks.steps.iter().filter(counts);
            steps.all(|step| step.outcome == Outcome::Passed)
        })
    }

    /// The names from the CA down to the server's certificate.
    fn path(&self) -> Vec<&str> {
        let chain = self.chain();
        let mut path: Vec<&str> = chain.iter().map(|info| info.subject.as_str()).collect();
        if let Some(top) = chain.last().filter(|top| !top.is_self_issued()) {
            path.push(&top.issuer);
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::error::Kind;
    use crate::gui::engine::session::sample::hello;
    use crate::lang::both;
    use crate::pki::{Authority, InitOptions, inspect, keys};

    fn story(ending: Ending) -> Story {
        Story {
            host: "localhost".into(),
            port: 1,
            tls: false,
            began: OffsetDateTime::UNIX_EPOCH,
            steps: Vec::new(),
            session: None,
            ending,
        }
    }

    #[test]
    fn the_number_of_a_connection_is_not_shown_for_another_that_failed() {
        let mut trust = Trust::default();
        let (hello, at_us) = (hello(), 0);
        trust.hear(story(Ending::Connected { hello, at_us }));
        assert_eq!(trust.connection.as_deref(), Some("c1"));
        trust.hear(story(Ending::Failed {
            code: "connect",
            message: both("", ""),
            cure: both("", ""),
            at_us,
        }));
        assert_eq!(trust.connection, None);
    }

    #[test]
    fn few_days_left_are_warned_of_and_the_dates_themselves_count() {
        let dir = tempfile::tempdir().unwrap();
        Authority::init(dir.path(), &InitOptions::default()).unwrap();
        let ca = keys::certificates(&dir.path().join("ca.crt"), Kind::CaFile).unwrap();
        let info = inspect::certificate(&ca[0]).unwrap();
        let at = |days: i64| Validity::of(&info, info.not_after - Duration::days(days));
        assert_eq!(at(31), Validity::Days(31));
        assert_eq!(at(30), Validity::Days(30));
        assert_eq!(at(29), Validity::Few(29));
        assert_eq!(at(0), Validity::Few(0));
        assert_eq!(at(-1), Validity::Over);
        let early = info.not_before - Duration::seconds(1);
        assert_eq!(Validity::of(&info, early), Validity::NotYet);
    }

    #[test]
    fn a_fingerprint_is_two_lines_of_eight_groups() {
        let shown = grouped(&"0123456789abcdef".repeat(4));
        assert_eq!(shown.lines().count(), 2);
        let first = shown.lines().next().unwrap();
        assert_eq!(first.split(' ').count(), 8);
        assert!(first.starts_with("0123 4567 89ab"));
    }
}
