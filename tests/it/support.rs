//! What every test stands on: a house with data and certificates, the real server in it, the real client.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sealpost::pki::{Authority, InitOptions, IssueRequest};
use sealpost::protocol::Sha256;
use sealpost::store::{Role, Store};
use tempfile::TempDir;

/// The password of every user of a [`House`].
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How long anything at all may take; only a hang is longer.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// Plain TCP.
    Plain,
    /// TLS without a client certificate.
    Tls,
    /// TLS with the user's certificate.
    Mtls,
}

impl Via {
    /// All three.
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Tls, Self::Mtls];

    /// What the server must be told to be reached so.
    pub(crate) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["--plain"],
            Self::Tls => &["--client-auth", "none"],
            Self::Mtls => &[],
        }
    }

    /// The word of the protocol.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
            Self::Mtls => "mtls",
        }
    }
}

/// Files that are the same in every house: made once, copied.
struct Furniture {
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// Two CAs (`certs`, and `foreign` of the same name), certificates of users, and users.csv with alice, bob
/// (users), root (admin) and gone (disabled).
fn furniture() -> &'static Furniture {
    static MADE: OnceLock<Furniture> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for ca in ["certs", "foreign"] {
            let (ca, _) = Authority::init(&dir.path().join(ca), &InitOptions::default()).unwrap();
            ca.issue(&IssueRequest {
                out: Some("server".into()),
                ..IssueRequest::server(["localhost"])
            })
            .unwrap();
            for user in ["alice", "bob", "root", "gone", "nobody"] {
                ca.issue(&IssueRequest {
                    out: Some(user.into()),
                    ou: (user == "bob").then(|| "guests".into()),
                    ..IssueRequest::client(user)
                })
                .unwrap();
            }
        }
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        let (store, _) = Store::open(&data).unwrap();
        for user in ["alice", "bob", "root", "gone"] {
            let role = match user {
                "root" => Role::Admin,
                _ => Role::User,
            };
            let deadline = Instant::now() + PATIENCE;
            let name = user.parse().unwrap();
            let made = store
                .users()
                .register(name, PASSWORD.as_bytes(), role, deadline);
            made.unwrap();
        }
        store
            .users()
            .set_enabled(&"gone".parse().unwrap(), false)
            .unwrap();
        drop(store);
        let mut files = Vec::new();
        for folder in ["certs", "foreign", "data/users.csv"] {
            collect(dir.path(), &dir.path().join(folder), &mut files);
        }
        Furniture { files }
    })
}

fn collect(top: &Path, path: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(top, &entry.unwrap().path(), files);
        }
    } else {
        let inside = path.strip_prefix(top).unwrap().to_owned();
        files.push((inside, fs::read(path).unwrap()));
    }
}

/// A folder with `certs/`, `foreign/`, `data/` and `work/` (where clients run); gone when dropped.
#[derive(Debug)]
pub(crate) struct House(TempDir);

impl House {
    /// A furnished one.
    pub(crate) fn new() -> Arc<Self> {
        let dir = tempfile::tempdir().unwrap();
        for (inside, bytes) in &furniture().files {
            let path = dir.path().join(inside);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            if inside
                .extension()
                .is_some_and(|extension| extension == "key")
            {
                set_mode(&path, 0o600);
            }
        }
        fs::create_dir(dir.path().join("work")).unwrap();
        Arc::new(Self(dir))
    }

    /// A path in it.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    /// A path in it, as an argument.
    pub(crate) fn arg(&self, inside: &str) -> String {
        self.path(inside).to_str().unwrap().to_owned()
    }

    /// Writes a file into `work/`.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path("work").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a file of `work/`.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path("work").join(name)).unwrap()
    }

    /// The names in a folder, sorted; none when it is not there.
    pub(crate) fn names(&self, inside: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(inside)).into_iter().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }

    /// The program, run in `work/` with nothing from outside in its environment.
    pub(crate) fn sealpost(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        command
            .args(args)
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PW", PASSWORD)
            // A busy machine is no silent peer: nobody gives up on a handshake unless the test says so.
            .env("SEALPOST_CONNECT_TIMEOUT", "2m")
            .env("SEALPOST_HANDSHAKE_TIMEOUT", "2m")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.sealpost(args))
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) err: String,
}

