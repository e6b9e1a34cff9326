//! The connections of an examination, in order.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::language::{self, Language};
use super::{Check, Examination, Finding, Patient, certificate, findings, own};
use crate::client::{Login, Narrator, Target};
use crate::error::{Error, Kind, Result};
use crate::protocol::HelloReply;
use crate::transport::{ClientTls, Party, Policy, Story, TlsVersion, What, cipher_suites};

/// Examines a server.
pub fn examine(patient: &Patient) -> Examination {
    let mut visit = Visit {
        patient,
        findings: Vec::new(),
    };
    visit.all();
    Examination {
        host: patient.host.clone(),
        port: patient.port,
        findings: visit.findings,
    }
}

/// How one connection went.
pub(super) struct Seen {
    pub(super) story: Option<Story>,
    pub(super) reply: Result<HelloReply>,
}

impl Seen {
    /// The first message of the server that `pick` finds something in.
    pub(super) fn find<T>(&self, pick: impl Fn(&What) -> Option<T>) -> Option<T> {
        let steps = self.story.iter().flat_map(|story| &story.steps);
        steps
            .filter(|step| step.by == Party::Server)
            .find_map(|step| pick(&step.what))
    }

    /// Whether the server chose a version and a cipher suite.
    pub(super) fn is_agreed(&self) -> bool {
        self.find(|what| matches!(what, What::ServerHello(_)).then_some(()))
            .is_some()
    }
}

struct Visit<'a> {
    patient: &'a Patient,
    findings: Vec<Finding>,
}

