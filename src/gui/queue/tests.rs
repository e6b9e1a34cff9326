//! The books about all transfers, kept change by change, against counting them all.

use proptest::prelude::*;

use super::*;
use crate::client::Progress;
use crate::error::{Error, Kind};
use crate::gui::engine::transfers::{Finished, NewTransfer, sample};
use crate::lang::Lang;
use crate::protocol::Sha256;

fn transfer(id: Id, state: State) -> Transfer {
    let new = NewTransfer {
        job: sample::upload(&id.to_string()),
        size: Some(100 + id),
        target: sample::target("localhost", 1),
    };
    Transfer {
        state,
        ..Transfer::waiting(id, new)
    }
}

fn state(number: usize) -> State {
    match number {
        0 => State::Waiting,
        1 => State::Running,
        2 => State::Paused,
        3 => State::Asking(Box::default()),
        4 => State::Done(Finished {
            sha256: Sha256::of(b""),
            size: 7,
            resumed: 0,
            name: "a".into(),
            path: "a".into(),
        }),
        5 => State::Failed(Told::of(&Error::new(Kind::Other, "broken"))),
        6 => State::Skipped,
        7 => State::Cancelled,
        _ => State::Forgotten,
    }
}

/// What all come to, counted one by one.
fn counted(transfers: &Transfers) -> Totals {
    let mut totals = Totals::default();
    for transfer in transfers.all() {
        totals.add(&Totals::of(transfer));
        if transfer.state == State::Running {
            totals.count_bytes(transfer);
        }
    }
    totals
}

proptest! {
    #[test]
    fn the_sums_and_the_order_are_right_whatever_becomes_of_whom(
        changes in prop::collection::vec((1..6_u64, 0..9_usize), 0..60),
    ) {
        let mut transfers = Transfers::default();
        for (id, number) in changes {
            transfers.update(transfer(id, state(number)));
            let totals = transfers.totals();
            prop_assert_eq!(totals, counted(&transfers));
            let busy = transfers.all().filter(|transfer| !transfer.state.is_over());
            prop_assert_eq!(transfers.busy(), busy.count());
            prop_assert_eq!(transfers.active(), totals.running + totals.waiting);
            transfers.arrange();
            let shown: BTreeSet<Id> = transfers.order.iter().copied().collect();
            let all: BTreeSet<Id> = transfers.all().map(|transfer| transfer.id).collect();
            prop_assert_eq!((shown.len(), shown), (transfers.order.len(), all));
        }
    }
}

#[test]
fn what_runs_is_on_top_then_what_waits_then_what_failed_then_the_last_that_ended() {
    let mut transfers = Transfers::default();
    for (id, number) in [(1, 4), (2, 5), (3, 0), (4, 1), (5, 2), (6, 4)] {
        transfers.update(transfer(id, state(number)));
    }
    transfers.arrange();
    assert_eq!(transfers.order, [4, 3, 5, 2, 6, 1]);
    transfers.update(transfer(4, state(7)));
    transfers.update(transfer(2, state(0)));
    transfers.arrange();
    assert_eq!(transfers.order, [2, 3, 5, 4, 6, 1]);
}

#[test]
fn a_transfer_that_stands_still_says_for_how_long() {
    let mut transfers = Transfers::default();
    transfers.update(transfer(1, state(1)));
    let row = transfers.all.get_mut(&1).unwrap();
    row.transfer
        .gauge
        .note(Progress::Begin { size: 9, held: 0 });
    for now_s in [10.0, 12.0] {
        row.rate.look(now_s, 5);
        assert_eq!(row.state(Lang::English).0, "running");
    }
    row.rate.look(15.0, 5);
    assert_eq!(row.state(Lang::English).0, "no answer for 5 s");
    assert_eq!(row.state(Lang::Chinese).0, "已有 5 秒没有回应");
    row.rate.look(16.0, 6);
    assert_eq!(row.state(Lang::English).0, "running");
}
