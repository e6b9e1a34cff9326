//! What a program says of its own certificate when it is given it, before any connection.

use std::path::Path;
use std::process::{Command, Stdio};

use super::peers::Stall;
use super::zoo::Animal;
use super::{Verdict, others};
use crate::error::Result;
use crate::lab::house::{House, Pair, SERVER};
use crate::transport::{ClientAuth, ClientTls, ServerTls};

/// The judges: Sealpost as server and as client, then the others.
pub(super) fn judged(house: &House, animal: &Animal) -> Vec<Verdict> {
    let Some(shown) = &animal.shown else {
        return Vec::new();
    };
    vec![
        verdict("sealpost serve", as_server(house, shown)),
        verdict("sealpost client", as_client(house, shown)),
        openssl(shown),
        curl(house, animal, shown),
        python(shown),
    ]
}

fn as_server(house: &House, (certificate, key): &Pair) -> Result<()> {
    let tls = ServerTls {
        certificate: certificate.clone(),
        key: key.clone(),
        ..house.server_tls(ClientAuth::Required)
    };
    house.serve(Some(tls)).map(drop)
}

fn as_client(house: &House, shown: &Pair) -> Result<()> {
    let tls = ClientTls {
        certificate: Some(shown.clone()),
        ..house.client_tls(None)
    };
    tls.load().map(drop)
}

fn verdict(tool: &str, loaded: Result<()>) -> Verdict {
    let verdict = match loaded {
        Ok(()) => Verdict::accepted(),
        Err(error) => Verdict::refused(&error),
    };
    Verdict {
        tool: tool.into(),
        ..verdict
    }
}

/// A server of openssl; that it listens is acceptance.
fn openssl((certificate, key): &Pair) -> Verdict {
    let mut command = Command::new("openssl");
    command
        .args(["s_server", "-accept", "127.0.0.1:0", "-www"])
        .args([Path::new("-cert"), certificate, Path::new("-key"), key]);
    others::begins("openssl", command, others::openssl_words)
}

/// curl, showing it to a good server.
fn curl(house: &House, animal: &Animal, (certificate, key): &Pair) -> Verdict {
    let Ok(stall) = Stall::open(&house.pair("server"), None) else {
        return Verdict::missing("curl");
    };
    let port = stall.address.port();
    let mut command = Command::new("curl");
    command
        .args(["-sS", "--noproxy", "*", "--max-time", "5"])
        .args(["-o", "/dev/null", "--resolve"])
        .arg(format!("{SERVER}:{port}:127.0.0.1"))
        .args([Path::new("--cacert"), &animal.trusted])
        .args([Path::new("--cert"), certificate, Path::new("--key"), key])
        .arg(format!("https://{SERVER}:{port}/"));
    others::verdict("curl", &mut command, others::first_line)
}

fn python((certificate, key): &Pair) -> Verdict {
    let mut command = Command::new("python3");
    command
        .args(["-c", include_str!("own.py")])
        .args([certificate, key])
        .stdin(Stdio::null());
    others::verdict("python", &mut command, others::last_line)
}
