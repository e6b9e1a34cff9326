//! Start, reload, stop, and the end nobody asked for.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sealpost::config::Limits;
use sealpost::server::{Config, LoginPolicy, Registration, Server, UserFrom};
use sealpost::transport::Mode;
use serde_json::json;

use crate::raw::{Raw, put};
use crate::support::{House, TestServer, Via, digest, noise, until};

#[test]
fn idle_sessions_are_told_and_the_server_ends_well_and_comes_back_with_everything() {
    for via in Via::ALL {
        let mut server = TestServer::via(via);
        let mut raws: Vec<Raw> = (0..3)
            .map(|_| Raw::logged_in(&server, via, "alice"))
            .collect();
        raws.push(Raw::greeted(&server, via, "alice"));
        for (n, raw) in raws.iter_mut().take(3).enumerate() {
            assert_eq!(
                raw.put(&format!("{n}"), &noise(n * 1_000, 1), "error")["ok"],
                true
            );
        }
        server.signal(Signal::TERM);
        for raw in &mut raws {
            assert_eq!(raw.hear().unwrap()["code"], "shutting_down");
            raw.ends();
        }
        drop(raws);
        assert_eq!(server.ended(), 0);
        // The port is free at once.
        let listen = ["--listen", &server.at()];
        let again = TestServer::start_in(&server.house, &[&listen, via.flags()].concat());
        assert_eq!(again.address, server.address);
        let mut raw = Raw::logged_in(&again, via, "bob");
        for n in 0..3 {
            let (_, body) = raw.get(&format!("{n}"), 0);
            assert!(body == noise(n * 1_000, 1));
        }
    }
}

#[test]
fn ctrl_c_ends_it_as_well() {
    let mut server = TestServer::via(Via::Plain);
    server.signal(Signal::INT);
    assert_eq!(server.ended(), 0);
}

#[test]
fn running_transfers_finish_before_the_server_ends() {
    let mut server = TestServer::via(Via::Mtls);
    let body = noise(30_000_000, 1);
    let mut down = Raw::logged_in(&server, Via::Mtls, "alice");
    assert_eq!(down.put("down", &body, "error")["ok"], true);
    let get = down.ask(&json!({"op": "get", "name": "down", "offset": 0}));
    assert_eq!(get["ok"], true);
    let mut up = Raw::logged_in(&server, Via::Mtls, "alice");
    up.ask(&put("up", 1_000_000, "error"));
    up.send(&body[..300_000]);

    server.signal(Signal::TERM);
    assert!(server.log.wait_for("stopping"));
    until("the door is closed", || {
        TcpStream::connect(server.address).is_err()
    });
    up.send(&body[300_000..1_000_000]);
    let done = up.ask(&json!({"sha256": digest(&body[..1_000_000])}));
    assert_eq!(done["ok"], true, "{done}");
    assert_eq!(up.hear().unwrap()["code"], "shutting_down");
    let mut got = vec![0; body.len()];
    std::io::Read::read_exact(&mut down, &mut got).unwrap();
    assert!(got == body);
    assert_eq!(down.hear().unwrap()["code"], "shutting_down");
    drop((up, down));
    assert_eq!(server.ended(), 0);
    let again = TestServer::start_in(&server.house, &["--plain"]);
    assert_eq!(again.listed(Via::Plain), ["down", "up"]);
}

#[test]
fn a_second_signal_cuts_what_is_running() {
    let mut server = TestServer::via(Via::Plain);
    let mut up = Raw::logged_in_cheaply(&server);
    up.ask(&put("up", 1_000_000, "error"));
    up.send(&noise(300_000, 1));
    server.signal(Signal::TERM);
    assert!(server.log.wait_for("stopping"));
    let began = Instant::now();
    server.signal(Signal::TERM);
    up.ends();
    assert_eq!(server.ended(), 0);
    let drain = Limits::default().drain_timeout;
    assert!(began.elapsed() < drain, "it was to be cut short");
    let again = TestServer::start_in(&server.house, &["--plain"]);
    assert!(again.listed(Via::Plain).is_empty());
}

