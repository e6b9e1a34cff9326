//! The commands about the own account: `register`, `passwd`, `whoami`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::connect::ConnectOptions;
use super::output::Output;
use super::secret::Secret;
use crate::config::PASSWORD_BYTES_MIN;
use crate::error::{Error, Kind, Result};
use crate::text::escape;

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
        let old = self.connect.password(&format!("old password of {user}"))?;
        let new = self.new_password.read(&format!(
            "new password for {user}, at least {PASSWORD_BYTES_MIN} bytes"
        ))?;
        if self.new_password == Secret::Prompt {
            repeat(&new, user)?;
        }
        let mut client = self.connect.greet(output)?;
        client.login(user, &old)?;
        client.passwd(&old, &new)?;
        client.quit();
        if output.json {
            output.json(&json!({ "event": "password_changed", "user": user }));
        }
        output.note(format!("changed the password of {}", escape(user)));
        Ok(ExitCode::SUCCESS)
    }
}

impl WhoamiCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        let who = client.whoami()?;
        let session = client.session();
        let id = client.hello().map(|hello| hello.id.clone());
        client.quit();
        if output.json {
            output.json(&json!({
                "user": who.user,
                "role": who.role,
                "identity": who.identity,
                "secure": who.secure,
                "tls": session,
                "id": id,
            }));
            return Ok(ExitCode::SUCCESS);
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
        Ok(ExitCode::SUCCESS)
    }
}

/// A password typed blind is typed twice.
pub(super) fn repeat(password: &str, user: &str) -> Result<()> {
    let again = Secret::Prompt.read(&format!("the same again for {user}"))?;
    if *again == password {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "the two passwords differ").hint("try again"))
}