impl Ran {
    /// Runs `command` to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    /// It must have ended well; its standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// It must have ended with `code`, with one line of what is wrong and one of what to do next, and
    /// without a panic or Rust in it; its standard error.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        for word in ["panicked", "Error {", "os error", "Err(", "Some("] {
            assert!(!self.err.contains(word), "{}", self.err);
        }
        assert!(self.err.contains("sealpost: error: "), "{}", self.err);
        assert!(self.err.contains("sealpost:   next: "), "{}", self.err);
        self.err
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// What a process writes, as it comes.
#[derive(Debug, Default)]
pub(crate) struct Log {
    state: Mutex<(String, bool)>,
    grown: Condvar,
}

impl Log {
    /// Takes in all that `reader` has, on a thread of its own.
    pub(crate) fn pump(reader: impl Read + Send + 'static) -> (Arc<Self>, JoinHandle<()>) {
        let log = Arc::new(Self::default());
        let here = Arc::clone(&log);
        let pump = move || {
            let mut reader = BufReader::new(reader);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                here.state.lock().unwrap().0.push_str(&text);
                here.grown.notify_all();
                line.clear();
            }
            here.state.lock().unwrap().1 = true;
            here.grown.notify_all();
        };
        let thread = thread::Builder::new().spawn(pump).unwrap();
        (log, thread)
    }

    /// Waits until `text` was written; false when the process ended without it.
    pub(crate) fn wait_for(&self, text: &str) -> bool {
        self.wait_for_times(text, 1)
    }

    /// Waits until `text` was written so many times.
    pub(crate) fn wait_for_times(&self, text: &str, times: usize) -> bool {
        let state = self.state.lock().unwrap();
        let missing =
            |state: &mut (String, bool)| state.0.matches(text).count() < times && !state.1;
        let (state, _) = self
            .grown
            .wait_timeout_while(state, PATIENCE, missing)
            .unwrap();
        state.0.matches(text).count() >= times
    }

    /// All so far.
    pub(crate) fn text(&self) -> String {
        self.state.lock().unwrap().0.clone()
    }
}

/// A running server; ended, reaped and checked for panics when dropped.
#[derive(Debug)]
pub(crate) struct TestServer {
    /// Where it lives.
    pub(crate) house: Arc<House>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its standard error.
    pub(crate) log: Arc<Log>,
    /// Its standard output.
    pub(crate) out: Arc<Log>,
    child: Child,
    pumps: Vec<JoinHandle<()>>,
}

