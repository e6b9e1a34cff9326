//! The animals: certificates that are wrong in one way each, and good ones to compare with.

use std::path::PathBuf;

use time::Duration;

use super::keeper::Keeper;
use super::listed;
use crate::error::Result;
use crate::lab::house::{House, Pair, SERVER, USER, pair};
use crate::lang::{Both, both, same};
use crate::pki::profile::Role;
use crate::pki::specimen::Specimen;
use crate::text;
use crate::transport::TlsVersion;

/// Who shows the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// A server, to a client that judges.
    Server,
    /// A client, to a server that judges.
    Client,
    /// Nobody: it is judged by the program that is given it as its own.
    Owner,
}

/// One certificate, and how it is judged.
#[derive(Clone, Debug)]
pub(super) struct Animal {
    pub(super) name: Both,
    pub(super) side: Side,
    /// What is shown; nothing: no certificate.
    pub(super) shown: Option<Pair>,
    /// Whose signature the judge believes.
    pub(super) trusted: PathBuf,
    /// The judge's revocation list.
    pub(super) list: Option<PathBuf>,
    /// What Sealpost's refusal says of it; none for a good one.
    pub(super) refusal: Option<&'static str>,
    /// The one version that is spoken; none: the newest that both have.
    pub(super) version: Option<TlsVersion>,
    /// How far the judge's clock is put forward, where it can be.
    pub(super) ahead: Duration,
}

/// The animals, and what could not be made and why.
pub(super) struct Zoo {
    pub(super) animals: Vec<Animal>,
    pub(super) skipped: Vec<String>,
}

/// What a refusal must say, by what is wrong.
const UNKNOWN: &str = "not signed by";
const SIGNATURE: &str = "signature";

/// Makes them all in `house`.
pub(super) fn zoo(house: &House) -> Result<Zoo> {
    let keeper = Keeper::new(house)?;
    let mut zoo = Zoo {
        animals: Vec::new(),
        skipped: Vec::new(),
    };
    for side in [Side::Server, Side::Client] {
        good(&keeper, side, &mut zoo)?;
        dated(&keeper, side, &mut zoo)?;
        signed_by_others(&keeper, side, &mut zoo)?;
        misused(&keeper, side, &mut zoo)?;
        listed::revoked(&keeper, side, &mut zoo)?;
        listed::listed_in_part(&keeper, side, &mut zoo)?;
        old_fashioned(&keeper, side, &mut zoo);
    }
    misnamed(&keeper, &mut zoo)?;
    without(&keeper, &mut zoo);
    in_tls12(&mut zoo);
    owned(&keeper, &mut zoo)?;
    zoo.animals.sort_by_key(|animal| animal.side);
    Ok(zoo)
}

fn good(keeper: &Keeper<'_>, side: Side, zoo: &mut Zoo) -> Result<()> {
    let shown = Keeper::issue(&keeper.house.ca, side, "good", |_| {})?;
    let list = Some(keeper.list());
    let good = keeper.animal(both(GOOD, "合格"), side, shown, None);
    zoo.animals.push(good.clone());
    zoo.animals.push(match side {
        Side::Server => Animal {
            name: both(
                "good, judged with a revocation list",
                "合格，判定时有吊销列表",
            ),
            list,
            ..good
        },
        _ => Animal {
            name: both(
                "good, judged without a revocation list",
                "合格，判定时没有吊销列表",
            ),
            list: None,
            ..good
        },
    });
    Ok(())
}

/// Names by which an animal is found again.
const GOOD: &str = "good";
const EXPIRED: &str = "expired";
const UNKNOWN_CA: &str = "unknown CA";
const OTHER_HOST: &str = "for another host";
const NONE: &str = "no certificate";

/// Days by which the clock is put forward past the next day.
const DAYS_PAST: i64 = 2;

