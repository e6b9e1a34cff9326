//! Every TLS failure as people meet it: a real bad certificate, a real handshake, and the words that come of
//! it in both languages, with the exit code, and without a word of Rust's.

mod clients;
mod servers;
mod zoo;

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use self::zoo::{TestCa, changed, openssl, show};
use crate::relay::Relay;
use crate::support::{House, Ran, TestServer, Via, noise};

/// What is expected of a client: exit code, and words of message and hint in English and in Chinese, between
/// bars.
type Expected = (i32, &'static str, &'static str);

/// Runs the client with `--json`, and checks code and words; the English message.
#[track_caller]
fn told(command: &mut Command, what: &str, (code, english, chinese): Expected) -> String {
    let ran = Ran::of(command.arg("--json"));
    let line = ran.out.lines().last().unwrap_or_default();
    let error: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{what}: {ran:?}"));
    let text = |key: &str| {
        let text = error[key].as_str();
        text.unwrap_or_else(|| panic!("{what}: no {key}: {error}"))
            .to_owned()
    };
    let (en, zh) = (
        format!("{}\n{}", text("message"), text("hint")),
        format!("{}\n{}", text("message_zh"), text("hint_zh")),
    );
    assert_eq!(ran.code, code, "{what}: {en}\n{zh}");
    for word in english.split('|') {
        assert!(en.contains(word), "{what}: no {word} in: {en}");
    }
    for word in chinese.split('|') {
        assert!(zh.contains(word), "{what}: no {word} in: {zh}");
    }
    no_rust(&en);
    no_rust(&zh);
    assert!(!zh.contains(" the "), "{what}: {zh}");
    text("message")
}

fn no_rust(text: &str) {
    for raw in [
        "(\"",
        "Context",
        "Some(",
        "invalid peer certificate",
        "InvalidCertificate",
        "UnixTime",
        "os error",
        "docs.rs",
        "webpki",
        "rustls",
        "DnsName",
        "{",
        "panicked",
    ] {
        assert!(!text.contains(raw), "{raw} in: {text}");
    }
}

/// The client, at `host` and the port of `address`, with the house's CA.
fn client(house: &House, host: &str, address: SocketAddr, more: &[&str]) -> Command {
    let at = format!("{host}:{}", address.port());
    let ca = house.arg("certs/ca.crt");
    let mut args = vec![
        "ls",
        "--server",
        &at,
        "--user",
        "alice",
        "--password",
        "env:PW",
    ];
    if !more.contains(&"--plain") && !more.contains(&"--cacert") {
        args.extend(["--cacert", &ca]);
    }
    args.extend(more);
    house.sealpost(&args)
}

#[test]
fn two_sides_without_a_version_or_a_cipher_suite_in_common_are_told_which() {
    let house = House::new();
    let good = TestCa::of(&house).sign(&changed(|_| ()));
    let at = show(&good, &[&rustls::version::TLS12]);
    let version = (
        59,
        "no TLS version in common|allowed here: TLS 1.3|--tls-min",
        "没有共同的 TLS 版本",
    );
    told(
        &mut client(&house, "localhost", at, &["--tls-min", "1.3"]),
        "old server",
        version,
    );

    let flags = [
        "--client-auth",
        "none",
        "--tls-min",
        "1.3",
        "--ciphers",
        "TLS_AES_128_GCM_SHA256",
    ];
    let server = TestServer::start_in(&house, &flags);
    for (what, more, expected) in [
        (
            "old client",
            &["--tls-max", "1.2"][..],
            (
                59,
                "no TLS version in common|allowed here: TLS 1.2",
                "没有共同的 TLS 版本：本端允许 TLS 1.2",
            ),
        ),
        (
            "other ciphers",
            &["--ciphers", "TLS_AES_256_GCM_SHA384", "--tls-min", "1.3"],
            (
                59,
                "no cipher suite or group in common|TLS_AES_256_GCM_SHA384|--ciphers",
                "没有共同的密码套件",
            ),
        ),
    ] {
        told(
            &mut client(&house, "localhost", server.address, more),
            what,
            expected,
        );
    }
    for words in ["no TLS version in common", "no cipher suite in common"] {
        assert!(server.log.wait_for(words), "{}", server.log.text());
    }
}

#[test]
fn plain_on_one_side_and_tls_on_the_other_are_told_from_each() {
    let house = House::new();
    let server = TestServer::start_in(&house, &["--client-auth", "none"]);
    let tls = (
        35,
        "the server speaks TLS, not plain TCP|leave out --plain",
        "服务器使用 TLS",
    );
    told(
        &mut client(&house, "localhost", server.address, &["--plain"]),
        "plain client",
        tls,
    );
    drop(server);
    let server = TestServer::start_in(&house, &["--plain"]);
    let plain = (35, "is not TLS|--plain", "没有用 TLS 应答|--plain");
    told(
        &mut client(&house, "localhost", server.address, &[]),
        "plain server",
        plain,
    );
}

