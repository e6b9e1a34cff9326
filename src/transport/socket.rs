//! A TCP socket with deadlines that mean what they say, and a read buffer that is large only when it pays.

use std::io::{self, BufRead, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::onlooker::{HangUp, Onlooker, Watched};
use super::tape::{Recorder, Way};
use crate::config::{
    CLOSE_BYTES, CLOSE_TIMEOUT, SOCKET_BUFFER_BYTES, SOCKET_BUFFER_IDLE_BYTES, STALL_FLOOR_BYTES,
};

/// How long the socket may take. A socket's own read timeout bounds one read, so a peer that sends a byte
/// now and then would never meet it; these bound the whole phase.
#[derive(Clone, Copy, Debug)]
enum Deadline {
    /// Everything until this moment, whatever arrives meanwhile.
    At(Instant),
    /// At least [`STALL_FLOOR_BYTES`] in each window.
    Progress {
        window: Duration,
        ends: Instant,
        moved: u64,
    },
}

/// The socket under a connection. Shared, so that a stopping server can shut it down from outside.
#[derive(Debug)]
pub struct Socket {
    tcp: Arc<TcpStream>,
    deadline: Deadline,
    /// Whether the kernel knows of the deadline.
    armed: bool,
    buffer: Vec<u8>,
    /// The unread part of `buffer`.
    unread: std::ops::Range<usize>,
    capacity: usize,
    /// Who writes down what passes, with `--explain`.
    recorder: Option<Recorder>,
    /// Who watches it to its end.
    watched: Option<Watched>,
    /// What was written last from several places, for whoever writes down or watches. Kept: a body of some
    /// gigabytes would ask for room for it ten thousand times.
    together: Vec<u8>,
}

impl Socket {
    /// Wraps `tcp`; everything must be done by `deadline` until another one is set.
    pub fn new(tcp: Arc<TcpStream>, deadline: Instant) -> Self {
        Self {
            tcp,
            deadline: Deadline::At(deadline),
            armed: false,
            buffer: Vec::new(),
            unread: 0..0,
            capacity: SOCKET_BUFFER_IDLE_BYTES,
            recorder: None,
            watched: None,
            together: Vec::new(),
        }
    }

    /// From here on `recorder` is told every byte that passes.
    pub(super) fn record(&mut self, recorder: Recorder) {
        self.recorder = Some(recorder);
    }

    /// From here on `onlooker` is told every byte that passes.
    pub(super) fn watch(&mut self, onlooker: &Arc<dyn Onlooker>) {
        self.watched = Watched::begin(onlooker, &self.tcp);
    }

    /// What ends the connection from another thread.
    pub(super) fn hang_up(&self) -> HangUp {
        HangUp::new(&self.tcp)
    }

    fn passed(&self, way: Way, bytes: &[u8]) {
        if let Some(recorder) = &self.recorder {
            recorder.passed(way, bytes);
        }
        if let Some(watched) = &self.watched
            && !bytes.is_empty()
        {
            watched.passed(way, bytes);
        }
    }

    /// The own address.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        self.tcp.local_addr().ok()
    }

    /// From here on everything must be done by `deadline`; the buffer is given back.
    pub fn expect_by(&mut self, deadline: Instant) {
        self.deadline = Deadline::At(deadline);
        self.capacity = SOCKET_BUFFER_IDLE_BYTES;
        if self.unread.is_empty() && self.buffer.len() > self.capacity {
            self.buffer = Vec::new();
        }
    }

    /// From here on [`STALL_FLOOR_BYTES`] must move in each `window`; reads are buffered generously.
    pub fn expect_progress(&mut self, window: Duration) {
        self.capacity = SOCKET_BUFFER_BYTES;
        self.armed = false;
        self.deadline = Deadline::Progress {
            window,
            ends: Instant::now() + window,
            moved: 0,
        };
    }

    /// The first byte the peer sent, without taking it; `None` when it hung up.
    pub fn peek(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        let n = self.under_deadline(|tcp| tcp.peek(&mut byte))?;
        Ok((n > 0).then_some(byte[0]))
    }

    /// Whether something can be read, the end or an error too. Does not wait.
    pub(super) fn is_over(&self) -> bool {
        let mut waiting = [PollFd::new(&*self.tcp, PollFlags::IN)];
        !self.unread.is_empty() || poll(&mut waiting, Some(&Timespec::default())) != Ok(0)
    }

    /// Waits so long, or until the peer has broken off.
    pub(super) fn rest(&self, time: Duration) {
        if let Ok(time) = Timespec::try_from(time)
            && time != Timespec::default()
        {
            // Of nothing it is told but of an error and of the end of both directions.
            let _over = poll(
                &mut [PollFd::new(&*self.tcp, PollFlags::empty())],
                Some(&time),
            );
        }
    }

    /// Ends the connection so that the peer can still read what was said last: closes the own direction,
    /// then reads on within a bound, because closing with unread bytes sends a reset that would overtake it.
    pub fn linger(&mut self) {
        let _already_gone = self.tcp.shutdown(Shutdown::Write);
        self.expect_by(Instant::now() + CLOSE_TIMEOUT);
        let mut thrown_away = [0; 4096];
        let mut left = CLOSE_BYTES;
        while left > 0 {
            match self.read(&mut thrown_away) {
                Ok(0) | Err(_) => break,
                Ok(n) => left = left.saturating_sub(n as u64),
            }
        }
        let _already_gone = self.tcp.shutdown(Shutdown::Both);
    }

    /// Gives the kernel what is left of the deadline, or says that nothing is. In a body once a window is
    /// enough: a system call for every read would cost, and a window too long does not.
    fn arm(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if let Deadline::Progress {
            window,
            ends,
            moved,
        } = &mut self.deadline
        {
            if now < *ends && self.armed {
                return Ok(());
            }
            if now >= *ends && *moved >= STALL_FLOOR_BYTES {
                (*ends, *moved) = (now + *window, 0);
            }
        }
        let (Deadline::At(ends) | Deadline::Progress { ends, .. }) = self.deadline;
        let left = ends.saturating_duration_since(now);
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // The kernel counts in microseconds; zero would mean forever.
        let left = Some(left.max(Duration::from_millis(1)));
        self.tcp.set_read_timeout(left)?;
        self.tcp.set_write_timeout(left)?;
        self.armed = true;
        Ok(())
    }

    /// One call of the kernel under the deadline, again when a signal interrupted it.
    fn under_deadline(
        &mut self,
        mut call: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            self.arm()?;
            match call(&self.tcp) {
                Ok(n) => {
                    if let Deadline::Progress { moved, .. } = &mut self.deadline {
                        *moved = moved.saturating_add(n as u64);
                    }
                    return Ok(n);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(timed(error)),
            }
        }
    }
}

