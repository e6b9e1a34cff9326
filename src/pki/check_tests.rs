//! What `verify` and `lint` find, in what was issued here and in what openssl makes.

use time::Duration;

use super::authority::Authority;
use super::keys;
use super::lint::{self, Lint, Weight};
use super::order::{InitOptions, IssueRequest};
use super::profile::Role;
use super::testing::{chain, check, failure, info, new_ca, openssl};
use super::verify::{self, Against, Check, Outcome};
use crate::error::Result;
use crate::text;

#[test]
fn each_step_of_the_check_finds_its_own_fault() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = dir.path();
    let ca = new_ca(at);
    ca.issue(&IssueRequest::server(["files.example", "*.w.example"]))
        .unwrap();
    ca.issue(&IssueRequest::client("alice")).unwrap();
    let now = text::now();
    let server = |host, purpose, now| failure(&check(at, "server.crt", Some(host), purpose, now));
    for host in [
        "files.example",
        "FILES.example.",
        "a.w.example",
        "127.0.0.1",
        "::1",
        "[::1]",
    ] {
        assert_eq!(server(host, Role::Server, now), None, "{host}");
    }
    for host in [
        "w.example",
        "a.b.w.example",
        "example",
        "127.0.0.2",
        "xfiles.example",
    ] {
        assert_eq!(server(host, Role::Server, now), Some(Check::Host), "{host}");
    }
    assert_eq!(
        server("files.example", Role::Client, now),
        Some(Check::Purpose)
    );
    let year = Duration::days(400);
    assert_eq!(
        server("files.example", Role::Server, now + year),
        Some(Check::Dates)
    );
    assert_eq!(
        server("files.example", Role::Server, now - year),
        Some(Check::Dates)
    );
    assert_eq!(
        failure(&check(at, "ca.crt", None, Role::Server, now)),
        Some(Check::Form)
    );

    // Another CA: by another name the issuer is unknown, by the same name the signature is wrong.
    for (name, fault) in [("Other", Check::Issuer), ("Sealpost CA", Check::Signature)] {
        let options = InitOptions {
            name: Some(name.into()),
            force: true,
            ..InitOptions::default()
        };
        Authority::init(other.path(), &options).unwrap();
        let against = Against {
            anchors: &chain(&other.path().join("ca.crt")),
            lists: &[],
            host: None,
            purpose: None,
            now,
        };
        let checked = verify::verify(&chain(&at.join("server.crt")), &against).unwrap();
        assert_eq!(failure(&checked), Some(fault), "{checked:?}");
        let last = checked.steps.last().unwrap();
        assert_eq!(
            (last.check, last.outcome),
            (Check::Revocation, Outcome::Skipped)
        );
    }
}

fn rules(result: &Result<Lint>) -> Vec<&'static str> {
    let findings = result.as_ref().unwrap().findings.iter();
    findings.map(|finding| finding.rule).collect()
}

#[test]
fn the_certificates_of_the_course_are_explained_and_made_to_work() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    for line in [
        "genrsa -out ca.key 1024",
        "req -new -key ca.key -out ca.csr -subj /C=CN/O=School/CN=CA",
        "x509 -req -in ca.csr -signkey ca.key -sha1 -days 5000 -out old-ca.crt",
        "genrsa -out old.key 1024",
        "req -new -key old.key -out old.csr -subj /C=CN/CN=SERVER",
        "x509 -req -in old.csr -CA old-ca.crt -CAkey ca.key -CAcreateserial -sha1 -days 5000 -out old.crt",
        "req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt -subj /CN=a.example -addext subjectAltName=DNS:a.example",
    ] {
        let Some(made) = openssl(at, line) else {
            return;
        };
        made.unwrap();
    }
    let now = text::now();
    let linted = |name: &str| lint::lint(&chain(&at.join(name))[0], name, None, None, now);
    let old = linted("old.crt");
    // OpenSSL 3.2 and later make a v3 certificate even so.
    let is_v1 = info(&at.join("old.crt")).version == 1;
    let found = rules(&old);
    for rule in ["rsa-short", "weak-digest", "no-san", "too-long"] {
        assert!(found.contains(&rule), "{rule} of {found:?}");
    }
    assert_eq!(found.contains(&"v1"), is_v1);
    assert!(old.unwrap().is_refused());
    assert!(rules(&linted("old-ca.crt")).contains(&"rsa-short"));
    let itself = rules(&linted("self.crt"));
    assert!(
        itself.contains(&"ca-as-leaf") && itself.contains(&"self-signed"),
        "{itself:?}"
    );

    let certs = at.join("certs");
    let ca = new_ca(&certs);
    for (name, host) in [("old.crt", "SERVER"), ("self.crt", "a.example")] {
        let template = IssueRequest {
            out: Some("new".into()),
            force: true,
            ..IssueRequest::server([""; 0])
        };
        ca.reissue(&at.join(name), None, &template).unwrap();
        let checked = check(&certs, "new.crt", Some(host), Role::Server, now);
        assert!(checked.is_good(), "{checked:?}");
    }
}

#[test]
fn what_is_issued_here_has_no_fault_and_a_foreign_key_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let options = InitOptions {
        intermediate: true,
        ..InitOptions::default()
    };
    let (ca, _) = Authority::init(at, &options).unwrap();
    ca.issue(&IssueRequest::server(["a.example"])).unwrap();
    ca.issue(&IssueRequest::client("alice")).unwrap();
    let now = text::now();
    for name in ["ca", "intermediate", "server", "client"] {
        let der = &chain(&at.join(format!("{name}.crt")))[0];
        let key = keys::private_key(&at.join(format!("{name}.key")), None).unwrap();
        let public = keys::public_key(&key).unwrap();
        let good = lint::lint(der, name, None, Some(&public), now);
        assert_eq!(rules(&good), Vec::<&str>::new(), "{name}");
        assert_eq!(
            good.unwrap().role.word().chars().next(),
            match name {
                "ca" => Some('r'),
                _ => name.chars().next(),
            }
        );
        let other =
            keys::public_key(&keys::private_key(&at.join("ca.key"), None).unwrap()).unwrap();
        if name != "ca" {
            let bad = lint::lint(der, name, None, Some(&other), now);
            assert_eq!(rules(&bad), ["key-mismatch"], "{name}");
        }
    }
    let server = &chain(&at.join("server.crt"))[0];
    let as_client = lint::lint(server, "x", Some(Role::Client), None, now).unwrap();
    let weights: Vec<_> = as_client
        .findings
        .iter()
        .map(|f| (f.rule, f.weight))
        .collect();
    assert_eq!(weights, [("wrong-purpose", Weight::Refused)]);
    let late = lint::lint(server, "x", None, None, now + Duration::days(500));
    assert_eq!(rules(&late), ["expired"]);
}
