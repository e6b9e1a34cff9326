//! Listens to a capture's streams and hands each connection's bytes to its follower.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::follow::Follow;
use super::{CONNECTIONS_MAX, Connection, Evidence};
use crate::lab::streams::{Walked, Witness};
use crate::lab::tap::Direction;
use crate::lang::both;
use crate::transport::tls::{KeyLog, Sender};

/// Listens to a capture.
pub(super) struct Watch<'a> {
    keys: &'a KeyLog,
    evidence: &'a Evidence,
    followed: BTreeMap<usize, Follow<'a>>,
    more: u64,
}

impl<'a> Watch<'a> {
    pub(super) fn new(keys: &'a KeyLog, evidence: &'a Evidence) -> Self {
        Self {
            keys,
            evidence,
            followed: BTreeMap::new(),
            more: 0,
        }
    }

    /// What was heard, and how many connections were not followed.
    pub(super) fn finish(self, walked: &Walked) -> (Vec<Connection>, u64) {
        let mut connections: Vec<_> = self.followed.into_values().map(Follow::finish).collect();
        if walked.snapped_packets > 0 {
            let n = walked.snapped_packets;
            let remark = both(
                format!(
                    "{n} packets of this capture were cut short when it was made (snap length), so bytes are \
                     missing: capture with -s 0"
                ),
                format!(
                    "捕获时有 {n} 个数据包被截短（snap length），因此缺少字节：请用 -s 0 重新捕获"
                ),
            );
            let connections = connections.iter_mut();
            connections.for_each(|connection| connection.remarks.push(remark.clone()));
        }
        (connections, self.more)
    }
}

impl Witness for Watch<'_> {
    fn opened(&mut self, connection: usize, client: SocketAddr, server: SocketAddr) {
        let number = connection + 1;
        let wanted = self.evidence.only.is_none_or(|only| only == number);
        if wanted && self.followed.len() < CONNECTIONS_MAX {
            let follow = Follow::new(number, client, server, self.keys, self.evidence);
            self.followed.insert(connection, follow);
        } else if wanted {
            self.more += 1;
        }
    }

    fn packet(&mut self, connection: usize, frame: u64, at_ns: u64) {
        if let Some(follow) = self.followed.get_mut(&connection) {
            follow.packet(frame, at_ns);
        }
    }

    fn bytes(&mut self, connection: usize, way: Direction, frame: u64, bytes: &[u8]) {
        if let Some(follow) = self.followed.get_mut(&connection) {
            follow.bytes(sender(way), frame, bytes);
        }
    }

    fn gap(&mut self, connection: usize, way: Direction, bytes: u64) {
        if let Some(follow) = self.followed.get_mut(&connection) {
            follow.gap(sender(way), bytes);
        }
    }

    fn ended(&mut self, connection: usize, way: Direction, reset: bool) {
        if let Some(follow) = self.followed.get_mut(&connection) {
            follow.ended(sender(way), reset);
        }
    }
}

fn sender(way: Direction) -> Sender {
    match way {
        Direction::ToServer => Sender::Client,
        Direction::ToClient => Sender::Server,
    }
}
