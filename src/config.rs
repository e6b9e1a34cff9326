//! Every number that bounds something, with its unit and its reason, in one place.

use std::time::Duration;

/// What bounds a server. The defaults are for a class room: hundreds of people, one machine.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections served at once. Each is a thread; see [`CONNECTIONS_CEILING`].
    pub connections: usize,
    /// Connections served at once from one address (one /64 of IPv6).
    pub connections_per_address: usize,
    /// From accept to the end of the TLS handshake, whatever the client sends meanwhile: a socket's read
    /// timeout would not bound it, as every byte would start it anew.
    pub handshake_timeout: Duration,
    /// From the end of the handshake to a finished login.
    pub login_timeout: Duration,
    /// From one reply to the whole of the next request.
    pub idle_timeout: Duration,
    /// How long a body may go on without [`STALL_FLOOR_BYTES`] of progress.
    pub stall_timeout: Duration,
    /// How long running transfers may go on after the server was told to stop.
    pub drain_timeout: Duration,
    /// Bytes of the largest file taken.
    pub file_bytes: u64,
    /// Bytes one user may own; `None` is no bound but the disk.
    pub quota_bytes: Option<u64>,
    /// Bytes a second on each connection; `None` is as fast as it goes.
    pub bytes_per_s: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connections_per_address: 256,
            handshake_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(5),
            stall_timeout: Duration::from_mins(1),
            drain_timeout: Duration::from_secs(10),
            file_bytes: 1 << 50,
            quota_bytes: None,
            bytes_per_s: None,
        }
    }
}

/// Connections a server can be told to serve at most. A std thread costs four memory maps, the kernel
/// allows 65,530 a process, and the runtime aborts the whole process, not one thread, when they run out.
pub const CONNECTIONS_CEILING: usize = 10_000;

/// Connections over the cap that are still greeted and told `busy`; past them the door is just closed.
pub const BUSY_GREETERS: usize = 32;

/// How long a client that will be told `busy` has to shake hands and say hello.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections the kernel holds ready. std's 128 overflows in a burst, and each dropped SYN waits a second.
pub const LISTEN_BACKLOG: i32 = 4_096;

/// How long accepting rests when the process has no file descriptor or thread left: never spin.
pub const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Bytes of stack of a connection's thread: TLS and JSON need less than 64 KiB; this bounds address space.
pub const STACK_BYTES: usize = 512 * 1024;

/// Bytes a body must move in each `stall_timeout` to count as alive.
pub const STALL_FLOOR_BYTES: u64 = 4 * 1024;

/// How long a closing connection reads on, so that its last reply is not lost to a reset.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes a closing connection reads on at most.
pub const CLOSE_BYTES: u64 = 1024 * 1024;

/// Bytes of a refused body that are read and thrown away before the refusal is said.
pub const DISCARD_BYTES: u64 = 64 * 1024 * 1024;

/// How long a refused body is read on.
pub const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes moved at once between disk and wire: large enough that system calls do not count.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Bytes buffered under a connection during a transfer: rustls reads its socket 4 KiB at a time.
pub const SOCKET_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes buffered under a connection that only talks.
pub const SOCKET_BUFFER_IDLE_BYTES: usize = 8 * 1024;

/// Bytes of one detail in the log and the audit trail; a file's name fits. A certificate nobody signed may
/// have a subject of 60 KiB, and a client may show it as often as it likes.
pub const DETAIL_BYTES_MAX: usize = 2 * 1024;

/// Bytes in the longest `agent` of a hello.
pub const AGENT_BYTES_MAX: usize = 256;

/// Bytes in the shortest password taken (NIST SP 800-63B §3.1.1).
pub const PASSWORD_BYTES_MIN: usize = 8;

/// Bytes in the longest password taken; longer ones are refused before hashing.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// Users in the largest table; registration is open to strangers.
pub const USERS_MAX: usize = 100_000;

/// Passwords waiting to be hashed at most; each hash takes 19 MiB and a core.
pub const HASH_QUEUE_MAX: usize = 64;

/// Where a server listens and a client looks, when not told otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9999";

/// The port when only a host is given.
pub const DEFAULT_PORT: u16 = 9999;
