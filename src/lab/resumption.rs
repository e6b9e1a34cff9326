//! A full handshake beside a resumed one: bytes and time, with TLS 1.3 and 1.2, both sides with certificates.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::house::{House, Running, USER};
use super::tap::{Direction, Event, Sink, Tap, What};
use crate::client::{Login, Target};
use crate::error::{Error, Kind, Result};
use crate::lang::{Both, Lang, both};
use crate::transport::{ClientAuth, ClientTls, Policy, Resumption, ServerTls, TlsVersion};

/// Connections of each kind; the median of their times is told.
const ROUNDS: usize = 15;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// TLS 1.3, then 1.2.
    pub versions: Vec<Pair>,
    /// Whether every handshake was of the kind it should be, and a resumed one always took fewer bytes.
    pub proved: bool,
}

/// Both kinds with one version.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// With certificates, their signatures and a check of them.
    pub full: Handshake,
    /// With a secret of an earlier session in their place.
    pub resumed: Handshake,
}

/// Connections of one kind: each shakes hands, says hello and goodbye.
#[derive(Clone, Debug, Serialize)]
pub struct Handshake {
    /// What rustls said they were: `full`, `full with retry`, `resumed`; each kind once.
    pub kinds: Vec<String>,
    /// How many.
    pub connections: usize,
    /// Bytes to the server, of each on average.
    pub bytes_up: u64,
    /// Bytes to the client, of each on average.
    pub bytes_down: u64,
    /// From the first packet to the answer to hello, the median, in milliseconds.
    pub median_ms: f64,
}

/// Runs both kinds with both versions; `allowed` off has the server remember nothing.
pub fn run(allowed: bool) -> Result<Finding> {
    let house = House::new()?;
    let server = house.serve(Some(ServerTls {
        resumption: match allowed {
            true => Resumption::Cache,
            false => Resumption::Off,
        },
        ..house.server_tls(ClientAuth::Required)
    }))?;
    let mut versions = Vec::new();
    for (version, name) in [(TlsVersion::V1_3, "TLSv1.3"), (TlsVersion::V1_2, "TLSv1.2")] {
        versions.push(Pair {
            version: name.into(),
            full: measure(&house, &server, version, false)?,
            resumed: measure(&house, &server, version, true)?,
        });
    }
    let fits = |pair: &Pair| {
        pair.full.kinds == ["full"]
            && pair.resumed.kinds == ["resumed"]
            && pair.resumed.bytes_up + pair.resumed.bytes_down
                < pair.full.bytes_up + pair.full.bytes_down
    };
    Ok(Finding {
        proved: versions.iter().all(fits),
        versions,
    })
}

fn measure(
    house: &House,
    server: &Running,
    version: TlsVersion,
    resume: bool,
) -> Result<Handshake> {
    let tls = ClientTls {
        resume,
        policy: Policy::only(version),
        ..house.client_tls(Some(USER))
    };
    let tls = tls.load()?;
    let tap = Tap::bind("127.0.0.1:0", &server.address.to_string())?;
    let target = |address| Target {
        login: Login::Certificate,
        ..house.target(address, Some(tls.clone()))
    };
    // The tap counts the bytes, but a relay on the way costs time of its own.
    let (mut kinds, mut times) = rounds(&target(server.address))?;
    let (stop, through) = (tap.stop(), tap.address());
    let tapping = thread::Builder::new()
        .name("lab-tap".into())
        .spawn(move || {
            let mut count = Count::default();
            tap.run(None, &mut count).map(|_connections| count)
        })
        .map_err(|error| Error::io(Kind::Other, "start the tap", error))?;
    let tapped = rounds(&target(through));
    stop.stop();
    let count = tapping
        .join()
        .map_err(|_| Error::new(Kind::Other, "the tap panicked"))??;
    kinds.extend(tapped?.0);
    kinds.dedup();
    times.sort();
    let rounds = u64::try_from(ROUNDS).unwrap_or(1);
    Ok(Handshake {
        kinds,
        connections: ROUNDS,
        bytes_up: count.up / rounds,
        bytes_down: count.down / rounds,
        median_ms: times[ROUNDS / 2].as_secs_f64() * 1000.0,
    })
}

/// What the handshakes were, and how long they took. The first is not counted: it may find caches cold, and
/// it brings what the next ones resume.
fn rounds(target: &Target) -> Result<(Vec<String>, Vec<Duration>)> {
    let (mut kinds, mut times) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let began = Instant::now();
        let client = target.connect()?;
        let took = began.elapsed();
        if round > 0 {
            let session = client.session();
            kinds.extend(session.map(|session| session.handshake.to_owned()));
            times.push(took);
        }
        client.quit();
    }
    Ok((kinds, times))
}

/// Counts the bytes of all connections but the first.
#[derive(Default)]
struct Count {
    up: u64,
    down: u64,
}

impl Sink for Count {
    fn record(&mut self, event: Event) -> io::Result<()> {
        if let (What::Bytes(direction, bytes), 2..) = (event.what, event.connection) {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            match direction {
                Direction::ToServer => self.up += length,
                Direction::ToClient => self.down += length,
            }
        }
        Ok(())
    }
}

