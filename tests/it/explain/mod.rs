//! The handshake told as it happened, a server examined, and the settings in other tools' words.

mod doctor;
mod show_as;

use serde_json::Value;

use crate::relay::Relay;
use crate::support::{PASSWORD, Ran, TestServer, Via, noise};

/// The stories on standard error, one a connection.
fn stories(ran: &Ran) -> Vec<Value> {
    let lines = ran.err.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The one story of `whoami`.
#[track_caller]
fn story(server: &TestServer, via: Via, flags: &[&str]) -> (Ran, Value) {
    let args = [&["whoami", "--explain", "--json"], flags].concat();
    let ran = server.run(via, "alice", &args);
    let mut stories = stories(&ran);
    assert_eq!(stories.len(), 1, "{ran:?}");
    (ran, stories.remove(0))
}

fn steps(story: &Value) -> &Vec<Value> {
    story["steps"].as_array().unwrap()
}

/// The messages as they passed: `> client_hello`, `< server_hello`, `. checks`.
fn order(story: &Value) -> Vec<String> {
    let told = steps(story).iter().map(|step| {
        let by = match step["by"].as_str().unwrap() {
            "client" => '>',
            "server" => '<',
            _ => '.',
        };
        let unread = if step["unread"] == true {
            " unread"
        } else {
            ""
        };
        format!("{by} {}{unread}", step["step"].as_str().unwrap())
    });
    told.collect()
}

fn step<'a>(story: &'a Value, by: &str, name: &str) -> &'a Value {
    let mut steps = steps(story).iter();
    let found = steps.find(|step| step["by"] == by && step["step"] == name);
    found.unwrap_or_else(|| panic!("no {name} of {by}: {story:#}"))
}

fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect()
}

const VIA_TLS: &[&str] = &["--client-auth", "none"];

/// TLS 1.3 with both sides proved; one-way lacks what stands in [`MUTUAL`].
const ORDER_13: &str = "
    . resolved
    . tcp
    > client_hello
    < server_hello
    . keys
    < change_cipher_spec
    < encrypted_extensions
    < certificate_request
    . chosen
    < certificate
    . checks
    < certificate_verify
    < finished
    . keys
    > change_cipher_spec
    > certificate
    > certificate_verify
    > finished
    > application
    < new_session_ticket
    < new_session_ticket
    < application";

const ORDER_12: &str = "
    . resolved
    . tcp
    > client_hello
    < server_hello
    < certificate
    < server_key_exchange
    < certificate_request
    . chosen
    < server_hello_done
    . checks
    . keys
    > certificate
    > client_key_exchange
    > certificate_verify
    > change_cipher_spec
    > finished
    < change_cipher_spec
    < finished
    > application
    < application";

const MUTUAL: [&str; 4] = [
    "< certificate_request",
    ". chosen",
    "> certificate",
    "> certificate_verify",
];

#[test]
fn each_handshake_is_told_in_its_own_order_one_way_and_mutual() {
    let mutual = TestServer::start(&[]);
    let one_way = TestServer::start(VIA_TLS);
    for (version, expected) in [("1.3", ORDER_13), ("1.2", ORDER_12)] {
        let flags = ["--tls-min", version, "--tls-max", version];
        let (ran, told) = story(&mutual, Via::Mtls, &flags);
        ran.ok();
        assert_eq!(order(&told), lines(expected), "{version}");
        assert_eq!(told["session"]["handshake"], "full");
        assert_eq!(told["ending"]["hello"]["secure"], "mtls");
        assert_eq!(step(&told, "here", "chosen")["subject"], "CN=alice");
        assert_eq!(
            step(&told, "client", "certificate")["chain"][0]["subject"],
            "CN=alice"
        );

        let (ran, told) = story(&one_way, Via::Mtls, &flags);
        ran.ok();
        let expected: Vec<_> = lines(expected)
            .into_iter()
            .filter(|line| !MUTUAL.contains(line))
            .collect();
        assert_eq!(order(&told), expected, "{version}");
        assert_eq!(told["ending"]["hello"]["secure"], "tls");
    }
}

