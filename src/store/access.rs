//! Who may do what with which names: `data/access.csv`, one row a rule.
//!
//! The rule with the longest matching prefix decides; among equal prefixes the most specific subject: a
//! user before a certificate's CN, before its OU, before a role, before everyone. Where two OUs of one
//! certificate have rules for the same prefix, only what both grant is granted. No matching rule: the
//! default, which the gate knows.

use std::cmp::Ordering;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use unicode_normalization::is_nfc;

use super::table::{Rows, Table};
use super::users::Role;
use crate::error::{Error, Result};
use crate::protocol::{NAME_BYTES_MAX, UserName};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The user logged in.
    pub user: &'a UserName,
    /// Their role.
    pub role: Role,
    /// The common name of the verified client certificate.
    pub cn: Option<&'a str>,
    /// The organizational units of the verified client certificate.
    pub ou: Option<&'a [String]>,
}

/// What a rule grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// List, stat and get.
    pub read: bool,
    /// Put under a name that is free; with it, owners may change their own.
    pub create: bool,
    /// Overwrite, rename and delete the files of others.
    pub change: bool,
}

impl Rights {
    /// Nothing at all.
    pub const NONE: Self = Self {
        read: false,
        create: false,
        change: false,
    };

    fn and(self, other: Self) -> Self {
        Self {
            read: self.read && other.read,
            create: self.create && other.create,
            change: self.change && other.change,
        }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.read, "read"),
            (self.create, "create"),
            (self.change, "change"),
        ];
        let words: Vec<&str> = words
            .iter()
            .filter_map(|(granted, word)| granted.then_some(*word))
            .collect();
        f.write_str(if words.is_empty() { "none" } else { "" })?;
        f.write_str(&words.join("+"))
    }
}

impl FromStr for Rights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rights = Self::NONE;
        if text == "none" {
            return Ok(rights);
        }
        for word in text.split('+') {
            match word {
                "read" => rights.read = true,
                "create" => rights.create = true,
                "change" => rights.change = true,
                _ => return Err("rights are read, create and change joined by +, or none".into()),
            }
        }
        Ok(rights)
    }
}

/// Whom a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// `*`: everyone.
    Everyone,
    /// `role:admin`, `role:user`.
    Role(Role),
    /// `ou:NAME`: an organizational unit of the verified client certificate.
    Ou(String),
    /// `cn:NAME`: the common name of the verified client certificate.
    Cn(String),
    /// A user name.
    User(UserName),
}

impl Who {
    /// The higher, the more specific.
    fn rank(&self) -> u8 {
        match self {
            Self::Everyone => 0,
            Self::Role(_) => 1,
            Self::Ou(_) => 2,
            Self::Cn(_) => 3,
            Self::User(_) => 4,
        }
    }

    fn is(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Role(role) => *role == subject.role,
            Self::Ou(name) => subject.ou.is_some_and(|units| units.contains(name)),
            Self::Cn(name) => subject.cn == Some(name),
            Self::User(name) => name == subject.user,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("*"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::Ou(name) => write!(f, "ou:{name}"),
            Self::Cn(name) => write!(f, "cn:{name}"),
            Self::User(name) => write!(f, "{name}"),
        }
    }
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("a rule holds no control characters".to_owned());
        }
        match text.split_once(':') {
            None if text == "*" => Ok(Self::Everyone),
            None => text.parse().map(Self::User).map_err(|error| {
                format!("who is a user, role:admin, role:user, cn:NAME, ou:NAME or *; {error}")
            }),
            Some(("role", role)) => role.parse().map(Self::Role),
            Some(("cn" | "ou", "")) => Err("a name is missing after cn: or ou:".to_owned()),
            Some(("cn", name)) => Ok(Self::Cn(name.to_owned())),
            Some(("ou", name)) => Ok(Self::Ou(name.to_owned())),
            Some(_) => Err("who is a user, role:admin, role:user, cn:NAME, ou:NAME or *".into()),
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whom it is for.
    pub who: Who,
    /// The beginning of the names it is for; empty for all.
    pub prefix: String,
    /// What it grants.
    pub rights: Rights,
}

/// The rules in force, following their file.
pub struct AccessRules {
    table: Table<Rules>,
}

impl AccessRules {
    /// Opens `access.csv` in `dir`, beside a running server or in it; a missing file is no rule.
    pub fn open(dir: &Path) -> Result<Self> {
        let table = Table::open(dir)?;
        Ok(Self { table })
    }