fn dated(keeper: &Keeper<'_>, side: Side, zoo: &mut Zoo) -> Result<()> {
    let (now, ca) = (text::now(), &keeper.house.ca);
    let issue = |stem: &str, begins: i64| {
        Keeper::issue(ca, side, stem, |request| {
            request.not_before = Some(now + Duration::days(begins));
            request.days = 30;
        })
    };
    let (expired, early) = (issue("expired", -60)?, issue("early", 30)?);
    let brief = issue("brief", -29)?;
    let mut add = |name, shown, refusal, ahead| {
        zoo.animals.push(Animal {
            ahead: Duration::days(ahead),
            ..keeper.animal(name, side, shown, refusal)
        });
    };
    let out = Some("expired");
    add(both(EXPIRED, "已过期"), expired, out, 0);
    add(
        both("not yet valid", "尚未生效"),
        early,
        Some("not valid before"),
        0,
    );
    add(both("expires tomorrow", "明天过期"), brief.clone(), None, 0);
    add(
        both(
            "expires tomorrow, judged in two days",
            "明天过期，两天后判定",
        ),
        brief,
        out,
        DAYS_PAST,
    );
    Ok(())
}

fn signed_by_others(keeper: &Keeper<'_>, side: Side, zoo: &mut Zoo) -> Result<()> {
    let mut add = |name, shown, refusal| {
        zoo.animals
            .push(keeper.animal(name, side, shown, Some(refusal)));
    };
    add(
        both(UNKNOWN_CA, "未知 CA"),
        Keeper::issue(&keeper.stranger, side, "by", |_| {})?,
        UNKNOWN,
    );
    let twin = Keeper::issue(&keeper.twin, side, "by", |_| {})?;
    let name = both("CA of the same name, another key", "同名 CA，另一把密钥");
    add(name, twin, SIGNATURE);
    let own = Specimen {
        issuer: None,
        ..specimen(side)
    };
    add(
        both("self-signed", "自签名"),
        own.make(&keeper.dir, &format!("self-{}", word(side)))?,
        "signed",
    );
    Ok(())
}

fn misused(keeper: &Keeper<'_>, side: Side, zoo: &mut Zoo) -> Result<()> {
    let ca = pair(keeper.house.ca.dir(), "ca");
    let name = both("CA used as leaf", "把 CA 证书当叶证书用");
    zoo.animals.push(keeper.animal(name, side, ca, Some("CA")));
    let (name, other) = match side {
        Side::Server => (
            both(
                "made for clients (EKU clientAuth)",
                "客户端用途（EKU clientAuth）",
            ),
            Side::Client,
        ),
        _ => (
            both(
                "made for servers (EKU serverAuth)",
                "服务器用途（EKU serverAuth）",
            ),
            Side::Server,
        ),
    };
    let swapped = Keeper::issue(&keeper.house.ca, other, "swapped", |_| {})?;
    zoo.animals
        .push(keeper.animal(name, side, swapped, Some("made for")));
    zoo.animals.push(keeper.animal(
        both("shown without its private key", "出示时没有对应的私钥"),
        side,
        mismatch(keeper, side, "keyless")?,
        Some("signature|private key"),
    ));
    Ok(())
}

/// A certificate with the key of another.
fn mismatch(keeper: &Keeper<'_>, side: Side, stem: &str) -> Result<Pair> {
    let ca = &keeper.house.ca;
    let certificate = Keeper::issue(ca, side, stem, |_| {})?.0;
    let key = Keeper::issue(ca, side, &format!("{stem}-other"), |_| {})?.1;
    Ok((certificate, key))
}

fn misnamed(keeper: &Keeper<'_>, zoo: &mut Zoo) -> Result<()> {
    let names: [(Both, &[&str], &str); 3] = [
        (
            both(OTHER_HOST, "属于另一台主机"),
            &["other.example"],
            "other.example",
        ),
        (
            both(
                "no alternative name, only a CN",
                "没有备用名称（SAN），只有 CN",
            ),
            &[],
            "name",
        ),
        (
            both("an address in place of the name", "以地址代替名称"),
            &["127.0.0.1"],
            "127.0.0.1",
        ),
    ];
    for (at, (name, names, refusal)) in names.into_iter().enumerate() {
        let specimen = Specimen {
            issuer: Some(&keeper.house.ca),
            names,
            ..specimen(Side::Server)
        };
        let shown = specimen.make(&keeper.dir, &format!("misnamed-{at}"))?;
        zoo.animals
            .push(keeper.animal(name, Side::Server, shown, Some(refusal)));
    }
    Ok(())
}

