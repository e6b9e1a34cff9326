//! Commands that make certificates.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::super::output::Output;
use super::super::secret::Secret;
use super::{Kinds, Pki, new_passphrase, warn_of_old_list};
use crate::error::{Error, Kind, Result};
use crate::pki::profile::{self, Algorithm, Role};
use crate::pki::request::{self, RequestOptions};
use crate::pki::subject::Subject;
use crate::pki::{Authority, InitOptions, IssueRequest, Issued, RenewRequest, SignRequest};
use crate::store::Users;
use crate::text;

/// `sealpost pki init`
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The name of the CA (its CN)
    #[arg(long, value_name = "CN")]
    name: Option<String>,
    /// Make an intermediate CA too, and let it do the issuing
    #[arg(long)]
    intermediate: bool,
    #[command(flatten)]
    kinds: Kinds,
}

/// `sealpost pki issue`
#[derive(Debug, Subcommand)]
pub(super) enum Issue {
    /// For a server: its names and addresses; localhost, 127.0.0.1 and ::1 are added
    Server {
        /// Names and addresses that clients will use
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
        #[command(flatten)]
        leaf: Leaf,
    },
    /// For a user, who can then be recognised by the certificate
    Client {
        /// The name the user logs in with
        user: String,
        #[command(flatten)]
        leaf: Leaf,
    },
}

/// What both kinds take.
#[derive(Debug, Args)]
pub(super) struct Leaf {
    /// The OU, which access rules can name
    #[arg(long)]
    ou: Option<String>,
    /// A mail address among the names
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Name of the files, without .crt; server or client when free, else the name itself
    #[arg(long, value_name = "NAME")]
    out: Option<String>,
    /// Put the new key under a passphrase: prompt, env:VARIABLE or file:PATH
    #[arg(long, value_name = "SRC")]
    pass: Option<Secret>,
    #[command(flatten)]
    kinds: Kinds,
}

pub(super) fn init(pki: &Pki, init: &Init, output: Output) -> Result<()> {
    let options = InitOptions {
        name: init.name.clone(),
        subject: init.kinds.subject.clone(),
        algorithm: init.kinds.algorithm,
        days: init.kinds.days,
        intermediate: init.intermediate,
        passphrase: new_passphrase(pki.ca_pass.as_ref(), "new passphrase of the CA's key")?,
        force: init.kinds.force,
    };
    let (ca, made) = Authority::init(&pki.certs, &options)?;
    if output.json {
        output.json(&made);
        return Ok(());
    }
    for issued in &made {
        tell(issued, output);
    }
    let crl = ca.dir().join("crl.pem");
    output.line(format!("  revocations  {}", crl.display()));
    let root = ca.dir().join("ca.crt");
    output.note(format!(
        "give {} to everybody who is to trust this CA; keep every .key file to yourself",
        root.display()
    ));
    output
        .note("next: `sealpost pki issue server localhost`, then `sealpost pki issue client USER`");
    Ok(())
}

pub(super) fn issue(pki: &Pki, issue: &Issue, output: Output) -> Result<()> {
    let (request, leaf) = match issue {
        Issue::Server { names, leaf } => (IssueRequest::server(names), leaf),
        Issue::Client { user, leaf } => (IssueRequest::client(user), leaf),
    };
    let request = leaf.request(request)?;
    let ca = pki.authority()?;
    let issued = ca.issue(&request)?;
    warn_of_old_list(&ca, output);
    if output.json {
        output.json(&issued);
        return Ok(());
    }
    tell(&issued, output);
    let days = (issued.not_after - issued.not_before).whole_days();
    if days < i64::from(request.days) && request.not_before.is_none() {
        output.note("it ends with its CA, sooner than asked for");
    }
    next(&issued, output);
    Ok(())
}

