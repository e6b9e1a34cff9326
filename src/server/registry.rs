//! The connections alive: how many, from where, and how to end them when the server stops.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::throttle::network;
use crate::config::{BUSY_GREETERS, CONNECTIONS_CEILING, Limits};
use crate::error::Error;
use crate::transport::CertificateDer;

/// The connections alive.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    alive: Mutex<Alive>,
    one_left: Condvar,
    stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct Alive {
    next: u64,
    connections: BTreeMap<u64, Live>,
    served: usize,
    greeted: usize,
    from: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Live {
    /// Who is there, once its certificate was accepted.
    proved: Option<Proved>,
    tcp: Arc<TcpStream>,
    network: IpAddr,
    served: bool,
    waiting: Arc<AtomicBool>,
}

/// A client that was let in by its certificate.
#[derive(Clone, Debug)]
pub(crate) struct Proved {
    /// The connection's id.
    pub(crate) id: String,
    /// Its address.
    pub(crate) address: SocketAddr,
    /// The certificates it showed, leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

/// A connection's place; given back on drop, whatever happened to the connection.
#[derive(Debug)]
pub(crate) struct Place {
    registry: Arc<Registry>,
    number: u64,
    served: bool,
    waiting: Arc<AtomicBool>,
}

impl Registry {
    /// A place for `tcp` from `address`: to be served if there is room, else to be told `busy`; `None` when
    /// even those who are told are too many.
    pub(crate) fn admit(
        self: &Arc<Self>,
        tcp: &Arc<TcpStream>,
        address: IpAddr,
        limits: &Limits,
    ) -> Option<Place> {
        let network = network(address);
        let mut alive = self.lock();
        let from_there = alive.from.get(&network).copied().unwrap_or(0);
        let served = alive.served < limits.connections.min(CONNECTIONS_CEILING)
            && from_there < limits.connections_per_address;
        if !served && alive.greeted >= BUSY_GREETERS {
            return None;
        }
        match served {
            true => {
                alive.served += 1;
                *alive.from.entry(network).or_default() += 1;
            }
            false => alive.greeted += 1,
        }
        let number = alive.next;
        alive.next += 1;
        let waiting = Arc::new(AtomicBool::new(true));
        let live = Live {
            proved: None,
            tcp: Arc::clone(tcp),
            network,
            served,
            waiting: Arc::clone(&waiting),
        };
        alive.connections.insert(number, live);
        Some(Place {
            registry: Arc::clone(self),
            number,
            served,
            waiting,
        })
    }

    /// Whether the server is stopping.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends everything: who waits for a request is woken and says goodbye; who is at work may finish for
    /// `drain` and is cut then. Returns how many were cut.
    pub(crate) fn stop(&self, drain: Duration) -> usize {
        self.stopping.store(true, Ordering::SeqCst);
        for live in self.lock().connections.values() {
            // Set before the flag is looked at, and the other way round in `Place::wait`: one of the two
            // always sees the other.
            if live.waiting.load(Ordering::SeqCst) {
                let _already_gone = live.tcp.shutdown(Shutdown::Read);
            }
        }
        let left = self.wait_until_empty(drain);
        if left > 0 {
            for live in self.lock().connections.values() {
                let _already_gone = live.tcp.shutdown(Shutdown::Both);
            }
            self.wait_until_empty(Duration::from_secs(2));
        }
        left
    }

    /// Cuts every connection whose certificate `recheck` does not accept any more; who they were, and why.
    pub(crate) fn cut(
        &self,
        recheck: &dyn Fn(&Proved) -> Result<(), Error>,
    ) -> Vec<(Proved, Error)> {
        let alive = self.lock();
        let proved = alive
            .connections
            .values()
            .filter_map(|live| Some((live.proved.as_ref()?, &live.tcp)));
        let failed = proved.filter_map(|(proved, tcp)| {
            let error = recheck(proved).err()?;
            let _already_gone = tcp.shutdown(Shutdown::Both);
            Some((proved.clone(), error))
        });
        failed.collect()
    }

    fn wait_until_empty(&self, at_most: Duration) -> usize {
        let deadline = Instant::now() + at_most;
        let mut alive = self.lock();
        while !alive.connections.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.one_left.wait_timeout(alive, left);
            alive = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        alive.connections.len()
    }

    fn lock(&self) -> MutexGuard<'_, Alive> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether this connection is served; else it is only greeted and told `busy`.
    pub(crate) fn served(&self) -> bool {
        self.served
    }

    /// Says who is at the other end, so that it can be cut when its certificate is taken back.
    pub(crate) fn prove(&self, proved: Proved) {
        if let Some(live) = self.registry.lock().connections.get_mut(&self.number) {
            live.proved = Some(proved);
        }
    }

    /// Says that the connection waits for its peer; false when the server is stopping instead.
    pub(crate) fn wait(&self) -> bool {
        self.waiting.store(true, Ordering::SeqCst);
        !self.registry.stopping()
    }

    /// Says that the connection is at work, which a stopping server lets it finish.
    pub(crate) fn work(&self) {
        self.waiting.store(false, Ordering::SeqCst);
    }

    /// Whether the server is stopping.
    pub(crate) fn stopping(&self) -> bool {
        self.registry.stopping()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut alive = self.registry.lock();
        if let Some(live) = alive.connections.remove(&self.number) {
            if live.served {
                alive.served -= 1;
                if let Some(count) = alive.from.get_mut(&live.network) {
                    *count -= 1;
                    if *count == 0 {
                        alive.from.remove(&live.network);
                    }
                }
            } else {
                alive.greeted -= 1;
            }
        }
        self.registry.one_left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn socket() -> Arc<TcpStream> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap())
    }

    #[test]
    fn places_are_counted_by_address_and_given_back() {
        let (registry, tcp) = (Arc::new(Registry::default()), socket());
        let limits = Limits {
            connections: 3,
            connections_per_address: 2,
            ..Limits::default()
        };
        let admit = |address| registry.admit(&tcp, address, &limits).unwrap();
        let (a, b, full) = (admit(HERE), admit(HERE), admit(HERE));
        assert!(a.served() && b.served() && !full.served());
        let (elsewhere, over) = (admit(THERE), admit(THERE));
        assert!(elsewhere.served() && !over.served());
        drop(a);
        assert!(admit(HERE).served());
        drop((b, full, elsewhere, over));
        assert_eq!(registry.stop(Duration::ZERO), 0);
        assert!(registry.lock().from.is_empty());
    }

    #[test]
    fn when_too_many_are_being_told_the_door_is_just_closed() {
        let (registry, tcp) = (Arc::new(Registry::default()), socket());
        let limits = Limits {
            connections: 0,
            ..Limits::default()
        };
        let places: Vec<_> = (0..=BUSY_GREETERS)
            .map(|_| registry.admit(&tcp, HERE, &limits))
            .collect();
        assert_eq!(places.iter().flatten().count(), BUSY_GREETERS);
    }
}