impl Visit<'_> {
    fn all(&mut self) {
        let Some(address) = self.address() else {
            return;
        };
        let greeting = language::greeting(address, self.patient.connect_timeout);
        let Some(tls) = self.patient.tls.clone() else {
            self.plain(greeting, address);
            return;
        };
        let seen = self.connect(Some(&inspecting(&tls)));
        let language = greeting.unwrap_or_else(|| self.language(&seen, address));
        let is_tls = language == Language::Tls;
        self.findings.push(findings::language(&language, true));
        if !is_tls {
            return;
        }
        self.versions(&tls, &seen);
        if let Some(story) = &seen.story {
            self.findings.extend(findings::agreed(story));
            let all = certificate::findings(story, &tls, self.patient.name());
            self.findings.extend(all);
        }
        self.findings
            .push(findings::client_auth(&seen, tls.certificate.is_some()));
        self.findings.extend(own::findings(&tls, &seen));
        let plain = self.connect(None);
        self.findings
            .push(findings::also_plain(plain.reply.is_ok()));
        let whole = self.connect(Some(&tls));
        self.findings.push(findings::hello(&whole));
    }

    /// The first address that can be connected to.
    fn address(&mut self) -> Option<SocketAddr> {
        let patient = self.patient;
        let resolved = (patient.host.as_str(), patient.port).to_socket_addrs();
        let all: Vec<SocketAddr> = match resolved {
            Ok(all) => all.collect(),
            Err(_) => Vec::new(),
        };
        self.findings.push(findings::resolved(&patient.host, &all));
        let began = Instant::now();
        let connect = |address: &&SocketAddr| {
            std::net::TcpStream::connect_timeout(address, patient.connect_timeout).is_ok()
        };
        let found = all.iter().find(connect).copied();
        let ms = began.elapsed().as_millis();
        if let Some(address) = found {
            let (en, zh) = (
                format!("{address} answers, {ms} ms"),
                format!("{address} 有应答，{ms} 毫秒"),
            );
            self.findings.push(Finding::ok(Check::Connect, en, zh));
        } else if !all.is_empty() {
            // Once more through the client, for its words.
            let finding = match self.connect(None).reply {
                Err(error) => Finding::of_error(Check::Connect, &error),
                Ok(_) => Finding::skipped(Check::Connect, "it answers now and then", "时而有应答"),
            };
            self.findings.push(finding);
        }
        found
    }

    fn language(&self, seen: &Seen, address: SocketAddr) -> Language {
        let not_tls = seen.find(|what| match what {
            What::NotTls { begins } => Some(Language::of(begins)),
            _ => None,
        });
        let spoke_tls = seen.find(|what| match what {
            What::ServerHello(_) | What::HelloRetryRequest { .. } | What::Alert { .. } => Some(()),
            _ => None,
        });
        match (spoke_tls, not_tls) {
            (Some(()), _) => Language::Tls,
            (None, Some(language)) => language,
            (None, None) if self.connect(None).reply.is_ok() => Language::Plain,
            (None, None) => language::web(address, self.patient.connect_timeout),
        }
    }

    fn plain(&mut self, greeting: Option<Language>, address: SocketAddr) {
        let seen = self.connect(None);
        let language = match (&seen.reply, greeting) {
            (Ok(_), _) => Language::Plain,
            (Err(_), Some(greeting)) => greeting,
            (Err(_), None) => {
                let inspected = self.connect(Some(&inspecting(&ClientTls::unproved())));
                self.language(&inspected, address)
            }
        };
        self.findings.push(findings::language(&language, false));
        if language == Language::Plain {
            self.findings.push(findings::hello(&seen));
        }
    }

    fn versions(&mut self, tls: &ClientTls, seen: &Seen) {
        let accepts = |version, ciphers: Vec<String>| {
            let mut tls = inspecting(tls);
            tls.policy = Policy {
                ciphers,
                ..Policy::only(version)
            };
            self.connect(Some(&tls)).is_agreed()
        };
        let versions = [TlsVersion::V1_3, TlsVersion::V1_2];
        let versions: Vec<_> = versions
            .into_iter()
            .map(|v| (v, accepts(v, Vec::new())))
            .collect();
        let mut ciphers = Vec::new();
        for (version, name) in cipher_suites() {
            if versions.contains(&(version, true)) && accepts(version, vec![name.clone()]) {
                ciphers.push(name);
            }
        }
        self.findings.push(findings::versions(&versions, tls, seen));
        if !ciphers.is_empty() {
            self.findings.push(Finding::ok(
                Check::Ciphers,
                ciphers.join(" "),
                ciphers.join(" "),
            ));
        }
    }

    /// One connection up to the server's reply; `None` is plain.
    fn connect(&self, tls: Option<&ClientTls>) -> Seen {
        let story = Arc::new(Mutex::new(None));
        let told = Arc::clone(&story);
        let target = tls.map(ClientTls::load).transpose().map(|tls| Target {
            host: self.patient.host.clone(),
            port: self.patient.port,
            tls,
            connect_timeout: self.patient.connect_timeout,
            timeout: self.patient.timeout.min(self.patient.connect_timeout),
            rate: None,
            login: Login::Certificate,
            onlooker: None,
            narrator: Some(Narrator::new(move |story| {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(story.clone());
            })),
        });
        let reply = target.and_then(|target| {
            let client = target.connect()?;
            let hello = client.hello().cloned();
            client.quit();
            hello.ok_or_else(|| Error::new(Kind::Protocol, "no reply"))
        });
        let story = story.lock().unwrap_or_else(PoisonError::into_inner).take();
        Seen { story, reply }
    }
}

/// The same client, who believes everybody and shows nothing: to look, not to be let in.
fn inspecting(tls: &ClientTls) -> ClientTls {
    let mut inspecting = ClientTls {
        certificate: None,
        passphrase: None,
        insecure: true,
        pin: None,
        resume: false,
        policy: Policy::default(),
        ..tls.clone()
    };
    // Lists that cannot be used are a finding of their own, and must not hide the others.
    if inspecting.load().is_err() {
        inspecting.revocation_lists.clear();
    }
    if inspecting.load().is_err() {
        inspecting.roots = ClientTls::unproved().roots;
    }
    inspecting
}