    /// Reads the file anew; on an error the old rules stay.
    pub fn reload(&self) -> Result<()> {
        self.table.reload()
    }

    /// What the rules grant; `None` when no rule matches: the default, everyone reads and creates, owners
    /// and admins change.
    pub fn rights(&self, subject: &Subject<'_>, name_or_prefix: &str) -> Option<Rights> {
        self.current().rights(subject, name_or_prefix)
    }

    /// The rules as they are now, for asking about many names: a listing looks at the file once.
    pub fn current(&self) -> Arc<Rules> {
        self.table.rows()
    }

    /// Sets the rule for exactly that subject and prefix.
    pub fn grant(&self, who: Who, prefix: &str, rights: Rights) -> Result<()> {
        check_prefix(prefix).map_err(|what| Error::new(crate::error::Kind::Usage, what))?;
        self.table.change(|rules| {
            rules
                .0
                .retain(|rule| rule.who != who || rule.prefix != prefix);
            let prefix = prefix.to_owned();
            rules.0.push(Rule {
                who,
                prefix,
                rights,
            });
            Ok(())
        })
    }

    /// Sets the rule for exactly that subject and prefix to grant nothing.
    pub fn deny(&self, who: Who, prefix: &str) -> Result<()> {
        self.grant(who, prefix, Rights::NONE)
    }

    /// Removes the rule for exactly that subject and prefix; `false` when there was none.
    pub fn remove(&self, who: &Who, prefix: &str) -> Result<bool> {
        self.table.change(|rules| {
            let before = rules.0.len();
            rules
                .0
                .retain(|rule| rule.who != *who || rule.prefix != prefix);
            Ok(rules.0.len() < before)
        })
    }

    /// Every rule, in the order of the file.
    pub fn list(&self) -> Vec<Rule> {
        self.current().0.clone()
    }
}

/// A set of rules.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// What these rules grant; `None` when none matches. A pure function, linear in the number of rules.
    pub fn rights(&self, subject: &Subject<'_>, name_or_prefix: &str) -> Option<Rights> {
        let mut best: Option<(usize, u8, Rights)> = None;
        for rule in &self.0 {
            if !name_or_prefix.starts_with(&rule.prefix) || !rule.who.is(subject) {
                continue;
            }
            let weight = (rule.prefix.len(), rule.who.rank());
            match best.map(|(length, rank, _)| weight.cmp(&(length, rank))) {
                None | Some(Ordering::Greater) => best = Some((weight.0, weight.1, rule.rights)),
                Some(Ordering::Equal) => {
                    best =
                        best.map(|(length, rank, rights)| (length, rank, rights.and(rule.rights)));
                }
                Some(Ordering::Less) => {}
            }
        }
        best.map(|(_, _, rights)| rights)
    }

    /// How many rules there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Rows for Rules {
    const NAME: &'static str = "access";
    const COLUMNS: &'static [&'static str] = &["who", "prefix", "rights"];

    fn add(&mut self, fields: &[&str]) -> Result<(), String> {
        let &[who, prefix, rights] = fields else {
            return Err("not three fields".to_owned());
        };
        let who: Who = who.parse()?;
        check_prefix(prefix)?;
        if self
            .0
            .iter()
            .any(|rule| rule.who == who && rule.prefix == prefix)
        {
            return Err(format!("{who} has a rule for that prefix already"));
        }
        let (prefix, rights) = (prefix.to_owned(), rights.parse()?);
        self.0.push(Rule {
            who,
            prefix,
            rights,
        });
        Ok(())
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |rule: &Rule| {
            let (who, prefix) = (rule.who.to_string(), rule.prefix.clone());
            vec![who, prefix, rule.rights.to_string()]
        };
        self.0.iter().map(row).collect()
    }
}

