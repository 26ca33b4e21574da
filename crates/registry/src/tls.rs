//! What TLS trusts, and the certificates that a client shows: rustls, with verification always on.

use super::{error::RegistryError, url::Origin};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    collections::HashMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The largest file of certificates that is read.
const MAX_PEM_BYTES: u64 = 4 << 20;

/// Which authorities are trusted, and which certificates are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Files with certificate authorities, PEM. They are trusted besides the system's.
    pub authority_files: Vec<PathBuf>,
    /// Client certificates. Each is shown to its own host alone.
    pub client_certificates: Vec<ClientCertificate>,
}

/// A client certificate for one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// `HOST` or `HOST:PORT` of the registry.
    pub host: String,
    /// The file of the certificate and its chain, PEM.
    pub certificate_file: PathBuf,
    /// The file of its key, PEM.
    pub key_file: PathBuf,
}

/// The configurations of rustls, by host.
pub(crate) struct TlsConfigs {
    plain: Arc<ClientConfig>,
    with_certificate: HashMap<Origin, Arc<ClientConfig>>,
}

impl TlsConfigs {
    /// Reads the files.
    pub(crate) fn new(settings: &TlsSettings) -> Result<Self, RegistryError> {
        let roots = Arc::new(read_roots(settings)?);
        let mut with_certificate = HashMap::new();
        for client in &settings.client_certificates {
            let origin =
                Origin::parse(true, &client.host).ok_or_else(|| RegistryError::Configuration {
                    what: format!("client certificate for `{}`", client.host),
                    reason: "the host is not HOST or HOST:PORT".to_owned(),
                })?;
            with_certificate.insert(origin, Arc::new(config_with(&roots, client)?));
        }
        let plain = Arc::new(builder(&roots)?.with_no_client_auth());
        Ok(Self {
            plain,
            with_certificate,
        })
    }

    /// The configuration for an origin.
    pub(crate) fn config(&self, origin: &Origin) -> Arc<ClientConfig> {
        Arc::clone(self.with_certificate.get(origin).unwrap_or(&self.plain))
    }
}

type VerifyingBuilder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(roots: &Arc<RootCertStore>) -> Result<VerifyingBuilder, RegistryError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| RegistryError::Configuration {
            what: "TLS".to_owned(),
            reason: error.to_string(),
        })?;
    Ok(builder.with_root_certificates(Arc::clone(roots)))
}

fn config_with(
    roots: &Arc<RootCertStore>,
    client: &ClientCertificate,
) -> Result<ClientConfig, RegistryError> {
    let chain = read_certificates(&client.certificate_file)?;
    let key = read_pem(&client.key_file)?;
    let unusable = |reason: String| RegistryError::Configuration {
        what: format!("client key {}", client.key_file.display()),
        reason,
    };
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| unusable("it has no private key in PEM".to_owned()))?;
    builder(roots)?
        .with_client_auth_cert(chain, key)
        .map_err(|error| unusable(format!("it does not fit the certificate: {error}")))
}

/// The authorities of the system and of the files. A system without authorities is no error: a
/// registry may be plain HTTP on loopback, and each failed handshake says that nothing is trusted.
fn read_roots(settings: &TlsSettings) -> Result<RootCertStore, RegistryError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for file in &settings.authority_files {
        for certificate in read_certificates(file)? {
            roots
                .add(certificate)
                .map_err(|error| RegistryError::Configuration {
                    what: format!("CA file {}", file.display()),
                    reason: format!("a certificate in it cannot be used: {error}"),
                })?;
        }
    }
    Ok(roots)
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, RegistryError> {
    let text = read_pem(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    certificates
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| RegistryError::Configuration {
            what: file.display().to_string(),
            reason: "it has no certificate in PEM, or a broken one".to_owned(),
        })
}

fn read_pem(file: &Path) -> Result<Vec<u8>, RegistryError> {
    let unreadable = |reason: String| RegistryError::Configuration {
        what: file.display().to_string(),
        reason,
    };
    let opened = fs::File::open(file).map_err(|error| unreadable(error.to_string()))?;
    let mut text = Vec::new();
    opened
        .take(MAX_PEM_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_PEM_BYTES {
        return Err(unreadable(format!(
            "it is larger than {MAX_PEM_BYTES} bytes"
        )));
    }
    Ok(text)
}
