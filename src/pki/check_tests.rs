//! What `verify` and `lint` find, in what was issued here and in what openssl makes.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use super::authority::Authority;
use super::index::Reason;
use super::lint::{self, Lint, Weight};
use super::order::{InitOptions, IssueRequest};
use super::profile::Role;
use super::testing::{chain, check, failure, info, new_ca, openssl};
use super::verify::{self, Against, Check, Outcome};
use super::{inspect, keys, lists};
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

#[test]
fn the_corrected_recipe_makes_what_is_taken_here_and_its_ca_can_be_used_here() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    for line in include_str!("recipe.txt").lines() {
        let Some(done) = openssl(at, line.strip_prefix("openssl ").unwrap()) else {
            return;
        };
        done.unwrap();
    }
    let now = text::now();
    for name in ["ca.crt", "server.crt", "client.crt"] {
        let result = lint::lint(&chain(&at.join(name))[0], name, None, None, now).unwrap();
        let faults: Vec<_> = result.findings.iter().map(|f| (f.rule, f.weight)).collect();
        // OpenSSL 3.0 leaves the authority key identifier out; 3.2 and later write it.
        assert!(
            faults
                .iter()
                .all(|fault| *fault == ("no-aki", Weight::Strict)),
            "{faults:?}"
        );
    }
    // A CA that openssl made, in a folder without an index and a revocation list.
    let ca = Authority::open(at).unwrap();
    let bob = ca.issue(&IssueRequest::client("bob")).unwrap();
    assert_eq!(bob.files[0], at.join("bob.crt"));
    assert!(check(at, "server.crt", Some("SERVER"), Role::Server, now).is_good());
    assert!(check(at, "client.crt", None, Role::Client, now).is_good());
    assert!(check(at, "bob.crt", None, Role::Client, now).is_good());
    let verify = "verify -x509_strict -CAfile ca.crt -CRLfile crl.pem -crl_check bob.crt";
    openssl(at, verify).unwrap().unwrap();
}

/// What rustls itself says of a server's or a client's certificate.
fn rustls_takes(
    at: &Path,
    anchors: &Path,
    file: &str,
    host: &str,
    role: Role,
    now: OffsetDateTime,
) -> bool {
    use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier as _};
    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::server::WebPkiClientVerifier;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(chain(&anchors.join("ca.crt"))[0].clone())
        .unwrap();
    let roots = Arc::new(roots);
    let lists = keys::revocation_lists(&anchors.join("crl.pem")).unwrap();
    let all = chain(&at.join(file));
    let since = std::time::Duration::from_secs(now.unix_timestamp().try_into().unwrap());
    let now = UnixTime::since_unix_epoch(since);
    if role == Role::Client {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
            .with_crls(lists)
            .enforce_revocation_expiration()
            .build()
            .unwrap();
        return verifier.verify_client_cert(&all[0], &all[1..], now).is_ok();
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .with_crls(lists)
        .enforce_revocation_expiration()
        .build()
        .unwrap();
    let host = ServerName::try_from(host).unwrap();
    verifier
        .verify_server_cert(&all[0], &all[1..], &host, &[], now)
        .is_ok()
}

#[test]
fn verify_decides_as_rustls_does() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = dir.path();
    let options = InitOptions {
        intermediate: true,
        ..InitOptions::default()
    };
    let (ca, _) = Authority::init(at, &options).unwrap();
    new_ca(other.path());
    ca.issue(&IssueRequest::server(["files.example", "*.w.example"]))
        .unwrap();
    ca.issue(&IssueRequest::client("alice")).unwrap();
    ca.issue(&IssueRequest::client("bob")).unwrap();
    ca.revoke(
        at.join("bob.crt").to_str().unwrap(),
        Reason::Unspecified,
        30,
    )
    .unwrap();
    let now = text::now();
    let (mut taken, mut all) = (0, 0);
    for file in [
        "server.crt",
        "client.crt",
        "bob.crt",
        "ca.crt",
        "intermediate.crt",
    ] {
        for host in [
            "files.example",
            "x.w.example",
            "w.example",
            "127.0.0.1",
            "127.0.0.2",
        ] {
            for role in [Role::Server, Role::Client] {
                for days in [0, 31, -10, 398] {
                    for anchors in [at, other.path()] {
                        let now = now + Duration::days(days);
                        let against = Against {
                            anchors: &chain(&anchors.join("ca.crt")),
                            lists: &keys::revocation_lists(&anchors.join("crl.pem")).unwrap(),
                            host: (role == Role::Server).then_some(host),
                            purpose: Some(role),
                            now,
                        };
                        let ours = verify::verify(&chain(&at.join(file)), &against).unwrap();
                        let theirs = rustls_takes(at, anchors, file, host, role, now);
                        assert_eq!(
                            ours.is_good(),
                            theirs,
                            "{file} {host} {role} {days} {ours:?}"
                        );
                        taken += usize::from(theirs);
                        all += 1;
                    }
                }
            }
        }
    }
    assert_eq!((taken, all), (3 + 5, 400));
}

#[test]
fn damaged_bytes_are_an_error_or_another_certificate_and_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let ca = new_ca(at);
    let request = IssueRequest {
        email: Some("a@b.example".into()),
        ..IssueRequest::server(["a.example"])
    };
    ca.issue(&request).unwrap();
    let der = &chain(&at.join("server.crt"))[0];
    let root = chain(&at.join("ca.crt"));
    let list = &keys::revocation_lists(&at.join("crl.pem")).unwrap()[0];
    let now = text::now();
    let signed = inspect::parse(der).unwrap().tbs_certificate.as_ref().len();
    let signed = 4..4 + signed;
    for place in 0..der.len() {
        for change in [1 << (place % 8), 0xff] {
            let mut damaged = der.to_vec();
            damaged[place] ^= change;
            let damaged = CertificateDer::from(damaged);
            let _either = inspect::identity(&damaged);
            if let Ok(info) = inspect::certificate(&damaged) {
                let _text = info.text(now);
                let _either = lint::lint(&damaged, "x", None, None, now);
            }
            let against = Against {
                anchors: &root,
                lists: &[],
                host: Some("a.example"),
                purpose: Some(Role::Server),
                now,
            };
            let checked = verify::verify(&[damaged], &against);
            // What stands outside the signed part (RFC 5280 §4.1.1.1) may be spelt in other ways.
            let is_good = checked.is_ok_and(|checked| checked.is_good());
            assert!(!is_good || !signed.contains(&place), "byte {place}");
        }
        let _either = inspect::certificate(&der[..place]);
    }
    for place in 0..list.len() {
        let mut damaged = list.to_vec();
        damaged[place] ^= 0xff;
        let _either = lists::revocation_list(&damaged);
        assert!(
            !lists::is_signed_by(&damaged, &root[0]).unwrap_or(false),
            "byte {place}"
        );
    }
    assert!(lists::is_signed_by(list, &root[0]).unwrap());
}
