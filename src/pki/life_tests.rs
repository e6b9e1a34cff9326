//! What happens to a certificate after it was issued, told beside the real OpenSSL.

use time::Duration;

use super::authority::{Authority, CRL_DAYS};
use super::index::{Reason, Status};
use super::inspect::{self};
use super::order::{InitOptions, IssueRequest};
use super::profile::{Algorithm, Role};
use super::renewal::RenewRequest;
use super::request::{self, RequestOptions};
use super::signing::{SignRequest, change_passphrase};
use super::testing::{chain, check, failure, info, new_ca, openssl, write};
use super::verify::Check;
use super::{keys, pem};
use crate::error::Kind;
use crate::text;

fn sign_as(role: Role) -> SignRequest {
    SignRequest {
        role,
        days: 30,
        allow_name: false,
        taken: Vec::new(),
        out: None,
        force: false,
    }
}

#[test]
fn a_request_gets_its_names_and_nothing_else_it_asks_for() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let ca = new_ca(at);
    let Some(made) = openssl(
        at,
        "req -new -newkey rsa:2048 -nodes -keyout eve.key -out eve.csr -subj /C=CN/O=x/OU=a/OU=b/CN=web \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign,cRLSign \
         -addext extendedKeyUsage=clientAuth -addext subjectAltName=DNS:a.example,IP:192.0.2.1",
    ) else {
        return;
    };
    made.unwrap();
    let signed = ca
        .sign(&at.join("eve.csr"), &sign_as(Role::Server))
        .unwrap();
    let info = info(&at.join("eve.crt"));
    assert!(!info.is_ca);
    assert_eq!(info.key_usage, ["digitalSignature", "keyEncipherment"]);
    assert_eq!(info.extended_key_usage, ["serverAuth"]);
    assert_eq!(info.dns_names, ["a.example"]);
    assert_eq!(info.subject, "C=CN, O=x, OU=a, CN=web");
    assert_eq!(signed.ignored.len(), 4, "{:?}", signed.ignored);
    let key = keys::private_key(&at.join("eve.key"), None).unwrap();
    let public = keys::public_key(&key).unwrap();
    assert_eq!(
        inspect::parse(&chain(&at.join("eve.crt"))[0])
            .unwrap()
            .public_key()
            .raw,
        public
    );
    openssl(
        at,
        "verify -x509_strict -CAfile ca.crt -purpose sslserver eve.crt",
    )
    .unwrap()
    .unwrap();
}

#[test]
fn a_request_for_somebody_elses_name_is_refused_unless_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let ca = new_ca(at);
    ca.issue(&IssueRequest::client("alice")).unwrap();
    ca.issue(&IssueRequest::server(["files.example"])).unwrap();
    let request = |names: &[&str], out: &str| {
        let options = RequestOptions {
            names: names.iter().map(ToString::to_string).collect(),
            out: Some(out.to_owned()),
            ..RequestOptions::default()
        };
        request::make(at, &options).unwrap().files[0].clone()
    };
    let client = sign_as(Role::Client);
    let alice = request(&["Alice"], "one");
    assert_eq!(ca.sign(&alice, &client).unwrap_err().kind(), Kind::Exists);
    let allowed = SignRequest {
        allow_name: true,
        ..client.clone()
    };
    ca.sign(&alice, &allowed).unwrap();
    // A user without a certificate is somebody, too.
    let root = request(&["admin"], "two");
    let known = SignRequest {
        taken: vec!["admin".into()],
        ..client.clone()
    };
    assert_eq!(ca.sign(&root, &known).unwrap_err().kind(), Kind::Exists);
    ca.sign(&request(&["bob"], "three"), &client).unwrap();

    let server = sign_as(Role::Server);
    let files = request(&["other.example", "files.example"], "four");
    assert_eq!(ca.sign(&files, &server).unwrap_err().kind(), Kind::Exists);
    ca.sign(&request(&["localhost", "127.0.0.1"], "five"), &server)
        .unwrap();
    assert_eq!(info(&at.join("five.crt")).dns_names, ["localhost"]);
}

