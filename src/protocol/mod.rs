//! # The wire protocol, version 1
//!
//! This page is the specification: an independent client in any language can be written from it alone.
//! (`tests/interop/sealpost_client.py` is one, in Python's standard library.)
//!
//! One TCP connection, strictly request then reply, so one thread owns one stream and needs no lock. The
//! same bytes travel over plain TCP and inside TLS: that is what makes the two captures comparable.
//!
//! ## Telling plain from TLS
//!
//! The client speaks first. A TLS connection starts with byte `0x16`; a plain one with `0x00`, because a
//! frame length never exceeds 65,536. A server that allows both on one port peeks at that byte. Anything
//! else is closed with one `bad_request` reply and an audit event. Under TLS the ALPN name is
//! `sealpost/1`; a client that offers none is served, one that offers only others is refused.
//!
//! ## Frame
//!
//! ```text
//! u32, big endian    length N of the JSON text, 1 ..= 65_536
//! N bytes            one JSON object, UTF-8, no BOM
//! ```
//!
//! Bytes of a file follow a frame only where this page says so, and exactly as many as the frames agreed
//! on. N of 0, N over the limit, invalid UTF-8, invalid JSON, an unknown `op`, a missing or ill-typed
//! field, an unknown field in a request, a duplicate key, nesting deeper than the messages need:
//! `bad_request`, then close. The limit is checked before anything is allocated. A client ignores fields
//! of a reply that it does not know.
//!
//! ## Opening
//!
//! ```text
//! > {"op":"hello","version":1,"agent":"NAME/VERSION"}
//! < {"ok":true,"version":1,"agent":"NAME/VERSION","secure":"plain|tls|mtls","identity":"CN or null",
//!    "login":["password","certificate"],"register":true,"id":"connection id"}
//! ```
//!
//! `hello` is first and once. A client says "connected" only after this reply: in TLS 1.3 the client's
//! handshake ends before the server has judged its certificate (RFC 8446 §4.4.2), so a refusal arrives
//! here, as an alert. `id` is the connection's id in the server's audit log; the client shows it with
//! every error. `agent` is 1 ..= 256 bytes. `login` lists what this connection may log in with; `register`
//! says whether it may make an account, though perhaps only that of the name in its certificate (else `forbidden`).
//!
//! ## Accounts
//!
//! ```text
//! > {"op":"register","user":"alice","password":"…"}    < {"ok":true,"user":"alice","role":"user"}    logged in as well
//! > {"op":"login","user":"alice","password":"…"}       < {"ok":true,"user":"alice","role":"user"}
//! > {"op":"login"}                                      the verified client certificate is the login
//! > {"op":"passwd","old":"…","new":"…"}                 < {"ok":true}
//! > {"op":"whoami"}                                     < {"ok":true,"user":…,"role":…,"identity":…,"secure":…}
//! > {"op":"quit"}                                       < {"ok":true}, then both close (close_notify under TLS)
//! ```
//!
//! A new password is 8 ..= 1,024 bytes; a new user's name is what [`UserName`] says. A connection logs in
//! once. `whoami` and everything below needs a login first (`login_required`). A login is over when the user is
//! disabled or removed, or has a new password that this connection did not give: the next request is refused with
//! `login_required`, and the connection may log in again.
//!
//! ## Files
//!
//! A file's `name` is a relative path with `/`: UTF-8 in NFC, 1 ..= 1024 bytes, each part 1 ..= 255 bytes,
//! no empty part, no `.` or `..`, no control character, no backslash, no leading or trailing slash.
//! Any other name is a `bad_request`. Folders exist only as prefixes of names.
//!
//! ```text
//! FILE = {"name":…,"size":u64,"sha256":"64 hex","owner":"alice","modified":"RFC 3339 UTC"}
//!
//! > {"op":"list","prefix":"","after":"","limit":500}   < {"ok":true,"files":[FILE…],"more":false}
//! > {"op":"stat","name":…}                             < {"ok":true,"file":FILE}
//! > {"op":"get","name":…,"offset":0}                   < {"ok":true,"file":FILE,"offset":0}  then size-offset bytes
//! > {"op":"put","name":…,"size":N,"conflict":"error|overwrite|rename|resume"}
//!                                                      < {"ok":true,"name":…,"offset":K}  go ahead from K
//!   then N-K bytes, then  > {"sha256":"64 hex of the whole file"}
//!                                                      < {"ok":true,"file":FILE}
//! > {"op":"delete","name":…}                           < {"ok":true}
//! > {"op":"rename","from":…,"to":…,"conflict":"error|overwrite"}    < {"ok":true,"file":FILE}
//! ```
//!
//! `list` is ordered by the bytes of the name; `prefix` is any beginning of names and may be empty;
//! `after` pages: give the last name received. `limit` is at least 1. A page ends early when it would
//! not fit a frame; `more` says whether there is another. `get` with an `offset` beyond the size is a
//! `bad_request`.
//!
//! The name in the reply to `put` is the one that will be used: with `"conflict":"rename"` a free name
//! such as `report (1).pdf` is chosen; the final reply has the name it got.
//!
//! With `"conflict":"resume"` the server answers with what it still holds of an interrupted upload by the
//! same user of the same name and size: `{"ok":true,"name":…,"offset":K,"prefix_sha256":"…"}`. When K > 0
//! the client compares that digest with its own first K bytes and says `{"resume":true}` (the bytes follow
//! from K) or `{"resume":false}` (they follow from 0, and the held part is dropped). Bytes are never joined
//! to a prefix that both ends have not proved equal. Nothing held: K is 0 and no such frame is sent. An
//! existing finished file is a conflict as with `error`; a client whose file has the size and digest that
//! `stat` tells may call that done. A download resumes the same way at the client's
//! side: it keeps `NAME.part`, and appends only after `stat` shows the same size and digest as when the
//! part was begun, and checks the whole digest at the end.
//!
//! The final reply to `put` means: the bytes are on disk, the digest matched, the index has the entry,
//! and a crash one instruction later loses nothing.
//!
//! If the server must refuse in the middle of a body (disk full, say) it reads on and throws away, at most
//! 64 MiB or 5 s, replies, and closes if the body had not ended; a client whose write fails looks for that
//! reply before it reports the failure.
//!
//! ## Refusals
//!
//! ```text
//! < {"ok":false,"code":"not_found","message":"…"}
//! ```
//!
//! `code` is one of: `bad_request` `unsupported_version` `login_required` `login_failed` `register_closed`
//! `name_taken` `forbidden` `not_found` `exists` `too_large` `quota_exceeded` `no_space`
//! `checksum_mismatch` `busy` `rate_limited` `timeout` `shutting_down` `internal`. `login_failed` never
//! says which of user and password was wrong, and takes as long either way. `message` is for people and
//! may change. Only `bad_request`, `unsupported_version`, `timeout`, `shutting_down` and a refusal in the
//! middle of a body end the connection; so does `busy` as the answer to `hello`.
//!
//! ## Ending
//!
//! End of stream between two frames is a hang-up. Inside a frame or a body it is a truncation: nothing of
//! it is kept but a resumable partial upload. Under TLS, end of stream without `close_notify` inside a
//! frame or body is reported as truncation, never as a shorter file.

