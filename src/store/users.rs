//! Who may log in: `data/users.csv`, one row a user.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::binding::CertificateRule;
use super::hashing::{HashError, Hashing, PasswordMark, check_phc};
use super::table::{Rows, Table};
use crate::config;
use crate::error::{Error, Result};
use crate::protocol::UserName;
use crate::text;

/// What a user may do beyond their own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Works with files as the access rules say.
    User,
    /// Changes the files of others too.
    Admin,
}

impl Role {
    /// The word in files, replies and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            _ => Err(format!(
                "{} is not a role: user or admin",
                text::escape(text)
            )),
        }
    }
}

/// A user, without the password's hash: that never leaves this room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The name, which is also the key.
    pub name: UserName,
    /// What the user may do beyond their own files.
    pub role: Role,
    /// When the account was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// Whether the user may log in.
    pub enabled: bool,
    /// Which client certificate the user has to show, as [`CertificateRule`] reads it; any or none by default.
    pub certificate: Option<String>,
    /// Which of their passwords is in force: a session that began under another one is over.
    #[serde(skip)]
    pub(crate) password: PasswordMark,
}

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// Shorter than [`config::PASSWORD_BYTES_MIN`].
    TooShort,
    /// Longer than [`config::PASSWORD_BYTES_MAX`].
    TooLong,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (config::PASSWORD_BYTES_MIN, config::PASSWORD_BYTES_MAX);
        match self {
            Self::TooShort => write!(f, "the password is shorter than {least} bytes"),
            Self::TooLong => write!(f, "the password is longer than {most} bytes"),
        }
    }
}

/// Why an account was not made.
#[derive(Debug)]
pub enum RegisterError {
    /// Another user has that name.
    Taken,
    /// The table holds [`config::USERS_MAX`] users.
    Full,
    /// The password is not one that is taken.
    Password(PasswordError),
    /// Too many passwords wait to be hashed.
    Busy,
    /// The table cannot be read or written.
    Io(Error),
}

/// Why an account was not changed.
#[derive(Debug)]
pub enum ChangeError {
    /// There is no such user.
    Unknown,
    /// The password is not one that is taken.
    Password(PasswordError),
    /// Too many passwords wait to be hashed.
    Busy,
    /// The table cannot be read or written.
    Io(Error),
}

macro_rules! from_parts {
    ($name:ident) => {
        impl From<Error> for $name {
            fn from(error: Error) -> Self {
                Self::Io(error)
            }
        }

        impl From<PasswordError> for $name {
            fn from(error: PasswordError) -> Self {
                Self::Password(error)
            }
        }

        impl From<HashError> for $name {
            fn from(error: HashError) -> Self {
                match error {
                    HashError::Busy => Self::Busy,
                    HashError::Internal(error) => Self::Io(error),
                }
            }
        }
    };
}

from_parts!(RegisterError);
from_parts!(ChangeError);

/// The table of users, and the only way to check a password.
pub struct Users {
    table: Table<Accounts>,
    hashing: Hashing,
}

impl Users {
    /// Opens `users.csv` in `dir`, beside a running server or in it; a missing file is an empty table.
    pub fn open(dir: &Path) -> Result<Self> {
        Ok(Self {
            table: Table::open(dir)?,
            hashing: Hashing::new(),
        })
    }

    /// Reads the file anew; on an error the old users stay.
    pub fn reload(&self) -> Result<()> {
        self.table.reload()
    }

    /// The user of that name; a file changed by another process is noticed (one `stat` a call).
    pub fn find(&self, name: &str) -> Option<User> {
        self.table
            .rows()
            .find(name)
            .map(|account| account.user.clone())
    }

    /// Every user, by name.
    pub fn list(&self) -> Vec<User> {
        let accounts = self.table.rows();
        accounts
            .0
            .values()
            .map(|account| account.user.clone())
            .collect()
    }