#[test]
fn a_body_that_is_cut_is_told_as_cut() {
    let server = TestServer::via(Via::Tls);
    server.house.write("a.bin", &noise(3_000_000, 1));
    server.run(Via::Tls, "alice", &["put", "a.bin"]).ok();
    let relay = Relay::to(server.address);
    relay.cut_down_after(1_000_000);
    let mut get = server.client_at(
        &relay.at(),
        Via::Tls,
        "alice",
        &["get", "a.bin", "-o", "b.bin"],
    );
    let cut: Expected = (
        18,
        "was cut|close_notify|RFC 8446 §6.1|--conflict resume|[connection ",
        "被截断|close_notify|[连接 ",
    );
    told(&mut get, "cut", cut);
}

#[test]
fn own_files_that_do_not_fit_are_told_before_any_connection() {
    let house = House::new();
    let nowhere: SocketAddr = ([127, 0, 0, 1], 9).into();
    let [crt, key, bob, ca_key] = ["alice.crt", "alice.key", "bob.key", "ca.key"]
        .map(|name| house.arg(&format!("certs/{name}")));
    let missing = house.arg("certs/none.crt");
    let cases: [(&str, Vec<&str>, Expected); 5] = [
        (
            "another's key",
            vec!["--cert", &crt, "--key", &bob],
            (58, "bob.key is not the key of|pki lint", "不是|的私钥"),
        ),
        (
            "no file",
            vec!["--cert", &missing, "--key", &key],
            (58, "cannot read|none.crt", "无法读取|没有这个文件"),
        ),
        (
            "key for certificate",
            vec!["--cert", &key, "--key", &key],
            (
                58,
                "holds a private key, not a certificate",
                "中是私钥，而不是证书",
            ),
        ),
        (
            "certificate for key",
            vec!["--cert", &crt, "--key", &crt],
            (
                58,
                "holds a certificate, not a private key",
                "中是证书，而不是私钥",
            ),
        ),
        (
            "key for CA",
            vec!["--cacert", &ca_key],
            (
                77,
                "holds a private key, not a certificate",
                "中是私钥，而不是证书",
            ),
        ),
    ];
    for (what, more, expected) in cases {
        told(
            &mut client(&house, "localhost", nowhere, &more),
            what,
            expected,
        );
    }
}

#[test]
fn a_key_under_a_passphrase_is_told_as_one() {
    let house = House::new();
    let nowhere: SocketAddr = ([127, 0, 0, 1], 9).into();
    let crt = house.arg("certs/alice.crt");
    if openssl(
        &house,
        "genrsa -aes256 -passout pass:right -out locked.key 2048",
    ) {
        let locked: Expected = (
            58,
            "locked.key is under a passphrase|--pass",
            "受口令保护|--pass",
        );
        let more = ["--cert", &crt, "--key", "locked.key"];
        told(
            &mut client(&house, "localhost", nowhere, &more),
            "locked key",
            locked,
        );
        let wrong: Expected = (58, "the passphrase of locked.key is wrong", "口令不正确");
        let more = ["--cert", &crt, "--key", "locked.key", "--pass", "env:PW"];
        told(
            &mut client(&house, "localhost", nowhere, &more),
            "wrong passphrase",
            wrong,
        );
    }
}

#[test]
fn the_language_is_the_flags_else_the_environments_else_the_locales() {
    let house = House::new();
    let at = ([127, 0, 0, 1], 9).into();
    let run = |more: &[&str], set: &[(&str, &str)]| {
        let mut command = client(&house, "localhost", at, &["--cacert", "none.crt"]);
        Ran::of(command.args(more).envs(set.iter().copied())).err
    };
    for (more, set, chinese) in [
        (&[][..], &[][..], false),
        (&["--lang", "zh"], &[], true),
        (&[], &[("SEALPOST_LANG", "zh")], true),
        (&[], &[("LANG", "zh_CN.UTF-8")], true),
        (
            &[],
            &[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C.UTF-8")],
            false,
        ),
        (
            &["--lang", "en"],
            &[("LC_ALL", "zh_CN.UTF-8"), ("SEALPOST_LANG", "zh")],
            false,
        ),
    ] {
        let text = run(more, set);
        let (words, others) = match chinese {
            true => (["错误：无法读取 none.crt", "下一步：请检查路径"], "error:"),
            false => (
                ["error: cannot read none.crt", "next: check the path"],
                "错误",
            ),
        };
        for word in words {
            assert!(text.contains(word), "{more:?} {set:?}: {text}");
        }
        assert!(!text.contains(others), "{text}");
    }
    house.write("words.toml", b"lang = \"zh\"\n");
    assert!(run(&["--config", "words.toml"], &[]).contains("错误："));
}
