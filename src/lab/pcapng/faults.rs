//! What can be wrong with a capture, in words.

use std::io;

use crate::error::{Error, Kind};

/// What is wrong with a block.
pub(super) fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A block that cannot be read.
pub(super) fn damaged() -> Error {
    Error::new(
        Kind::LocalRead,
        "cannot read the capture: a block is damaged",
    )
    .hint("capture again, or copy what can be read with `editcap`")
    .zh(
        "无法读取捕获文件：有一个块已损坏",
        "请重新捕获，或用 `editcap` 复制其中可读的部分",
    )
}

/// Another kind of file.
pub(super) fn not_a_capture() -> Error {
    Error::new(
        Kind::LocalRead,
        "this is no capture, neither pcapng nor pcap",
    )
    .hint("convert another format first: editcap -F pcapng OLD NEW.pcapng")
    .zh(
        "这不是捕获文件，既不是 pcapng 也不是 pcap",
        "其他格式请先转换：editcap -F pcapng OLD NEW.pcapng",
    )
}

/// Why the first block could not be read.
pub(super) fn not_pcapng(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData => not_a_capture().source(error),
        _ => Error::io(Kind::LocalRead, "read the capture", error),
    }
}
