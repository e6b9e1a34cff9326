//! A relay between client and server that counts what passes and cuts where it is told.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use crate::raw;
use crate::support::PATIENCE;

/// No limit.
const NEVER: u64 = u64::MAX;

/// Bytes a direction may carry and has carried.
#[derive(Debug)]
struct Direction {
    limit: AtomicU64,
    carried: AtomicU64,
}

#[derive(Debug)]
struct State {
    up: Direction,
    down: Direction,
    stopping: AtomicBool,
    sockets: Mutex<Vec<TcpStream>>,
    /// Bytes to the server after which nothing more passes until a second connection has come.
    alone: AtomicU64,
    /// Connections that have come.
    come: Mutex<usize>,
    more: Condvar,
}

/// A running relay; ended when dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

impl Relay {
    /// A relay to `server` that lets everything pass.
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let direction = || Direction {
            limit: AtomicU64::new(NEVER),
            carried: AtomicU64::new(0),
        };
        let state = Arc::new(State {
            up: direction(),
            down: direction(),
            stopping: AtomicBool::new(false),
            sockets: Mutex::default(),
            alone: AtomicU64::new(NEVER),
            come: Mutex::default(),
            more: Condvar::new(),
        });
        let here = Arc::clone(&state);
        let accept = move || {
            let mut carrying = Vec::new();
            for client in listener.incoming() {
                if here.stopping.load(Ordering::SeqCst) {
                    break;
                }
                carrying.extend(here.carry(&client.unwrap(), server));
            }
            for thread in carrying {
                thread.join().unwrap();
            }
        };
        let accepting = thread::Builder::new().spawn(accept).unwrap();
        Self {
            address,
            state,
            accepting: Some(accepting),
        }
    }

    /// From now on every connection is cut once both together carried so many bytes to the server.
    pub(crate) fn cut_up_after(&self, bytes: u64) {
        self.state.up.set(bytes);
    }

    /// The same for the bytes to the client.
    pub(crate) fn cut_down_after(&self, bytes: u64) {
        self.state.down.set(bytes);
    }

    /// The first connection stands still once it carried so many bytes to the server, until a second has come.
    pub(crate) fn wait_for_a_second_after(&self, bytes: u64) {
        self.state.alone.store(bytes, Ordering::SeqCst);
    }

    /// Lets everything pass again and counts from 0.
    pub(crate) fn mend(&self) {
        self.state.up.set(NEVER);
        self.state.down.set(NEVER);
    }

    /// Bytes carried to the server since the last order.
    pub(crate) fn up(&self) -> u64 {
        self.state.up.carried.load(Ordering::SeqCst)
    }

    /// Bytes carried to the client since the last order.
    pub(crate) fn down(&self) -> u64 {
        self.state.down.carried.load(Ordering::SeqCst)
    }

    /// The address as an argument.
    pub(crate) fn at(&self) -> String {
        self.address.to_string()
    }
}

impl Direction {
    fn set(&self, limit: u64) {
        self.carried.store(0, Ordering::SeqCst);
        self.limit.store(limit, Ordering::SeqCst);
    }

    /// How many of `n` bytes may pass.
    fn take(&self, n: usize) -> usize {
        let n = n as u64;
        let before = self.carried.fetch_add(n, Ordering::SeqCst);
        let left = self.limit.load(Ordering::SeqCst).saturating_sub(before);
        let passes = n.min(left);
        self.carried.fetch_sub(n - passes, Ordering::SeqCst);
        usize::try_from(passes).unwrap()
    }
}

impl State {
    fn carry(self: &Arc<Self>, client: &TcpStream, server: SocketAddr) -> Vec<JoinHandle<()>> {
        *self.come.lock().unwrap() += 1;
        self.more.notify_all();
        let server = raw::tcp(server);
        for socket in [client, &server] {
            socket.set_nodelay(true).unwrap();
            self.sockets
                .lock()
                .unwrap()
                .push(socket.try_clone().unwrap());
        }
        let pairs = [(client, &server, true), (&server, client, false)];
        pairs
            .into_iter()
            .map(|(from, to, up)| {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let state = Arc::clone(self);
                let pump = move || pump(&from, &to, &state, up);
                thread::Builder::new().spawn(pump).unwrap()
            })
            .collect()
    }

    fn wait_for_a_second(&self) {
        if self.up.carried.load(Ordering::SeqCst) >= self.alone.load(Ordering::SeqCst) {
            let come = self.come.lock().unwrap();
            let alone = |come: &mut usize| *come < 2;
            let _come = self.more.wait_timeout_while(come, PATIENCE, alone).unwrap();
        }
    }
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, state: &State, up: bool) {
    let direction = if up { &state.up } else { &state.down };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) | Err(_) => {
                let _gone = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(n) => n,
        };
        let passes = direction.take(n);
        if up {
            state.wait_for_a_second();
        }
        let written = to.write_all(&buffer[..passes]);
        if passes < n || written.is_err() {
            for socket in [from, to] {
                let _gone = socket.shutdown(Shutdown::Both);
            }
            return;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.stopping.store(true, Ordering::SeqCst);
        for socket in self.state.sockets.lock().unwrap().drain(..) {
            let _gone = socket.shutdown(Shutdown::Both);
        }
        let _wakes_it = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ended = accepting.join();
        }
    }
}
