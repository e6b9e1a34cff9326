//! The animals: certificates that are wrong in one way each, and good ones to compare with.

use std::path::{Path, PathBuf};
use std::process::Command;

use time::Duration;

use crate::error::{Error, Kind, Result};
use crate::lab::house::{House, Pair, SERVER, USER, pair};
use crate::pki::authority::CRL_DAYS;
use crate::pki::index::Reason;
use crate::pki::profile::Role;
use crate::pki::specimen::{Specimen, expired_list};
use crate::pki::{Authority, InitOptions, IssueRequest};
use crate::text;

/// Who shows the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A server, to a client that judges.
    Server,
    /// A client, to a server that judges.
    Client,
}

/// One certificate, and how it is judged.
#[derive(Debug)]
pub(super) struct Animal {
    pub(super) name: &'static str,
    pub(super) side: Side,
    /// What is shown; nothing: no certificate.
    pub(super) shown: Option<Pair>,
    /// Whose signature the judge believes.
    pub(super) trusted: PathBuf,
    /// The judge's revocation list.
    pub(super) list: Option<PathBuf>,
    /// What Sealpost's refusal says of it; none for a good one.
    pub(super) refusal: Option<&'static str>,
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
        keeper.good(side, &mut zoo)?;
        keeper.dated(side, &mut zoo)?;
        keeper.signed_by_others(side, &mut zoo)?;
        keeper.misused(side, &mut zoo)?;
        keeper.revoked(side, &mut zoo)?;
        keeper.old_fashioned(side, &mut zoo);
    }
    keeper.misnamed(&mut zoo)?;
    zoo.animals.push(Animal {
        shown: None,
        ..keeper.animal(
            "no certificate",
            Side::Client,
            pair(&keeper.dir, "-"),
            Some("no certificate"),
        )
    });
    Ok(zoo)
}

struct Keeper<'a> {
    house: &'a House,
    dir: PathBuf,
    stranger: Authority,
    twin: Authority,
}

impl<'a> Keeper<'a> {
    fn new(house: &'a House) -> Result<Self> {
        let dir = house.path("zoo");
        std::fs::create_dir(&dir)
            .map_err(|error| Error::io(Kind::LocalWrite, "make the zoo's folder", error))?;
        let stranger = InitOptions {
            name: Some("Stranger CA".into()),
            ..InitOptions::default()
        };
        Ok(Self {
            stranger: Authority::init(&house.path("stranger"), &stranger)?.0,
            twin: Authority::init(&house.path("twin"), &InitOptions::default())?.0,
            house,
            dir,
        })
    }

    /// An animal judged as usual.
    fn animal(
        &self,
        name: &'static str,
        side: Side,
        shown: Pair,
        refusal: Option<&'static str>,
    ) -> Animal {
        Animal {
            name,
            side,
            shown: Some(shown),
            trusted: self.house.ca.dir().join("ca.crt"),
            list: match side {
                // A client judges without a list unless it is given one.
                Side::Server => None,
                Side::Client => Some(self.house.ca.dir().join("crl.pem")),
            },
            refusal,
        }
    }

    /// A certificate for the right name or user, as `change` would have it.
    fn issue(
        ca: &Authority,
        side: Side,
        stem: &str,
        change: impl FnOnce(&mut IssueRequest),
    ) -> Result<Pair> {
        let mut request = match side {
            Side::Server => IssueRequest::server([SERVER]),
            Side::Client => IssueRequest::client(USER),
        };
        request.out = Some(format!("{stem}-{}", word(side)));
        change(&mut request);
        let out = request.out.clone().unwrap_or_default();
        ca.issue(&request)?;
        Ok(pair(ca.dir(), &out))
    }

