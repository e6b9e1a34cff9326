//! Bad servers, as the client tells of them.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use super::zoo::{BOTH, Pair, TestCa, changed, day, named, openssl, show};
use super::{Expected, client, told};
use crate::support::{House, Ran, TestServer, set_mode};

/// Each bad server, the host it is called by, the exit code, and the words.
const BAD_SERVERS: &[(&str, &str, Expected)] = &[
    (
        "unknown issuer",
        "localhost",
        (
            60,
            "CN=SERVER (serial 4711, issued by CN=Other CA)|not signed by a CA in|certs/ca.crt|RFC 5280 §6.1|--cacert",
            "不是由|certs/ca.crt|--cacert",
        ),
    ),
    (
        "self-signed",
        "localhost",
        (
            60,
            "is self-signed|issued by itself|sealpost pki issue server",
            "自签名证书",
        ),
    ),
    (
        "other key",
        "localhost",
        (
            60,
            "has the issuer's name, but another key|pki fingerprint",
            "密钥不同",
        ),
    ),
    (
        "wrong host",
        "localhost",
        (
            60,
            "not for localhost but for a.example, b.example|--servername a.example",
            "不适用于 localhost|a.example、b.example",
        ),
    ),
    (
        "no address",
        "127.0.0.1",
        (
            60,
            "not for the address 127.0.0.1 but for localhost|--servername localhost",
            "不适用于 IP 地址 127.0.0.1",
        ),
    ),
    (
        "no SAN",
        "localhost",
        (
            60,
            "has no subjectAltName|the CN does not count|RFC 9525|pki reissue",
            "缺少 subjectAltName",
        ),
    ),
    (
        "expired",
        "localhost",
        (
            60,
            "expired at 20|RFC 5280 §4.1.2.5|pki renew",
            "过期|pki renew",
        ),
    ),
    (
        "not yet valid",
        "localhost",
        (60, "is not valid before 20|clock", "才生效|时钟"),
    ),
    (
        "wrong purpose",
        "localhost",
        (
            60,
            "not made for a server|clientAuth|RFC 5280 §4.2.1.12",
            "不能用于服务器|clientAuth",
        ),
    ),
    (
        "CA as leaf",
        "localhost",
        (60, "is a CA certificate|openssl req -x509", "是 CA 证书"),
    ),
    (
        "impostor",
        "localhost",
        (60, "does not hold the private key", "没有|私钥"),
    ),
];

fn bad_server(house: &House, what: &str) -> Pair {
    let ca = TestCa::of(house);
    let (as_ca, as_client) = (
        IsCa::Ca(BasicConstraints::Unconstrained),
        vec![ExtendedKeyUsagePurpose::ClientAuth],
    );
    let foreign = |name: &str| fs::read_to_string(house.path("foreign").join(name)).unwrap();
    let change = |change: fn(&mut CertificateParams)| ca.sign(&changed(change));
    match what {
        "unknown issuer" => TestCa::new("Other CA", None).sign(&changed(|_| ())),
        "self-signed" => Pair::self_signed(&changed(|_| ())),
        "other key" => Pair {
            chain: foreign("server.crt"),
            key: foreign("server.key"),
        },
        "wrong host" => ca.sign(&named("SERVER", &["a.example", "b.example"])),
        "no address" => ca.sign(&named("SERVER", &["localhost"])),
        "no SAN" => ca.sign(&named("localhost", &[])),
        "good" => change(|_| ()),
        "expired" => change(|params| params.not_after = day(-2)),
        "not yet valid" => change(|params| params.not_before = day(2)),
        "wrong purpose" => ca.sign(&changed(|params| params.extended_key_usages = as_client)),
        "CA as leaf" => ca.sign(&changed(|params| params.is_ca = as_ca)),
        _ => Pair {
            key: KeyPair::generate().unwrap().serialize_pem(),
            ..change(|_| ())
        },
    }
}

#[test]
fn a_bad_server_certificate_is_told_by_what_is_wrong_with_it() {
    let house = House::new();
    for (what, host, expected) in BAD_SERVERS {
        let address = show(&bad_server(&house, what), BOTH);
        told(&mut client(&house, host, address, &[]), what, *expected);
    }
    let good = TestCa::of(&house).sign(&changed(|_| ()));
    let pin = format!("sha256//{}=", "A".repeat(43));
    let expected = (
        90,
        "is not the pinned one|sha256//AAA|pki fingerprint",
        "不是固定的那一个|sha256//AAA",
    );
    let more = ["--pinnedpubkey", &pin];
    told(
        &mut client(&house, "localhost", show(&good, BOTH), &more),
        "pin",
        expected,
    );
}

#[test]
fn a_server_says_itself_that_nobody_will_accept_its_certificate_for_its_dates() {
    let house = House::new();
    for (what, words) in [
        ("expired", "own.crt expired at 20"),
        ("not yet valid", "own.crt is not valid before 20"),
        ("good", ""),
    ] {
        let pair = bad_server(&house, what);
        house.write("own.crt", pair.chain.as_bytes());
        house.write("own.key", pair.key.as_bytes());
        set_mode(&house.path("work/own.key"), 0o600);
        let server =
            TestServer::start_in(&house, &["--cert", "work/own.crt", "--key", "work/own.key"]);
        let log = server.log.text();
        assert_eq!(log.contains("own.crt"), !words.is_empty(), "{log}");
        assert!(log.contains(words), "{what}: {log}");
    }
}

