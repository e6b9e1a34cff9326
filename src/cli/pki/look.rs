//! Commands that only look.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rustls::pki_types::CertificateRevocationListDer;
use serde_json::json;

use super::super::output::Output;
use super::{Pki, warn_of_old_list};
use crate::error::{Error, Kind, Result};
use crate::pki::inspect::{self, CertificateInfo};
use crate::pki::profile::Role;
use crate::pki::verify::{self, Against};
use crate::pki::{Authority, keys, lint, lists};
use crate::text;

/// A certificate file.
#[derive(Debug, Args)]
pub(super) struct File {
    /// A certificate, a chain of them, or a revocation list
    file: PathBuf,
}

/// `sealpost pki list`
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that expire within this time, such as 30d
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration)]
    expiring: Option<Duration>,
}

pub(super) fn list(pki: &Pki, list: &List, output: Output) -> Result<()> {
    let ca = Authority::open(&pki.certs)?;
    let mut rows = ca.list()?;
    warn_of_old_list(&ca, output);
    let now = text::now();
    if let Some(within) = list.expiring {
        rows.retain(|row| row.state(now) == "valid" && row.not_after <= now + within);
    }
    if output.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!({ "state": row.state(now), "certificate": row }))
            .collect();
        output.json(&rows);
        return Ok(());
    }
    if rows.is_empty() {
        output.note("no certificates");
        return Ok(());
    }
    let cells = rows.iter().map(|row| {
        vec![
            row.serial.clone(),
            row.role.to_string(),
            text::escape(&row.subject),
            row.not_after.date().to_string(),
            row.state(now).to_owned(),
            text::escape(&row.file),
        ]
    });
    output.table(
        &["serial", "role", "subject", "until", "state", "file"],
        cells,
    );
    Ok(())
}

pub(super) fn show(file: &File, output: Output) -> Result<()> {
    let all = match read(file) {
        Ok(all) => all,
        // Not a certificate; a revocation list can be shown too.
        Err(error) => match keys::revocation_lists(&file.file) {
            Ok(found) => return show_lists(&found, output),
            Err(_) => return Err(error),
        },
    };
    if output.json {
        match all.as_slice() {
            [one] => output.json(one),
            all => output.json(&all),
        }
        return Ok(());
    }
    for (place, info) in all.iter().enumerate() {
        if place > 0 {
            output.line("");
        }
        output.line(info.text(text::now()).trim_end());
    }
    Ok(())
}

fn show_lists(found: &[CertificateRevocationListDer<'_>], output: Output) -> Result<()> {
    let found = found.iter().map(|der| lists::revocation_list(der));
    let all = found.collect::<Result<Vec<_>>>()?;
    if output.json {
        output.json(&all);
        return Ok(());
    }
    for list in &all {
        output.line(list.text(text::now()).trim_end());
    }
    Ok(())
}

pub(super) fn fingerprint(file: &File, output: Output) -> Result<()> {
    for info in read(file)? {
        if output.json {
            output.json(&json!({ "sha256": info.fingerprint, "pin": info.pin }));
            continue;
        }
        output.line(format!("sha256 {}", info.fingerprint));
        output.line(format!("pin    {}", info.pin));
    }
    Ok(())
}

/// `sealpost pki verify`
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The certificate, with the intermediate CAs after it where there are any
    file: PathBuf,
    /// The name or address the server is called by
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// What it is to be used for: server or client
    #[arg(long, value_name = "ROLE")]
    purpose: Option<Role>,
    /// The CAs that are trusted; ca.crt of the folder by default
    #[arg(long, value_name = "FILE", visible_alias = "cacert")]
    ca: Option<PathBuf>,
    /// Revocation lists; crl.pem of the folder by default
    #[arg(long, value_name = "FILE")]
    crlfile: Vec<PathBuf>,
}

/// `sealpost pki lint`
#[derive(Debug, Args)]
pub(super) struct Lint {
    /// Certificates
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What they are for: server, client or ca; what they seem to be for without
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,
    /// The key that is to go with it; FILE's own name with .key by default
    #[arg(long, value_name = "KEY")]
    key: Option<PathBuf>,
}

/// `sealpost pki needs-renewal`
#[derive(Debug, Args)]
pub(super) struct NeedsRenewal {
    /// A certificate, or a chain of them
    file: PathBuf,
    /// How long before its end it is due
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = text::parse_duration)]
    within: Duration,
}

