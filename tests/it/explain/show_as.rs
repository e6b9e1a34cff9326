//! What is printed for other tools is run with them, against the real server.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{House, PASSWORD, Ran, TestServer, Via, skipped};

/// Whether a tool is installed.
fn has(tool: &str, version: &str) -> bool {
    let mut command = Command::new(tool);
    command
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let there = command.status().is_ok_and(|status| status.success());
    if !there {
        skipped(&format!("there is no {tool} here"));
    }
    there
}

/// Prints the settings for `tool` and runs them by `program`; the command's output.
fn run(server: &TestServer, tool: &str, program: &str, flags: &[&str]) -> Ran {
    let house = &server.house;
    let (at, ca) = (server.at(), house.arg("certs/ca.crt"));
    let mut args = vec!["show-as", tool, "--server", &at];
    if !flags.contains(&"--plain") {
        args.extend(["--cacert", &ca]);
    }
    args.extend(flags);
    let script = house.run(&args).ok();
    assert!(!script.contains(PASSWORD), "{script}");
    house.write("script", script.as_bytes());
    let output = Command::new(program)
        .arg("script")
        .current_dir(house.path("work"))
        .env("PW", PASSWORD)
        .env_remove("SSLKEYLOGFILE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The flags of alice with her certificate, and a revocation list.
fn alice(house: &House) -> Vec<String> {
    let path = |name: &str| house.arg(&format!("certs/{name}"));
    [
        "--cert",
        &path("alice.crt"),
        "--key",
        &path("alice.key"),
        "--crlfile",
        &path("crl.pem"),
    ]
    .map(str::to_owned)
    .into()
}

fn with<'a>(own: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    own.iter()
        .map(String::as_str)
        .chain(more.iter().copied())
        .collect()
}

const ALICE: [&str; 4] = ["--user", "alice", "--password", "env:PW"];

#[test]
fn python_logs_in_and_lists_as_the_settings_say_and_refuses_as_they_say() {
    if !has("python3", "--version") {
        return;
    }
    let server = TestServer::start(&[]);
    server.house.write("notes.txt", b"12345");
    server.run(Via::Mtls, "alice", &["put", "notes.txt"]).ok();
    let own = alice(&server.house);
    let shown = server
        .house
        .run(&[
            "pki",
            "fingerprint",
            &server.house.arg("certs/server.crt"),
            "--json",
        ])
        .ok();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let pin = shown["pin"].as_str().unwrap();
    for (flags, version) in [
        (vec!["--tls-max", "1.2"], "TLSv1.2"),
        (vec!["--tls-min", "1.3", "--curves", "secp384r1"], "TLSv1.3"),
        ([&ALICE[..], &["--pinnedpubkey", pin]].concat(), "TLSv1.3"),
    ] {
        let ran = run(&server, "python", "python3", &with(&own, &flags));
        let out = ran.ok();
        assert!(
            out.starts_with(version) && out.contains("sealpost/1"),
            "{out}"
        );
        assert!(
            out.contains("'identity': 'alice'") && out.contains("5 notes.txt"),
            "{out}"
        );
    }
    let wrong = format!("sha256//{}=", "A".repeat(43));
    for (flags, word) in [
        (vec!["--servername", "other.example"], "Hostname mismatch"),
        (vec!["--pinnedpubkey", &wrong], "not the pinned one"),
    ] {
        let ran = run(&server, "python", "python3", &with(&own, &flags));
        assert!(ran.code != 0 && ran.err.contains(word), "{ran:?}");
    }
    // Without a certificate the hello is what fails, in 1.3: nothing before it says "connected".
    let ran = run(&server, "python", "python3", &ALICE);
    assert!(ran.code != 0 && !ran.out.contains("'ok'"), "{ran:?}");

    let plain = TestServer::via(Via::Plain);
    let ran = run(
        &plain,
        "python",
        "python3",
        &[&ALICE[..], &["--plain"]].concat(),
    );
    assert!(ran.ok().contains("'secure': 'plain'"));
}

#[test]
fn openssl_shakes_hands_types_frames_and_refuses_a_wrong_host() {
    if !has("openssl", "version") {
        return;
    }
    let server = TestServer::start(&[]);
    let own = alice(&server.house);
    for flags in [
        vec!["--tls-max", "1.2"],
        [
            &ALICE[..],
            &["--tls-min", "1.3", "--ciphers", "TLS_AES_128_GCM_SHA256"],
        ]
        .concat(),
    ] {
        let ran = run(&server, "openssl", "sh", &with(&own, &flags));
        assert!(ran.out.contains("\"identity\":\"alice\""), "{ran:?}");
        assert!(
            ran.out.contains("\"user\":\"alice\",\"role\":\"user\""),
            "{ran:?}"
        );
        assert!(ran.out.contains("\"files\":[]"), "{ran:?}");
    }
    let ran = run(
        &server,
        "openssl",
        "sh",
        &with(&own, &["--servername", "other.example"]),
    );
    assert!(!ran.out.contains("\"ok\""), "{ran:?}");
    assert!(ran.err.contains("hostname mismatch"), "{ran:?}");
}

#[test]
fn curl_shakes_hands_and_gets_the_servers_own_answer() {
    if !has("curl", "--version") {
        return;
    }
    let server = TestServer::start(&[]);
    let own = alice(&server.house);
    for version in ["1.2", "1.3"] {
        let exact = ["--tls-min", version, "--tls-max", version];
        let ran = run(&server, "curl", "sh", &with(&own, &exact));
        assert!([0, 56].contains(&ran.code), "{ran:?}");
        assert!(ran.out.contains("\"code\":\"bad_request\""), "{ran:?}");
        assert!(
            ran.err
                .contains(&format!("SSL connection using TLSv{version}")),
            "{ran:?}"
        );
    }
    let ran = run(
        &server,
        "curl",
        "sh",
        &with(&own, &["--servername", "other.example"]),
    );
    assert_eq!(ran.code, 60, "{ran:?}");
}

#[test]
fn nginx_takes_the_configuration() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let house = &server.house;
    let certs = |name: &str| house.arg(&format!("certs/{name}"));
    let (cert, key, ca, list) = (
        certs("server.crt"),
        certs("server.key"),
        certs("ca.crt"),
        certs("crl.pem"),
    );
    let args = [
        "show-as",
        "nginx",
        "--listen",
        "127.0.0.1:9443",
        "--cert",
        &cert,
        "--key",
        &key,
        "--client-ca",
        &ca,
        "--crlfile",
        &list,
        "--client-auth",
        "optional",
        "--tls-min",
        "1.3",
        "--curves",
        "X25519,P-256",
    ];
    let config = house.run(&args).ok();
    for line in [
        "listen 127.0.0.1:9443 ssl;",
        "ssl_verify_client optional;",
        "ssl_protocols TLSv1.3;",
        "ssl_ecdh_curve X25519:P-256;",
        "ssl_alpn sealpost/1;",
    ] {
        assert!(config.contains(line), "no {line} in: {config}");
    }
    assert!(config.contains(&format!("ssl_crl \"{list}\";")), "{config}");
    if !has("nginx", "-v") {
        return;
    }
    fs::write(house.path("work/nginx.conf"), config).unwrap();
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    let module = std::env::var("NGINX_STREAM_MODULE").unwrap_or_else(|_| module.to_owned());
    let load = match fs::exists(&module) {
        Ok(true) => format!("load_module {module}; "),
        _ => String::new(),
    };
    let pid = house.arg("work/nginx.pid");
    let ran = Ran::of(
        Command::new("nginx")
            .args([
                "-t",
                "-e",
                "stderr",
                "-p",
                &house.arg("work"),
                "-c",
                "nginx.conf",
            ])
            .args(["-g", &format!("{load}pid {pid};")]),
    );
    if ran.err.contains("unknown directive \"stream\"") {
        skipped("this nginx has no stream module");
        return;
    }
    assert_eq!(ran.code, 0, "{ran:?}");
}
