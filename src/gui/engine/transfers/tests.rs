//! The threads: what stops them, and that nothing does for good.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::client::{Login, Target};
use crate::gui::engine::{Post, Wake};
use crate::transport::{Onlooker, Way};

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
