//! The kernel's own capture of loopback: the second witness beside the [`tap`](super::tap).
//!
//! The tap's packets are reconstructed around real bytes. What the kernel hands over here are the packets
//! themselves, of the same run; when both files hold the same two byte streams, that is the proof that
//! the tap altered and missed nothing. It needs Linux and the privilege `CAP_NET_RAW`, which is why the tap
//! comes first.

mod order;
#[cfg(target_os = "linux")]
mod socket;

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::pcapng::{LINK_ETHERNET, Packet};
use crate::error::{Error, Kind, Result};
use order::InOrder;

#[cfg(not(target_os = "linux"))]
use elsewhere::Socket;
#[cfg(target_os = "linux")]
use socket::Socket;

/// How long loopback must be quiet after the end: the last acknowledgement may still be on its way.
const QUIET: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Bytes of the largest packet taken: more than loopback's segments of 64 KiB and their headers.
const PACKET_BYTES_MAX: usize = 256 * 1024;

/// A capture of loopback that has begun: what passes from now on is kept by the kernel.
#[derive(Debug)]
pub struct Kernel {
    socket: Socket,
}

/// What was captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// Packets handed over.
    pub packets: u64,
    /// Packets the kernel had no room for.
    pub dropped: u64,
}

/// A packet as the kernel saw it.
#[derive(Clone, Copy, Debug)]
struct Raw {
    at_ns: u64,
    bytes: usize,
    /// Packets lost so far.
    dropped: u64,
}

impl Kernel {
    /// Begins to capture what goes to or comes from a TCP port of this machine, over IPv4. Open it before the
    /// connection is made, else its beginning is missed.
    pub fn open(port: u16) -> Result<Self> {
        let socket = Socket::open(port)?;
        Ok(Self { socket })
    }

    /// Hands over each packet in the order of their times, on this thread, until the other end of `alive` is closed and nothing comes
    /// any more. Its frames are Ethernet's, as Linux shows its loopback.
    pub fn run(
        mut self,
        alive: &UnixStream,
        take: &mut dyn FnMut(&Packet<'_>) -> io::Result<()>,
    ) -> io::Result<Captured> {
        let mut captured = Captured::default();
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        let mut order = InOrder::default();
        let mut hand_over = |(at_ns, data): (u64, Vec<u8>), captured: &mut Captured| {
            captured.packets += 1;
            take(&Packet {
                frame: captured.packets,
                at_ns,
                link: LINK_ETHERNET,
                data: &data,
                snapped: false,
            })
        };
        let mut over = false;
        loop {
            while let Some(raw) = self.socket.packet(&mut buffer)? {
                captured.dropped = raw.dropped;
                order.add(raw.at_ns, &buffer[..raw.bytes]);
                while let Some(packet) = order.due() {
                    hand_over(packet, &mut captured)?;
                }
            }
            let mut ready = [
                PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(alive.as_fd(), PollFlags::IN),
            ];
            let (watched, wait) = match over {
                true => (&mut ready[..1], Some(&QUIET)),
                false => (&mut ready[..], None),
            };
            match poll(watched, wait) {
                Ok(0) => break,
                Ok(_) => over |= !ready[1].revents().is_empty(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        while let Some(packet) = order.last() {
            hand_over(packet, &mut captured)?;
        }
        Ok(captured)
    }
}

/// Why there is none.
fn unavailable(why: &str, source: io::Error) -> Error {
    Error::new(
        Kind::Other,
        format!("the kernel cannot capture loopback: {why}"),
    )
    .hint("use --source tap, which needs neither privilege nor Linux")
    .source(source)
}

/// A system that has no packet sockets.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};

    use super::{Raw, unavailable};
    use crate::error::Result;

    /// Never there.
    #[derive(Debug)]
    pub(super) enum Socket {}

    impl Socket {
        pub(super) fn open(_port: u16) -> Result<Self> {
            let why = "packet sockets are there on Linux only";
            Err(unavailable(why, io::ErrorKind::Unsupported.into()))
        }

        pub(super) fn packet(&mut self, _buffer: &mut [u8]) -> io::Result<Option<Raw>> {
            match *self {}
        }
    }

    impl AsFd for Socket {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match *self {}
        }
    }
}
