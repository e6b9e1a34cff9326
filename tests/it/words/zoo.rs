//! Real bad certificates and lists, and a TLS server that shows whatever it is given.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use time::OffsetDateTime;

use crate::support::{House, PATIENCE, skipped};

/// The serial number of every certificate made here; its lists revoke it or do not.
pub(super) const SERIAL: u64 = 0x4711;

/// A CA of this test's own.
pub(super) struct TestCa {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

impl TestCa {
    /// The house's own CA.
    pub(super) fn of(house: &House) -> Self {
        let pem = fs::read_to_string(house.path("certs/ca.crt")).unwrap();
        let key = fs::read_to_string(house.path("certs/ca.key")).unwrap();
        let key = KeyPair::from_pem(&key).unwrap();
        Self {
            issuer: Issuer::from_ca_cert_pem(&pem, key).unwrap(),
            pem,
        }
    }

    /// Another one; under `parent`, if given.
    pub(super) fn new(name: &str, parent: Option<&Self>) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let made = match parent {
            Some(parent) => params.signed_by(&key, &parent.issuer).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Self {
            pem: made.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Signs what `params` say.
    pub(super) fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair {
            chain: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// A revocation list due at `next`, which revokes [`SERIAL`] or nothing.
    pub(super) fn list(&self, next: OffsetDateTime, revokes: bool) -> String {
        let entry = RevokedCertParams {
            serial_number: SerialNumber::from(SERIAL),
            revocation_time: day(-3),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: day(-9),
            next_update: next,
            crl_number: SerialNumber::from(9_u64),
            issuing_distribution_point: None,
            revoked_certs: revokes.then_some(entry).into_iter().collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// A chain and its key, in PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
}

impl Pair {
    /// One that vouches for itself.
    pub(super) fn self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self {
            chain: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

pub(super) fn day(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + time::Duration::days(days)
}

/// A server's certificate as it should be, for `names`.
pub(super) fn named(cn: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, cn);
    params.serial_number = Some(SerialNumber::from(SERIAL));
    (params.not_before, params.not_after) = (day(-10), day(10));
    params.use_authority_key_identifier_extension = true;
    params
}

/// As [`named`], changed.
pub(super) fn changed(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = named("SERVER", &["localhost", "127.0.0.1"]);
    change(&mut params);
    params
}

/// Shows whatever it is given, which no honest library would load.
#[derive(Debug)]
pub(super) struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A TLS server that shows `pair` to one client.
pub(super) fn show(pair: &Pair, versions: &[&'static SupportedProtocolVersion]) -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(pair.chain.as_bytes());
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let key = aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let shows = Arc::new(Shows(Arc::new(CertifiedKey::new(chain, key))));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(shows);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        while connection
            .complete_io(&mut tcp)
            .is_ok_and(|(read, _)| read > 0)
        {}
        // Who hangs up on what is unread takes away what the other has not read yet.
        if connection.is_handshaking() {
            let _end = std::io::copy(&mut tcp, &mut std::io::sink());
        }
    };
    thread::Builder::new().spawn(serve).unwrap();
    address
}

/// `openssl` in the folder `work`; false, said loudly, where there is none.
pub(super) fn openssl(house: &House, line: &str) -> bool {
    let run = Command::new("openssl")
        .args(line.split_whitespace())
        .current_dir(house.path("work"))
        .output();
    let Ok(output) = run else {
        skipped("there is no openssl here");
        return false;
    };
    assert!(output.status.success(), "{line}: {output:?}");
    true
}

pub(super) const BOTH: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];