#[test]
fn a_server_in_this_process_cuts_what_outlasts_the_drain() {
    let house = House::new();
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data: house.path("data"),
        audit_log: None,
        mode: Mode::Plain,
        tls: None,
        register: Registration::Open,
        login: LoginPolicy::default(),
        user_from: UserFrom::default(),
        watch: false,
        limits: Limits {
            drain_timeout: Duration::from_millis(200),
            ..Limits::default()
        },
    };
    let server = Server::bind(config).unwrap();
    let (address, handle) = (server.address(), server.handle());
    let running = thread::Builder::new().spawn(move || server.run()).unwrap();
    let mut up = Raw::connect_to(address, &house, Via::Plain, "").unwrap();
    up.hello();
    assert_eq!(up.login("alice")["ok"], true);
    up.ask(&put("up", 1_000_000, "error"));
    up.send(&noise(300_000, 1));
    let began = Instant::now();
    handle.stop();
    up.ends();
    running.join().unwrap().unwrap();
    assert!(began.elapsed() >= Duration::from_millis(150));
    assert!(began.elapsed() < Limits::default().drain_timeout);
}

/// What a server said is safe.
#[derive(Default)]
struct Acknowledged {
    files: Vec<(String, Vec<u8>)>,
    /// The highest number stored as `counter`, each over the one before.
    counter: u64,
}

impl Acknowledged {
    fn note(&mut self, (name, body): (String, Vec<u8>)) {
        match name.as_str() {
            "counter" => self.counter = String::from_utf8(body).unwrap().parse().unwrap(),
            _ => self.files.push((name, body)),
        }
    }

    /// It must all be there; of the files the newest `most`.
    #[track_caller]
    fn is_there(&self, server: &TestServer, most: usize) {
        let mut raw = Raw::logged_in_cheaply(server);
        for (name, body) in self.files.iter().rev().take(most) {
            let (_, got) = raw.get(name, 0);
            assert!(got == *body, "{name}");
        }
        if self.counter > 0 {
            let (_, got) = raw.get("counter", 0);
            let got: u64 = String::from_utf8(got).unwrap().parse().unwrap();
            assert!(got >= self.counter, "{got} after {}", self.counter);
        }
    }
}

/// Uploads new files and the counter in turn until the server is gone, and tells what was acknowledged.
fn upload_on(
    mut raw: Raw,
    round: usize,
    first: u64,
    acknowledge: &mpsc::Sender<(String, Vec<u8>)>,
) {
    for n in 0.. {
        let body = noise(1 + (round * 7_919 + n * 104_729) % 200_000, n as u64);
        let count = (first + n as u64).to_string().into_bytes();
        for (name, body) in [(format!("{round}-{n}"), body), ("counter".into(), count)] {
            // The last reply may never come: that is the point.
            let conflict = if name == "counter" {
                "overwrite"
            } else {
                "error"
            };
            if raw.try_put(&name, &body, conflict).is_none()
                || acknowledge.send((name, body)).is_err()
            {
                return;
            }
        }
    }
}

#[test]
fn what_was_acknowledged_is_there_after_any_number_of_kills() {
    let house = House::new();
    let mut safe = Acknowledged::default();
    for round in 0..15_usize {
        let mut server = TestServer::start_in(&house, &["--plain"]);
        safe.is_there(&server, 12);
        let (acknowledge, acknowledged) = mpsc::channel();
        let (raw, first) = (Raw::logged_in_cheaply(&server), safe.counter + 1);
        let upload = move || upload_on(raw, round, first, &acknowledge);
        let uploading = thread::Builder::new().spawn(upload).unwrap();
        for reply in acknowledged.iter().take(1 + (round * 5) % 11) {
            safe.note(reply);
        }
        server.kill();
        for reply in &acknowledged {
            safe.note(reply);
        }
        uploading.join().unwrap();
    }
    let server = TestServer::start_in(&house, &["--plain"]);
    safe.is_there(&server, usize::MAX);
    assert!(safe.files.len() >= 30, "{}", safe.files.len());
    // What was never acknowledged may be there, but then whole.
    let mut raw = Raw::logged_in_cheaply(&server);
    for name in server.listed(Via::Plain) {
        let (reply, got) = raw.get(&name, 0);
        assert_eq!(reply["file"]["sha256"], digest(&got), "{name}");
    }
    drop(raw);
    drop(server);
    house.run(&["fsck", "--data", &house.arg("data")]).ok();
}

#[test]
fn a_second_server_on_the_same_data_is_refused_with_words() {
    let server = TestServer::via(Via::Plain);
    let data = server.house.arg("data");
    let args = [
        "serve",
        "--plain",
        "--listen",
        "127.0.0.1:0",
        "--data",
        &data,
    ];
    let ran = server.house.run(&args);
    let code = ran.code;
    let text = ran.failed(code);
    assert_ne!(code, 0);
    assert!(text.contains("another"), "{text}");
    server.run(Via::Plain, "alice", &["whoami"]).ok();
}