fn without(keeper: &Keeper<'_>, zoo: &mut Zoo) {
    let nothing = pair(&keeper.dir, "-");
    let name = both(NONE, "没有证书");
    zoo.animals.push(Animal {
        shown: None,
        ..keeper.animal(name, Side::Client, nothing, Some("no certificate"))
    });
}

/// What only openssl still makes.
fn old_fashioned(keeper: &Keeper<'_>, side: Side, zoo: &mut Zoo) {
    let kinds = [
        (same("X.509 v1"), "v1", "rsa:2048", "", "version 3"),
        (
            both("signed with SHA-1", "用 SHA-1 签名"),
            "sha1",
            "rsa:2048",
            "-sha1",
            "SHA-1",
        ),
        (
            both("RSA of 1024 bits", "1024 位 RSA"),
            "rsa1024",
            "rsa:1024",
            "-sha256",
            "signature|RSA",
        ),
    ];
    for (name, stem, key, digest, refusal) in kinds {
        let stem = format!("{stem}-{}", word(side));
        match keeper.openssl(side, &stem, key, digest) {
            Ok(shown) => zoo
                .animals
                .push(keeper.animal(name, side, shown, Some(refusal))),
            Err(why) => zoo
                .skipped
                .push(format!("{} {}: {why}", word(side), name.en)),
        }
    }
}

/// The central cases once more in TLS 1.2, where the handshake is another one.
fn in_tls12(zoo: &mut Zoo) {
    let central = [GOOD, EXPIRED, UNKNOWN_CA, OTHER_HOST, NONE];
    let again = zoo.animals.iter();
    let again = again.filter(|animal| central.contains(&animal.name.en.as_str()));
    let again: Vec<Animal> = again
        .map(|animal| Animal {
            name: animal.name.map(|name| format!("TLS 1.2: {name}")),
            version: Some(TlsVersion::V1_2),
            ..animal.clone()
        })
        .collect();
    zoo.animals.extend(again);
}

/// What a program notices of its own certificate, before any connection.
fn owned(keeper: &Keeper<'_>, zoo: &mut Zoo) -> Result<()> {
    let side = Side::Owner;
    let good = Keeper::issue(&keeper.house.ca, Side::Server, "owned", |_| {})?;
    zoo.animals
        .push(keeper.animal(both(GOOD, "合格"), side, good, None));
    let mismatch = mismatch(keeper, Side::Server, "owned-mismatch")?;
    let name = both("with the key of another", "配了另一张证书的私钥");
    zoo.animals
        .push(keeper.animal(name, side, mismatch, Some("is not the key of")));
    match keeper.openssl(Side::Server, "v1-owned", "rsa:2048", "") {
        Ok(shown) => {
            let animal = keeper.animal(same("X.509 v1"), side, shown, Some("version 3"));
            zoo.animals.push(animal);
        }
        Err(why) => zoo.skipped.push(format!("{} X.509 v1: {why}", word(side))),
    }
    Ok(())
}

fn specimen(side: Side) -> Specimen<'static> {
    match side {
        Side::Client => Specimen {
            issuer: None,
            role: Role::Client,
            cn: USER,
            names: &[],
        },
        _ => Specimen {
            issuer: None,
            role: Role::Server,
            cn: SERVER,
            names: &[SERVER],
        },
    }
}

pub(super) fn word(side: Side) -> &'static str {
    match side {
        Side::Server => "server",
        Side::Client => "client",
        Side::Owner => "owner",
    }
}
