//! Commands that make certificates.

use clap::{Args, Subcommand};

use super::super::output::Output;
use super::super::secret::Secret;
use super::{Kinds, Pki, new_passphrase};
use crate::error::Result;
use crate::pki::profile::{self, Role};
use crate::pki::{Authority, InitOptions, IssueRequest, Issued};
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
    let request = IssueRequest {
        subject: leaf.kinds.subject.clone(),
        email: leaf.email.clone(),
        ou: leaf.ou.clone(),
        algorithm: leaf.kinds.algorithm,
        days: leaf.kinds.days.unwrap_or(profile::LEAF_DAYS),
        out: leaf.out.clone(),
        force: leaf.kinds.force,
        passphrase: new_passphrase(leaf.pass.as_ref(), "new passphrase of the key")?,
        ..request
    };
    let issued = pki.authority()?.issue(&request)?;
    if output.json {
        output.json(&issued);
        return Ok(());
    }
    tell(&issued, output);
    next(&issued, output);
    Ok(())
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
    let days = (issued.not_after - text::now()).whole_days();
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
    let (command, defaults) = match issued.role {
        Role::Client => ("whoami", "client.crt"),
        _ => ("serve", "server.crt"),
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
