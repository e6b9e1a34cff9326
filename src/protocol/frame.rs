//! Frames: a length, then that many bytes of JSON, over anything that reads and writes.

use std::fmt;
use std::io::{self, Read, Write};

use serde::Serialize;

/// Bytes of JSON in the largest frame. The largest message (a page of a listing) is cut to fit; a peer
/// that announces more is refused before a byte is allocated.
pub const MAX_FRAME_BYTES: usize = 65_536;

/// Bytes of the length in front of each frame.
const HEAD_BYTES: usize = 4;

/// Why no frame could be read.
#[derive(Debug)]
pub enum FrameError {
    /// The length is 0.
    Empty,
    /// The length announced is over [`MAX_FRAME_BYTES`].
    TooLong(u32),
    /// The stream ended inside the frame.
    Truncated,
    /// The stream failed.
    Io(io::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a frame of length 0"),
            Self::TooLong(n) => write!(f, "a frame of {n} bytes, the limit is {MAX_FRAME_BYTES}"),
            Self::Truncated => f.write_str("the stream ended inside a frame"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}

/// Reads one frame into `buffer` and returns its JSON text; `None` when the peer hung up between frames.
///
/// Under TLS an end of stream without `close_notify` between two frames counts as a hang-up too: every
/// message has a length, so nothing can have been cut off (rustls manual, "Unexpected EOF").
pub fn read_frame<'a>(
    stream: &mut (impl Read + ?Sized),
    buffer: &'a mut Vec<u8>,
) -> Result<Option<&'a [u8]>, FrameError> {
    let mut head = [0; HEAD_BYTES];
    if !read_first(stream, &mut head)? {
        return Ok(None);
    }
    let announced = u32::from_be_bytes(head);
    let length = match usize::try_from(announced) {
        Ok(0) => return Err(FrameError::Empty),
        Ok(length) if length <= MAX_FRAME_BYTES => length,
        _ => return Err(FrameError::TooLong(announced)),
    };
    buffer.resize(length, 0);
    stream.read_exact(buffer)?;
    Ok(Some(buffer))
}

/// Fills `head`; false when the stream ended before its first byte.
fn read_first(
    stream: &mut (impl Read + ?Sized),
    head: &mut [u8; HEAD_BYTES],
) -> Result<bool, FrameError> {
    loop {
        match stream.read(&mut head[..1]) {
            Ok(0) => return Ok(false),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    stream.read_exact(&mut head[1..])?;
    Ok(true)
}

/// The bytes of `message` as one frame: the head and the JSON in one buffer, so that they leave in one
/// write, one TLS record and one segment.
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEAD_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len().saturating_sub(HEAD_BYTES);
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a message of {length} bytes does not fit a frame"),
        ));
    }
    let head = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    frame[..HEAD_BYTES].copy_from_slice(&head);
    Ok(frame)
}

/// Writes `message` as one frame, in one write, and flushes.
pub fn write_frame(stream: &mut (impl Write + ?Sized), message: &impl Serialize) -> io::Result<()> {
    stream.write_all(&encode(message)?)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    /// Gives one byte a read, as a hostile or a very slow network would.
    struct OneByte<R>(R);

    impl<R: Read> Read for OneByte<R> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let end = buf.len().min(1);
            self.0.read(&mut buf[..end])
        }
    }

    fn read(bytes: &[u8]) -> Result<Option<Vec<u8>>, FrameError> {
        let mut buffer = Vec::new();
        read_frame(&mut OneByte(bytes), &mut buffer).map(|frame| frame.map(<[u8]>::to_vec))
    }

    #[test]
    fn frames_cross_a_socket_pair_byte_by_byte() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let writer = thread::Builder::new()
            .spawn(move || {
                for n in 0..100u32 {
                    write_frame(&mut near, &vec![n; 20]).unwrap();
                }
            })
            .unwrap();
        let (mut far, mut buffer) = (OneByte(far), Vec::new());
        for n in 0..100u32 {
            let frame = read_frame(&mut far, &mut buffer).unwrap().unwrap();
            assert_eq!(
                serde_json::from_slice::<Vec<u32>>(frame).unwrap(),
                vec![n; 20]
            );
        }
        assert!(read_frame(&mut far, &mut buffer).unwrap().is_none());
        writer.join().unwrap();
    }

    #[test]
    fn head_and_text_leave_in_one_write() {
        struct Writes(Vec<usize>);
        impl Write for Writes {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.0.push(buf.len());
                Ok(buf.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writes = Writes(Vec::new());
        write_frame(&mut writes, &"abc").unwrap();
        assert_eq!(writes.0, [4 + 5]);
    }

    #[test]
    fn the_largest_frame_passes_and_one_byte_more_is_refused_unallocated() {
        let mut largest = 65_536u32.to_be_bytes().to_vec();
        largest.resize(4 + 65_536, b' ');
        assert_eq!(read(&largest).unwrap().unwrap().len(), 65_536);
        for announced in [65_537, 0x7fff_ffff, 0xffff_ffff, 0x4745_5420] {
            let head = u32::to_be_bytes(announced);
            let mut buffer = Vec::new();
            let error = read_frame(&mut Cursor::new(head), &mut buffer).unwrap_err();
            assert!(matches!(error, FrameError::TooLong(n) if n == announced));
            assert_eq!(buffer.capacity(), 0);
        }
    }

    #[test]
    fn nothing_is_a_hang_up_and_anything_less_than_a_frame_a_truncation() {
        assert!(read(b"").unwrap().is_none());
        assert!(matches!(read(b"\0\0\0\0"), Err(FrameError::Empty)));
        for cut in [&b"\0"[..], b"\0\0\0", b"\0\0\0\x02", b"\0\0\0\x02{"] {
            assert!(matches!(read(cut), Err(FrameError::Truncated)), "{cut:?}");
        }
    }

    #[test]
    fn a_message_that_does_not_fit_is_not_sent() {
        let mut sent = Vec::new();
        assert!(write_frame(&mut sent, &"x".repeat(65_535)).is_err());
        assert!(sent.is_empty());
        write_frame(&mut sent, &"x".repeat(65_534)).unwrap();
        assert_eq!(sent.len(), 4 + 65_536);
    }
}