#[test]
fn a_request_whose_signature_is_wrong_or_whose_key_is_short_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let ca = new_ca(at);
    let options = RequestOptions {
        names: vec!["a.example".into()],
        ..RequestOptions::default()
    };
    let made = request::make(at, &options).unwrap();
    let (contents, _) = pem::read(&made.files[0], Kind::LocalRead, pem::FILE_BYTES_MAX).unwrap();
    let mut der = contents.requests[0].to_vec();
    let at_name = der
        .windows(9)
        .position(|part| part == b"a.example")
        .unwrap();
    der[at_name] = b'b';
    let forged = write(
        at,
        "forged.csr",
        pem::encode("CERTIFICATE REQUEST", &der).unwrap(),
    );
    let refused = ca.sign(&forged, &sign_as(Role::Server)).unwrap_err();
    assert!(refused.to_string().contains("signature"), "{refused}");
    // The label of old programs is read, a certificate in a request's place is not.
    let old = pem::encode("NEW CERTIFICATE REQUEST", &contents.requests[0]).unwrap();
    ca.sign(&write(at, "old.csr", old), &sign_as(Role::Server))
        .unwrap();
    let refused = ca
        .sign(&at.join("ca.crt"), &sign_as(Role::Server))
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("holds a certificate, not a certificate request")
    );
    let short = "req -new -newkey rsa:1024 -nodes -keyout s.key -out s.csr -subj /CN=SERVER";
    if let Some(made) = openssl(at, short) {
        made.unwrap();
        let refused = ca
            .sign(&at.join("s.csr"), &sign_as(Role::Server))
            .unwrap_err();
        assert!(refused.to_string().contains("1024 bits"), "{refused}");
    }
}

#[test]
fn a_renewed_certificate_keeps_its_names_and_key_and_never_its_serial_number() {
    for intermediate in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        let options = InitOptions {
            intermediate,
            ..InitOptions::default()
        };
        let (ca, _) = Authority::init(at, &options).unwrap();
        ca.issue(&IssueRequest::server(["a.example"])).unwrap();
        let path = at.join("server.crt");
        let old = info(&path);
        let renewed = ca.renew(&path, &RenewRequest::default()).unwrap();
        let new = info(&path);
        assert_eq!(renewed.replaced, old.serial);
        assert_ne!(new.serial, old.serial);
        assert_eq!((&new.pin, &new.dns_names), (&old.pin, &old.dns_names));
        assert_eq!(chain(&path).len(), 1 + usize::from(intermediate));
        let with_key = RenewRequest {
            new_key: Some(Algorithm::Ed25519),
            ..RenewRequest::default()
        };
        ca.renew(&path, &with_key).unwrap();
        assert_ne!(info(&path).pin, old.pin);
        let key = keys::private_key(&at.join("server.key"), None).unwrap();
        assert_eq!(
            keys::public_key(&key).unwrap(),
            inspect::parse(&chain(&path)[0]).unwrap().public_key().raw
        );
        // Revoking the first spares the second.
        ca.revoke(&old.serial, Reason::Superseded, CRL_DAYS)
            .unwrap();
        let checked = check(
            at,
            "server.crt",
            Some("a.example"),
            Role::Server,
            text::now(),
        );
        assert!(checked.is_good(), "{checked:?}");
    }
}

#[test]
fn a_renewed_ca_stands_by_everything_it_issued() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let options = InitOptions {
        intermediate: true,
        subject: Some("/C=CN/O=学校".parse().unwrap()),
        ..InitOptions::default()
    };
    let (ca, _) = Authority::init(at, &options).unwrap();
    ca.issue(&IssueRequest::client("alice")).unwrap();
    for name in ["ca.crt", "intermediate.crt"] {
        let old = info(&at.join(name));
        ca.renew(&at.join(name), &RenewRequest::default()).unwrap();
        let new = info(&at.join(name));
        assert_ne!(new.serial, old.serial);
        assert_eq!((&new.pin, new.path_length), (&old.pin, old.path_length));
    }
    let checked = check(at, "client.crt", None, Role::Client, text::now());
    assert!(checked.is_good(), "{checked:?}");
    let new_key = RenewRequest {
        new_key: Some(Algorithm::EcdsaP256),
        ..RenewRequest::default()
    };
    assert!(ca.renew(&at.join("ca.crt"), &new_key).is_err());
}

#[test]
fn only_what_this_ca_signed_is_renewed_and_anything_can_be_made_anew() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ca = new_ca(ours.path());
    // The same names from a CA of the same name: only the signature tells.
    new_ca(theirs.path())
        .issue(&IssueRequest::client("admin"))
        .unwrap();
    let foreign = theirs.path().join("client.crt");
    let refused = ca.renew(&foreign, &RenewRequest::default()).unwrap_err();
    assert_eq!(refused.kind(), Kind::CaFile);
    let template = IssueRequest::server([""; 0]);
    let made = ca.reissue(&foreign, None, &template).unwrap();
    assert_eq!(
        (made.role, made.subject.as_str()),
        (Role::Client, "CN=admin")
    );
    assert_ne!(info(&made.files[0]).pin, info(&foreign).pin);
}

