//! Who may do what: every operation is a row of one table, and one function permits.
//!
//! No handler checks for itself. Rules of `access.csv` come in as [`Rights`]; without a rule everyone reads
//! and creates, owners change what is theirs, admins change everything.

use crate::protocol::{Code, FileName, Operation, Refusal, UserName};
use crate::store::{Rights, Role};

/// What an operation does to a name it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Looks at it.
    Read,
    /// Puts something there: creates where nothing is, changes where something is.
    Write,
    /// Removes or moves it.
    Change,
}

/// A row: what an operation needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Which operation.
    pub(crate) operation: Operation,
    /// Whether somebody must be logged in.
    pub(crate) login: bool,
    /// What it does to the names it touches, in the order of the request.
    pub(crate) needs: &'static [Need],
}

/// The table.
pub(crate) const TABLE: [Row; 12] = [
    row(Operation::Hello, false, &[]),
    row(Operation::Register, false, &[]),
    row(Operation::Login, false, &[]),
    row(Operation::Quit, false, &[]),
    row(Operation::Passwd, true, &[]),
    row(Operation::Whoami, true, &[]),
    row(Operation::List, true, &[Need::Read]),
    row(Operation::Stat, true, &[Need::Read]),
    row(Operation::Get, true, &[Need::Read]),
    row(Operation::Put, true, &[Need::Write]),
    row(Operation::Delete, true, &[Need::Change]),
    row(Operation::Rename, true, &[Need::Change, Need::Write]),
];

const fn row(operation: Operation, login: bool, needs: &'static [Need]) -> Row {
    Row {
        operation,
        login,
        needs,
    }
}

/// A name an operation touches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch<'a> {
    /// The name.
    pub(crate) name: &'a FileName,
    /// Who owns the file there; `None` where there is none.
    pub(crate) owner: Option<&'a UserName>,
}

/// Who asks; `None` before the login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    /// The user.
    pub(crate) user: &'a UserName,
    /// The user's role.
    pub(crate) role: Role,
}

/// The gate: whether `who` may do `operation` to the names it touches. `rules` is what `access.csv` says
/// of a name.
pub(crate) fn permit(
    operation: Operation,
    who: Option<Who<'_>>,
    touches: &[Touch<'_>],
    rules: &dyn Fn(&FileName) -> Option<Rights>,
) -> Result<(), Refusal> {
    let denied = || Refusal::new(Code::Forbidden, "you have no right to do that");
    let row = TABLE
        .iter()
        .find(|row| row.operation == operation)
        .ok_or_else(denied)?;
    if !row.login {
        return Ok(());
    }
    let who = who.ok_or_else(|| Refusal::new(Code::LoginRequired, "log in first"))?;
    for (need, touch) in row.needs.iter().zip(touches) {
        if !may(*need, who, *touch, rules(touch.name)) {
            return Err(denied());
        }
    }
    Ok(())
}

fn may(need: Need, who: Who<'_>, touch: Touch<'_>, rule: Option<Rights>) -> bool {
    if who.role == Role::Admin {
        return true;
    }
    let own = touch.owner == Some(who.user);
    let rights = rule.unwrap_or(Rights {
        read: true,
        create: true,
        change: false,
    });
    match need {
        Need::Read => rights.read,
        Need::Write if touch.owner.is_none() => rights.create,
        Need::Write | Need::Change => rights.change || (own && rights.create),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_RULE: Option<Rights> = None;

    /// A rule that gives what `words` name.
    fn rule(words: &str) -> Rights {
        let has = |word| words.split(' ').any(|w| w == word);
        Rights {
            read: has("read"),
            create: has("create"),
            change: has("change"),
        }
    }

    /// Walks one cell: `who` does `operation` to a file of `owner`.
    fn cell(
        operation: Operation,
        who: Option<(&str, Role)>,
        owner: Option<&str>,
        rule: Option<Rights>,
    ) -> Result<(), Code> {
        let name: FileName = "docs/a.txt".parse().unwrap();
        let owner = owner.map(|owner| owner.parse::<UserName>().unwrap());
        let user = who.map(|(user, role)| (user.parse::<UserName>().unwrap(), role));
        let touch = Touch {
            name: &name,
            owner: owner.as_ref(),
        };
        let who = user.as_ref().map(|(user, role)| Who { user, role: *role });
        permit(operation, who, &[touch, touch], &|_| rule).map_err(|refusal| refusal.code)
    }

    #[test]
    fn every_operation_has_exactly_one_row() {
        for operation in Operation::ALL {
            assert_eq!(
                TABLE
                    .iter()
                    .filter(|row| row.operation == operation)
                    .count(),
                1
            );
        }
    }

    #[test]
    fn before_the_login_only_the_way_to_it_is_open() {
        use Operation::{Hello, Login, Quit, Register};
        for operation in Operation::ALL {
            let open = [Hello, Register, Login, Quit].contains(&operation);
            let expected = if open {
                Ok(())
            } else {
                Err(Code::LoginRequired)
            };
            for owner in [None, Some("alice")] {
                assert_eq!(
                    cell(operation, None, owner, NO_RULE),
                    expected,
                    "{operation:?}"
                );
            }
        }
    }

    #[test]
    fn without_rules_everyone_reads_and_creates_and_owners_and_admins_change() {
        use Operation::{Delete, Get, List, Put, Rename, Stat};
        let alice = Some(("alice", Role::User));
        let admin = Some(("root", Role::Admin));
        for operation in [List, Stat, Get] {
            assert_eq!(cell(operation, alice, Some("bob"), NO_RULE), Ok(()));
        }
        assert_eq!(cell(Put, alice, None, NO_RULE), Ok(()));
        for operation in [Put, Delete, Rename] {
            assert_eq!(
                cell(operation, alice, Some("alice"), NO_RULE),
                Ok(()),
                "{operation:?}"
            );
            assert_eq!(
                cell(operation, alice, Some("bob"), NO_RULE),
                Err(Code::Forbidden)
            );
            assert_eq!(cell(operation, admin, Some("bob"), NO_RULE), Ok(()));
        }
    }

    #[test]
    fn a_rule_gives_and_takes_and_admins_are_above_it() {
        use Operation::{Delete, Get, Put};
        let alice = Some(("alice", Role::User));
        let none = Some(rule("none"));
        for (operation, owner) in [(Get, Some("alice")), (Put, None), (Delete, Some("alice"))] {
            assert_eq!(
                cell(operation, alice, owner, none),
                Err(Code::Forbidden),
                "{operation:?}"
            );
            assert_eq!(
                cell(operation, Some(("root", Role::Admin)), owner, none),
                Ok(())
            );
        }
        assert_eq!(
            cell(Put, alice, None, Some(rule("read"))),
            Err(Code::Forbidden)
        );
        assert_eq!(
            cell(Delete, alice, Some("bob"), Some(rule("read change"))),
            Ok(())
        );
        assert_eq!(
            cell(Get, alice, Some("bob"), Some(rule("create change"))),
            Err(Code::Forbidden)
        );
    }
}
