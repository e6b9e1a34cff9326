//! The CA from outside: what its folder holds, and what the real OpenSSL says of it.

use std::fs;
use std::path::Path;

use super::super::profile::Algorithm;
use super::super::testing::{mode, new_ca, openssl};
use super::*;

fn info(authority: &Authority, name: &str) -> CertificateInfo {
    let path = authority.folder.path(name);
    let chain = keys::certificates(&path, Kind::OwnCertificate).unwrap();
    inspect::certificate(&chain[0]).unwrap()
}

/// `openssl verify` with its strictest settings; `true` where there is no openssl.
fn openssl_accepts(dir: &Path, arguments: &str) -> bool {
    let line = format!("verify -x509_strict -CAfile ca.crt -CRLfile crl.pem {arguments}");
    match openssl(dir, &line) {
        None | Some(Ok(_)) => true,
        Some(Err(errors)) => {
            eprintln!("{errors}");
            false
        }
    }
}

#[test]
fn openssls_strictest_check_takes_what_is_issued_and_refuses_the_other_purpose() {
    for (algorithm, intermediate) in [
        (Algorithm::EcdsaP256, false),
        (Algorithm::Ed25519, true),
        (Algorithm::Rsa2048, false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let options = InitOptions {
            algorithm,
            intermediate,
            ..InitOptions::default()
        };
        let (ca, _) = Authority::init(dir.path(), &options).unwrap();
        let server = IssueRequest {
            algorithm,
            ..IssueRequest::server(["files.example.org", "192.0.2.7"])
        };
        ca.issue(&server).unwrap();
        ca.issue(&IssueRequest::client("alice")).unwrap();
        let (check, chain) = if intermediate {
            ("-crl_check_all", "-untrusted intermediate.crt")
        } else {
            ("-crl_check", "")
        };
        let accepts = |rest: &str| openssl_accepts(dir.path(), &format!("{check} {chain} {rest}"));
        assert!(accepts(
            "-purpose sslserver -verify_hostname files.example.org server.crt"
        ));
        assert!(accepts(
            "-purpose sslserver -verify_ip 192.0.2.7 server.crt"
        ));
        assert!(accepts("-purpose sslserver -verify_ip ::1 server.crt"));
        assert!(accepts("-purpose sslclient client.crt"));
        if openssl(dir.path(), "version").is_some() {
            assert!(!accepts("-purpose sslclient server.crt"));
            assert!(!accepts("-purpose sslserver client.crt"));
            assert!(!accepts("-verify_hostname other.example.org server.crt"));
        }
    }
}

#[test]
fn the_profile_is_the_one_that_strict_verifiers_want() {
    let dir = tempfile::tempdir().unwrap();
    let ca = new_ca(dir.path());
    let rsa = IssueRequest {
        algorithm: Algorithm::Rsa2048,
        ..IssueRequest::server(["a.example"])
    };
    ca.issue(&rsa).unwrap();
    let bob = IssueRequest {
        email: Some("bob@example.org".into()),
        ou: Some("class 3".into()),
        subject: Some("/C=CN/O=School".parse().unwrap()),
        ..IssueRequest::client("bob")
    };
    ca.issue(&bob).unwrap();

    let root = info(&ca, "ca.crt");
    assert_eq!(
        (root.version, root.is_ca, root.path_length),
        (3, true, Some(0))
    );
    assert_eq!(
        root.key_usage,
        ["digitalSignature", "keyCertSign", "cRLSign"]
    );
    assert_eq!(root.subject, "CN=Sealpost CA");
    let server = info(&ca, "server.crt");
    assert_eq!(server.key_usage, ["digitalSignature", "keyEncipherment"]);
    assert_eq!(server.extended_key_usage, ["serverAuth"]);
    assert_eq!(server.dns_names, ["a.example", "localhost"]);
    assert_eq!(server.ip_addresses.len(), 2);
    assert_eq!((server.is_ca, server.key_bits), (false, 2048));
    assert_eq!(server.authority_key_id, root.subject_key_id);
    assert!(server.subject_key_id.is_some());
    let client = info(&ca, "client.crt");
    assert_eq!(client.extended_key_usage, ["clientAuth"]);
    assert_eq!(client.subject, "C=CN, O=School, OU=class 3, CN=bob");
    assert_eq!(client.emails, ["bob@example.org"]);
    assert_eq!((client.not_after - client.not_before).whole_days(), 397);
    assert!(client.not_before < crate::text::now());
    assert_eq!(client.serial.len(), 32);
    assert_ne!(client.serial, server.serial);
}

#[test]
fn keys_are_private_and_the_first_pair_and_further_ones_go_where_they_are_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let certs = dir.path().join("certs");
    let ca = new_ca(&certs);
    let files = |request: &IssueRequest| {
        let issued = ca.issue(request).unwrap();
        let names = issued.files.iter().map(|path| path.file_name().unwrap());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        files(&IssueRequest::server(["localhost"])),
        "server.crt server.key"
    );
    assert_eq!(
        files(&IssueRequest::server(["*.a.example"])),
        "_.a.example.crt _.a.example.key"
    );
    assert_eq!(
        files(&IssueRequest::server(["fe80::1"])),
        "fe80__1.crt fe80__1.key"
    );
    assert_eq!(
        files(&IssueRequest::client("alice")),
        "client.crt client.key"
    );
    assert_eq!(files(&IssueRequest::client("bob")), "bob.crt bob.key");
    // Not ca.crt, whatever a user is called.
    assert_eq!(
        files(&IssueRequest::client("CA")),
        "CA-client.crt CA-client.key"
    );
    #[cfg(unix)]
    {
        assert_eq!(mode(&certs), 0o700);
        for key in ["ca.key", "server.key", "bob.key"] {
            assert_eq!(mode(&certs.join(key)), 0o600, "{key}");
        }
        for public in ["ca.crt", "server.crt", "crl.pem", "index.csv"] {
            assert_eq!(mode(&certs.join(public)), 0o644, "{public}");
        }
    }
    let rows = ca.list().unwrap();
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0].role, Role::Root);
    assert_eq!(
        (rows[4].subject.as_str(), rows[4].file.as_str()),
        ("CN=alice", "client.crt")
    );
    let leftovers = fs::read_dir(&certs).unwrap();
    let leftovers = leftovers.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".new-")
    });
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn nothing_is_overwritten_without_force_and_the_index_keeps_what_was_signed() {
    let dir = tempfile::tempdir().unwrap();
    let ca = new_ca(dir.path());
    let again = Authority::init(dir.path(), &InitOptions::default());
    assert_eq!(again.unwrap_err().kind(), Kind::Exists);
    let web = IssueRequest {
        out: Some("web".into()),
        ..IssueRequest::server(["a.example"])
    };
    let first = ca.issue(&web).unwrap();
    assert_eq!(ca.issue(&web).unwrap_err().kind(), Kind::Exists);
    assert_eq!(ca.list().unwrap().len(), 2);
    let second = ca.issue(&IssueRequest { force: true, ..web }).unwrap();
    assert_ne!(first.serial, second.serial);
    assert_eq!(info(&ca, "web.crt").serial, second.serial);
    assert_eq!(ca.list().unwrap().len(), 3);

    let options = InitOptions {
        force: true,
        ..InitOptions::default()
    };
    let old = info(&ca, "ca.crt").fingerprint;
    fs::remove_file(ca.folder.path("ca.crt")).unwrap();
    let leftovers = Authority::init(dir.path(), &InitOptions::default());
    assert_eq!(leftovers.unwrap_err().kind(), Kind::Exists);
    Authority::init(dir.path(), &options).unwrap();
    assert_ne!(info(&ca, "ca.crt").fingerprint, old);
    assert_eq!(ca.list().unwrap().len(), 1);
}

