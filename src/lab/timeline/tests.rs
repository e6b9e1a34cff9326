//! Timelines of handshakes made here.
