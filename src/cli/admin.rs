//! The commands of whoever runs the server: `user`, `access`, `fsck`. They work on the data folder, whether
//! a server is running or not.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::json;

use super::account::repeat;
use super::output::Output;
use super::secret::Secret;
use super::trail::DataOption;
use crate::config::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use crate::error::{Error, Kind, Result};
use crate::protocol::UserName;
use crate::store::{
    AccessRules, CertificateRule, ChangeError, Event, PasswordError, RegisterError, Rights, Role,
    Rule, User, Users, Who, fsck,
};
use crate::text::{self, escape};

/// How long a password may take to be hashed; only a machine on its knees needs that.
const HASH_TIMEOUT: Duration = Duration::from_secs(30);

/// `sealpost user`
#[derive(Debug, Args)]
pub(super) struct UserCommand {
    #[command(flatten)]
    data: DataOption,
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// Make an account
    Add {
        /// Their name: letters, digits and . _ - @ +
        name: UserName,
        /// What they may do: user, or admin to change the files of others too
        #[arg(long, default_value = "user")]
        role: Role,
        /// Where the password comes from: prompt, env:VARIABLE or file:PATH
        #[arg(long, value_name = "SRC", default_value = "prompt")]
        password: Secret,
        /// No password: only a client certificate logs them in
        #[arg(long)]
        no_password: bool,
    },
    /// List the accounts
    List,
    /// Let a user no longer log in; their files stay
    Disable {
        /// Who
        name: UserName,
    },
    /// Let a disabled user log in again
    Enable {
        /// Who
        name: UserName,
    },
    /// Give a user a new password
    Passwd {
        /// Who
        name: UserName,
        /// Where the password comes from: prompt, env:VARIABLE or file:PATH
        #[arg(long, value_name = "SRC", default_value = "prompt")]
        password: Secret,
    },
    /// Make a user an admin, or no longer
    Role {
        /// Who
        name: UserName,
        /// user or admin
        role: Role,
    },
    /// Bind a user to one client certificate, or with no value to none
    Certificate {
        /// Who
        name: UserName,
        /// Its common name, or cn:NAME, ou:NAME, or sha256: and its fingerprint
        certificate: Option<CertificateRule>,
    },
}

impl UserCommand {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let users = Users::open(&self.data.data)?;
        let unchanged = |error| change_error(error);
        let (user, word, done) = match self.action {
            UserAction::List => {
                list_users(&users.list(), output);
                return Ok(ExitCode::SUCCESS);
            }
            UserAction::Add {
                name,
                role,
                password,
                no_password,
            } => {
                let added = if no_password {
                    users.register_without_password(name.clone(), role)
                } else {
                    let password = new_password(&password, &name)?;
                    users.register(name.clone(), password.as_bytes(), role, deadline())
                };
                (
                    added.map_err(|error| register_error(error, &name))?,
                    "user_add",
                    "added",
                )
            }
            UserAction::Disable { name } => (
                users.set_enabled(&name, false).map_err(unchanged)?,
                "user_disable",
                "disabled",
            ),
            UserAction::Enable { name } => (
                users.set_enabled(&name, true).map_err(unchanged)?,
                "user_enable",
                "enabled",
            ),
            UserAction::Passwd { name, password } => {
                let password = new_password(&password, &name)?;
                let changed = users.set_password(&name, password.as_bytes(), deadline());
                (
                    changed.map_err(unchanged)?,
                    "user_passwd",
                    "changed the password of",
                )
            }
            UserAction::Role { name, role } => (
                users.set_role(&name, role).map_err(unchanged)?,
                "user_role",
                "changed the role of",
            ),
            UserAction::Certificate { name, certificate } => {
                let changed = users.set_certificate(&name, certificate.as_ref());
                (
                    changed.map_err(unchanged)?,
                    "user_certificate",
                    "changed the certificate of",
                )
            }
        };
        let event = Event {
            user: Some(user.name.to_string()),
            reason: Some(as_it_is(&user)),
            ..Event::new(word, "")
        };
        self.data.note(event, output);
        if output.json {
            output.json(&user);
        }
        output.note(format!("{done} {} ({})", user.name, user.role));
        Ok(ExitCode::SUCCESS)
    }
}

/// What an account is after a change, for the audit trail.
fn as_it_is(user: &User) -> String {
    let enabled = match user.enabled {
        true => "enabled",
        false => "disabled",
    };
    match &user.certificate {
        Some(rule) => format!("{}, {enabled}, {rule}", user.role),
        None => format!("{}, {enabled}", user.role),
    }
}

fn list_users(users: &[User], output: Output) {
    if output.json {
        output.json(&users);
        return;
    }
    let rows = users.iter().map(|user| {
        vec![
            user.name.to_string(),
            user.role.to_string(),
            if user.enabled { "enabled" } else { "disabled" }.to_owned(),
            text::time(user.created),
            user.certificate.as_deref().map(escape).unwrap_or_default(),
        ]
    });
    output.table(&["name", "role", "login", "created", "certificate"], rows);
}

fn new_password(source: &Secret, name: &UserName) -> Result<zeroize::Zeroizing<String>> {
    let password = source.read(&format!("password of {name}"))?;
    if *source == Secret::Prompt {
        repeat(&password, name.as_str())?;
    }
    Ok(password)
}

fn deadline() -> Instant {
    Instant::now() + HASH_TIMEOUT
}

