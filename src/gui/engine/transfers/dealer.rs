//! Deals transfers out to workers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::leash::{Leash, Stopped};
use super::worker::{Try, Work, Worker};
use super::{AT_ONCE, Id, Mail, State, Transfer, TransferOrder, gather};
use crate::client::{Job, discard};
use crate::error::{Error, Kind, Result};
use crate::gui::engine::queue::{Ended, Queue};
use crate::gui::engine::told::Told;
use crate::gui::engine::{Out, Post, thread};

pub(super) fn start(out: Out) -> Result<Sender<Mail>> {
    let (mail, received) = channel();
    let dealer = Dealer::new(out, mail.clone());
    thread("transfers", move || dealer.run(&received))?;
    Ok(mail)
}

struct Dealer {
    queue: Queue,
    out: Out,
    mail: Sender<Mail>,
    workers: Vec<Sender<Work>>,
    idle: Vec<usize>,
    /// The present try of each transfer that runs, and how to stop it.
    running: BTreeMap<Id, (Try, Arc<Leash>)>,
    tries: u64,
    /// Set when nobody wants more files found.
    gathering: Arc<AtomicBool>,
}

impl Dealer {
    fn new(out: Out, mail: Sender<Mail>) -> Self {
        Self {
            queue: Queue::new(AT_ONCE),
            out,
            mail,
            workers: Vec::new(),
            idle: Vec::new(),
            running: BTreeMap::new(),
            tries: 0,
            gathering: Arc::default(),
        }
    }

    fn run(mut self, received: &Receiver<Mail>) {
        for mail in received {
            match mail {
                Mail::Order(order) => self.order(order),
                Mail::Ended(worker, this, ended) => self.ended(worker, this, *ended),
                Mail::Quit => return self.quit(),
            }
            self.deal();
        }
    }

    /// Cuts what runs, and waits for nobody: workers end with their channels.
    fn quit(self) {
        self.gathering.store(true, Ordering::Relaxed);
        for (_, leash) in self.running.values() {
            leash.stop();
        }
    }

    fn ended(&mut self, worker: usize, this: Try, ended: Ended) {
        self.idle.push(worker);
        let id = this.transfer;
        if self.running.get(&id).is_none_or(|(now, _)| *now != this) {
            // It was given up before it began.
            return;
        }
        self.running.remove(&id);
        let transfer = self.queue.ended(id, ended);
        self.tell_all(transfer);
    }

    fn order(&mut self, order: TransferOrder) {
        let changed: Vec<Transfer> = match order {
            TransferOrder::Add(new) => {
                let queue = &mut self.queue;
                new.into_iter().filter_map(|new| queue.add(new)).collect()
            }
            TransferOrder::Upload(uploads) => {
                let (mail, out) = (self.mail.clone(), self.out.clone());
                let stop = Arc::clone(&self.gathering);
                if let Err(error) = gather::start(uploads, mail, out, stop) {
                    self.out.send(Post::Gathering(super::Gathering {
                        found: 0,
                        left_out: vec![Told::of(&error)],
                        over: true,
                    }));
                }
                Vec::new()
            }
            TransferOrder::StopGathering => {
                self.stop_gathering();
                Vec::new()
            }
            TransferOrder::Pause(id) => self.stop(&[id], &State::Paused),
            TransferOrder::PauseAll => {
                let ids = self.queue.waiting_or_running();
                self.stop(&ids, &State::Paused)
            }
            TransferOrder::Cancel(id) => self.stop(&[id], &State::Cancelled),
            TransferOrder::CancelAll => {
                self.stop_gathering();
                let ids = self.queue.not_over();
                self.stop(&ids, &State::Cancelled)
            }
            TransferOrder::Resume(id) => self.queue.again(id).into_iter().collect(),
            TransferOrder::ResumeAll => self.queue.all_again(|state| *state == State::Paused),
            TransferOrder::RetryAll => self
                .queue
                .all_again(|state| matches!(state, State::Failed(_))),
            TransferOrder::Answer(id, choice, for_all) => self.queue.answer(id, choice, for_all),
            TransferOrder::Adopt(ids, target) => self.queue.adopt(&ids, &target),
            TransferOrder::Clear => self.queue.clear(),
            TransferOrder::AtOnce(count) => {
                self.queue.set_at_once(count);
                Vec::new()
            }
        };
        self.tell_all(changed);
    }