    /// The user, if the password is theirs and they may log in. Whatever is wrong, the work is the same:
    /// one run of argon2, for unknown, disabled and badly named users and for over-long passwords too.
    pub fn verify(
        &self,
        user: &str,
        password: &[u8],
        deadline: Instant,
    ) -> Result<Option<User>, HashError> {
        let accounts = self.table.rows();
        let account = accounts.find(user);
        let too_long = password.len() > config::PASSWORD_BYTES_MAX;
        let password = &password[..password.len().min(config::PASSWORD_BYTES_MAX)];
        let phc = account.and_then(|account| account.phc.as_deref());
        let matches = self.hashing.verify(password, phc, deadline)?;
        let Some(account) = account.filter(|_| matches && !too_long) else {
            return Ok(None);
        };
        // Hashing takes a while: the account must still be the same.
        let now = self.table.rows();
        let still = now.find(user).filter(|now| now.phc == account.phc);
        Ok(still
            .map(|now| now.user.clone())
            .filter(|user| user.enabled))
    }

    /// Makes an account, enabled, with that password.
    pub fn register(
        &self,
        name: UserName,
        password: &[u8],
        role: Role,
        deadline: Instant,
    ) -> Result<User, RegisterError> {
        check_password(password)?;
        // Looked at before hashing to save the work, and again when it counts.
        self.table.rows().room_for(&name)?;
        let phc = self.hashing.hash(password, deadline)?;
        self.add(name, Some(phc), role)
    }

    /// Makes an account without a password: only a client certificate logs it in.
    pub fn register_without_password(
        &self,
        name: UserName,
        role: Role,
    ) -> Result<User, RegisterError> {
        self.add(name, None, role)
    }

    /// Gives the user a new password. Checking the old one is the caller's business.
    pub fn set_password(
        &self,
        name: &UserName,
        password: &[u8],
        deadline: Instant,
    ) -> Result<User, ChangeError> {
        check_password(password)?;
        if self.find(name.as_str()).is_none() {
            return Err(ChangeError::Unknown);
        }
        let phc = self.hashing.hash(password, deadline)?;
        self.change(name, |account| {
            account.user.password = PasswordMark::of(Some(&phc));
            account.phc = Some(phc);
        })
    }

    /// Gives the user another role.
    pub fn set_role(&self, name: &UserName, role: Role) -> Result<User, ChangeError> {
        self.change(name, |account| account.user.role = role)
    }

    /// Lets the user log in, or not.
    pub fn set_enabled(&self, name: &UserName, enabled: bool) -> Result<User, ChangeError> {
        self.change(name, |account| account.user.enabled = enabled)
    }

    /// Says which client certificate the user has to show.
    pub fn set_certificate(
        &self,
        name: &UserName,
        certificate: Option<&CertificateRule>,
    ) -> Result<User, ChangeError> {
        let rule = certificate.map(ToString::to_string);
        self.change(name, |account| account.user.certificate = rule)
    }

    fn add(&self, name: UserName, phc: Option<String>, role: Role) -> Result<User, RegisterError> {
        self.table.change(|accounts| {
            accounts.room_for(&name)?;
            let user = User {
                name: name.clone(),
                role,
                created: text::now(),
                enabled: true,
                certificate: None,
                password: PasswordMark::of(phc.as_deref()),
            };
            let account = Account {
                user: user.clone(),
                phc,
            };
            accounts.0.insert(name, Arc::new(account));
            Ok(user)
        })
    }

    fn change(
        &self,
        name: &UserName,
        change: impl FnOnce(&mut Account),
    ) -> Result<User, ChangeError> {
        self.table.change(|accounts| {
            let account = accounts.0.get_mut(name).ok_or(ChangeError::Unknown)?;
            let account = Arc::make_mut(account);
            change(account);
            Ok(account.user.clone())
        })
    }
}

/// Whether a new password has a length that is taken.
pub fn check_password(password: &[u8]) -> Result<(), PasswordError> {
    match password.len() {
        ..config::PASSWORD_BYTES_MIN => Err(PasswordError::TooShort),
        config::PASSWORD_BYTES_MIN..=config::PASSWORD_BYTES_MAX => Ok(()),
        _ => Err(PasswordError::TooLong),
    }
}