#[test]
fn what_is_revoked_is_refused_here_and_by_openssl_and_the_rest_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let ca = new_ca(at);
    ca.issue(&IssueRequest::client("alice")).unwrap();
    ca.issue(&IssueRequest::client("bob")).unwrap();
    let file = at.join("client.crt").display().to_string();
    let revoked = ca.revoke(&file, Reason::KeyCompromise, CRL_DAYS).unwrap();
    assert_eq!((revoked.list.number, revoked.list.revoked), (2, 1));
    assert_eq!(revoked.row.status, Status::Revoked);
    let now = text::now();
    let alice = check(at, "client.crt", None, Role::Client, now);
    assert_eq!(failure(&alice), Some(Check::Revocation));
    assert!(check(at, "bob.crt", None, Role::Client, now).is_good());
    let verify = "verify -x509_strict -CAfile ca.crt -CRLfile crl.pem -crl_check";
    if let Some(answer) = openssl(at, &format!("{verify} client.crt")) {
        assert!(answer.unwrap_err().contains("certificate revoked"));
        openssl(at, &format!("{verify} bob.crt")).unwrap().unwrap();
    }
    // Twice, unknown, and the root.
    let serial = &ca.list().unwrap()[0].serial;
    for (which, kind) in [
        (file.as_str(), Kind::Exists),
        ("00ff00ff00ff", Kind::NotFound),
        ("no such thing", Kind::NotFound),
        (serial, Kind::Usage),
    ] {
        let refused = ca.revoke(which, Reason::Unspecified, CRL_DAYS).unwrap_err();
        assert_eq!(refused.kind(), kind, "{which}");
    }
    // A serial number as openssl prints it, and a list that ran out.
    let bob = info(&at.join("bob.crt")).serial.to_uppercase();
    assert_eq!(ca.write_crl(1).unwrap().number, 3);
    let later = now + Duration::days(2);
    let stale = check(at, "bob.crt", None, Role::Client, later);
    assert!(stale.first_failure().unwrap().says.contains("out of date"));
    ca.revoke(&bob, Reason::Unspecified, CRL_DAYS).unwrap();
    let root = ca.renew(&at.join("client.crt"), &RenewRequest::default());
    assert_eq!(root.unwrap_err().kind(), Kind::Forbidden);
}

#[test]
fn an_intermediate_that_is_revoked_takes_its_leaves_along() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let options = InitOptions {
        intermediate: true,
        ..InitOptions::default()
    };
    let (ca, _) = Authority::init(at, &options).unwrap();
    ca.issue(&IssueRequest::client("alice")).unwrap();
    assert_eq!(
        keys::revocation_lists(&at.join("crl.pem")).unwrap().len(),
        2
    );
    assert!(check(at, "client.crt", None, Role::Client, text::now()).is_good());
    // With the root's key kept elsewhere the leaves can still be managed, and the root's list stays.
    let (key, kept) = (at.join("ca.key"), at.join("kept"));
    std::fs::rename(&key, &kept).unwrap();
    ca.issue(&IssueRequest::client("bob")).unwrap();
    ca.write_crl(CRL_DAYS).unwrap();
    assert_eq!(
        keys::revocation_lists(&at.join("crl.pem")).unwrap().len(),
        2
    );
    let file = at.join("intermediate.crt").display().to_string();
    assert!(ca.revoke(&file, Reason::CaCompromise, CRL_DAYS).is_err());
    std::fs::rename(&kept, &key).unwrap();
    ca.revoke(&file, Reason::CaCompromise, CRL_DAYS).unwrap();
    let alice = check(at, "client.crt", None, Role::Client, text::now());
    assert_eq!(failure(&alice), Some(Check::Revocation));
}

#[test]
fn a_passphrase_is_set_changed_and_taken_away_and_the_key_stays_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let key = Algorithm::EcdsaP256.generate().unwrap();
    let mut paths = vec![write(at, "a.key", key.serialize_pem())];
    for line in [
        "ecparam -name secp384r1 -genkey -noout -out sec1.key",
        "genrsa -traditional -out pkcs1.key 2048",
    ] {
        if let Some(made) = openssl(at, line) {
            made.unwrap();
            paths.push(at.join(line.split(' ').rfind(|word| word.contains(".key")).unwrap()));
        }
    }
    for path in paths {
        let public = |passphrase: Option<&str>| {
            let passphrase = passphrase.map(Into::into);
            keys::private_key(&path, passphrase.as_ref()).and_then(|key| keys::public_key(&key))
        };
        let before = public(None).unwrap();
        change_passphrase(&path, None, Some(&"one".into())).unwrap();
        assert!(keys::needs_passphrase(&path).unwrap());
        assert_eq!(public(Some("one")).unwrap(), before);
        assert!(change_passphrase(&path, Some(&"two".into()), None).is_err());
        change_passphrase(&path, Some(&"one".into()), None).unwrap();
        assert_eq!(public(None).unwrap(), before);
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(read) = openssl(at, &format!("pkey -in {name} -noout")) {
            read.unwrap();
        }
    }
}
