//! Whom the service trusts on the web.

use std::sync::Arc;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Encryption that trusts the authorities that the system trusts.
pub fn of_the_system() -> TlsConfig {
    let known = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = known
        .iter()
        .map(|one| Certificate::from_der(one).to_owned())
        .collect();
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build()
}