fn register_error(error: RegisterError, name: &UserName) -> Error {
    match error {
        RegisterError::Taken => Error::new(Kind::Exists, format!("there is a user {name} already"))
            .hint(format!(
                "sealpost user passwd {name} gives them a new password"
            )),
        RegisterError::Full => Error::new(Kind::TooLarge, "the table of users is full")
            .hint("remove rows of users.csv that are no longer needed"),
        RegisterError::Password(what) => password_error(what),
        RegisterError::Busy => busy(),
        RegisterError::Io(error) => error,
    }
}

fn change_error(error: ChangeError) -> Error {
    match error {
        ChangeError::Unknown => Error::new(Kind::NotFound, "there is no such user")
            .hint("`sealpost user list` shows them all; upper and lower case differ"),
        ChangeError::Password(what) => password_error(what),
        ChangeError::Busy => busy(),
        ChangeError::Io(error) => error,
    }
}

pub(super) fn password_error(what: PasswordError) -> Error {
    let (least, most) = (PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX);
    Error::new(Kind::Usage, what.to_string())
        .hint(format!("choose one of {least} to {most} bytes"))
        .zh(
            match what {
                PasswordError::TooShort => format!("口令短于 {least} 字节"),
                PasswordError::TooLong => format!("口令长于 {most} 字节"),
            },
            format!("请选择 {least} 到 {most} 字节的口令"),
        )
}

fn busy() -> Error {
    Error::new(Kind::Timeout, "the machine is too busy to hash a password").hint("try again")
}

/// `sealpost access`
#[derive(Debug, Args)]
pub(super) struct AccessCommand {
    #[command(flatten)]
    data: DataOption,
    #[command(subcommand)]
    action: AccessAction,
}

#[derive(Debug, Subcommand)]
enum AccessAction {
    /// List the rules; without any, everyone reads and creates, owners and admins change
    List,
    /// Set what somebody may do with the names that begin with a prefix
    Grant {
        /// A user, role:admin, role:user, cn:NAME, ou:NAME, or * for everyone
        who: Who,
        /// The beginning of the names; '' for all
        prefix: String,
        /// read, create, change, joined by +; change is about the files of others
        rights: Rights,
    },
    /// Let somebody do nothing with the names that begin with a prefix
    Deny {
        /// A user, role:admin, role:user, cn:NAME, ou:NAME, or * for everyone
        who: Who,
        /// The beginning of the names; '' for all
        prefix: String,
    },
    /// Remove a rule
    Remove {
        /// Whom it is for
        who: Who,
        /// Its prefix
        prefix: String,
    },
}

impl AccessCommand {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let rules = AccessRules::open(&self.data.data)?;
        let changed = match self.action {
            AccessAction::List => None,
            AccessAction::Grant {
                who,
                prefix,
                rights,
            } => {
                rules.grant(who.clone(), &prefix, rights)?;
                Some(("access_grant", prefix, format!("{who}: {rights}")))
            }
            AccessAction::Deny { who, prefix } => {
                rules.deny(who.clone(), &prefix)?;
                Some(("access_deny", prefix, who.to_string()))
            }
            AccessAction::Remove { who, prefix } => {
                if !rules.remove(&who, &prefix)? {
                    let what = format!("{who} has no rule for the prefix '{}'", escape(&prefix));
                    return Err(Error::new(Kind::NotFound, what)
                        .hint("`sealpost access list` shows them all"));
                }
                Some(("access_remove", prefix, who.to_string()))
            }
        };
        if let Some((word, prefix, reason)) = changed {
            let event = Event {
                name: Some(prefix),
                reason: Some(reason),
                ..Event::new(word, "")
            };
            self.data.note(event, output);
        }
        list_rules(&rules.list(), output);
        Ok(ExitCode::SUCCESS)
    }
}

fn list_rules(rules: &[Rule], output: Output) {
    if output.json {
        let rules: Vec<_> = rules
            .iter()
            .map(|rule| {
                json!({
                    "who": rule.who.to_string(),
                    "prefix": rule.prefix,
                    "rights": rule.rights.to_string(),
                })
            })
            .collect();
        output.json(&rules);
        return;
    }
    if rules.is_empty() {
        output.note("no rules: everyone reads and creates, owners and admins change");
        return;
    }
    let rows = rules.iter().map(|rule| {
        vec![
            escape(&rule.who.to_string()),
            escape(&rule.prefix),
            rule.rights.to_string(),
        ]
    });
    output.table(&["who", "prefix", "rights"], rows);
}

/// `sealpost fsck`
#[derive(Debug, Args)]
pub(super) struct FsckCommand {
    #[command(flatten)]
    data: DataOption,
    /// Mend what can be mended without losing a file; the server must be stopped
    #[arg(long)]
    repair: bool,
    /// Compare every file's SHA-256 too: reads every byte
    #[arg(long)]
    digests: bool,
}

impl FsckCommand {
    /// Exit code 0 when all is well, 1 when there are problems left.
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let data = &self.data.data;
        let mut report = fsck::check(data, self.digests)?;
        if self.repair {
            let repairs = fsck::repair(data, false)?.repairs;
            if !repairs.is_empty() {
                let event = Event {
                    reason: Some(repairs.join("; ")),
                    ..Event::new("fsck_repair", "")
                };
                self.data.note(event, output);
            }
            report = fsck::check(data, self.digests)?;
            report.repairs = repairs;
        }
        if output.json {
            output.json(&report);
        } else {
            for repair in &report.repairs {
                output.note(escape(repair));
            }
            for problem in &report.problems {
                output.line(escape(&problem.to_string()));
            }
            output.note(format!(
                "files: {} ({}), users: {}, rules: {}, problems: {}",
                report.files,
                text::size(report.bytes),
                report.users,
                report.rules,
                report.problems.len()
            ));
        }
        let sound = report.problems.is_empty();
        Ok(if sound {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