    fn good(&self, side: Side, zoo: &mut Zoo) -> Result<()> {
        let shown = Self::issue(&self.house.ca, side, "good", |_| {})?;
        let list = Some(self.house.ca.dir().join("crl.pem"));
        zoo.animals
            .push(self.animal("good", side, shown.clone(), None));
        zoo.animals.push(Animal {
            list: if side == Side::Server { list } else { None },
            ..self.animal(
                match side {
                    Side::Server => "good, judged with a revocation list",
                    Side::Client => "good, judged without a revocation list",
                },
                side,
                shown,
                None,
            )
        });
        Ok(())
    }

    fn dated(&self, side: Side, zoo: &mut Zoo) -> Result<()> {
        let now = text::now();
        let expired = Self::issue(&self.house.ca, side, "expired", |request| {
            request.not_before = Some(now - Duration::days(60));
            request.days = 30;
        })?;
        let early = Self::issue(&self.house.ca, side, "early", |request| {
            request.not_before = Some(now + Duration::days(30));
            request.days = 30;
        })?;
        zoo.animals
            .push(self.animal("expired", side, expired, Some("expired")));
        zoo.animals
            .push(self.animal("not yet valid", side, early, Some("not valid before")));
        Ok(())
    }

    fn signed_by_others(&self, side: Side, zoo: &mut Zoo) -> Result<()> {
        let mut add = |name, shown, refusal| {
            zoo.animals
                .push(self.animal(name, side, shown, Some(refusal)));
        };
        add(
            "unknown CA",
            Self::issue(&self.stranger, side, "by", |_| {})?,
            UNKNOWN,
        );
        let twin = Self::issue(&self.twin, side, "by", |_| {})?;
        add("CA of the same name, another key", twin, SIGNATURE);
        let own = Specimen {
            issuer: None,
            ..specimen(side)
        };
        add(
            "self-signed",
            own.make(&self.dir, &format!("self-{}", word(side)))?,
            "signed",
        );
        Ok(())
    }

    fn misused(&self, side: Side, zoo: &mut Zoo) -> Result<()> {
        let ca = pair(self.house.ca.dir(), "ca");
        zoo.animals
            .push(self.animal("CA used as leaf", side, ca, Some("CA")));
        let (name, other) = match side {
            Side::Server => ("made for clients (EKU clientAuth)", Side::Client),
            Side::Client => ("made for servers (EKU serverAuth)", Side::Server),
        };
        let swapped = Self::issue(&self.house.ca, other, "swapped", |_| {})?;
        zoo.animals
            .push(self.animal(name, side, swapped, Some("made for")));
        let certificate = Self::issue(&self.house.ca, side, "keyless", |_| {})?.0;
        let key = Self::issue(&self.house.ca, side, "foreign-key", |_| {})?.1;
        let mismatch = (certificate, key);
        zoo.animals.push(self.animal(
            "shown without its private key",
            side,
            mismatch,
            Some("signature|private key"),
        ));
        Ok(())
    }

    fn revoked(&self, side: Side, zoo: &mut Zoo) -> Result<()> {
        let own = self.house.ca.dir();
        let shown = Self::issue(&self.house.ca, side, "revoked", |_| {})?;
        let which = shown.0.to_string_lossy().into_owned();
        self.house
            .ca
            .revoke(&which, Reason::KeyCompromise, CRL_DAYS)?;
        zoo.animals.push(Animal {
            list: Some(own.join("crl.pem")),
            ..self.animal("revoked", side, shown, Some("revoked"))
        });
        let good = Self::issue(&self.house.ca, side, "unlisted", |_| {})?;
        let expired = self.dir.join(format!("expired-{}.pem", word(side)));
        expired_list(&self.house.ca, &expired)?;
        zoo.animals.push(Animal {
            list: Some(expired),
            ..self.animal(
                "revocation list expired",
                side,
                good.clone(),
                Some("out of date"),
            )
        });
        let foreign = self.stranger.dir().join("crl.pem");
        zoo.animals.push(Animal {
            list: Some(foreign),
            ..self.animal(
                "revocation list of another CA",
                side,
                good.clone(),
                Some("revocation list"),
            )
        });
        let nowhere = self.dir.join("nowhere.pem");
        zoo.animals.push(Animal {
            list: Some(nowhere),
            ..self.animal("revocation list missing", side, good, Some("nowhere.pem"))
        });
        Ok(())
    }

