//! Accounts: register, login by password or certificate, and a new password.

use std::thread;
use std::time::Instant;

use zeroize::Zeroizing;

use super::session::{Next, Session, Stop, bad};
use super::throttle::Attempt;
use super::{LoginPolicy, Registration};
use crate::protocol::{Account, Code, Refusal, UserName};
use crate::store::{CertificateRule, ChangeError, Event, HashError, RegisterError, Role, User};
use crate::transport::Wire;

/// The name under which what concerns only the address is counted; no user can have it.
const NOBODY: &str = "";

impl<W: Wire> Session<'_, W> {
    pub(super) fn register(&mut self, user: &str, password: String) -> Result<Next, Stop> {
        let password = Zeroizing::new(password);
        if self.user.is_some() {
            return Err(already().into());
        }
        if !self.may_register() {
            let text = match self.shared.config.register {
                Registration::Certificate => {
                    "this server takes new users by their client certificate only"
                }
                _ => "this server takes no new users; ask its operator",
            };
            return Err(Refusal::new(Code::RegisterClosed, text).into());
        }
        if self.shared.config.register == Registration::Certificate
            && self.certificate_user() != Some(user)
        {
            let text = "only the name in your client certificate can be registered";
            return Err(Refusal::new(Code::Forbidden, text).into());
        }
        let name: UserName = user.parse().map_err(|error| bad(format!("{error}")))?;
        let attempt = self.wait_for_turn(NOBODY)?;
        let users = self.shared.store.users();
        let registered = users.register(name, password.as_bytes(), Role::User, self.login_deadline);
        if matches!(registered, Err(RegisterError::Taken)) {
            // Else asking for names would list the users at full speed. Only the address is slowed: a
            // stranger must not slow the one who has the name.
            self.shared
                .throttle
                .failed(self.peer.address.ip(), NOBODY, Instant::now());
        }
        drop(attempt);
        let user = registered.map_err(|error| self.not_registered(error))?;
        self.record(Event {
            user: Some(user.name.to_string()),
            ..self.event("register")
        });
        self.welcome(user)
    }

    /// Whether this connection may make an account at all.
    pub(super) fn may_register(&self) -> bool {
        match self.shared.config.register {
            Registration::Open => true,
            Registration::Certificate => self.certificate_user().is_some(),
            Registration::Closed => false,
        }
    }

    fn not_registered(&self, error: RegisterError) -> Stop {
        match error {
            RegisterError::Taken => {
                Refusal::new(Code::NameTaken, "that user name is taken; choose another").into()
            }
            RegisterError::Full => Refusal::new(
                Code::RegisterClosed,
                "this server has all the users it can hold",
            )
            .into(),
            RegisterError::Password(error) => bad(error.to_string()).into(),
            RegisterError::Busy => busy().into(),
            RegisterError::Io(error) => self.internal(&error),
        }
    }

    fn not_changed(&self, error: ChangeError) -> Stop {
        match error {
            ChangeError::Unknown => Refusal::new(Code::LoginRequired, "you are gone").into(),
            ChangeError::Password(error) => bad(error.to_string()).into(),
            ChangeError::Busy => busy().into(),
            ChangeError::Io(error) => self.internal(&error),
        }
    }

    pub(super) fn login(
        &mut self,
        user: Option<String>,
        password: Option<String>,
    ) -> Result<Next, Stop> {
        if self.user.is_some() {
            return Err(already().into());
        }
        match (user, password) {
            (Some(user), Some(password)) => self.login_by_password(&user, password),
            (None, None) => self.login_by_certificate(),
            _ => Err(bad("give both user and password, or neither").into()),
        }
    }

    fn login_by_password(&mut self, user: &str, password: String) -> Result<Next, Stop> {
        let password = Zeroizing::new(password);
        let checked = self.check_password(user, &password)?;
        let policy = self.shared.config.login;
        let named = self.certificate_user();
        let refused = match &checked {
            None => Some("wrong user or password"),
            Some(_) if policy == LoginPolicy::Certificate => Some("passwords are not taken here"),
            Some(_) if policy == LoginPolicy::Both && named != Some(user) => {
                Some("the client certificate is not of this user")
            }
            Some(user) if !self.fulfils_rule(user) => {
                Some("the user's certificate rule is not met")
            }
            Some(_) => None,
        };
        match (checked, refused) {
            (Some(user), None) => self.logged_in_now(user, "password"),
            (_, reason) => Err(self.login_failed(user, reason.unwrap_or_default())),
        }
    }

    fn login_by_certificate(&mut self) -> Result<Next, Stop> {
        let Some(cn) = self.certificate_user().map(str::to_owned) else {
            return Err(self.login_failed("", "no client certificate that names a user"));
        };
        if !matches!(
            self.shared.config.login,
            LoginPolicy::Certificate | LoginPolicy::Either
        ) {
            return Err(self.login_failed(&cn, "a certificate alone is not taken here"));
        }
        match self.shared.store.users().find(&cn) {
            Some(user) if user.enabled && self.fulfils_rule(&user) => {
                self.logged_in_now(user, "certificate")
            }
            Some(user) if user.enabled => {
                Err(self.login_failed(&cn, "the user's certificate rule is not met"))
            }
            Some(_) => Err(self.login_failed(&cn, "the user is disabled")),
            None => Err(self.login_failed(&cn, "no user has the name of the certificate")),
        }
    }

    pub(super) fn passwd(&mut self, old: String, new: String) -> Result<Next, Stop> {
        let (old, new) = (Zeroizing::new(old), Zeroizing::new(new));
        let user = self.logged_in()?;
        if self.check_password(user.name.as_str(), &old)?.is_none() {
            return Err(self.login_failed(user.name.as_str(), "wrong old password"));
        }
        let users = self.shared.store.users();
        let deadline = Instant::now() + self.shared.config.limits.login_timeout;
        let user = users
            .set_password(&user.name, new.as_bytes(), deadline)
            .map_err(|error| self.not_changed(error))?;
        // This session made the change: it goes on under the new password, all others of the user are over.
        self.user = Some(user);
        self.record(self.event("passwd"));
        self.done()
    }

    /// The user that the verified client certificate names.
    fn certificate_user(&self) -> Option<&str> {
        let identity = self.peer.identity.as_ref()?;
        self.shared.config.user_from.name(identity)
    }

    /// Waits as long as earlier failures of the address or of `who` demand.
    fn wait_for_turn(&self, who: &str) -> Result<Attempt<'_>, Refusal> {
        let attempt = self
            .shared
            .throttle
            .begin(self.peer.address.ip(), who, Instant::now());
        let wait = attempt.wait;
        if !wait.is_zero() {
            tracing::info!(id = self.peer.id, "slowing a login down by {wait:?}");
            thread::sleep(wait);
        }
        if attempt.refused {
            let text = "too many failed logins from your address; try again later";
            return Err(Refusal::new(Code::RateLimited, text));
        }
        Ok(attempt)
    }

    /// Waits as long as earlier failures demand, then verifies; counts a failure.
    fn check_password(&self, user: &str, password: &str) -> Result<Option<User>, Stop> {
        let throttle = &self.shared.throttle;
        let address = self.peer.address.ip();
        let who: String = user.chars().take(64).collect();
        let _attempt = self.wait_for_turn(&who)?;
        let deadline = Instant::now() + self.shared.config.limits.login_timeout;
        let verified = self
            .shared
            .store
            .users()
            .verify(user, password.as_bytes(), deadline);
        match verified {
            Ok(Some(user)) => {
                throttle.succeeded(&who);
                Ok(Some(user))
            }
            Ok(None) => {
                throttle.failed(address, &who, Instant::now());
                Ok(None)
            }
            Err(HashError::Busy) => Err(busy().into()),
            Err(HashError::Internal(error)) => Err(self.internal(&error)),
        }
    }

    /// Whether the client certificate is the one the user's row of users.csv asks for.
    fn fulfils_rule(&self, user: &User) -> bool {
        let Some(rule) = &user.certificate else {
            return true;
        };
        let Some(identity) = &self.peer.identity else {
            return false;
        };
        // A rule that cannot be read fits nobody.
        rule.parse().is_ok_and(|rule: CertificateRule| {
            rule.fits(identity.cn.as_deref(), &identity.ous, &identity.fingerprint)
        })
    }

    fn logged_in_now(&mut self, user: User, by: &str) -> Result<Next, Stop> {
        self.record(Event {
            user: Some(user.name.to_string()),
            reason: Some(format!("by {by}")),
            ..self.event("login")
        });
        self.welcome(user)
    }

    fn welcome(&mut self, user: User) -> Result<Next, Stop> {
        let account = Account {
            user: user.name.clone(),
            role: user.role.word().to_owned(),
        };
        self.user = Some(user);
        self.reply(account)
    }

    /// The peer learns that it failed; the audit trail learns why.
    fn login_failed(&self, user: &str, reason: &str) -> Stop {
        self.record(Event {
            user: Some(user.chars().take(64).collect()),
            code: Some(Code::LoginFailed.word().to_owned()),
            reason: Some(reason.to_owned()),
            ..self.event("login_failed")
        });
        Refusal::new(Code::LoginFailed, "login failed").into()
    }
}

fn already() -> Refusal {
    Refusal::new(Code::Forbidden, "this connection is logged in already")
}

fn busy() -> Refusal {
    Refusal::new(Code::Busy, "too many logins at once; try again")
}
