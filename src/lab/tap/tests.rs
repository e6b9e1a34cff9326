use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use super::*;
use Direction::{ToClient, ToServer};

/// Keeps everything.
#[derive(Default)]
struct Kept(Vec<Event>);

impl Sink for Kept {
    fn record(&mut self, event: Event) -> io::Result<()> {
        self.0.push(event);
        Ok(())
    }
}

impl Kept {
    fn stream(&self, connection: u64, way: Direction) -> Vec<u8> {
        let events = self.0.iter().filter(|event| event.connection == connection);
        let chunks = events.filter_map(|event| match &event.what {
            What::Bytes(direction, bytes) if *direction == way => Some(bytes.as_slice()),
            _ => None,
        });
        chunks.collect::<Vec<_>>().concat()
    }

    fn holds(&self, what: &What) -> bool {
        self.0.iter().any(|event| event.what == *what)
    }
}

/// A server that handles one connection on a thread of its own.
fn server(handle: impl FnOnce(TcpStream) + Send + 'static) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let handle = move || handle(listener.accept().unwrap().0);
    (address, thread::Builder::new().spawn(handle).unwrap())
}

/// Runs a tap for one connection while `client` talks to it.
fn tapped(to: &str, client: impl FnOnce(TcpStream) + Send + 'static) -> Kept {
    let tap = Tap::bind("127.0.0.1:0", to).unwrap();
    let address = tap.address();
    let client = thread::Builder::new()
        .spawn(move || client(TcpStream::connect(address).unwrap()))
        .unwrap();
    let mut kept = Kept::default();
    assert_eq!(tap.run(Some(1), &mut kept).unwrap(), 1);
    client.join().unwrap();
    kept
}

#[test]
fn every_byte_passes_unaltered_both_ways_and_is_recorded() {
    let (to, server) = server(|mut peer| {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).unwrap();
        all.reverse();
        peer.write_all(&all).unwrap();
    });
    let sent: Vec<u8> = (0..3_000_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let expected = sent.clone();
    let kept = tapped(&to, move |mut peer| {
        peer.write_all(&sent).unwrap();
        // The server answers only after this half-close has reached it.
        peer.shutdown(Shutdown::Write).unwrap();
        let mut back = Vec::new();
        peer.read_to_end(&mut back).unwrap();
        back.reverse();
        assert_eq!(back, sent);
    });
    server.join().unwrap();
    assert_eq!(kept.stream(1, ToServer), expected);
    assert_eq!(kept.stream(1, ToClient).len(), expected.len());
    assert!(kept.holds(&What::Ended(ToServer)) && kept.holds(&What::Ended(ToClient)));
    assert_eq!(kept.0.last().map(|event| &event.what), Some(&What::Closed));
}

#[test]
fn a_reset_on_one_side_is_a_reset_on_the_other_and_recorded_as_one() {
    let (arrived, came) = sync_channel(1);
    let (to, server) = server(move |mut peer| {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        arrived.send(()).unwrap();
        let error = peer.read(&mut byte).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
    let kept = tapped(&to, move |mut peer| {
        peer.write_all(b"x").unwrap();
        // A reset takes away what is still on its way.
        came.recv().unwrap();
        let linger = Some(Duration::ZERO);
        socket2::SockRef::from(&peer).set_linger(linger).unwrap();
    });
    server.join().unwrap();
    assert!(kept.holds(&What::Reset(ToServer)));
    assert!(!kept.holds(&What::Ended(ToServer)) && !kept.holds(&What::Ended(ToClient)));
}

#[test]
fn a_server_that_is_not_there_is_recorded_as_refusing() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = gone.local_addr().unwrap();
    drop(gone);
    let kept = tapped(&to.to_string(), |mut peer| {
        assert!(matches!(peer.read(&mut [0]), Err(_) | Ok(0)));
    });
    let refused =
        |event: &Event| matches!(event.what, What::Refused { server, .. } if server == to);
    assert!(kept.0.iter().any(refused));
}

#[test]
fn a_stop_cuts_open_connections_and_invents_no_end_for_them() {
    let (to, server) = server(|mut peer| {
        peer.write_all(b"hello").unwrap();
        let _end = peer.read(&mut [0]);
    });
    let tap = Tap::bind("127.0.0.1:0", &to).unwrap();
    let (address, stop) = (tap.address(), tap.stop());
    let client = thread::Builder::new()
        .spawn(move || {
            let mut peer = TcpStream::connect(address).unwrap();
            peer.read_exact(&mut [0; 5]).unwrap();
            stop.stop();
            assert!(matches!(peer.read(&mut [0]), Err(_) | Ok(0)));
        })
        .unwrap();
    let mut kept = Kept::default();
    assert_eq!(tap.run(None, &mut kept).unwrap(), 1);
    client.join().unwrap();
    server.join().unwrap();
    assert_eq!(kept.stream(1, ToClient), b"hello");
    assert!(!kept.holds(&What::Ended(ToServer)) && !kept.holds(&What::Ended(ToClient)));
}

#[test]
fn a_sink_that_fails_ends_the_tap_with_its_error() {
    struct Full;
    impl Sink for Full {
        fn record(&mut self, _: Event) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    let (to, server) = server(drop);
    let tap = Tap::bind("127.0.0.1:0", &to).unwrap();
    let client = TcpStream::connect(tap.address()).unwrap();
    let error = tap.run(None, &mut Full).unwrap_err();
    assert_eq!(error.kind(), Kind::LocalWrite);
    drop(client);
    server.join().unwrap();
}

#[test]
fn an_address_that_is_none_is_refused_with_a_next_step() {
    let error = Tap::bind("127.0.0.1:0", "nowhere").unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.next_step().unwrap().contains("HOST:PORT"));
}
