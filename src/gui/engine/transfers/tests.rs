//! The threads: what stops them, and that nothing does for good.

mod search;
mod taker;

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::leash::{Leash, Stopped};
use super::*;
use crate::client::{Login, Target};
use crate::gui::engine::{Post, Wake};
use crate::transport::{Onlooker, Way};
use taker::{login, taker};

/// How long anything may take; only a hang is longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails at the worst moment.
#[derive(Debug)]
struct Panics;

impl Onlooker for Panics {
    fn opened(&self, _client: SocketAddr, _server: SocketAddr) -> u64 {
        panic!("as the test wants it");
    }

    fn passed(&self, _connection: u64, _way: Way, _bytes: &[u8]) {}

    fn closed(&self, _connection: u64) {}
}

struct Bench {
    /// Accepts connections and never says a word.
    silent: TcpListener,
    mail: Sender<Mail>,
    posts: Receiver<Post>,
}

impl Bench {
    fn new() -> Self {
        let (posts, received) = channel();
        let wake = Wake::new(|_within| {});
        Self {
            silent: TcpListener::bind("127.0.0.1:0").unwrap(),
            mail: start(Out { posts, wake }).unwrap(),
            posts: received,
        }
    }

    fn download(&self, path: PathBuf, onlooker: Option<Arc<dyn Onlooker>>) {
        let target = Target {
            host: "127.0.0.1".into(),
            port: self.silent.local_addr().unwrap().port(),
            tls: None,
            connect_timeout: PATIENCE * 10,
            timeout: PATIENCE * 10,
            rate: None,
            login: Login::Certificate,
            narrator: None,
            onlooker,
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        let new = NewTransfer {
            job: Job::Download {
                name: name.parse().unwrap(),
                path,
            },
            size: None,
            target: Arc::new(target),
        };
        self.order(TransferOrder::Add(vec![new]));
    }

    fn order(&self, order: TransferOrder) {
        self.mail.send(Mail::Order(order)).unwrap();
    }

    /// The next news of a transfer.
    fn state(&self) -> (Id, State) {
        match self.posts.recv_timeout(PATIENCE).unwrap() {
            Post::Transfer(transfer) => (transfer.id, transfer.state),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_panic_fails_its_transfer_and_no_other() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        bench.download(dir.path().join("a"), Some(Arc::new(Panics)));
        assert_eq!(bench.state(), (round, State::Waiting));
        assert_eq!(bench.state(), (round, State::Running));
        let (id, State::Failed(told)) = bench.state() else {
            panic!("it did not fail");
        };
        assert_eq!(id, round);
        assert!(!told.hint.en.is_empty() && !told.hint.zh.is_empty());
    }
}

#[test]
fn a_transfer_that_is_still_connecting_is_paused_cancelled_and_resumed_at_once() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    bench.download(dir.path().join("a"), None);
    assert_eq!(bench.state(), (1, State::Waiting));
    for (order, stopped) in [
        (TransferOrder::Pause(1), State::Paused),
        (TransferOrder::Cancel(1), State::Cancelled),
        (TransferOrder::PauseAll, State::Paused),
        (TransferOrder::CancelAll, State::Cancelled),
    ] {
        assert_eq!(bench.state(), (1, State::Running));
        let _connection = bench.silent.accept().unwrap();
        bench.order(order);
        assert_eq!(bench.state(), (1, stopped));
        bench.order(TransferOrder::Resume(1));
        assert_eq!(bench.state(), (1, State::Waiting));
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn all_that_is_paused_goes_on_and_what_was_cancelled_does_not() {
    let (bench, dir) = (Bench::new(), tempfile::tempdir().unwrap());
    for (id, order, stopped) in [
        (1, TransferOrder::Pause(1), State::Paused),
        (2, TransferOrder::Cancel(2), State::Cancelled),
    ] {
        bench.download(dir.path().join(id.to_string()), None);
        assert_eq!(bench.state(), (id, State::Waiting));
        assert_eq!(bench.state(), (id, State::Running));
        bench.order(order);
        assert_eq!(bench.state(), (id, stopped));
    }
    for order in [TransferOrder::RetryAll, TransferOrder::ResumeAll] {
        bench.order(order);
    }
    assert_eq!(bench.state(), (1, State::Waiting));
    assert_eq!(bench.state(), (1, State::Running));
    bench.order(TransferOrder::Clear);
    assert_eq!(bench.state(), (2, State::Forgotten));
}

#[test]
fn what_was_given_up_while_connecting_says_nothing_later() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    bench.download(dir.path().join("a"), None);
    bench.state();
    bench.state();
    let (connection, _) = bench.silent.accept().unwrap();
    bench.order(TransferOrder::Pause(1));
    assert_eq!(bench.state(), (1, State::Paused));
    bench.order(TransferOrder::Resume(1));
    assert_eq!(bench.state(), (1, State::Waiting));
    assert_eq!(bench.state(), (1, State::Running));
    let _second = bench.silent.accept().unwrap();
    // The first try fails now; the second is still at it.
    drop(connection);
    bench.order(TransferOrder::Pause(1));
    assert_eq!(bench.state(), (1, State::Paused));
}

#[test]
fn the_dealing_thread_ends_with_the_window_whatever_hangs() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    bench.download(dir.path().join("a"), None);
    bench.state();
    bench.state();
    let _connection = bench.silent.accept().unwrap();
    bench.mail.send(Mail::Quit).unwrap();
    let end = std::time::Instant::now() + PATIENCE;
    // Its end of the channel is gone when it ended.
    while bench.mail.send(Mail::Order(TransferOrder::Clear)).is_ok() {
        assert!(std::time::Instant::now() < end, "it goes on");
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_uploaded_is_told_and_the_rest_is_queued() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().join("top");
    std::fs::create_dir_all(top.join("inner")).unwrap();
    for name in ["top/a", "top/inner/b", "top/bad\\name"] {
        std::fs::File::create(dir.path().join(name)).unwrap();
    }
    bench.download(dir.path().join("x"), None);
    let (Post::Transfer(transfer), _) = (
        bench.posts.recv_timeout(PATIENCE).unwrap(),
        bench.posts.recv_timeout(PATIENCE).unwrap(),
    ) else {
        panic!("no transfer");
    };
    bench.order(TransferOrder::Upload(NewUploads {
        paths: vec![top, dir.path().join("gone")],
        folder: "into/".into(),
        target: transfer.target,
    }));
    let (mut names, mut left_out, mut over) = (Vec::new(), Vec::new(), false);
    while !over || names.len() < 2 {
        match bench.posts.recv_timeout(PATIENCE).unwrap() {
            Post::Gathering(news) => {
                left_out.extend(news.left_out);
                over = news.over;
            }
            Post::Transfer(transfer) if transfer.state == State::Waiting => {
                names.push(transfer.job.name().to_string());
            }
            _ => {}
        }
    }
    assert_eq!(names, ["into/top/a", "into/top/inner/b"]);
    assert_eq!(left_out.len(), 2);
    assert!(
        left_out
            .iter()
            .all(|told| told.message.en != told.message.zh)
    );
}

/// Uploads an empty file as `name` to that server, as `user`; how it ended.
fn upload(bench: &Bench, target: &SharedTarget, dir: &std::path::Path, name: &str) -> State {
    let path = dir.join(name);
    std::fs::File::create(&path).unwrap();
    let name = name.parse().unwrap();
    carry_out(bench, target, Job::Upload { path, name })
}

fn carry_out(bench: &Bench, target: &SharedTarget, job: Job) -> State {
    bench.order(TransferOrder::Add(vec![NewTransfer {
        job,
        size: None,
        target: Arc::clone(target),
    }]));
    loop {
        match bench.state() {
            (_, State::Waiting | State::Running) => {}
            (_, state) => return state,
        }
    }
}

#[test]
fn one_connection_carries_what_one_login_asks_for_and_another_login_has_its_own() {
    let (bench, dir) = (Bench::new(), tempfile::tempdir().unwrap());
    let (port, users) = taker(9);
    let (alice, bob) = (login(port, "alice"), login(port, "bob"));
    for (target, name) in [(&alice, "a"), (&alice, "b"), (&bob, "c"), (&alice, "d")] {
        let state = upload(&bench, target, dir.path(), name);
        assert!(matches!(state, State::Done(_)), "{state:?}");
    }
    let users: Vec<_> = users.try_iter().collect();
    assert_eq!(users, ["alice", "bob", "alice"]);
}

#[test]
fn a_connection_that_rests_is_ended_after_a_while() {
    let (bench, dir) = (Bench::new(), tempfile::tempdir().unwrap());
    let (port, users) = taker(9);
    upload(&bench, &login(port, "alice"), dir.path(), "a");
    assert_eq!(users.recv_timeout(PATIENCE).unwrap(), "alice");
    assert_eq!(users.recv_timeout(PATIENCE).unwrap(), "quit");
}

#[test]
fn a_connection_that_the_server_ended_while_it_rested_fails_nothing() {
    let (bench, dir) = (Bench::new(), tempfile::tempdir().unwrap());
    let (port, users) = taker(1);
    let alice = login(port, "alice");
    for name in ["a", "b", "c"] {
        let state = upload(&bench, &alice, dir.path(), name);
        assert!(matches!(state, State::Done(_)), "{state:?}");
    }
    assert_eq!(users.try_iter().count(), 3);
}

#[test]
fn bytes_that_were_altered_on_the_way_are_a_failure_and_nothing_of_them_is_kept() {
    let (bench, dir) = (Bench::new(), tempfile::tempdir().unwrap());
    let (port, _users) = taker(9);
    let alice = login(port, "alice");
    let back = dir.path().join("back");
    for (name, well) in [("same", true), ("altered", false)] {
        let state = upload(&bench, &alice, dir.path(), name);
        assert_eq!(matches!(state, State::Done(_)), well, "{state:?}");
        let job = Job::Download {
            path: back.join(name),
            name: name.parse().unwrap(),
        };
        let state = carry_out(&bench, &alice, job);
        assert_eq!(matches!(state, State::Done(_)), well, "{state:?}");
    }
    let names: Vec<_> = back
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["same"]);
}

#[test]
fn what_is_known_to_be_there_stays_shown_while_another_try_connects() {
    let target = sample::target("localhost", 1);
    let transfer = sample::transfer(1, sample::upload("a"), &target, State::Paused);
    sample::moved(&transfer, 100, 20, 30);
    let gauge = &transfer.gauge;
    gauge.restart();
    assert_eq!((gauge.size(), gauge.done(), gauge.moved()), (100, 50, 0));
    assert!(!gauge.has_begun());
}

#[test]
fn another_try_counts_what_it_moves_from_nothing() {
    let (bench, dir) = (Bench::new(), tempfile::tempdir().unwrap());
    bench.download(dir.path().join("a"), None);
    let Post::Transfer(transfer) = bench.posts.recv_timeout(PATIENCE).unwrap() else {
        panic!("no transfer");
    };
    assert_eq!(bench.state(), (1, State::Running));
    sample::moved(&transfer, 100, 20, 30);
    bench.order(TransferOrder::Pause(1));
    assert_eq!(bench.state(), (1, State::Paused));
    bench.order(TransferOrder::Resume(1));
    assert_eq!(bench.state(), (1, State::Waiting));
    assert_eq!(bench.state(), (1, State::Running));
    let gauge = &transfer.gauge;
    assert_eq!((gauge.done(), gauge.moved()), (50, 0));
    assert!(!gauge.has_begun());
}

#[test]
fn a_try_that_was_stopped_before_it_had_a_connection_never_begins_and_one_that_has_it_is_cut() {
    let (port, _users) = taker(9);
    let target = login(port, "alice");
    let (mut client, _account) = target.log_in().unwrap();
    let (early, late) = (Leash::default(), Leash::default());
    assert_eq!(early.stop(), Stopped::BeforeItBegan);
    assert!(early.tie(client.hang_up()).is_err());
    late.tie(client.hang_up()).unwrap();
    assert!(!late.is_stopped());
    assert_eq!(late.stop(), Stopped::Cut);
    assert!(late.is_stopped() && client.list("").is_err());
}