impl TestServer {
    /// Starts one in a house of its own.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_in(&House::new(), flags)
    }

    /// Starts one that is reached `via`.
    pub(crate) fn via(via: Via) -> Self {
        Self::start(via.flags())
    }

    /// Starts one in a house that is there.
    pub(crate) fn start_in(house: &Arc<House>, flags: &[&str]) -> Self {
        Self::spawn(house, &mut Self::command(house, flags))
    }

    /// The command that starts one.
    pub(crate) fn command(house: &House, flags: &[&str]) -> Command {
        let mut args = vec!["serve"];
        if !flags.contains(&"--listen") {
            args.extend(["--listen", "127.0.0.1:0"]);
        }
        args.extend(flags);
        let mut command = house.sealpost(&args);
        command.current_dir(house.path(""));
        command
    }

    /// Starts the server that `command` is.
    pub(crate) fn spawn(house: &Arc<House>, command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, out_pump) = Log::pump(child.stdout.take().unwrap());
        let (log, log_pump) = Log::pump(child.stderr.take().unwrap());
        let mut server = Self {
            house: Arc::clone(house),
            address: ([127, 0, 0, 1], 0).into(),
            log,
            out,
            child,
            pumps: vec![out_pump, log_pump],
        };
        let listening = server.out.wait_for("\n");
        assert!(listening, "no server: {}", server.log.text());
        let line = server.out.text();
        let address = line.strip_prefix("listening on ").unwrap();
        server.address = address.split(": ").next().unwrap().parse().unwrap();
        server
    }

    /// The client: `args` begins with the command.
    pub(crate) fn client(&self, via: Via, user: &str, args: &[&str]) -> Command {
        let at = self.address.to_string();
        self.client_at(&at, via, user, args)
    }

    /// The client, told to connect elsewhere (a relay).
    pub(crate) fn client_at(&self, at: &str, via: Via, user: &str, args: &[&str]) -> Command {
        let house = &self.house;
        let mut all = vec![args[0], "--server", at];
        all.extend(["--user", user, "--password", "env:PW"]);
        let certs = ["ca.crt", &format!("{user}.crt"), &format!("{user}.key")]
            .map(|name| house.arg(&format!("certs/{name}")));
        match via {
            Via::Plain => all.push("--plain"),
            Via::Tls => all.extend(["--cacert", &certs[0]]),
            Via::Mtls => {
                all.extend([
                    "--cacert", &certs[0], "--cert", &certs[1], "--key", &certs[2],
                ]);
            }
        }
        all.extend(&args[1..]);
        house.sealpost(&all)
    }

    /// Runs the client to its end.
    pub(crate) fn run(&self, via: Via, user: &str, args: &[&str]) -> Ran {
        Ran::of(&mut self.client(via, user, args))
    }

    /// The names a listing has.
    #[track_caller]
    pub(crate) fn listed(&self, via: Via) -> Vec<String> {
        let out = self.run(via, "root", &["ls"]).ok();
        out.lines().map(str::to_owned).collect()
    }

    /// The process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// A number of /proc/PID/status in KiB, such as `VmRSS` or `VmHWM`.
    pub(crate) fn memory_kib(&self, what: &str) -> u64 {
        memory_kib(self.child.id(), what).unwrap()
    }

    /// Waits for its end; the exit code, -1 when a signal ended it.
    pub(crate) fn ended(&mut self) -> i32 {
        wait(&mut self.child, PATIENCE).expect("the server does not end")
    }

    /// Cuts it off as a power failure would.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        assert_eq!(self.ended(), -1);
    }

    /// The address as an argument.
    pub(crate) fn at(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        for patience in [Duration::from_secs(2), PATIENCE] {
            // After the child was reaped its number may be somebody else's.
            if matches!(self.child.try_wait(), Ok(None)) {
                let _gone = kill_process(Pid::from_child(&self.child), Signal::TERM);
                wait(&mut self.child, patience);
            }
        }
        let stuck = matches!(self.child.try_wait(), Ok(None));
        if stuck {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
        for pump in self.pumps.drain(..) {
            let _ended = pump.join();
        }
        let log = self.log.text();
        if thread::panicking() {
            #[expect(clippy::print_stderr, reason = "the failed test's other half")]
            {
                eprintln!("--- the server's log\n{log}---");
            }
        } else {
            assert!(!stuck, "the server did not stop: {log}");
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}

/// Waits for the end of a process that was started here; `None` when it does not come.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Option<i32> {
    let until = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().unwrap_or(-1));
        }
        if Instant::now() >= until {
            return None;
        }
        // std has no wait with a bound.
        thread::sleep(Duration::from_millis(5));
    }
}

/// A number of /proc/PID/status; `None` when the process is gone.
pub(crate) fn memory_kib(pid: u32, what: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(what))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Waits until `check` holds; for what announces itself nowhere.
#[track_caller]
pub(crate) fn until(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !check() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes that look like nothing and are the same each time.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The digest of bytes, as it travels.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_string()
}

/// Says loudly that a test did not test.
pub(crate) fn skipped(what: &str) {
    // Not by eprintln!, which the test harness keeps to itself when a test passes.
    let _closed = writeln!(std::io::stderr(), "SKIPPED: {what}");
}