#[test]
fn insecure_accepts_and_says_what_would_have_failed() {
    let house = House::new();
    let server = TestServer::start_in(&house, &["--client-auth", "none"]);
    let foreign = house.arg("foreign/ca.crt");
    for (lang, words) in [
        ("en", "warning: --insecure: the signature of"),
        ("zh", "警告：--insecure：服务器的证书"),
    ] {
        let more = ["--insecure", "--cacert", &foreign, "--lang", lang];
        let ran = Ran::of(&mut client(&house, "localhost", server.address, &more));
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

/// Each revocation list at the client, the exit code, and the words.
const BAD_LISTS: &[(&str, Expected)] = &[
    (
        "revoked",
        (
            60,
            "serial 4711|was revoked at 20|keyCompromise|words.pem|pki list",
            "被吊销|keyCompromise|words.pem",
        ),
    ),
    (
        "expired",
        (
            60,
            "revocation list|words.pem is out of date since 20|pki crl",
            "自 20|起已过期|pki crl",
        ),
    ),
    (
        "foreign",
        (
            82,
            "words.pem is of another CA (CN=Other CA)|--crlfile",
            "属于另一个 CA（CN=Other CA）",
        ),
    ),
    (
        "missing",
        (
            60,
            "no revocation list given is of CN=Course Intermediate",
            "没有 CN=Course Intermediate 的",
        ),
    ),
    (
        "forged",
        (
            82,
            "is not signed by the CA that issued|same name and another key",
            "名称相同，密钥不同",
        ),
    ),
];

#[test]
fn what_a_revocation_list_says_or_cannot_say_is_told_apart() {
    let house = House::new();
    let ca = TestCa::of(&house);
    let inter = TestCa::new("Course Intermediate", Some(&ca));
    let good = ca.sign(&changed(|_| ()));
    let deep = inter.sign(&changed(|_| ()));
    let deep = Pair {
        chain: deep.chain + &inter.pem,
        ..deep
    };
    let path = house.arg("work/words.pem");
    for (what, expected) in BAD_LISTS {
        let (pair, list) = match *what {
            "revoked" => (&good, ca.list(day(9), true)),
            "expired" => (&good, ca.list(day(-1), false)),
            "foreign" => (&good, TestCa::new("Other CA", None).list(day(9), false)),
            "missing" => (&deep, ca.list(day(9), false)),
            // The house's other CA has the same name.
            _ => (
                &good,
                fs::read_to_string(house.path("foreign/crl.pem")).unwrap(),
            ),
        };
        house.write("words.pem", list.as_bytes());
        let mut client = client(&house, "localhost", show(pair, BOTH), &["--crlfile", &path]);
        told(&mut client, what, *expected);
    }
    let gone = (
        82,
        "cannot read|none.pem: no such file",
        "无法读取|没有这个文件",
    );
    let nowhere = ([127, 0, 0, 1], 9).into();
    let mut client = client(&house, "localhost", nowhere, &["--crlfile", "none.pem"]);
    told(&mut client, "not there", gone);
}

#[test]
fn what_the_courses_openssl_commands_make_is_told_with_the_way_out() {
    let house = House::new();
    let certs = house.arg("certs");
    let sign = format!(
        "x509 -req -in s.csr -CA {certs}/ca.crt -CAkey {certs}/ca.key -set_serial 7 -days 30"
    );
    house.write(
        "san.ext",
        b"subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    );
    if !openssl(
        &house,
        "req -new -newkey rsa:2048 -nodes -keyout s.key -subj /CN=SERVER -out s.csr",
    ) || !openssl(&house, &format!("{sign} -out v1.crt"))
        || !openssl(
            &house,
            &format!("{sign} -sha1 -extfile san.ext -out sha1.crt"),
        )
    {
        return;
    }
    let cases: [(&str, Expected); 2] = [
        (
            "v1.crt",
            (
                60,
                "CN=SERVER|is X.509 version 1|pki reissue|-extfile",
                "X.509 第 1 版",
            ),
        ),
        ("sha1.crt", (60, "is signed with|SHA-1|RFC 9155", "SHA-1")),
    ];
    for (name, expected) in cases {
        let read = |name: &str| String::from_utf8(house.read(name)).unwrap();
        let pair = Pair {
            chain: read(name),
            key: read("s.key"),
        };
        told(
            &mut client(&house, "localhost", show(&pair, BOTH), &[]),
            name,
            expected,
        );
    }
    let expected: Expected = (58, "v1.crt is X.509 version 1|pki reissue", "X.509 第 1 版");
    let mut command = client(
        &house,
        "localhost",
        ([127, 0, 0, 1], 9).into(),
        &["--cert", "v1.crt", "--key", "s.key"],
    );
    told(&mut command, "own v1", expected);
}