    fn misnamed(&self, zoo: &mut Zoo) -> Result<()> {
        let names: [(&str, &[&str], &str); 3] = [
            ("for another host", &["other.example"], "other.example"),
            ("no alternative name, only a CN", &[], "name"),
            (
                "an address in place of the name",
                &["127.0.0.1"],
                "127.0.0.1",
            ),
        ];
        for (at, (name, names, refusal)) in names.into_iter().enumerate() {
            let specimen = Specimen {
                issuer: Some(&self.house.ca),
                names,
                ..specimen(Side::Server)
            };
            let shown = specimen.make(&self.dir, &format!("misnamed-{at}"))?;
            zoo.animals
                .push(self.animal(name, Side::Server, shown, Some(refusal)));
        }
        Ok(())
    }

    /// What only openssl still makes.
    fn old_fashioned(&self, side: Side, zoo: &mut Zoo) {
        let kinds = [
            ("X.509 v1", "v1", "rsa:2048", "", "version 3"),
            ("signed with SHA-1", "sha1", "rsa:2048", "-sha1", "SHA-1"),
            (
                "RSA of 1024 bits",
                "rsa1024",
                "rsa:1024",
                "-sha256",
                "signature|RSA",
            ),
        ];
        for (name, stem, key, digest, refusal) in kinds {
            let stem = format!("{stem}-{}", word(side));
            match self.openssl(side, &stem, key, digest) {
                Ok(shown) => zoo
                    .animals
                    .push(self.animal(name, side, shown, Some(refusal))),
                Err(why) => zoo.skipped.push(format!("{} {name}: {why}", word(side))),
            }
        }
    }

    fn openssl(&self, side: Side, stem: &str, key: &str, digest: &str) -> Result<Pair, String> {
        let (certificate, private) = pair(&self.dir, stem);
        let (cn, usage) = match side {
            Side::Server => (SERVER, "serverAuth"),
            Side::Client => (USER, "clientAuth"),
        };
        let request = self.dir.join(format!("{stem}.csr"));
        let config = self.house.file(
            &format!("{stem}.cnf"),
            format!(
                "[x]\nsubjectAltName=DNS:{SERVER}\nextendedKeyUsage={usage}\n\
                 basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n"
            )
            .as_bytes(),
        );
        let config = config.map_err(|error| error.to_string())?;
        let ca = pair(self.house.ca.dir(), "ca");
        run(Command::new("openssl")
            .args(["req", "-new", "-newkey", key, "-nodes", "-subj"])
            .arg(format!("/CN={cn}"))
            .args([Path::new("-keyout"), &private, Path::new("-out"), &request]))?;
        let mut sign = Command::new("openssl");
        sign.args(["x509", "-req", "-days", "30", "-set_serial"])
            .arg(format!("0x5ea1{}", stem.len()))
            .args([Path::new("-in"), &request, Path::new("-out"), &certificate])
            .args([Path::new("-CA"), &ca.0, Path::new("-CAkey"), &ca.1]);
        // Without extensions openssl makes X.509 v1.
        if !digest.is_empty() {
            sign.args([digest, "-extensions", "x", "-extfile"])
                .arg(&config);
        }
        run(&mut sign)?;
        Ok((certificate, private))
    }
}

fn specimen(side: Side) -> Specimen<'static> {
    match side {
        Side::Server => Specimen {
            issuer: None,
            role: Role::Server,
            cn: SERVER,
            names: &[SERVER],
        },
        Side::Client => Specimen {
            issuer: None,
            role: Role::Client,
            cn: USER,
            names: &[],
        },
    }
}

pub(super) fn word(side: Side) -> &'static str {
    match side {
        Side::Server => "server",
        Side::Client => "client",
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|_missing| "openssl is not installed".to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().last().unwrap_or("openssl failed").to_owned())
}