#[test]
fn names_that_could_not_work_are_refused_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let ca = new_ca(dir.path());
    for name in [
        "https://a.example",
        "a.example:9999",
        "a b",
        "例.cn",
        "",
        "a..b",
        "-a",
    ] {
        let error = ca.issue(&IssueRequest::server([name])).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{name}");
        assert!(error.next_step().is_some(), "{name}");
    }
    for user in ["", "a/b", "a\nb", ".x"] {
        let error = ca.issue(&IssueRequest::client(user)).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{user}");
    }
    for out in ["../x", "ca", "CA.crt", "intermediate", ".hidden", ""] {
        let request = IssueRequest {
            out: Some(out.into()),
            force: true,
            ..IssueRequest::client("alice")
        };
        assert_eq!(ca.issue(&request).unwrap_err().kind(), Kind::Usage, "{out}");
    }
    for days in [0, 40_000] {
        let request = IssueRequest {
            days,
            ..IssueRequest::client("alice")
        };
        assert!(ca.issue(&request).is_err(), "{days}");
    }
    assert_eq!(ca.list().unwrap().len(), 1);
}

#[test]
fn a_ca_under_a_passphrase_issues_with_it_and_not_without() {
    let dir = tempfile::tempdir().unwrap();
    let options = InitOptions {
        passphrase: Some("secret".into()),
        ..InitOptions::default()
    };
    Authority::init(dir.path(), &options).unwrap();
    let ca = Authority::open(dir.path()).unwrap();
    assert!(ca.needs_passphrase().unwrap());
    let request = IssueRequest::client("alice");
    assert_eq!(ca.issue(&request).unwrap_err().kind(), Kind::OwnCertificate);
    let ca = ca.with_passphrase(Some("secret".into()));
    ca.issue(&request).unwrap();
    assert_eq!(
        Authority::open(&dir.path().join("none"))
            .unwrap_err()
            .kind(),
        Kind::CaFile
    );
}

#[test]
fn two_programs_at_once_lose_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let ca = new_ca(dir.path());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let ca = &ca;
            scope.spawn(move || {
                for turn in 0..5 {
                    let user = format!("u{worker}-{turn}");
                    ca.issue(&IssueRequest::client(&user)).unwrap();
                }
            });
        }
    });
    assert_eq!(ca.list().unwrap().len(), 21);
}

#[test]
fn an_identity_has_one_cn_and_no_hidden_end() {
    let dir = tempfile::tempdir().unwrap();
    let ca = new_ca(dir.path());
    ca.issue(&IssueRequest::client("alice")).unwrap();
    let chain = keys::certificates(&ca.folder.path("client.crt"), Kind::OwnCertificate).unwrap();
    let identity = inspect::identity(&chain[0]).unwrap();
    assert_eq!(identity.cn.as_deref(), Some("alice"));
    assert_eq!(identity.serial, ca.list().unwrap()[1].serial);

    let signer = ca.signer().unwrap();
    let key = Algorithm::EcdsaP256.generate().unwrap();
    let common_name = rcgen::DnType::CommonName;
    let second_name = rcgen::DnType::CustomDnType(vec![2, 5, 4, 3]);
    for names in [
        vec![(common_name.clone(), "admin"), (second_name, "alice")],
        vec![(common_name, "admin\0.evil.example")],
    ] {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind, name);
        }
        let certificate = signer.sign(&params, &key).unwrap();
        let error = inspect::identity(&certificate).unwrap_err();
        assert_eq!(error.kind(), Kind::PeerCertificate);
    }
}
