//! What the tests of this room share: files in a fresh folder, and the real `openssl` where there is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::authority::Authority;
use super::inspect::{self, CertificateInfo};
use super::keys;
use super::order::InitOptions;
use super::profile::Role;
use super::verify::{self, Against, Check, Verification};
use crate::error::Kind;

/// Writes a fixture; a key's mode is 0600, as any tool makes it.
pub(super) fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    #[expect(clippy::disallowed_methods, reason = "a fixture")]
    fs::write(&path, bytes).unwrap();
    set_mode(&path, 0o600);
    path
}

#[cfg(unix)]
pub(super) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub(super) fn set_mode(_path: &Path, _mode: u32) {}

/// The modes of a file, without its type.
#[cfg(unix)]
pub(super) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Runs `openssl` in `dir` with the words of `line`; `None`, said loudly, where there is no openssl.
pub(super) fn openssl(dir: &Path, line: &str) -> Option<Result<String, String>> {
    let run = Command::new("openssl")
        .args(line.split_whitespace())
        .current_dir(dir)
        .output();
    let Ok(output) = run else {
        eprintln!("SKIPPED: there is no openssl here, and this test needs it");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() {
        Ok(text)
    } else {
        Err(text + &errors)
    })
}

pub(super) fn new_ca(dir: &Path) -> Authority {
    Authority::init(dir, &InitOptions::default()).unwrap().0
}

pub(super) fn chain(path: &Path) -> Vec<CertificateDer<'static>> {
    keys::certificates(path, Kind::LocalRead).unwrap()
}

pub(super) fn info(path: &Path) -> CertificateInfo {
    inspect::certificate(&chain(path)[0]).unwrap()
}

/// Everything a check needs, from a folder.
pub(super) fn check(
    dir: &Path,
    file: &str,
    host: Option<&str>,
    purpose: Role,
    now: OffsetDateTime,
) -> Verification {
    let against = Against {
        anchors: &chain(&dir.join("ca.crt")),
        lists: &keys::revocation_lists(&dir.join("crl.pem")).unwrap(),
        host,
        purpose: Some(purpose),
        now,
    };
    verify::verify(&chain(&dir.join(file)), &against).unwrap()
}

pub(super) fn failure(verification: &Verification) -> Option<Check> {
    verification.first_failure().map(|step| step.check)
}