/// A row. Not `Debug`: it holds the hash.
#[derive(Clone)]
struct Account {
    user: User,
    phc: Option<String>,
}

/// The rows by name; shared, so that changing one of 100,000 does not copy the others.
#[derive(Clone, Default)]
pub(super) struct Accounts(BTreeMap<UserName, Arc<Account>>);

impl Accounts {
    /// How many users there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&self, name: &str) -> Option<&Account> {
        self.0.get(name).map(Arc::as_ref)
    }

    fn room_for(&self, name: &UserName) -> Result<(), RegisterError> {
        if self.0.contains_key(name) {
            Err(RegisterError::Taken)
        } else if self.0.len() >= config::USERS_MAX {
            Err(RegisterError::Full)
        } else {
            Ok(())
        }
    }
}

impl Rows for Accounts {
    const NAME: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "password",
        "role",
        "created",
        "enabled",
        "certificate",
    ];

    fn add(&mut self, fields: &[&str]) -> Result<(), String> {
        let &[name, password, role, created, enabled, certificate] = fields else {
            return Err("not six fields".to_owned());
        };
        let name: UserName = name.parse().map_err(|error| format!("name: {error}"))?;
        if !password.is_empty() {
            check_phc(password).map_err(|what| format!("the password of {name} {what}"))?;
        }
        let created = OffsetDateTime::parse(created, &Rfc3339)
            .map_err(|_| "created is not a time such as 2026-01-31T12:00:00Z".to_owned())?;
        let phc = (!password.is_empty()).then(|| password.to_owned());
        let user = User {
            password: PasswordMark::of(phc.as_deref()),
            role: role.parse()?,
            created,
            enabled: match enabled {
                "yes" => true,
                "no" => false,
                _ => return Err("enabled is neither yes nor no".to_owned()),
            },
            certificate: (!certificate.is_empty()).then(|| certificate.to_owned()),
            name: name.clone(),
        };
        let old = self.0.insert(name.clone(), Arc::new(Account { user, phc }));
        match old {
            Some(_) => Err(format!("the user {name} has a row already")),
            None => Ok(()),
        }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |account: &Arc<Account>| {
            let user = &account.user;
            vec![
                user.name.to_string(),
                account.phc.clone().unwrap_or_default(),
                user.role.word().to_owned(),
                text::time(user.created),
                if user.enabled { "yes" } else { "no" }.to_owned(),
                user.certificate.clone().unwrap_or_default(),
            ]
        };
        self.0.values().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    fn name(text: &str) -> UserName {
        text.parse().unwrap()
    }

    fn with_alice() -> (tempfile::TempDir, Users) {
        let dir = tempfile::tempdir().unwrap();
        let users = Users::open(dir.path()).unwrap();
        let alice = users.register(name("alice"), b"correct horse", Role::User, soon());
        assert!(alice.unwrap().enabled);
        (dir, users)
    }

    #[test]
    fn the_right_password_logs_in_and_survives_a_restart() {
        let (dir, users) = with_alice();
        let again = Users::open(dir.path()).unwrap();
        for users in [users, again] {
            let user = users
                .verify("alice", b"correct horse", soon())
                .unwrap()
                .unwrap();
            assert_eq!((user.name.as_str(), user.role), ("alice", Role::User));
        }
    }

    #[test]
    fn whatever_is_wrong_with_a_login_the_work_is_one_hash_and_the_answer_none() {
        let (_dir, users) = with_alice();
        users
            .register(name("bob"), b"password of bob", Role::User, soon())
            .unwrap();
        users.set_enabled(&name("bob"), false).unwrap();
        users
            .register_without_password(name("carol"), Role::User)
            .unwrap();
        let long = vec![b'x'; 1_000_000];
        for (user, password) in [
            ("alice", b"wrong horse".as_slice()),
            ("alice", b""),
            ("alice", &long),
            ("nobody", b"correct horse"),
            ("bob", b"password of bob"),
            ("carol", b""),
            ("../../etc/passwd", b"correct horse"),
            ("", b""),
        ] {
            let before = users.hashing.runs.load(Ordering::SeqCst);
            assert_eq!(
                users.verify(user, password, soon()).unwrap(),
                None,
                "{user}"
            );
            assert_eq!(
                users.hashing.runs.load(Ordering::SeqCst),
                before + 1,
                "{user}"
            );
        }
    }

    #[test]
    fn a_password_of_the_longest_length_works_and_longer_ones_are_not_cut_to_it() {
        let (_dir, users) = with_alice();
        let longest = [b'x'; config::PASSWORD_BYTES_MAX];
        users
            .set_password(&name("alice"), &longest, soon())
            .unwrap();
        assert!(users.verify("alice", &longest, soon()).unwrap().is_some());
        let longer = [b'x'; config::PASSWORD_BYTES_MAX + 1];
        assert!(users.verify("alice", &longer, soon()).unwrap().is_none());
        for (password, error) in [
            (longer.as_slice(), PasswordError::TooLong),
            (b"1234567", PasswordError::TooShort),
        ] {
            let refused = users.set_password(&name("alice"), password, soon());
            assert!(matches!(refused, Err(ChangeError::Password(is)) if is == error));
            let refused = users.register(name("dave"), password, Role::User, soon());
            assert!(matches!(refused, Err(RegisterError::Password(is)) if is == error));
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let (_dir, users) = with_alice();
        let taken = users.register(name("alice"), b"another one", Role::Admin, soon());
        assert!(matches!(taken, Err(RegisterError::Taken)));
        assert!(
            users
                .register(name("Alice"), b"another one", Role::User, soon())
                .is_ok()
        );
        assert_eq!(users.list().len(), 2);
    }

    #[test]
    fn a_command_beside_the_server_is_seen_by_it() {
        let (dir, server) = with_alice();
        let command = Users::open(dir.path()).unwrap();
        command.set_role(&name("alice"), Role::Admin).unwrap();
        let rule = "cn:Alice, \"A\"".parse().unwrap();
        command
            .set_certificate(&name("alice"), Some(&rule))
            .unwrap();
        let alice = server.find("alice").unwrap();
        assert_eq!(alice.role, Role::Admin);
        assert_eq!(alice.certificate.as_deref(), Some("cn:Alice, \"A\""));
        command.set_enabled(&name("alice"), false).unwrap();
        assert!(
            server
                .verify("alice", b"correct horse", soon())
                .unwrap()
                .is_none()
        );
        let unknown = command.set_role(&name("nobody"), Role::Admin);
        assert!(matches!(unknown, Err(ChangeError::Unknown)));
    }

    #[test]
    fn a_hash_that_would_eat_the_machine_refuses_the_file_with_its_line() {
        let (dir, users) = with_alice();
        let path = dir.path().join("users.csv");
        let good = fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("m=19456", "m=4194304"),
            ("$argon2id", "$argon2d"),
            (",user,", ",root,"),
            (",yes,", ",maybe,"),
            ("alice,", "../alice,"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good);
            super::super::replace::replace(&path, 0o600, bad.as_bytes()).unwrap();
            let error = Users::open(dir.path()).err().unwrap();
            assert!(error.message().contains("users.csv, line 2: "), "{error}");
            assert!(!error.message().contains("$argon2"), "{error}");
            assert!(users.reload().is_err());
            assert!(users.find("alice").is_some());
        }
        let twice = format!("{good}{}\n", good.lines().nth(1).unwrap());
        super::super::replace::replace(&path, 0o600, twice.as_bytes()).unwrap();
        let error = Users::open(dir.path()).err().unwrap();
        assert!(error.message().contains("line 3: "), "{error}");
    }

    #[test]
    fn the_hash_is_shown_nowhere() {
        let (_dir, users) = with_alice();
        assert!(!format!("{:?}", users.list()).contains("argon2"));
        let json = serde_json::to_string(&users.list()).unwrap();
        assert!(json.contains("alice") && !json.contains("argon2"));
    }
}
