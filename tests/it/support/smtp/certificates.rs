use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};
use std::{io::Write, sync::Arc};
use tempfile::NamedTempFile;

/// Signs certificates, and is known to nobody that does not read its file.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its certificate, gone when dropped.
    pub fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(self.pem.as_bytes())
            .expect("room for a certificate");
        file
    }

    /// A server with a certificate for these hosts, which may be addresses.
    pub fn certifies(&self, hosts: &[&str]) -> Arc<ServerConfig> {
        self.certifies_for(hosts, false)
    }

    /// The same, for a server that speaks TLS 1.2 only.
    pub fn certifies_old(&self, hosts: &[&str]) -> Arc<ServerConfig> {
        self.certifies_for(hosts, true)
    }

    fn certifies_for(&self, hosts: &[&str], is_old: bool) -> Arc<ServerConfig> {
        let hosts: Vec<_> = hosts.iter().copied().map(String::from).collect();
        let mut params = CertificateParams::new(hosts).expect("hosts");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let versions = if is_old { &[&TLS12][..] } else { &[&TLS13][..] };
        configured(&certificate, &key, versions)
    }
}

/// A server with a certificate of its own making for that host, and that certificate in PEM.
pub fn self_signed(host: &str) -> (Arc<ServerConfig>, String) {
    let params = CertificateParams::new(vec![host.to_owned()]).expect("a host");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    (configured(&certificate, &key, &[&TLS13]), certificate.pem())
}

fn configured(
    certificate: &Certificate,
    key: &KeyPair,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions that ring has")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key of the certificate");
    Arc::new(config)
}