#[test]
fn sizes_are_those_of_the_wire_and_times_do_not_run_backwards_there() {
    let server = TestServer::start(&[]);
    for (version, overhead) in [("1.3", 5 + 17), ("1.2", 5 + 24)] {
        let (_, told) = story(
            &server,
            Via::Mtls,
            &["--tls-min", version, "--tls-max", version],
        );
        for by in ["client", "server"] {
            let mut last = (0, 0);
            for record in 1..20 {
                let inside: Vec<_> = steps(&told)
                    .iter()
                    .filter(|step| step["by"] == by && step["record"]["number"] == record)
                    .collect();
                let Some(first) = inside.first() else { break };
                let at = (record, first["at_us"].as_u64().unwrap());
                assert!(at.1 >= last.1, "{told:#}");
                last = at;
                let bytes: Option<u64> = inside.iter().map(|step| step["bytes"].as_u64()).sum();
                let sealed = first["record"]["sealed"] == true;
                let Some(bytes) = bytes else { continue };
                let overhead = if sealed { overhead } else { 5 };
                assert_eq!(
                    first["record"]["bytes"],
                    bytes + overhead,
                    "{version} {by} {record}"
                );
            }
            assert!(last.0 > 1, "{told:#}");
        }
        let sealed = |name| step(&told, "server", name)["record"]["sealed"] == true;
        assert_eq!(sealed("certificate"), version == "1.3");
        assert!(sealed("finished") && !sealed("server_hello"));
    }
}

#[test]
fn what_was_offered_and_chosen_is_what_the_flags_and_the_session_say() {
    let server = TestServer::start(&["--curves", "secp384r1"]);
    let (ran, told) = story(
        &server,
        Via::Mtls,
        &["--ciphers", "TLS_AES_128_GCM_SHA256", "--tls-min", "1.3"],
    );
    ran.ok();
    let hello = step(&told, "client", "client_hello");
    assert_eq!(
        hello["ciphers"],
        serde_json::json!(["TLS_AES_128_GCM_SHA256"])
    );
    assert_eq!(hello["versions"], serde_json::json!(["TLS 1.3"]));
    assert_eq!(hello["alpn"], serde_json::json!(["sealpost/1"]));
    assert_eq!(
        hello["server_name"],
        Value::Null,
        "an address is no server name"
    );
    // The server wanted another group than the two with a key share: one more round trip.
    assert_eq!(
        step(&told, "server", "hello_retry_request")["group"],
        "secp384r1"
    );
    let chosen = step(&told, "server", "server_hello");
    assert_eq!(chosen["group"], "secp384r1");
    assert_eq!(chosen["cipher"], "TLS_AES_128_GCM_SHA256");
    assert_eq!(told["session"]["handshake"], "full with retry");
    assert_eq!(
        order(&told)
            .iter()
            .filter(|line| *line == "> client_hello")
            .count(),
        2
    );
    assert_eq!(step(&told, "server", "finished")["record"]["sealed"], true);
}

#[test]
fn a_resumed_handshake_shows_no_certificate_and_says_so() {
    for version in ["1.3", "1.2"] {
        let server = TestServer::start(&[]);
        for name in ["a", "b"] {
            server.house.write(name, &noise(200_000, 1));
        }
        // One connection alone could be done with both before the other begins.
        let relay = Relay::to(server.address);
        relay.wait_for_a_second_after(100_000);
        let args = ["put", "a", "b", "-j", "2", "--explain", "--json"];
        let args = [&args[..], &["--tls-min", version, "--tls-max", version]].concat();
        let ran = Ran::of(&mut server.client_at(&relay.at(), Via::Mtls, "alice", &args));
        let told = stories(&ran);
        assert_eq!(told.len(), 2, "{ran:?}");
        assert_eq!(told[0]["session"]["handshake"], "full");
        let resumed = &told[1];
        assert_eq!(resumed["session"]["handshake"], "resumed", "{version}");
        let order = order(resumed);
        assert!(
            !order
                .iter()
                .any(|line| line.contains("certificate") || line.contains("checks")),
            "{order:?}"
        );
        assert_eq!(step(resumed, "server", "server_hello")["resumed"], true);
        let how = if version == "1.3" {
            "psk"
        } else {
            "session id"
        };
        assert_eq!(step(resumed, "client", "client_hello")["resumes_by"], how);
    }
}