/// `sealpost pki csr`
#[derive(Debug, Args)]
pub(super) struct Csr {
    /// Names and addresses of a server, or a user; the first is the CN
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Name of the files, without .csr
    #[arg(long, value_name = "NAME")]
    out: Option<String>,
    /// Put the new key under a passphrase: prompt, env:VARIABLE or file:PATH
    #[arg(long, value_name = "SRC")]
    pass: Option<Secret>,
    /// Kind of the new key: ecdsa-p256, ed25519, rsa-2048 or rsa-3072
    #[arg(long, value_name = "KIND", default_value_t)]
    algorithm: Algorithm,
    /// Parts of the name in OpenSSL's form, such as /C=CN/ST=GD/O=School
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<Subject>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// `sealpost pki sign`
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// The request
    #[arg(value_name = "FILE.csr")]
    file: PathBuf,
    /// What the certificate is for: server or client
    #[arg(long, value_parser = ["server", "client"])]
    role: String,
    /// Where the server's users are: a request for one of their names is refused
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Sign even when the name belongs to somebody already
    #[arg(long)]
    allow_name: bool,
    /// Days the certificate is valid
    #[arg(long, value_name = "DAYS", default_value_t = profile::LEAF_DAYS)]
    days: u32,
    /// Name of the file, without .crt; the request's by default
    #[arg(long, value_name = "NAME")]
    out: Option<String>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// `sealpost pki renew`
#[derive(Debug, Args)]
pub(super) struct Renew {
    /// The certificate
    file: PathBuf,
    /// Make a new key too
    #[arg(long)]
    new_key: bool,
    /// Kind of the new key: ecdsa-p256, ed25519, rsa-2048 or rsa-3072
    #[arg(long, value_name = "KIND", default_value_t, requires = "new_key")]
    algorithm: Algorithm,
    /// Put the new key under a passphrase: prompt, env:VARIABLE or file:PATH
    #[arg(long, value_name = "SRC", requires = "new_key")]
    pass: Option<Secret>,
    /// Days the certificate is valid; as long as the old one by default
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
}

/// `sealpost pki reissue`
#[derive(Debug, Args)]
pub(super) struct Reissue {
    /// The faulty certificate
    file: PathBuf,
    /// What the new one is for: server or client; as the old one says by default, else a server
    #[arg(long, value_parser = ["server", "client"])]
    role: Option<String>,
    #[command(flatten)]
    leaf: Leaf,
}

pub(super) fn csr(pki: &Pki, csr: &Csr, output: Output) -> Result<()> {
    let options = RequestOptions {
        names: csr.names.clone(),
        subject: csr.subject.clone(),
        algorithm: csr.algorithm,
        out: csr.out.clone(),
        passphrase: new_passphrase(csr.pass.as_ref(), "new passphrase of the key")?,
        force: csr.force,
    };
    let made = request::make(&pki.certs, &options)?;
    if output.json {
        output.json(&made);
        return Ok(());
    }
    output.line(format!(
        "created a request: {}",
        text::escape(&made.subject)
    ));
    if !made.names.is_empty() {
        output.line(format!(
            "  for          {}",
            text::escape(&made.names.join(" "))
        ));
    }
    for (kind, file) in ["request    ", "private key"].iter().zip(&made.files) {
        output.line(format!("  {kind}  {}", file.display()));
    }
    let request = made.files[0].display();
    output.note(format!(
        "next: send {request} to the CA, which signs it: `sealpost pki sign {request} --role server`; the key stays here"
    ));
    Ok(())
}

pub(super) fn sign(pki: &Pki, sign: &Sign, output: Output) -> Result<()> {
    let options = SignRequest {
        role: role(&sign.role)?,
        days: sign.days,
        allow_name: sign.allow_name,
        taken: users(&sign.data)?,
        out: sign.out.clone(),
        force: sign.force,
    };
    let signed = pki.authority()?.sign(&sign.file, &options)?;
    if output.json {
        output.json(&signed);
        return Ok(());
    }
    tell(&signed.issued, output);
    for wish in &signed.ignored {
        output.note(format!("left out, though the request asked for it: {wish}"));
    }
    let crt = signed.issued.files[0].display();
    output.note(format!(
        "next: send {crt} and ca.crt back to whoever has the key"
    ));
    Ok(())
}

pub(super) fn renew(pki: &Pki, renew: &Renew, output: Output) -> Result<()> {
    let options = RenewRequest {
        new_key: renew.new_key.then_some(renew.algorithm),
        passphrase: new_passphrase(renew.pass.as_ref(), "new passphrase of the key")?,
        days: renew.days,
    };
    let renewed = pki.authority()?.renew(&renew.file, &options)?;
    if output.json {
        output.json(&renewed);
        return Ok(());
    }
    tell(&renewed.issued, output);
    output.line(format!("  in place of  {}", renewed.replaced));
    if matches!(renewed.issued.role, Role::Root | Role::Intermediate) {
        output
            .note("everything it issued stays good; give the new file to everybody who trusts it");
        return Ok(());
    }
    output.note(format!(
        "the old one stays good until {}; to end it now: `sealpost pki revoke {} --reason superseded`",
        renewed.replaced_until.date(),
        renewed.replaced
    ));
    Ok(())
}

pub(super) fn reissue(pki: &Pki, reissue: &Reissue, output: Output) -> Result<()> {
    let template = reissue.leaf.request(IssueRequest::server([""; 0]))?;
    let role = reissue.role.as_deref().map(role).transpose()?;
    let issued = pki.authority()?.reissue(&reissue.file, role, &template)?;
    if output.json {
        output.json(&issued);
        return Ok(());
    }
    tell(&issued, output);
    next(&issued, output);
    Ok(())
}

/// The names of the server's users, where there is a server's folder here.
fn users(data: &Path) -> Result<Vec<String>> {
    if !data.join("users.csv").exists() {
        return Ok(Vec::new());
    }
    let users = Users::open(data)?.list();
    Ok(users.iter().map(|user| user.name.to_string()).collect())
}

fn role(word: &str) -> Result<Role> {
    word.parse()
        .map_err(|why: String| Error::new(Kind::Usage, why))
}

impl Leaf {
    /// The request with what was asked for.
    fn request(&self, request: IssueRequest) -> Result<IssueRequest> {
        Ok(IssueRequest {
            subject: self.kinds.subject.clone(),
            email: self.email.clone(),
            ou: self.ou.clone(),
            algorithm: self.kinds.algorithm,
            days: self.kinds.days.unwrap_or(profile::LEAF_DAYS),
            out: self.out.clone(),
            force: self.kinds.force,
            passphrase: new_passphrase(self.pass.as_ref(), "new passphrase of the key")?,
            ..request
        })
    }
}

/// What was made: for whom, where, until when.
pub(super) fn tell(issued: &Issued, output: Output) {
    let what = match issued.role {
        Role::Root => "a CA",
        Role::Intermediate => "an intermediate CA",
        Role::Server => "a server certificate",
        Role::Client => "a client certificate",
    };
    output.line(format!("created {what}: {}", text::escape(&issued.subject)));
    if !issued.names.is_empty() {
        output.line(format!(
            "  good for     {}",
            text::escape(&issued.names.join(" "))
        ));
    }
    let until = issued.not_after.date();
    // To the nearest day: a second has passed since.
    let days = (issued.not_after - text::now() + time::Duration::hours(12)).whole_days();
    output.line(format!("  valid until  {until} ({days} days)"));
    for file in &issued.files {
        let kind = match file.extension() {
            Some(extension) if extension == "key" => "private key",
            _ => "certificate",
        };
        output.line(format!("  {kind}  {}", file.display()));
    }
}

fn next(issued: &Issued, output: Output) {
    let [crt, key] = issued.files.as_slice() else {
        return;
    };
    let (crt, key) = (crt.display(), key.display());
    let cn = issued.subject.rsplit("CN=").next().unwrap_or_default();
    let (command, defaults) = match issued.role {
        // The certificate is the login of an account of its name, once there is one.
        Role::Client => (
            format!("register --user '{}'", text::escape(cn)),
            "client.crt",
        ),
        _ => ("serve".to_owned(), "server.crt"),
    };
    // The first pair is where both programs look by themselves.
    if issued.files[0].ends_with(defaults) && issued.files[0].starts_with("certs") {
        output.note(format!("next: `sealpost {command}`"));
    } else {
        output.note(format!(
            "next: `sealpost {command} --cert {crt} --key {key}`"
        ));
    }
}