/// A prefix is any beginning of a file name.
fn check_prefix(prefix: &str) -> Result<(), String> {
    if prefix.len() > NAME_BYTES_MAX {
        return Err(format!("a prefix is at most {NAME_BYTES_MAX} bytes"));
    }
    if prefix.starts_with('/') || prefix.contains("//") || prefix.contains('\\') {
        return Err(
            "no name begins like that prefix: no leading or doubled slash, no backslash".into(),
        );
    }
    if prefix.chars().any(char::is_control) {
        return Err("a prefix holds no control characters".to_owned());
    }
    if !is_nfc(prefix) {
        return Err("the prefix is not in Unicode NFC".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rows: &[(&str, &str, &str)]) -> Result<Rules, String> {
        let mut rules = Rules::default();
        for (who, prefix, rights) in rows {
            rules.add(&[who, prefix, rights])?;
        }
        Ok(rules)
    }

    fn asked(rules: &Rules, user: &str, role: Role, cn: Option<&str>, name: &str) -> String {
        let user = user.parse().unwrap();
        let ou = ["students".to_owned(), "lab".to_owned()];
        let ou = cn.map(|_| ou.as_slice());
        let subject = Subject {
            user: &user,
            role,
            cn,
            ou,
        };
        match rules.rights(&subject, name) {
            Some(rights) => rights.to_string(),
            None => "default".to_owned(),
        }
    }

    #[test]
    fn the_longest_prefix_wins_then_the_most_specific_subject() {
        let rules = rules(&[
            ("*", "course/", "read"),
            ("role:admin", "course/", "read+create+change"),
            ("ou:students", "course/", "read+create"),
            ("cn:Bob", "course/", "none"),
            ("carol", "course/", "change"),
            ("*", "course/exam/", "none"),
            ("ou:lab", "lab/", "read+change"),
            ("ou:students", "lab/", "read+create"),
        ])
        .unwrap();
        let (user, admin) = (Role::User, Role::Admin);
        for (who, role, cn, name, rights) in [
            ("alice", user, None, "other", "default"),
            ("alice", user, None, "course", "default"),
            ("alice", user, None, "course/a", "read"),
            ("root", admin, None, "course/a", "read+create+change"),
            ("alice", user, Some("Alice"), "course/a", "read+create"),
            ("bob", user, Some("Bob"), "course/a", "none"),
            ("bob", admin, Some("Bob"), "course/a", "none"),
            ("bob", user, Some("bob"), "course/a", "read+create"),
            ("carol", user, Some("Bob"), "course/a", "change"),
            ("carol", admin, None, "course/exam/1", "none"),
            ("alice", user, Some("Alice"), "lab/1", "read"),
            ("alice", user, None, "lab/1", "default"),
        ] {
            assert_eq!(
                asked(&rules, who, role, cn, name),
                rights,
                "{who} {cn:?} {name}"
            );
        }
    }

    #[test]
    fn rules_that_mean_nothing_are_refused() {
        for row in [
            ("", "", "read"),
            ("a b", "", "read"),
            ("role:root", "", "read"),
            ("cn:", "", "read"),
            ("o:x", "", "read"),
            ("*", "/a", "read"),
            ("*", "a//b", "read"),
            ("*", "a\\b", "read"),
            ("*", "e\u{301}", "read"),
            ("*", "", ""),
            ("*", "", "read+"),
            ("*", "", "write"),
            ("*", "", "none+read"),
        ] {
            assert!(rules(&[row]).is_err(), "{row:?}");
        }
        assert!(rules(&[("*", "a", "read"), ("*", "a", "none")]).is_err());
        assert!(rules(&[("*", "a", "read"), ("*", "a/", "none")]).is_ok());
    }

    #[test]
    fn granting_and_denying_replace_and_outlive_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let rules = AccessRules::open(dir.path()).unwrap();
        let all = Rights {
            read: true,
            create: true,
            change: true,
        };
        rules.grant(Who::Everyone, "", all).unwrap();
        rules
            .grant("cn:A, \"B\"".parse().unwrap(), "x/", all)
            .unwrap();
        rules.deny(Who::Everyone, "").unwrap();
        assert!(rules.grant(Who::Everyone, "/", all).is_err());
        let again = AccessRules::open(dir.path()).unwrap();
        assert_eq!(again.list(), rules.list());
        assert_eq!(again.list().len(), 2);
        let alice = "alice".parse().unwrap();
        let subject = Subject {
            user: &alice,
            role: Role::User,
            cn: None,
            ou: None,
        };
        assert_eq!(again.rights(&subject, "a"), Some(Rights::NONE));
        assert!(again.remove(&Who::Everyone, "").unwrap());
        assert!(!again.remove(&Who::Everyone, "").unwrap());
        assert_eq!(rules.rights(&subject, "a"), None);
    }
}