#[test]
fn a_refused_server_is_told_up_to_where_it_was_refused() {
    let server = TestServer::start(&[]);
    for version in ["1.3", "1.2"] {
        let flags = [
            "--tls-min",
            version,
            "--tls-max",
            version,
            "--servername",
            "other.example",
        ];
        let (ran, told) = story(&server, Via::Mtls, &flags);
        assert_eq!(ran.code, 60);
        let checks = step(&told, "here", "checks");
        assert_eq!(
            (&checks["good"], &checks["name"]),
            (&false.into(), &"other.example".into())
        );
        let mut host = checks["steps"].as_array().unwrap().iter();
        let host = host.find(|step| step["check"] == "host").unwrap();
        assert_eq!(host["outcome"], "failed");
        let told_order = order(&told);
        let at = told_order
            .iter()
            .position(|line| line == ". checks")
            .unwrap();
        let after = &told_order[at + 1..];
        assert!(
            after
                .iter()
                .all(|line| line.starts_with('>') || line.ends_with("unread")),
            "{after:?}"
        );
        assert_eq!(step(&told, "client", "alert")["name"], "bad_certificate");
        assert_eq!(told["ending"]["end"], "failed");
        assert!(
            told["ending"]["message"]["zh"]
                .as_str()
                .unwrap()
                .contains("不适用于"),
            "{told:#}"
        );

        // The same, accepted all the same: told as wrong, and told to the end.
        let flags = [&flags[..], &["--insecure"]].concat();
        let (ran, told) = story(&server, Via::Mtls, &flags);
        ran.ok();
        let checks = step(&told, "here", "checks");
        assert_eq!(
            (&checks["good"], &checks["anyway"]),
            (&false.into(), &true.into())
        );
        assert_eq!(told["ending"]["end"], "connected");
    }
}

#[test]
fn a_missing_client_certificate_is_told_where_each_version_notices_it() {
    let server = TestServer::start(&[]);
    for version in ["1.3", "1.2"] {
        let flags = ["--tls-min", version, "--tls-max", version];
        let (ran, told) = story(&server, Via::Tls, &flags);
        assert_eq!(ran.code, 98);
        assert_eq!(step(&told, "here", "chosen")["subject"], Value::Null);
        assert_eq!(
            step(&told, "client", "certificate")["chain"],
            serde_json::json!([])
        );
        assert_eq!(
            step(&told, "server", "alert")["name"],
            "certificate_required"
        );
        assert_eq!(told["ending"]["code"], "client_certificate_required");
        // In TLS 1.3 this side had finished long before: that is why success is said last.
        let finished = order(&told).iter().any(|line| line == "< finished");
        assert_eq!(finished, version == "1.3");
    }
}

#[test]
fn plain_is_told_as_what_anyone_reads_and_without_the_flag_nothing_is_told() {
    let server = TestServer::via(Via::Plain);
    let (ran, told) = story(&server, Via::Plain, &[]);
    ran.ok();
    let sent = step(&told, "client", "application");
    assert!(
        sent["text"].as_str().unwrap().contains("\"op\":\"hello\""),
        "{told:#}"
    );
    let all = told.to_string();
    assert!(!all.contains(PASSWORD), "{all}");

    let ran = server.run(Via::Plain, "alice", &["whoami"]);
    assert_eq!(ran.err, "");
}

#[test]
fn it_is_told_in_english_and_in_chinese_and_results_stay_alone_on_standard_output() {
    let server = TestServer::start(&[]);
    let told = |lang| {
        let ran = server.run(Via::Mtls, "alice", &["whoami", "--explain", "--lang", lang]);
        assert!(ran.out.starts_with("user"), "{ran:?}");
        ran.err
    };
    for (lang, words) in [
        (
            "en",
            &[
                "as it happened",
                "from here on encrypted",
                "issuer              ok: ",
                "not checked: ",
                "only now connected: full handshake, both sides proved",
            ],
        ),
        (
            "zh",
            &[
                "连接全过程",
                "从这里开始加密",
                "签发者              通过：",
                "未检查：",
                "至此才算连接成功：完整握手，双方身份均已证实",
            ],
        ),
    ] {
        let text = told(lang);
        for word in words.iter().chain(&[
            "ClientHello",
            "X25519MLKEM768",
            "CN=localhost",
            "sealpost/1",
        ]) {
            assert!(text.contains(word), "no {word} in: {text}");
        }
    }
}
