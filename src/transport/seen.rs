//! What the peer of this thread's connection showed and asked for.
//!
//! A verifier is shared by all connections, and rustls keeps a chain only when it is accepted; but words
//! about a refused certificate have to name it. A handshake runs on one thread from its first byte to its
//! last, so the thread remembers.

use std::cell::RefCell;

use rustls::pki_types::CertificateDer;

/// What a handshake left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The chain the peer showed, leaf first; empty when it showed none.
    pub(super) shown: Vec<CertificateDer<'static>>,
    /// The subjects of the CAs of which the server asked for a certificate; `None` when it did not ask.
    pub(super) asked: Option<Vec<String>>,
}

thread_local! {
    static SEEN: RefCell<Seen> = const { RefCell::new(Seen { shown: Vec::new(), asked: None }) };
}

/// Forgets an earlier connection of this thread.
pub(super) fn forget() {
    SEEN.with(|seen| *seen.borrow_mut() = Seen::default());
}

/// What is remembered of the connection of this thread.
pub(super) fn seen() -> Seen {
    SEEN.with(|seen| seen.borrow().clone())
}

/// The peer shows its chain.
pub(super) fn shows(leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) {
    let chain = std::iter::once(leaf).chain(intermediates);
    let chain = chain.map(|certificate| certificate.clone().into_owned());
    SEEN.with(|seen| seen.borrow_mut().shown = chain.collect());
}

/// The server asks for a certificate of one of the CAs named.
pub(super) fn asks(authorities: Vec<String>) {
    SEEN.with(|seen| seen.borrow_mut().asked = Some(authorities));
}