    /// What gathers now sees that it is to end; what will gather later has a flag of its own.
    fn stop_gathering(&mut self) {
        self.gathering.store(true, Ordering::Relaxed);
        self.gathering = Arc::default();
    }

    /// Stops these, as `state`; returns those that are stopped already, the others follow when they ended.
    fn stop(&mut self, ids: &[Id], state: &State) -> Vec<Transfer> {
        let mut stopped = Vec::new();
        for id in ids {
            let Some((transfer, runs)) = self.queue.stop(*id, state.clone()) else {
                continue;
            };
            if !runs {
                stopped.push(transfer);
            } else if let Some((_, leash)) = self.running.get(id)
                && leash.stop() == Stopped::BeforeItBegan
            {
                self.running.remove(id);
                stopped.extend(self.queue.given_up(*id));
            }
        }
        stopped
    }

    /// Gives work to workers while there is some.
    fn deal(&mut self) {
        while let Some((transfer, conflict)) = self.queue.start_next() {
            let id = transfer.id;
            transfer.gauge.restart();
            self.tell(transfer.clone());
            self.tries += 1;
            let this = Try {
                transfer: id,
                number: self.tries,
            };
            let leash = Arc::new(Leash::default());
            self.running.insert(id, (this, Arc::clone(&leash)));
            let work = Work {
                this,
                transfer,
                conflict,
                leash,
            };
            if let Err(error) = self.hand_out(work) {
                self.running.remove(&id);
                let failed = self.queue.ended(id, Ended::Badly(Told::of(&error)));
                self.tell_all(failed);
            }
        }
    }

    fn hand_out(&mut self, work: Work) -> Result<()> {
        let number = match self.idle.pop() {
            Some(number) => number,
            None => self.hire()?,
        };
        let sent = self
            .workers
            .get(number)
            .map(|worker| worker.send(work).is_ok());
        match sent {
            Some(true) => Ok(()),
            _ => Err(
                Error::new(Kind::Other, "the worker of this transfer is gone")
                    .hint("try again")
                    .zh("负责此传输的线程已不在", "请重试"),
            ),
        }
    }

    fn hire(&mut self) -> Result<usize> {
        let (work, received) = channel();
        let number = self.workers.len();
        let worker = Worker::new(number, self.mail.clone());
        thread(&format!("transfer-{number}"), move || worker.run(&received))?;
        self.workers.push(work);
        Ok(number)
    }

    fn tell_all(&self, transfers: impl IntoIterator<Item = Transfer>) {
        for transfer in transfers {
            self.tell(transfer);
        }
    }

    fn tell(&self, transfer: Transfer) {
        if transfer.state == State::Cancelled
            && let Job::Download { name, path } = &transfer.job
        {
            discard(name, path);
        }
        self.out.send(Post::Transfer(Box::new(transfer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::engine::Wake;

    #[test]
    fn a_search_that_goes_on_is_told_to_end_and_the_next_is_not() {
        let (posts, _received) = channel();
        let wake = Wake::new(|_within| {});
        let mut dealer = Dealer::new(Out { posts, wake }, channel().0);
        for order in [TransferOrder::StopGathering, TransferOrder::CancelAll] {
            let goes_on = Arc::clone(&dealer.gathering);
            dealer.order(order);
            assert!(goes_on.load(Ordering::Relaxed));
            assert!(!dealer.gathering.load(Ordering::Relaxed));
        }
        let goes_on = Arc::clone(&dealer.gathering);
        dealer.quit();
        assert!(goes_on.load(Ordering::Relaxed));
    }
}
