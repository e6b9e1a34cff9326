//! The commands about the own account: `register`, `passwd`, `whoami`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::admin::password_error;
use super::connect::ConnectOptions;
use super::output::Output;
use super::secret::Secret;
use crate::client::Client;
use crate::config::PASSWORD_BYTES_MIN;
use crate::error::{Error, Kind, Result};
use crate::store::check_password;
use crate::text::escape;
use crate::transport::Connector;

/// Make an account on the server
#[derive(Debug, Args)]
pub(crate) struct RegisterCommand {
    #[command(flatten)]
    connect: ConnectOptions,
}

/// Change the own password
#[derive(Debug, Args)]
pub(crate) struct PasswdCommand {
    /// Where the new password comes from: prompt, env:VARIABLE or file:PATH
    #[arg(long, value_name = "SRC", default_value = "prompt")]
    new_password: Secret,
    #[command(flatten)]
    connect: ConnectOptions,
}

/// Tell who is logged in, and how the connection is protected
#[derive(Debug, Args)]
pub(crate) struct WhoamiCommand {
    #[command(flatten)]
    connect: ConnectOptions,
}

impl RegisterCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let user = self.connect.user()?;
        let password = self.connect.password(&format!(
            "password for {user}, at least {PASSWORD_BYTES_MIN} bytes"
        ))?;
        check_password(password.as_bytes()).map_err(password_error)?;
        if self.connect.asks_for_password() {
            repeat(&password, user)?;
        }
        let mut client = self.connect.greet(output)?;
        let account = client.register(user, &password)?;
        client.quit();
        if output.json {
            output.json(&json!({ "user": account.user, "role": account.role }));
        }
        output.note(format!("registered {}", escape(account.user.as_str())));
        Ok(ExitCode::SUCCESS)
    }
}

impl PasswdCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let user = self.connect.user()?;
        let old = self.connect.password(&old_password_of(user))?;
        let new = new_password(&self.new_password, user)?;
        let mut client = self.connect.greet(output)?;
        client.login(user, &old)?;
        change_password(&mut client, user, &old, &new, output)?;
        client.quit();
        Ok(ExitCode::SUCCESS)
    }
}

impl WhoamiCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        tell_who(&mut client, output)?;
        client.quit();
        Ok(ExitCode::SUCCESS)
    }
}

/// Tells who is logged in, and how the connection is protected.
pub(super) fn tell_who(client: &mut Client<Connector>, output: Output) -> Result<()> {
    let who = client.whoami()?;
    let session = client.session();
    let id = client.hello().map(|hello| hello.id.clone());
    if output.json {
        output.json(&json!({
            "user": who.user,
            "role": who.role,
            "identity": who.identity,
            "secure": who.secure,
            "tls": session,
            "id": id,
        }));
        return Ok(());
    }
    output.line(format!(
        "user      {} ({})",
        escape(who.user.as_str()),
        escape(&who.role)
    ));
    output.line(format!("secure    {}", who.secure.word()));
    if let Some(session) = session {
        output.line(format!(
            "tls       {} {} {}",
            session.version, session.cipher, session.group
        ));
    }
    let identity = who
        .identity
        .as_deref()
        .map_or_else(|| "none".to_owned(), escape);
    output.line(format!("identity  {identity}"));
    Ok(())
}

/// Changes the own password over a connection that is logged in.
pub(super) fn change_password(
    client: &mut Client<Connector>,
    user: &str,
    old: &str,
    new: &str,
    output: Output,
) -> Result<()> {
    client.passwd(old, new)?;
    if output.json {
        output.json(&json!({ "event": "password_changed", "user": user }));
    }
    output.note(format!("changed the password of {}", escape(user)));
    Ok(())
}

/// How the present password is asked for.
pub(super) fn old_password_of(user: &str) -> String {
    format!("old password of {user}")
}

/// Reads a new password; what is typed is typed twice.
pub(super) fn new_password(source: &Secret, user: &str) -> Result<Zeroizing<String>> {
    let new = source.read(&format!(
        "new password for {user}, at least {PASSWORD_BYTES_MIN} bytes"
    ))?;
    check_password(new.as_bytes()).map_err(password_error)?;
    if *source == Secret::Prompt {
        repeat(&new, user)?;
    }
    Ok(new)
}

/// A password typed blind is typed twice.
pub(super) fn repeat(password: &str, user: &str) -> Result<()> {
    let again = Secret::Prompt.read(&format!("the same again for {user}"))?;
    if *again == password {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "the two passwords differ").hint("try again"))
}
