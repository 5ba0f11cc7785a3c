//! Encryption on the way to a mail server, and whom it trusts.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore, crypto};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Those whose word for a mail server's certificate is taken, besides the authorities of the system.
#[derive(Clone, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads a file of certificates in PEM; what else is in it does not matter.
    ///
    /// # Errors
    /// A sentence for whoever configured it: the file cannot be read, holds no certificate, or one that
    /// is none.
    pub fn read(path: &Path) -> Result<Self, String> {
        let place = path.display();
        let pem =
            fs::read(path).map_err(|error| format!("the file {place} cannot be read: {error}"))?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("the file {place} cannot be read as PEM: {error}"))?;
        if certificates.is_empty() {
            return Err(format!(
                "the file {place} holds no certificate; it must hold at least one in PEM, \
                 which begins with -----BEGIN CERTIFICATE-----"
            ));
        }
        for (place_in_file, certificate) in (1..).zip(&certificates) {
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|error| {
                    format!(
                        "certificate {place_in_file} of the file {place} cannot be used: {error}"
                    )
                })?;
        }
        Ok(Self(certificates))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

/// TLS 1.2 or 1.3 with one server.
pub(in crate::mail) struct Encryption {
    connector: TlsConnector,
    /// What the server's certificate must be for.
    name: ServerName<'static>,
}

impl Encryption {
    /// # Errors
    /// When no certificate could be for that host.
    pub(in crate::mail) fn new(host: &str, authorities: &Authorities) -> Result<Self, String> {
        let name = ServerName::try_from(host.to_string()).map_err(|_| {
            format!("no certificate can be for {host}, the host in the mail server's URL")
        })?;
        let mut trusted = RootCertStore::empty();
        // The system's file may hold certificates that are no use here; the others count.
        trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        trusted.add_parsable_certificates(authorities.0.iter().cloned());
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    /// Encrypts what goes over the stream, once the server has shown that it is the one.
    pub(in crate::mail) async fn begin(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, String> {
        let begun = self.connector.connect(self.name.clone(), stream).await;
        begun.map_err(|error| explained(&error))
    }
}

/// What went wrong, with the way out where there is one.
fn explained(error: &io::Error) -> String {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => format!(
            "{error}; the authority behind a private certificate is made known by --smtp-ca-file"
        ),
        _ => error.to_string(),
    }
}
