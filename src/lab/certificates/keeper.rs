//! Makes the animals: by the CAs of the zoo, and by openssl what nobody else makes any more.

use std::path::{Path, PathBuf};
use std::process::Command;

use time::Duration;

use super::zoo::{Animal, Side, word};
use crate::error::{Error, Kind, Result};
use crate::lab::house::{House, Pair, SERVER, USER, pair};
use crate::lang::Both;
use crate::pki::{Authority, InitOptions, IssueRequest};

/// The CAs, and a folder for what they do not keep.
pub(super) struct Keeper<'a> {
    pub(super) house: &'a House,
    pub(super) dir: PathBuf,
    /// A CA nobody believes.
    pub(super) stranger: Authority,
    /// A CA of the same name as the one that is believed, with another key.
    pub(super) twin: Authority,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(house: &'a House) -> Result<Self> {
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

    /// The list of the CA that is believed.
    pub(super) fn list(&self) -> PathBuf {
        self.house.ca.dir().join("crl.pem")
    }

    /// An animal judged as usual.
    pub(super) fn animal(
        &self,
        name: Both,
        side: Side,
        shown: Pair,
        refusal: Option<&'static str>,
    ) -> Animal {
        Animal {
            name,
            side,
            shown: Some(shown),
            trusted: self.house.ca.dir().join("ca.crt"),
            // A client judges without a list unless it is given one.
            list: (side == Side::Client).then(|| self.list()),
            refusal,
            version: None,
            ahead: Duration::ZERO,
        }
    }

    /// A certificate for the right name or user, as `change` would have it.
    pub(super) fn issue(
        ca: &Authority,
        side: Side,
        stem: &str,
        change: impl FnOnce(&mut IssueRequest),
    ) -> Result<Pair> {
        let mut request = match side {
            Side::Client => IssueRequest::client(USER),
            _ => IssueRequest::server([SERVER]),
        };
        request.out = Some(format!("{stem}-{}", word(side)));
        change(&mut request);
        let out = request.out.clone().unwrap_or_default();
        ca.issue(&request)?;
        Ok(pair(ca.dir(), &out))
    }

    /// A file with the CA that is believed and the stranger.
    pub(super) fn bundle(&self, side: Side) -> Result<PathBuf> {
        let mut all = Vec::new();
        for dir in [self.house.ca.dir(), self.stranger.dir()] {
            let file = dir.join("ca.crt");
            let pem = std::fs::read(&file);
            all.extend(
                pem.map_err(|error| Error::io(Kind::CaFile, "read the zoo's CA file", error))?,
            );
        }
        self.house
            .file(&format!("two-cas-{}.crt", word(side)), &all)
    }

    /// A certificate made by openssl and the CA that is believed; an error in openssl's words.
    pub(super) fn openssl(
        &self,
        side: Side,
        stem: &str,
        key: &str,
        digest: &str,
    ) -> Result<Pair, String> {
        let (certificate, private) = pair(&self.dir, stem);
        let (cn, usage) = match side {
            Side::Client => (USER, "clientAuth"),
            _ => (SERVER, "serverAuth"),
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