/// What the kernel calls "would block" is our deadline passing.
fn timed(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() && buf.len() >= self.capacity {
            let n = self.under_deadline(|mut tcp| tcp.read(buf))?;
            self.passed(Way::Received, &buf[..n]);
            return Ok(n);
        }
        let available = self.fill_buf()?;
        let n = available.len().min(buf.len());
        buf[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Socket {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let mut buffer = std::mem::take(&mut self.buffer);
            if buffer.len() != self.capacity {
                buffer = vec![0; self.capacity];
            }
            let result = self.under_deadline(|mut tcp| tcp.read(&mut buffer));
            self.buffer = buffer;
            self.unread = 0..result?;
            self.passed(Way::Received, &self.buffer[self.unread.clone()]);
        }
        Ok(&self.buffer[self.unread.clone()])
    }

    fn consume(&mut self, amount: usize) {
        self.unread.start = self
            .unread
            .end
            .min(self.unread.start.saturating_add(amount));
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.under_deadline(|mut tcp| tcp.write(buf))?;
        self.passed(Way::Sent, &buf[..n]);
        Ok(n)
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let n = self.under_deadline(|mut tcp| tcp.write_vectored(bufs))?;
        if self.recorder.is_some() || self.watched.is_some() {
            let mut together = std::mem::take(&mut self.together);
            together.clear();
            for buf in bufs {
                let left = n - together.len();
                together.extend_from_slice(&buf[..buf.len().min(left)]);
            }
            self.passed(Way::Sent, &together);
            self.together = together;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn pair() -> (TcpStream, Arc<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (far, Arc::new(listener.accept().unwrap().0))
    }

    fn after(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    #[test]
    fn a_byte_now_and_then_does_not_prolong_an_absolute_deadline() {
        let (mut far, near) = pair();
        let dripping = thread::Builder::new()
            .spawn(move || {
                while far.write_all(b"x").is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            })
            .unwrap();
        let mut socket = Socket::new(near, after(300));
        let mut received = 0;
        let error = loop {
            match socket.read(&mut [0; 64]) {
                Ok(n) => received += n,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(received > 1);
        drop(socket);
        dripping.join().unwrap();
    }

    #[test]
    fn a_body_that_moves_outlives_its_window_and_one_that_drips_does_not() {
        for (chunk, survives) in [(4096, true), (1, false)] {
            let (mut far, near) = pair();
            let sending = thread::Builder::new()
                .spawn(move || {
                    for _ in 0..20 {
                        if far.write_all(&vec![7; chunk]).is_err() {
                            return;
                        }
                        thread::sleep(Duration::from_millis(30));
                    }
                })
                .unwrap();
            let mut socket = Socket::new(near, after(1_000));
            socket.expect_progress(Duration::from_millis(200));
            let end = io::copy(&mut socket, &mut io::sink());
            assert_eq!(end.is_ok(), survives, "{chunk}: {end:?}");
            drop(socket);
            sending.join().unwrap();
        }
    }

    #[test]
    fn peeking_takes_nothing_and_small_reads_are_served_from_one_large_one() {
        let (mut far, near) = pair();
        far.write_all(b"hello").unwrap();
        drop(far);
        let mut socket = Socket::new(near, after(1_000));
        assert_eq!(socket.peek().unwrap(), Some(b'h'));
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert_eq!(socket.peek().unwrap(), None);
    }

    #[test]
    fn the_last_words_are_read_though_the_peer_was_still_sending() {
        let (mut far, near) = pair();
        far.write_all(&vec![1; 100_000]).unwrap();
        let closing = thread::Builder::new()
            .spawn(move || {
                let mut socket = Socket::new(near, after(1_000));
                socket.write_all(b"goodbye").unwrap();
                socket.linger();
            })
            .unwrap();
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "goodbye");
        drop(far);
        closing.join().unwrap();
    }

    #[test]
    fn hung_up_it_is_reset_and_the_peer_reads_what_had_arrived() {
        let (far, near) = pair();
        near.set_nonblocking(true).unwrap();
        let mut socket = Socket::new(near, after(60_000));
        let mut written = 0;
        while let Ok(n) = socket.write(&[7; 4096]) {
            written += n;
        }
        let hang_up = socket.hang_up();
        hang_up.now();
        drop(socket);
        let mut far = Socket::new(Arc::new(far), after(60_000));
        // Over as soon as it is reset.
        far.rest(Duration::from_secs(30));
        let mut arrived = Vec::new();
        let end = far.read_to_end(&mut arrived).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
        assert!(!arrived.is_empty(), "nothing arrived");
        assert!(arrived.len() < written, "{} of {written}", arrived.len());
        // Nothing is left to end.
        hang_up.now();
    }
}
