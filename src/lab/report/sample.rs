//! A comparison made by hand, for tests of what is rendered: small, fixed, and with a name that would break
//! out of HTML if it could.

use crate::lab::compare::facts::{
    Caveat, Claim, FileBegins, FileSent, Overhead, Record, Report, Run, RunKind, Size, Times,
};
use crate::lab::compare::turns::{Mark, Said, Turn};
use crate::lab::find::{
    Connection, SecretFinding, Security, Stream, TlsFinding, Whereabouts, Writing,
};
use crate::lab::tap::Direction::{self, ToClient, ToServer};
use crate::lab::tls::Visible;
use crate::lang::both;
use crate::text::hex;

/// What the client says when it logs in.
const LOGIN: &str = r#"{"op":"login","user":"student-1","password":"Postcard-2"}"#;

/// Plain and mutual TLS 1.3.
pub(super) fn report() -> Report {
    Report {
        sealpost: "0.0.0",
        made: "2026-01-02T03:04:05Z".into(),
        user: "student-1".into(),
        password: "Postcard-2".into(),
        server_name: "files-3.example".into(),
        file: FileSent {
            name: "<b>note</b>.txt".into(),
            generated: true,
            bytes: 9000,
            blocks: 3,
            entropy: 4.25,
            sha256: "abc123".into(),
        },
        runs: vec![plain(), sealed()],
        zoo: None,
        caveats: vec![Caveat::Reconstructed, Caveat::OneRun],
        kernel_missing: Some(both("it is not asked here", "此处未要求")),
        claims: claims(),
    }
}

fn claims() -> Vec<Claim> {
    let claim = |run, frame, command: &str, output: &str, en: &str, zh: &str| Claim {
        run,
        what: both(en, zh),
        frame,
        command: command.into(),
        output: output.into(),
    };
    vec![
        claim(
            RunKind::Plain,
            Some(6),
            "tshark -r plain.pcapng -Y 'tcp contains \"Postcard-2\"'",
            "6",
            "The password Postcard-2 stands readable in frame 6.",
            "密码 Postcard-2 在第 6 帧中明文可读。",
        ),
        claim(
            RunKind::Mtls13,
            None,
            "tshark -r mtls13.pcapng -Y 'tcp contains \"Postcard-2\"'",
            "",
            "The password Postcard-2 stands in no frame (the command prints nothing).",
            "任何一帧中都找不到密码 Postcard-2（命令没有输出）。",
        ),
    ]
}

fn plain() -> Run {
    let mut run = run(RunKind::Plain, Security::Plain);
    let at = |text: &str| LOGIN.find(text).map_or(0, |at| at + 4);
    let mark = |text: &str, label: &str| Mark {
        from: at(text),
        to: at(text) + text.len(),
        label: label.into(),
    };
    let login = [b"\0\0\0\x39".as_slice(), LOGIN.as_bytes()].concat();
    run.turns = vec![
        turn(
            ToServer,
            4,
            &["hello"],
            [0, 0],
            b"\0\0\0\x0e{\"op\":\"hello\"}",
        ),
        turn(ToClient, 5, &["ok"], [0, 0], b"\0\0\0\x0b{\"ok\":true}"),
        Turn {
            marks: vec![mark("student-1", "user"), mark("Postcard-2", "password")],
            ..turn(ToServer, 6, &["login"], [0, 0], &login)
        },
        turn(ToClient, 7, &["ok"], [0, 0], b"\0\0\0\x0b{\"ok\":true}"),
    ];
    run.file_begins = Some(FileBegins {
        offset: 100,
        frame: 9,
    });
    let place = Whereabouts {
        direction: ToServer,
        offset: 30,
        frame: 6,
        written: Writing::AsIs,
        may_be_chance: false,
    };
    for secret in &mut run.connection.secrets {
        secret.found = Some(place);
        secret.to_server = Some(place);
    }
    run.connection.blocks_found = Some(3);
    run.connection.to_server.blocks_found = Some(3);
    run.connection.to_client.blocks_found = Some(3);
    run
}

fn sealed() -> Run {
    let mut run = run(RunKind::Mtls13, Security::Tls);
    let flight = ["ServerHello", "ChangeCipherSpec", "encrypted"];
    run.turns = vec![
        turn(ToServer, 4, &["ClientHello"], [0, 0], &[22, 3, 1, 5, 200]),
        turn(ToClient, 5, &flight, [4, 1600], &[22, 3, 3, 0, 90]),
        turn(ToServer, 6, &["encrypted"], [1, 80], &[23, 3, 3, 0, 80]),
    ];
    let record = |direction, kind, bytes| Record {
        direction,
        kind,
        bytes,
    };
    run.records = vec![
        record(ToServer, 22, 1480),
        record(ToClient, 22, 90),
        record(ToClient, 23, 1600),
        record(ToServer, 23, 80),
    ];
    run.connection.tls = Some(TlsFinding {
        visible: Visible {
            version: Some("TLS 1.3"),
            cipher_suite: Some("TLS_AES_256_GCM_SHA384".into()),
            server_name: Some("files-3.example".into()),
            alpn_offered: vec!["sealpost/1".into()],
            overhead_bytes: 17,
            ..Visible::default()
        },
    });
    run.size = Some(Size {
        frames: [9, 11],
        records: 1,
        record_bytes: 9100,
        each_bytes: 17,
        frame_bytes: 83,
        estimate: 9000,
        truth: 9000,
    });
    run.wire_bytes = 19_000;
    run.overhead = Some(Overhead {
        bytes: 900,
        percent: 4.97,
        ns: 1_200_000,
    });
    run
}

/// A run in which nothing was found.
fn run(kind: RunKind, security: Security) -> Run {
    let secret = |label: &str| SecretFinding {
        label: label.into(),
        text: None,
        found: None,
        to_server: None,
        to_client: None,
    };
    let stream = Stream {
        bytes: 9500,
        missing_bytes: 0,
        entropy: 7.5,
        end: "fin",
        head: String::new(),
        records: None,
        largest_turn_bytes: None,
        blocks_found: Some(0),
    };
    Run {
        kind,
        capture: format!("{}.pcapng", kind.word()),
        packets: 20,
        wire_bytes: 18_100,
        digests_agree: true,
        file_begins: None,
        user_in_certificate: false,
        size: None,
        times: Some(Times {
            login_frame: 6,
            before_ns: 1_500_000,
            login_ns: 30_000_000,
            after_ns: 2_500_000,
        }),
        overhead: None,
        connection: Connection {
            client: ([127, 0, 0, 1], 40_000).into(),
            server: ([127, 0, 0, 2], 4_433).into(),
            frames: [1, 20],
            packets: 20,
            start_ns: 0,
            duration_ns: 34_000_000,
            security,
            to_server: stream.clone(),
            to_client: stream,
            secrets: ["user", "password", "file name"].map(secret).into(),
            blocks_found: Some(0),
            tls: None,
            readable: Vec::new(),
        },
        turns: Vec::new(),
        turns_more: 0,
        records: Vec::new(),
        records_more: 0,
        kernel: None,
        tampered: None,
        timeline: None,
    }
}

fn turn(direction: Direction, frame: u64, says: &[&str], encrypted: [u64; 2], head: &[u8]) -> Turn {
    let says = says.iter().map(|what| Said {
        what: (*what).to_owned(),
        frame,
    });
    Turn {
        direction,
        frames: [frame, frame],
        packets: 1,
        bytes: head.len() as u64,
        at_ns: 0,
        says: says.collect(),
        encrypted,
        head: hex(head),
        marks: Vec::new(),
    }
}