/// Headings and rows of the table.
pub fn rows(finding: &Finding, lang: Lang) -> ([&'static str; 6], Vec<Vec<String>>) {
    let mut rows = Vec::new();
    for pair in &finding.versions {
        for (wanted, of) in [("full", &pair.full), ("resumed", &pair.resumed)] {
            rows.push(vec![
                pair.version.clone(),
                kind(wanted).of(lang).to_owned(),
                of.kinds
                    .iter()
                    .map(|is| kind(is).of(lang).to_owned())
                    .collect::<Vec<_>>()
                    .join(", "),
                of.bytes_up.to_string(),
                of.bytes_down.to_string(),
                format!("{:.2} ms", of.median_ms),
            ]);
        }
    }
    let headings = lang.pick(
        [
            "version",
            "wanted",
            "was",
            "bytes up",
            "bytes down",
            "to hello's answer",
        ],
        [
            "版本",
            "预期",
            "实际",
            "上行字节",
            "下行字节",
            "到 hello 应答",
        ],
    );
    (headings, rows)
}

/// What the figures are.
pub fn about() -> Both {
    both(
        format!(
            "bytes: TCP payload of the handshake, hello and goodbye, on average; time: the median of {ROUNDS} connections without a relay, on one machine: over a network each round trip adds its own"
        ),
        format!(
            "字节：握手、hello 与告别的 TCP 载荷平均值；时间：{ROUNDS} 次连接的中位数，不经中继，在同一台机器上测得：经过网络时，每次往返还要另加传输时间"
        ),
    )
}

/// Why it did not come out as it should; none when it did.
pub fn closing(finding: &Finding) -> Option<Both> {
    let all = finding.versions.iter();
    let none = all.clone().all(|pair| pair.resumed.kinds == ["full"]);
    if finding.proved {
        return None;
    }
    Some(match none {
        true => both(
            "nothing was resumed: a server that remembers nothing (--off) makes each connection pay for a full handshake; hence exit code 1",
            "没有任何会话被恢复：什么都不记住的服务器（--off）使每次连接都要付出完整握手的代价；因此退出码为 1",
        ),
        false => both(
            "not every handshake was of the kind that was wanted, or a resumed one took no fewer bytes; hence exit code 1",
            "并非每次握手都是预期的那一种，或恢复的握手没有省下字节；因此退出码为 1",
        ),
    })
}

/// A kind of handshake, as rustls has them.
pub(super) fn kind(kind: &str) -> Both {
    let chinese = match kind {
        "full" => "完整",
        "resumed" => "恢复",
        "full with retry" => "完整（经重试）",
        other => other,
    };
    both(kind, chinese)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn handshake(kind: &str, bytes: u64) -> Handshake {
        Handshake {
            kinds: vec![kind.into()],
            connections: 15,
            bytes_up: bytes,
            bytes_down: bytes + 1,
            median_ms: 0.5,
        }
    }

    fn whole(lang: Lang) -> String {
        let finding = Finding {
            versions: vec![Pair {
                version: "TLSv1.3".into(),
                full: handshake("full", 2200),
                resumed: handshake("resumed", 1800),
            }],
            proved: true,
        };
        let (headings, rows) = rows(&finding, lang);
        let rows = rows.into_iter().map(|row| row.join(" | "));
        let all: Vec<_> = std::iter::once(headings.join(" | ")).chain(rows).collect();
        all.join("\n")
    }

    #[test]
    fn what_did_not_come_out_is_explained_and_what_did_is_not() {
        let pair = |kind: &str| Pair {
            version: "TLSv1.3".into(),
            full: handshake("full", 2_200),
            resumed: handshake(kind, 1_800),
        };
        let closing = |kind, proved| {
            let versions = vec![pair(kind)];
            closing(&Finding { versions, proved }).map(|closing| closing.en)
        };
        assert_eq!(closing("resumed", true), None);
        assert!(closing("full", false).is_some_and(|said| said.contains("nothing was resumed")));
        assert!(closing("resumed", false).is_some_and(|said| said.contains("not every")));
    }

    #[test]
    fn a_table_in_english() {
        assert_snapshot!(whole(Lang::English), @r#"
        version | wanted | was | bytes up | bytes down | to hello's answer
        TLSv1.3 | full | full | 2200 | 2201 | 0.50 ms
        TLSv1.3 | resumed | resumed | 1800 | 1801 | 0.50 ms
        "#);
    }

    #[test]
    fn a_table_in_chinese() {
        assert_snapshot!(whole(Lang::Chinese), @r#"
        版本 | 预期 | 实际 | 上行字节 | 下行字节 | 到 hello 应答
        TLSv1.3 | 完整 | 完整 | 2200 | 2201 | 0.50 ms
        TLSv1.3 | 恢复 | 恢复 | 1800 | 1801 | 0.50 ms
        "#);
    }
}
