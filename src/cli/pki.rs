//! `sealpost pki`: the life of a certificate. What was created, for which names, where, until when, and the
//! next command.

mod change;
mod look;
mod make;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use time::Duration;

use super::output::Output;
use super::secret::Secret;
use crate::error::{Error, Kind, Result};
use crate::pki::profile::Algorithm;
use crate::pki::subject::Subject;
use crate::pki::{Authority, Passphrase};
use crate::text;

/// `sealpost pki`
#[derive(Debug, Args)]
pub(super) struct Pki {
    /// The folder of the CA and its certificates
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "certs",
        help_heading = "The CA"
    )]
    certs: PathBuf,
    /// Where the passphrase of the CA's key comes from: prompt, env:VARIABLE or file:PATH
    #[arg(long, global = true, value_name = "SRC", help_heading = "The CA")]
    ca_pass: Option<Secret>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a CA and its first revocation list
    Init(make::Init),
    /// Make a key and a certificate for a server or a client
    Issue {
        #[command(subcommand)]
        role: make::Issue,
    },
    /// Make a key and a request that a CA can sign
    Csr(make::Csr),
    /// Sign a request, also one made by openssl
    Sign(make::Sign),
    /// Issue the same certificate again, in place, with a new serial number
    Renew(make::Renew),
    /// Make a correct pair with the names of a faulty certificate
    Reissue(make::Reissue),
    /// Take back a certificate, by its serial number or its file
    Revoke(change::Revoke),
    /// Write the revocation list anew
    Crl(change::Crl),
    /// Set, change or remove the passphrase of a key
    Passwd(change::Passwd),
    /// Check a certificate step by step, and tell each step
    Verify(look::Verify),
    /// Say what is wrong with certificates, where that is written, and what mends it
    Lint(look::Lint),
    /// Say with the exit code whether a certificate is due: 0 due, 1 not due, 2 no file, 255 error
    NeedsRenewal(look::NeedsRenewal),
    /// List what the CA has signed
    List(look::List),
    /// Tell what a certificate says
    Show(look::File),
    /// Print a certificate's SHA-256 and its pin for --pinnedpubkey
    Fingerprint(look::File),
}

/// The kind and the length of what is made.
#[derive(Debug, Args)]
struct Kinds {
    /// Kind of the new key: ecdsa-p256, ed25519, rsa-2048 or rsa-3072
    #[arg(long, value_name = "KIND", default_value_t)]
    algorithm: Algorithm,
    /// Days the certificate is valid
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    /// Parts of the name in OpenSSL's form, such as /C=CN/ST=GD/O=School
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<Subject>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// Runs the command and says with the exit code how it went.
pub(super) fn run(pki: &Pki, output: Output) -> Result<ExitCode> {
    match &pki.command {
        Command::Init(init) => make::init(pki, init, output)?,
        Command::Issue { role } => make::issue(pki, role, output)?,
        Command::Csr(csr) => make::csr(pki, csr, output)?,
        Command::Sign(sign) => make::sign(pki, sign, output)?,
        Command::Renew(renew) => make::renew(pki, renew, output)?,
        Command::Reissue(reissue) => make::reissue(pki, reissue, output)?,
        Command::Revoke(revoke) => change::revoke(pki, revoke, output)?,
        Command::Crl(crl) => change::crl(pki, crl, output)?,
        Command::Passwd(passwd) => change::passwd(passwd, output)?,
        Command::Verify(verify) => return look::verify(pki, verify, output),
        Command::Lint(lint) => return look::lint(lint, output),
        Command::NeedsRenewal(file) => return Ok(look::needs_renewal(file, output)),
        Command::List(list) => look::list(pki, list, output)?,
        Command::Show(file) => look::show(file, output)?,
        Command::Fingerprint(file) => look::fingerprint(file, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Pki {
    /// The CA, its passphrase asked for when its key has one.
    fn authority(&self) -> Result<Authority> {
        let ca = Authority::open(&self.certs)?;
        if !ca.needs_passphrase()? {
            return Ok(ca);
        }
        let source = self.ca_pass.as_ref().unwrap_or(&Secret::Prompt);
        let passphrase = source.read("passphrase of the CA's key").map_err(|error| {
            error.hint("give it with `--ca-pass env:VARIABLE` or `--ca-pass file:PATH`")
        })?;
        Ok(ca.with_passphrase(Some(passphrase.into())))
    }
}

/// Warns in time of a revocation list that runs out: everybody would be locked out.
fn warn_of_old_list(ca: &Authority, output: Output) {
    let now = text::now();
    let Some(until) = ca.crl_until().filter(|until| *until < now + CRL_WARNING) else {
        return;
    };
    let state = if until < now {
        "is out of date since"
    } else {
        "runs out at"
    };
    let until = text::time(until);
    output.warn(format!(
        "the revocation list {state} {until}; write a new one: `sealpost pki crl`"
    ));
}

/// How long before its end a revocation list is spoken of.
const CRL_WARNING: Duration = Duration::days(7);

/// A passphrase that a key is put under: typed twice, as nobody could correct it later.
fn new_passphrase(source: Option<&Secret>, what: &str) -> Result<Option<Passphrase>> {
    let Some(source) = source else {
        return Ok(None);
    };
    let passphrase = source.read(what)?;
    if *source == Secret::Prompt && *Secret::Prompt.read("the same again")? != *passphrase {
        return Err(Error::new(Kind::Usage, "the two passphrases differ").hint("try again"));
    }
    Ok(Some(passphrase.into()))
}