pub(super) fn verify(pki: &Pki, verify: &Verify, output: Output) -> Result<ExitCode> {
    let chain = keys::certificates(&verify.file, Kind::LocalRead)?;
    let default_ca = pki.certs.join("ca.crt");
    if verify.ca.is_none() && !default_ca.exists() {
        let text = format!("there is no {} to check against", default_ca.display());
        return Err(Error::new(Kind::CaFile, text)
            .hint("name the CA's certificate with --ca; `sealpost pki init` makes a CA"));
    }
    let anchors = keys::certificates(verify.ca.as_ref().unwrap_or(&default_ca), Kind::CaFile)?;
    let mut files = verify.crlfile.clone();
    let default_crl = pki.certs.join("crl.pem");
    if files.is_empty() && verify.ca.is_none() && default_crl.exists() {
        files.push(default_crl);
    }
    let mut lists = Vec::new();
    for file in &files {
        lists.extend(keys::revocation_lists(file)?);
    }
    let verification = verify::verify(
        &chain,
        &Against {
            anchors: &anchors,
            lists: &lists,
            host: verify.host.as_deref(),
            purpose: verify.purpose,
            now: text::now(),
        },
    )?;
    let file = verify.file.display().to_string();
    if output.json {
        output.json(&verification);
    } else {
        output.line(verification.text(&file).trim_end());
    }
    let Some(step) = verification.first_failure() else {
        output.note(format!("{file} is good"));
        return Ok(ExitCode::SUCCESS);
    };
    if output.json {
        return Ok(ExitCode::from(Kind::PeerCertificate.exit_code()));
    }
    let error = Error::new(
        Kind::PeerCertificate,
        format!("{file} is not to be trusted: {}", step.says),
    );
    let cure = step.cure.as_deref().unwrap_or_default();
    Err(error.hint(cure.replace("FILE", &file)))
}

pub(super) fn lint(lint: &Lint, output: Output) -> Result<ExitCode> {
    let mut is_refused = false;
    let mut all = Vec::new();
    for file in &lint.files {
        let name = file.display().to_string();
        let result = match lint_file(lint, file, &name, output) {
            Ok(result) => result,
            // One file that is no certificate does not hide what is wrong with the others.
            Err(error) if lint.files.len() > 1 => {
                output.error(&error);
                is_refused = true;
                continue;
            }
            Err(error) => return Err(error),
        };
        is_refused |= result.is_refused();
        if output.json {
            all.push(json!({ "file": name, "lint": result }));
            continue;
        }
        let subject = text::escape(&result.subject);
        output.line(format!("{name}: {} certificate of {subject}", result.role));
        if result.findings.is_empty() {
            output.line("good     no fault found");
        } else {
            output.line(result.text().trim_end());
        }
    }
    if output.json {
        output.json(&all);
    }
    Ok(ExitCode::from(u8::from(is_refused)))
}

fn lint_file(lint: &Lint, file: &Path, name: &str, output: Output) -> Result<lint::Lint> {
    let der = keys::certificates(file, Kind::LocalRead)?.swap_remove(0);
    let public_key = public_key(lint, file, output);
    lint::lint(&der, name, lint.role, public_key.as_deref(), text::now())
}

/// The public key of the key file that goes with a certificate. One that cannot be used has a fault of its
/// own, which is said; one under a passphrase is not looked at.
fn public_key(lint: &Lint, file: &Path, output: Output) -> Option<Vec<u8>> {
    let beside = file.with_extension("key");
    let path = match &lint.key {
        Some(path) => path,
        None if beside.exists() && beside != file => &beside,
        None => return None,
    };
    let name = path.display();
    match keys::needs_passphrase(path) {
        Ok(true) => {
            output.note(format!(
                "{name} is under a passphrase: not compared with the certificate"
            ));
            return None;
        }
        Ok(false) => {}
        Err(error) => {
            output.warn(error.to_string());
            return None;
        }
    }
    match keys::private_key(path, None) {
        Ok(key) => {
            if let Some(warning) = keys::mode_warning(path) {
                output.warn(warning);
            }
            // A key that TLS does not take has a rule of its own: it is in the certificate too.
            keys::public_key(&key).ok()
        }
        Err(error) => {
            let next = error.next_step().unwrap_or_default();
            output.warn(format!("{error}; {next}"));
            None
        }
    }
}

pub(super) fn needs_renewal(due: &NeedsRenewal, output: Output) -> ExitCode {
    if !due.file.exists() {
        output.note(format!("there is no {}", due.file.display()));
        return ExitCode::from(2);
    }
    let file = File {
        file: due.file.clone(),
    };
    let ends = read(&file).map(|all| all.iter().map(|info| info.not_after).min());
    match ends {
        Ok(Some(end)) => {
            let is_due = end <= text::now() + due.within;
            let word = if is_due { "due" } else { "not due" };
            output.note(format!("{word}: it ends {}", text::time(end)));
            if output.json {
                output.json(&json!({ "due": is_due, "not_after": text::time(end) }));
            }
            ExitCode::from(u8::from(!is_due))
        }
        Ok(None) => ExitCode::from(NEEDS_RENEWAL_ERROR),
        Err(error) => {
            output.error(&error);
            ExitCode::from(NEEDS_RENEWAL_ERROR)
        }
    }
}

/// step-cli's exit code for an error of `needs-renewal`, whose 1 has a meaning of its own.
const NEEDS_RENEWAL_ERROR: u8 = 255;

fn read(file: &File) -> Result<Vec<CertificateInfo>> {
    let chain = keys::certificates(&file.file, Kind::LocalRead)?;
    chain.iter().map(|der| inspect::certificate(der)).collect()
}
