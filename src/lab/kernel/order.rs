//! Packets in the order of their times. Each core stamps and queues what it sent; where one is interrupted in
//! between, the socket hands over a packet behind a later one of another core.

use std::collections::BTreeMap;

/// How much later than a packet one must be that nothing before it can still come: cores are interrupted for
/// microseconds, seldom for milliseconds.
const HELD_NS: u64 = 100_000_000;

/// Bytes held back, at most, plus one packet: at full speed loopback carries this in some 10 ms.
const HELD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Packets held back until they are in order.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    /// By time, then in the order they came in.
    held: BTreeMap<(u64, u64), Vec<u8>>,
    bytes: usize,
    came: u64,
    latest_ns: u64,
}

impl InOrder {
    /// Takes in one more.
    pub(super) fn add(&mut self, at_ns: u64, packet: &[u8]) {
        self.held.insert((at_ns, self.came), packet.to_vec());
        self.came += 1;
        self.bytes += packet.len();
        self.latest_ns = self.latest_ns.max(at_ns);
    }

    /// The next, with its time, once nothing is expected before it.
    pub(super) fn due(&mut self) -> Option<(u64, Vec<u8>)> {
        let (&(at_ns, _), _) = self.held.first_key_value()?;
        match at_ns.saturating_add(HELD_NS) <= self.latest_ns || self.bytes > HELD_BYTES_MAX {
            true => self.last(),
            false => None,
        }
    }

    /// The next, with its time: no more come.
    pub(super) fn last(&mut self) -> Option<(u64, Vec<u8>)> {
        let ((at_ns, _), packet) = self.held.pop_first()?;
        self.bytes -= packet.len();
        Some((at_ns, packet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_comes_late_stands_where_its_time_is() {
        let mut order = InOrder::default();
        for (at_ns, packet) in [(10, b"a"), (30, b"c"), (20, b"b"), (30, b"d")] {
            order.add(at_ns, packet);
            assert_eq!(order.due(), None);
        }
        order.add(30 + HELD_NS, b"e");
        let sooner = std::iter::from_fn(|| order.due()).map(|(_, packet)| packet);
        assert_eq!(sooner.collect::<Vec<_>>(), [b"a", b"b", b"c", b"d"]);
        assert_eq!(order.last(), Some((30 + HELD_NS, b"e".to_vec())));
        assert_eq!(order.last(), None);
        assert_eq!(order.bytes, 0);
    }

    #[test]
    fn no_more_is_held_than_there_is_room_for() {
        let mut order = InOrder::default();
        let packet = vec![0; HELD_BYTES_MAX / 2];
        order.add(1, &packet);
        order.add(2, &packet);
        assert_eq!(order.due(), None);
        order.add(3, &[1]);
        assert_eq!(order.due().map(|(at_ns, _)| at_ns), Some(1));
        assert_eq!(order.due(), None);
    }
}
