//! Key logs in the format of NSS (`SSLKEYLOGFILE`; RFC 9850): one secret a line, under the client's random.

use std::collections::HashMap;
use std::fmt;

use zeroize::Zeroizing;

/// Secrets kept; a line more is not believed to be of use to anybody.
const SECRETS_MAX: usize = 1_000_000;

/// Bytes of the longest secret taken: SHA-512 makes 64.
const SECRET_BYTES_MAX: usize = 64;

/// The labels of a key log.
pub mod label {
    /// The master secret of TLS 1.2 and before.
    pub const MASTER: &str = "CLIENT_RANDOM";
    /// What the client sends before the server has answered.
    pub const EARLY: &str = "CLIENT_EARLY_TRAFFIC_SECRET";
    /// The client's part of the handshake.
    pub const CLIENT_HANDSHAKE: &str = "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
    /// The server's part of the handshake.
    pub const SERVER_HANDSHAKE: &str = "SERVER_HANDSHAKE_TRAFFIC_SECRET";
    /// What the client sends after it.
    pub const CLIENT_TRAFFIC: &str = "CLIENT_TRAFFIC_SECRET_0";
    /// What the server sends after it.
    pub const SERVER_TRAFFIC: &str = "SERVER_TRAFFIC_SECRET_0";
    /// What other keys may be derived from.
    pub const EXPORTER: &str = "EXPORTER_SECRET";
}

/// A secret under its label.
type Labelled = (String, Zeroizing<Vec<u8>>);

/// The secrets of connections, each found by the client's random.
#[derive(Default)]
pub struct KeyLog {
    secrets: HashMap<[u8; 32], Vec<Labelled>>,
    count: usize,
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secrets stay out of logs.
        write!(f, "KeyLog({} secrets)", self.count)
    }
}

impl KeyLog {
    /// Adds the lines of a key log; returns how many secrets were in it. Comments, empty lines and lines of
    /// another form are passed over, as Wireshark does.
    pub fn read(&mut self, text: &[u8]) -> usize {
        let before = self.count;
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
            let Ok(line) = std::str::from_utf8(line) else {
                continue;
            };
            let mut words = line.split_ascii_whitespace();
            let (Some(label), Some(random), Some(secret), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            let random = unhex(random).and_then(|random| random.as_slice().try_into().ok());
            if let (Some(random), Some(secret)) = (random, unhex(secret)) {
                self.add(label, random, &secret);
            }
        }
        self.count - before
    }

    /// Adds one secret.
    pub fn add(&mut self, label: &str, client_random: [u8; 32], secret: &[u8]) {
        let fits = (1..=SECRET_BYTES_MAX).contains(&secret.len());
        if !fits || self.count == SECRETS_MAX || label.starts_with('#') {
            return;
        }
        let of_connection = self.secrets.entry(client_random).or_default();
        let known = |(this, value): &Labelled| this == label && value.as_slice() == secret;
        if !of_connection.iter().any(known) {
            let secret = Zeroizing::new(secret.to_vec());
            of_connection.push((label.to_owned(), secret));
            self.count += 1;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many secrets there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is a secret of the connection at all.
    pub fn knows(&self, client_random: &[u8; 32]) -> bool {
        self.secrets.contains_key(client_random)
    }

    /// The secrets of a label: one, unless several key logs disagree.
    pub fn secrets<'a>(
        &'a self,
        client_random: &[u8; 32],
        label: &'a str,
    ) -> impl Iterator<Item = &'a [u8]> {
        let all = self.secrets.get(client_random).into_iter().flatten();
        all.filter(move |(this, _)| this == label)
            .map(|(_, secret)| secret.as_slice())
    }
}

fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 2 * SECRET_BYTES_MAX {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.chunks_exact(2).map(|pair| {
        let byte = digit(pair[0])? << 4 | digit(pair[1])?;
        u8::try_from(byte).ok()
    });
    pairs.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_the_clients_random_and_anything_else_is_passed_over() {
        let random = "ab".repeat(32);
        let text = format!(
            "# a comment\n\nCLIENT_RANDOM {random} 0102\r\nCLIENT_RANDOM {random} 0102\n\
             CLIENT_RANDOM {random}\nCLIENT_RANDOM xy 0102\nCLIENT_RANDOM {random} 010\n\
             EXPORTER_SECRET {random} ff\nA b c d e\n\u{e9}"
        );
        let mut log = KeyLog::default();
        assert_eq!(log.read(text.as_bytes()), 2);
        assert_eq!(log.read(b"\xff\xfe CLIENT_RANDOM"), 0);
        assert!(log.knows(&[0xab; 32]) && !log.knows(&[0; 32]));
        let secrets: Vec<_> = log.secrets(&[0xab; 32], label::MASTER).collect();
        assert_eq!(secrets, [&[1, 2][..]]);
        assert!(!format!("{log:?}").contains("0102"));
    }
}
