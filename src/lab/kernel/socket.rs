//! A packet socket on Linux' loopback (packet(7)). `socket2` and `nix` wrap every call it needs, so no
//! `unsafe` code is needed here.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{
    ControlMessageOwned, LinkAddr, MsgFlags, bind, recvmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, SockFilter, Type};

use super::{Raw, unavailable};
use crate::error::{Error, Kind, Result, plain};

/// Only what was *received*: loopback sends each packet to itself, and a socket for all protocols would
/// see it twice, going and coming (`if_ether.h`: `ETH_P_IP`).
const RECEIVED_IPV4: u16 = 0x0800;

/// Bytes that may wait in the kernel, asked for twice: the limit of everybody (`net.core.rmem_max`) bounds
/// the first, only `CAP_NET_ADMIN` may go past it with the second.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A packet socket.
#[derive(Debug)]
pub(super) struct Socket {
    packets: socket2::Socket,
    control: Vec<u8>,
    dropped: u64,
}

impl Socket {
    /// Opens it, for packets to or from a TCP port.
    pub(super) fn open(port: u16) -> Result<Self> {
        let protocol = Protocol::from(i32::from(RECEIVED_IPV4.to_be()));
        let socket = socket2::Socket::new(Domain::PACKET, Type::RAW, Some(protocol));
        let socket = socket.map_err(refused)?;
        Self::ready(socket, port).map_err(|error| unavailable(&plain(&error), error))
    }

    fn ready(socket: socket2::Socket, port: u16) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.attach_filter(&filter(port))?;
        bind(socket.as_raw_fd(), &loopback()?)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        setsockopt(&socket, sockopt::RxqOvfl, &1)?;
        let _smaller = socket.set_recv_buffer_size(WAITING_BYTES_MAX);
        let _as_it_was = setsockopt(&socket, sockopt::RcvBufForce, &WAITING_BYTES_MAX);
        let mut ready = Self {
            packets: socket,
            control: nix::cmsg_space!(TimeSpec, u32),
            dropped: 0,
        };
        // What came before the filter and the binding is of no interest.
        while ready.packet(&mut [0; 1])?.is_some() {}
        ready.dropped = 0;
        Ok(ready)
    }

    /// The next packet, put into `buffer` as far as it fits; none when none waits.
    pub(super) fn packet(&mut self, buffer: &mut [u8]) -> io::Result<Option<Raw>> {
        let mut parts = [IoSliceMut::new(buffer)];
        let received = recvmsg::<()>(
            self.packets.as_raw_fd(),
            &mut parts,
            Some(&mut self.control),
            MsgFlags::empty(),
        );
        let received = match received {
            Err(Errno::EAGAIN) => return Ok(None),
            received => received?,
        };
        let mut at_ns = 0;
        for said in received.cmsgs()? {
            match said {
                ControlMessageOwned::ScmTimestampns(time) => at_ns = nanos(time),
                // It stands there from the first loss on, with all losses so far.
                ControlMessageOwned::RxqOvfl(dropped) => self.dropped = dropped.into(),
                _ => {}
            }
        }
        Ok(Some(Raw {
            at_ns,
            bytes: received.bytes,
            dropped: self.dropped,
        }))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.packets.as_fd()
    }
}

/// The address of the loopback interface among packet sockets.
fn loopback() -> io::Result<LinkAddr> {
    let mut interfaces = getifaddrs()?;
    let found = interfaces.find_map(|interface| {
        let loops = interface.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let address = interface.address.filter(|_| loops)?;
        address.as_link_addr().copied()
    });
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no loopback interface"))
}

fn nanos(time: TimeSpec) -> u64 {
    let whole = u64::try_from(time.tv_sec()).unwrap_or(0) * 1_000_000_000;
    whole + u64::try_from(time.tv_nsec()).unwrap_or(0)
}

fn refused(error: io::Error) -> Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return unavailable(&plain(&error), error);
    }
    let message =
        "capturing loopback needs the privilege CAP_NET_RAW, which this process does not have";
    let hint = "use --source tap, which needs none; or run it as root; or give the program the privilege: \
                sudo setcap cap_net_raw+ep \"$(command -v sealpost)\"";
    Error::new(Kind::Other, message)
        .hint(hint)
        .zh(
            "抓取回环接口需要 CAP_NET_RAW 权限，而本进程没有该权限",
            "使用无需任何权限的 --source tap；或以 root 身份运行；或授予程序该权限：\
             sudo setcap cap_net_raw+ep \"$(command -v sealpost)\"",
        )
        .source(error)
}

/// `ip and tcp port PORT`, as `tcpdump -d` prints it: the operation, where to jump when it is true and when
/// it is not, and its operand.
fn filter(port: u16) -> [SockFilter; 11] {
    let port = port.into();
    [
        (0x30, 0, 0, 23),     // the IP header's protocol, behind 14 bytes of Ethernet
        (0x15, 0, 8, 6),      // TCP?
        (0x28, 0, 0, 20),     // flags and fragment offset
        (0x45, 6, 0, 0x1fff), // a later fragment has no ports
        (0xb1, 0, 0, 14),     // the length of the IP header
        (0x48, 0, 0, 14),     // the source port
        (0x15, 2, 0, port),
        (0x48, 0, 0, 16), // the destination port
        (0x15, 0, 1, port),
        (0x06, 0, 0, u32::MAX), // the whole packet
        (0x06, 0, 0, 0),        // nothing of it
    ]
    .map(|(operation, yes, no, operand)| SockFilter::new(operation, yes, no, operand))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::super::Kernel;
    use crate::lab::pcapng::Packet;
    use crate::lab::streams::Walk;
    use crate::lab::streams::tests::Heard;

    /// A connection to `listener` that says `word` and is answered with the same.
    fn talk(listener: &TcpListener, word: &[u8]) {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(word).unwrap();
        let mut heard = vec![0; word.len()];
        server.read_exact(&mut heard).unwrap();
        server.write_all(&heard).unwrap();
        client.read_exact(&mut heard).unwrap();
    }

    #[test]
    fn what_passes_at_the_port_is_captured_once_and_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let kernel = match Kernel::open(listener.local_addr().unwrap().port()) {
            Ok(kernel) => kernel,
            Err(error) if error.message().contains("CAP_NET_RAW") => return,
            Err(error) => panic!("{error:?}"),
        };
        talk(&other, b"not this");
        talk(&listener, b"but this");
        let (mine, alive) = UnixStream::pair().unwrap();
        drop(mine);
        let (mut walk, mut heard, mut last_ns) = (Walk::default(), Heard::default(), 0);
        let mut seen = HashSet::new();
        let captured = kernel.run(&alive, &mut |packet: &Packet<'_>| {
            assert!(packet.at_ns >= last_ns, "a time that ran backwards");
            last_ns = packet.at_ns;
            assert!(seen.insert(packet.data.to_vec()), "a packet came twice");
            walk.take(packet, &mut heard);
            Ok(())
        });
        let walked = walk.finish(&mut heard);
        let captured = captured.unwrap();
        assert_eq!((captured.packets, captured.dropped), (walked.packets, 0));
        assert!(last_ns > 0);
        let [said] = heard.connections.as_slice() else {
            panic!("{} connections", heard.connections.len());
        };
        assert_eq!((&said.to_server[..], said.gaps), (&b"but this"[..], 0));
        assert_eq!(said.to_client, said.to_server);
    }
}
