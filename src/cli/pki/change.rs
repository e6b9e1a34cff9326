//! Commands that change what is there: revocation, and passphrases.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::output::Output;
use super::super::secret::Secret;
use super::{Pki, new_passphrase};
use crate::error::{Error, Kind, Result};
use crate::pki::index::Reason;
use crate::pki::revocation::WrittenList;
use crate::pki::{authority, change_passphrase, keys};
use crate::text;

/// `sealpost pki revoke`
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The serial number, or the file of the certificate
    #[arg(value_name = "SERIAL|FILE")]
    which: String,
    /// Why: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, …
    #[arg(long, default_value = "unspecified")]
    reason: Reason,
    #[command(flatten)]
    crl: Crl,
}

/// `sealpost pki crl`
#[derive(Debug, Args)]
pub(super) struct Crl {
    /// Days the revocation list is good for
    #[arg(long, value_name = "DAYS", default_value_t = authority::CRL_DAYS)]
    days: u32,
}

/// `sealpost pki passwd`
#[derive(Debug, Args)]
pub(super) struct Passwd {
    /// The private key
    key: PathBuf,
    /// Where its passphrase comes from: prompt, env:VARIABLE or file:PATH
    #[arg(long, value_name = "SRC")]
    pass: Option<Secret>,
    /// Where the new passphrase comes from
    #[arg(long, value_name = "SRC", conflicts_with = "remove")]
    new_pass: Option<Secret>,
    /// Leave the key without a passphrase
    #[arg(long)]
    remove: bool,
}

pub(super) fn revoke(pki: &Pki, revoke: &Revoke, output: Output) -> Result<()> {
    let ca = pki.authority()?;
    let revoked = ca.revoke(&revoke.which, revoke.reason, revoke.crl.days)?;
    if output.json {
        output.json(&revoked);
        return Ok(());
    }
    let row = &revoked.row;
    output.line(format!(
        "revoked {} ({})",
        row.serial,
        text::escape(&row.subject)
    ));
    tell(&revoked.list, output);
    for other in &revoked.others {
        output.warn(format!(
            "its holder has another one, still good; if the key is the same, revoke it too: `sealpost pki revoke {other}`"
        ));
    }
    output.note(
        "next: a running server takes the list with SIGHUP (`kill -HUP PID`); copy it to others",
    );
    Ok(())
}

pub(super) fn crl(pki: &Pki, crl: &Crl, output: Output) -> Result<()> {
    let list = pki.authority()?.write_crl(crl.days)?;
    if output.json {
        output.json(&list);
        return Ok(());
    }
    output.line("wrote the revocation list");
    tell(&list, output);
    Ok(())
}

fn tell(list: &WrittenList, output: Output) {
    let until = list.next_update.date();
    output.line(format!("  list         {}", list.file.display()));
    output.line(format!(
        "  number       {}, {} revoked",
        list.number, list.revoked
    ));
    output.line(format!("  good until   {until}"));
}

pub(super) fn passwd(passwd: &Passwd, output: Output) -> Result<()> {
    let key = &passwd.key;
    let old = if keys::needs_passphrase(key)? {
        let source = passwd.pass.as_ref().unwrap_or(&Secret::Prompt);
        Some(
            source
                .read(&format!("passphrase of {}", key.display()))?
                .into(),
        )
    } else {
        None
    };
    // A wrong passphrase is said before a new one is asked for.
    keys::private_key(key, old.as_ref())?;
    let new = if passwd.remove {
        if old.is_none() {
            let message = format!("{} has no passphrase", key.display());
            return Err(Error::new(Kind::Usage, message).hint("nothing is left to do"));
        }
        None
    } else {
        let source = passwd.new_pass.as_ref().unwrap_or(&Secret::Prompt);
        new_passphrase(Some(source), "new passphrase of the key")?
    };
    change_passphrase(key, old.as_ref(), new.as_ref())?;
    let is_locked = new.is_some();
    if output.json {
        output.json(&json!({ "file": key, "passphrase": is_locked }));
        return Ok(());
    }
    let (file, state) = (
        key.display(),
        if is_locked {
            "under a passphrase"
        } else {
            "without a passphrase"
        },
    );
    output.line(format!("{file} is now {state}"));
    if is_locked {
        let mut authorities = ["ca", "intermediate"].iter();
        let is_authority = authorities.any(|stem| key.file_stem() == Some(stem.as_ref()));
        let option = if is_authority { "--ca-pass" } else { "--pass" };
        output.note(format!(
            "next: say where it comes from with `{option} prompt`, env:VARIABLE or file:PATH"
        ));
    }
    Ok(())
}