mod digest;
mod frame;
mod message;
mod name;
mod refusal;

pub use digest::{Hasher, Sha256};
pub use frame::{FrameError, MAX_FRAME_BYTES, encode, read_frame, write_frame};
pub use message::{
    Account, BodyEnd, Conflict, FileInfo, FileReply, GetReply, HelloReply, LIST_LIMIT_MAX,
    ListReply, LoginMethod, Operation, PutReply, Reply, Request, ResumeAnswer, Secure, WhoamiReply,
    parse_body_end, parse_reply, parse_request, parse_resume_answer,
};
pub use name::{FileName, NAME_BYTES_MAX, NameError, PART_BYTES_MAX, UserName};
pub use refusal::{Code, Refusal};

/// The version this crate speaks.
pub const VERSION: u64 = 1;

/// The ALPN name of version 1 (RFC 7301).
pub const ALPN: &[u8] = b"sealpost/1";

/// What this program calls itself in `hello`.
pub const AGENT: &str = concat!("sealpost/", env!("CARGO_PKG_VERSION"));

/// The first byte of a plain connection: a frame length never exceeds 65,536.
pub const FIRST_BYTE_PLAIN: u8 = 0x00;

/// The first byte of a TLS connection: content type handshake (RFC 8446 §5.1).
pub const FIRST_BYTE_TLS: u8 = 0x16;
