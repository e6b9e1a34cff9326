//! Revoked certificates, and revocation lists of no use.

use time::Duration;

use super::keeper::Keeper;
use super::zoo::{Animal, Side, Zoo, word};
use crate::error::Result;
use crate::lab::house::Pair;
use crate::lang::both;
use crate::pki::authority::CRL_DAYS;
use crate::pki::index::Reason;
use crate::pki::specimen::expired_list;

/// What a list says, or cannot say.
pub(super) fn revoked(keeper: &Keeper<'_>, side: Side, zoo: &mut Zoo) -> Result<()> {
    let ca = &keeper.house.ca;
    let shown = Keeper::issue(ca, side, "revoked", |_| {})?;
    let which = shown.0.to_string_lossy().into_owned();
    ca.revoke(&which, Reason::KeyCompromise, CRL_DAYS)?;
    let good = Keeper::issue(ca, side, "unlisted", |_| {})?;
    let expired = keeper.dir.join(format!("expired-{}.pem", word(side)));
    expired_list(ca, &expired)?;
    let mut add = |name, shown: &Pair, list, refusal, ahead| {
        zoo.animals.push(Animal {
            list: Some(list),
            ahead: Duration::days(ahead),
            ..keeper.animal(name, side, shown.clone(), Some(refusal))
        });
    };
    let past = i64::from(CRL_DAYS) + 1;
    add(
        both("revoked", "已吊销"),
        &shown,
        keeper.list(),
        "revoked",
        0,
    );
    add(
        both("revocation list expired", "吊销列表已过期"),
        &good,
        expired,
        "out of date",
        0,
    );
    add(
        both(
            "revocation list a day past its next update",
            "吊销列表超过下次更新日期一天",
        ),
        &good,
        keeper.list(),
        "out of date",
        past,
    );
    add(
        both("revocation list of another CA", "另一个 CA 的吊销列表"),
        &good,
        keeper.stranger.dir().join("crl.pem"),
        "revocation list",
        0,
    );
    add(
        both("revocation list missing", "吊销列表文件不存在"),
        &good,
        keeper.dir.join("nowhere.pem"),
        "nowhere.pem",
        0,
    );
    Ok(())
}

/// Two CAs are believed, and only one of them has a list.
pub(super) fn listed_in_part(keeper: &Keeper<'_>, side: Side, zoo: &mut Zoo) -> Result<()> {
    let listed = Keeper::issue(&keeper.house.ca, side, "listed", |_| {})?;
    let other = Keeper::issue(&keeper.stranger, side, "unheard", |_| {})?;
    let trusted = keeper.bundle(side)?;
    let mut add = |name, shown, refusal| {
        zoo.animals.push(Animal {
            trusted: trusted.clone(),
            list: Some(keeper.list()),
            ..keeper.animal(name, side, shown, refusal)
        });
    };
    add(
        both(
            "two CAs, one list: signed by the CA with the list",
            "两个 CA，一份列表：由有列表的 CA 签发",
        ),
        listed,
        None,
    );
    add(
        both(
            "two CAs, one list: signed by the CA without",
            "两个 CA，一份列表：由没有列表的 CA 签发",
        ),
        other,
        Some("revocation list"),
    );
    Ok(())
}