#[test]
fn a_port_that_is_taken_is_refused_with_words() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let house = House::new();
    let args = [
        "serve",
        "--plain",
        "--listen",
        &at,
        "--data",
        &house.arg("data"),
    ];
    let text = house.run(&args).failed(7);
    assert!(text.contains(&at) && text.contains("--listen"), "{text}");
}

#[test]
fn a_reload_takes_a_new_certificate_and_keeps_the_old_one_when_the_new_is_bad() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let house = &server.house;
    let from_foreign = |name: &str| {
        fs::copy(
            house.path("foreign").join(name),
            house.path("certs").join(name),
        )
        .unwrap();
    };
    let ca = house.path("certs/ca.crt");
    let believes = |ca: &std::path::Path| {
        let (at, ca) = (server.at(), ca.to_str().unwrap());
        let mut args = vec!["whoami", "--server", &at, "--cacert", ca, "--user", "alice"];
        args.extend(["--password", "env:PW"]);
        house.run(&args).code
    };
    fs::write(house.path("certs/server.crt"), "no certificate at all").unwrap();
    server.signal(Signal::HUP);
    assert!(server.log.wait_for_times("the old one stays", 1));
    assert_eq!(believes(&ca), 0);
    // A certificate without its key is bad too.
    from_foreign("server.crt");
    server.signal(Signal::HUP);
    assert!(server.log.wait_for_times("the old one stays", 2));
    assert_eq!(believes(&ca), 0);
    from_foreign("server.key");
    server.signal(Signal::HUP);
    assert!(server.log.wait_for("reloaded certificates"));
    assert_eq!(believes(&ca), 60);
    assert_eq!(believes(&house.path("foreign/ca.crt")), 0);
}

#[test]
fn users_edited_by_hand_count_after_a_reload_and_bad_ones_do_not() {
    let server = TestServer::via(Via::Plain);
    let path = server.house.path("data/users.csv");
    let users = fs::read_to_string(&path).unwrap();
    let edit = |text: String| {
        fs::write(&path, text).unwrap();
        server.signal(Signal::HUP);
    };
    let line = users
        .lines()
        .find(|line| line.starts_with("alice,"))
        .unwrap();
    edit(users.replace(line, &line.replace(",yes,", ",no,")));
    assert!(server.log.wait_for("reloaded certificates"));
    server.run(Via::Plain, "alice", &["whoami"]).failed(67);
    server.run(Via::Plain, "bob", &["whoami"]).ok();
    for bad in [
        "x,y\n",
        "mallory,$argon2id$v=19$m=4194304,t=2,p=1$c2VhbHBvc3Q$AAAAAAAAAAAAAAAAAAAAAA,user,2026-01-01T00:00:00Z,yes,\n",
    ] {
        let before = server.log.text().matches("the old one stays").count();
        edit(format!("{users}{bad}"));
        assert!(server.log.wait_for_times("the old one stays", before + 1));
        assert!(
            server.log.text().contains("line 6") || server.log.text().contains(":6"),
            "{}",
            server.log.text()
        );
        server.run(Via::Plain, "alice", &["whoami"]).failed(67);
        server.run(Via::Plain, "bob", &["whoami"]).ok();
    }
    edit(users.clone());
    server.run(Via::Plain, "alice", &["whoami"]).ok();
}

#[test]
fn an_index_torn_in_its_last_row_is_mended_with_a_warning() {
    let mut server = TestServer::via(Via::Plain);
    server.house.write("a", b"bytes");
    server.run(Via::Plain, "alice", &["put", "a"]).ok();
    server.kill();
    let index = server.house.path("data/files.csv");
    let mut file = fs::OpenOptions::new().append(true).open(index).unwrap();
    file.write_all(b"put,torn,,5,abcd").unwrap();
    let again = TestServer::start_in(&server.house, &["--plain"]);
    assert!(
        again.log.wait_for("cut short at line 3"),
        "{}",
        again.log.text()
    );
    assert_eq!(again.listed(Via::Plain), ["a"]);
    let mut raw = Raw::logged_in_cheaply(&again);
    assert_eq!(raw.put("torn", b"x", "error")["ok"], true);
    assert_eq!(again.listed(Via::Plain), ["a", "torn"]);
}
