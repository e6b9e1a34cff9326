//! Certificates on the command line, and what Python and OpenSSL make of them over a real connection.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sealpost::pki::{Authority, InitOptions, IssueRequest, index::Reason};
use tempfile::TempDir;

/// `sealpost pki …` in a folder, with `PW` in the environment.
fn pki(dir: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealpost"))
        .arg("pki")
        .args(line.split_whitespace())
        .current_dir(dir)
        .env("PW", "geheim")
        .output()
        .unwrap()
}

fn code(dir: &Path, line: &str) -> i32 {
    let output = pki(dir, line);
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("{line}: {output:?}"))
}

fn stdout(dir: &Path, line: &str) -> String {
    let output = pki(dir, line);
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn stderr(dir: &Path, line: &str) -> String {
    String::from_utf8(pki(dir, line).stderr).unwrap()
}

#[test]
fn a_certificate_lives_from_init_to_revoke_and_each_command_names_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    assert!(stderr(at, "issue server localhost").contains("sealpost pki init"));
    assert!(stdout(at, "init --name Kurs").contains("certs/ca.crt"));
    assert_eq!(code(at, "init"), 73);
    let issued = stdout(at, "issue server files.example 192.0.2.7");
    assert!(issued.contains("good for     files.example localhost 192.0.2.7 127.0.0.1 ::1"));
    assert!(issued.contains("certs/server.key"));
    assert!(
        stderr(at, "issue client alice --ou class").contains("sealpost register --user 'alice'")
    );
    assert_eq!(code(at, "issue client alice --out client"), 73);
    assert_eq!(code(at, "issue client a/b"), 2);

    assert_eq!(
        code(
            at,
            "verify certs/server.crt --host files.example --purpose server"
        ),
        0
    );
    assert_eq!(code(at, "verify certs/server.crt --host other.example"), 60);
    assert_eq!(code(at, "verify certs/client.crt --purpose client"), 0);
    assert_eq!(
        code(at, "lint certs/ca.crt certs/server.crt certs/client.crt"),
        0
    );
    assert_eq!(code(at, "lint certs/client.crt --role server"), 1);

    for (line, exit) in [
        ("needs-renewal certs/client.crt", 1),
        ("needs-renewal certs/client.crt --within 400d", 0),
        ("needs-renewal certs/none.crt", 2),
        ("needs-renewal certs/client.key", 255),
    ] {
        assert_eq!(code(at, line), exit, "{line}");
    }
    assert!(stdout(at, "renew certs/client.crt").contains("in place of"));
    assert!(stdout(at, "revoke certs/client.crt --reason keyCompromise").contains("1 revoked"));
    assert_eq!(code(at, "verify certs/client.crt"), 60);
    assert!(stdout(at, "list").contains("revoked"));
    assert!(stdout(at, "show certs/crl.pem").contains("keyCompromise"));
    assert!(stdout(at, "crl --days 7").contains("number       3"));

    let shown: serde_json::Value =
        serde_json::from_str(&stdout(at, "show certs/server.crt --json")).unwrap();
    assert_eq!(shown["dns_names"][0], "files.example");
    assert_eq!(shown["extended_key_usage"][0], "serverAuth");
}

#[test]
fn a_passphrase_comes_from_its_source_and_never_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    stdout(at, "init --ca-pass env:PW");
    assert_ne!(code(at, "issue client alice"), 0);
    stdout(at, "issue client alice --ca-pass env:PW --pass env:PW");
    let key = fs::read_to_string(at.join("certs/client.key")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(
        code(at, "passwd certs/client.key --pass geheim --remove"),
        2
    );
    stdout(at, "passwd certs/client.key --pass env:PW --remove");
    let key = fs::read_to_string(at.join("certs/client.key")).unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
}

/// A folder with a server, alice, and bob, who is revoked.
fn revoked_bob(intermediate: bool) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let options = InitOptions {
        intermediate,
        ..InitOptions::default()
    };
    let (ca, _) = Authority::init(dir.path(), &options).unwrap();
    ca.issue(&IssueRequest::server(["files.example"])).unwrap();
    for user in ["alice", "bob"] {
        ca.issue(&IssueRequest {
            out: Some(user.into()),
            ..IssueRequest::client(user)
        })
        .unwrap();
    }
    let bob = dir.path().join("bob.crt");
    ca.revoke(bob.to_str().unwrap(), Reason::KeyCompromise, 30)
        .unwrap();
    dir
}

/// Python on both sides of a handshake, as strict as 3.13 is by default, in TLS 1.2 and 1.3.
const HANDSHAKES: &str = r#"
import socket, ssl, sys, threading
def side(purpose, cert, version):
    context = ssl.create_default_context(purpose, cafile="ca.crt")
    context.load_verify_locations("crl.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_CRL_CHECK_LEAF
    context.minimum_version = context.maximum_version = version
    if cert:
        context.load_cert_chain(cert + ".crt", cert + ".key")
    return context
def shake(user, version, host):
    here, there = socket.socketpair()
    said = []
    def serve():
        try:
            with side(ssl.Purpose.CLIENT_AUTH, "server", version).wrap_socket(there, server_side=True) as tls:
                subject = dict(part[0] for part in tls.getpeercert()["subject"])
                tls.sendall(b"hello")
                said.append(subject["commonName"])
        except ssl.SSLError as error:
            said.append(error.reason or str(error))
            there.close()
    thread = threading.Thread(target=serve)
    thread.start()
    client = "-"
    try:
        with side(ssl.Purpose.SERVER_AUTH, user, version).wrap_socket(here, server_hostname=host) as tls:
            tls.recv(5)
    except (ssl.SSLError, OSError) as error:
        client = getattr(error, "reason", None) or "closed"
        here.close()
    thread.join()
    return said[0], client
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    for user in "alice", "bob", "server":
        print(version.name, user, shake(user, version, "files.example")[0])
    print(version.name, "host", shake("alice", version, "other.example")[1])
"#;

#[test]
fn pythons_strict_handshake_takes_what_is_issued_and_refuses_what_is_revoked_or_misused() {
    for intermediate in [false, true] {
        let dir = revoked_bob(intermediate);
        for python in ["python3", "python3.13", "python3.14"] {
            let run = Command::new(python)
                .args(["-c", HANDSHAKES])
                .current_dir(dir.path())
                .output();
            let Ok(output) = run else {
                eprintln!("SKIPPED: there is no {python} here");
                continue;
            };
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if !output.status.success() && said.is_empty() {
                let why = String::from_utf8_lossy(&output.stderr);
                eprintln!("SKIPPED: {python} cannot do this: {why}");
                continue;
            }
            for version in ["TLSv1_2", "TLSv1_3"] {
                for line in [
                    "alice alice",
                    "bob CERTIFICATE_VERIFY_FAILED",
                    "server CERTIFICATE_VERIFY_FAILED",
                    "host CERTIFICATE_VERIFY_FAILED",
                ] {
                    let line = format!("{version} {line}\n");
                    assert!(
                        said.contains(&line),
                        "{python}: {line} of {said} {output:?}"
                    );
                }
            }
        }
    }
}
