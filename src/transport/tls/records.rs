//! Cuts one direction's bytes into records, and joins the handshake messages that stand in them (RFC 8446
//! §5.1).

/// Content types (RFC 8446 §5.1).
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// See [`CHANGE_CIPHER_SPEC`].
pub const ALERT: u8 = 21;
/// See [`CHANGE_CIPHER_SPEC`].
pub const HANDSHAKE: u8 = 22;
/// See [`CHANGE_CIPHER_SPEC`].
pub const APPLICATION_DATA: u8 = 23;
/// RFC 6520; the last of the numbers in use.
const HEARTBEAT: u8 = 24;

/// Bytes of the largest record (RFC 5246 §6.2.3: 2^14 of content and 2,048 of expansion).
pub const RECORD_BYTES_MAX: u16 = (1 << 14) + 2_048;

/// Bytes of the longest handshake message that is waited for; a chain of certificates is some 4 KiB.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Bytes in front of each record.
const HEADER_BYTES: usize = 5;

/// What stands in front of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its content type, as far as it shows.
    pub kind: u8,
    /// The version it is said to be of.
    pub version: u16,
    /// Bytes that follow.
    pub length: u16,
}

impl Header {
    /// Reads it; none when no record begins like that.
    pub fn read(bytes: [u8; HEADER_BYTES]) -> Option<Self> {
        let [kind, major, minor, high, low] = bytes;
        let header = Self {
            kind,
            version: u16::from_be_bytes([major, minor]),
            length: u16::from_be_bytes([high, low]),
        };
        let is_record = (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind)
            && major == 3
            && header.length <= RECORD_BYTES_MAX;
        is_record.then_some(header)
    }

    /// As it is on the wire.
    pub fn bytes(self) -> [u8; HEADER_BYTES] {
        let ([major, minor], [high, low]) = (self.version.to_be_bytes(), self.length.to_be_bytes());
        [self.kind, major, minor, high, low]
    }
}

/// A piece of a stream of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut<'a> {
    /// A record begins.
    Begin(Header),
    /// The next bytes of its body.
    Body(&'a [u8]),
    /// It is whole.
    End(Header),
    /// No record begins here: the bytes that were to be its header. Nothing is cut any more.
    Broken(&'a [u8]),
}

/// Cuts a stream into records as its bytes come, and keeps nothing but a header.
#[derive(Debug, Default)]
pub struct Cutter {
    head: Vec<u8>,
    current: Option<Header>,
    left: usize,
    broken: bool,
}

impl Cutter {
    /// Takes the next bytes and tells what they are.
    pub fn feed(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Cut<'_>)) {
        while !self.broken && (!bytes.is_empty() || self.is_at_an_end()) {
            let Some(header) = self.current else {
                let wanted = HEADER_BYTES - self.head.len();
                let (head, rest) = bytes.split_at(bytes.len().min(wanted));
                self.head.extend(head);
                bytes = rest;
                let Some(head) = self.head.first_chunk::<HEADER_BYTES>() else {
                    return;
                };
                self.current = Header::read(*head);
                if let Some(header) = self.current {
                    self.left = header.length.into();
                    tell(Cut::Begin(header));
                } else {
                    self.broken = true;
                    tell(Cut::Broken(&self.head));
                }
                self.head.clear();
                continue;
            };
            let (body, rest) = bytes.split_at(bytes.len().min(self.left));
            self.left -= body.len();
            bytes = rest;
            if !body.is_empty() {
                tell(Cut::Body(body));
            }
            if self.left == 0 {
                self.current = None;
                tell(Cut::End(header));
            }
        }
        if self.broken && !bytes.is_empty() {
            tell(Cut::Broken(bytes));
        }
    }

    /// Bytes are missing: where the next record begins is unknown.
    pub fn gap(&mut self) {
        self.broken = true;
    }

    /// Whether nothing is cut any more.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The bytes of a header that is not whole yet, or the header of the record that is not.
    pub fn pending(&self) -> Vec<u8> {
        match self.current {
            Some(header) => header.bytes().to_vec(),
            None => self.head.clone(),
        }
    }

    /// A record of no bytes is whole with its header.
    fn is_at_an_end(&self) -> bool {
        self.current.is_some() && self.left == 0
    }
}

/// Joins handshake messages, which may be cut over several records or share one.
#[derive(Debug, Default)]
pub struct Joiner {
    bytes: Vec<u8>,
    broken: bool,
}

impl Joiner {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.broken {
            self.bytes.extend(bytes);
        }
    }

    /// The next whole message: its number, and all its bytes with the four of its header.
    pub fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let [kind, a, b, c] = self.bytes.first_chunk().copied()?;
        let length = 4 + u32::from_be_bytes([0, a, b, c]) as usize;
        if length > MESSAGE_BYTES_MAX {
            self.bytes = Vec::new();
            self.broken = true;
            return None;
        }
        if self.bytes.len() < length {
            return None;
        }
        let message = self.bytes.drain(..length).collect();
        Some((kind, message))
    }

    /// Whether a message announced more bytes than any has; what follows cannot be joined.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// What is begun is given up.
    pub fn clear(&mut self) {
        self.bytes = Vec::new();
    }
}
