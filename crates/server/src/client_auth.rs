//! Authentication of callers: an optional authority for client certificates, and an optional list
//! of common names.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::serving_certificate::{ServingCertificateError, parse_certificates};

/// The callers that are accepted. The default requires no client certificate.
#[derive(Debug, Clone, Default)]
pub struct ClientAuthConfig {
    /// A PEM file of authorities, one of which must have signed the caller's certificate. It is
    /// read again when it changes.
    pub ca_file: Option<PathBuf>,
    /// The accepted common names. Empty accepts any that the authority has signed.
    pub common_names: Vec<String>,
}

/// Returns a verifier of client certificates: signed by an authority of `ca` (PEM), with a common
/// name among `common_names` (empty: any).
pub(super) fn client_verifier(
    ca: &[u8],
    common_names: &[String],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ServingCertificateError> {
    let mut roots = RootCertStore::empty();
    for authority in parse_certificates(ca).map_err(ServingCertificateError::ClientCa)? {
        roots
            .add(authority)
            .map_err(|error| ServingCertificateError::ClientCa(error.to_string()))?;
    }
    let web_pki =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| ServingCertificateError::ClientCa(error.to_string()))?;
    if common_names.is_empty() {
        Ok(web_pki)
    } else {
        Ok(Arc::new(CommonNameVerifier {
            web_pki,
            common_names: common_names.to_vec(),
        }))
    }
}

/// Returns the subject of a certificate (DER) as a string; `None` if it cannot be parsed.
pub(super) fn certificate_subject(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.subject().to_string())
}

/// A verifier that adds a check of the common name to the checks of another.
#[derive(Debug)]
struct CommonNameVerifier {
    web_pki: Arc<dyn ClientCertVerifier>,
    common_names: Vec<String>,
}

impl CommonNameVerifier {
    fn accepts(&self, certificate: &[u8]) -> bool {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return false;
        };
        let mut given = certificate
            .subject()
            .iter_common_name()
            .filter_map(|attribute| attribute.as_str().ok());
        given.any(|name| self.common_names.iter().any(|accepted| accepted == name))
    }
}

impl ClientCertVerifier for CommonNameVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.web_pki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .web_pki
            .verify_client_cert(end_entity, intermediates, now)?;
        if self.accepts(end_entity) {
            Ok(verified)
        } else {
            Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web_pki
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web_pki
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.web_pki.supported_verify_schemes()
    }
}
