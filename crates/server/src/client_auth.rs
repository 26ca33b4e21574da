//! Who may call: an optional authority for client certificates, and optionally the names it may have given.

use std::sync::Arc;

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

use super::serving_certificate::{PairError, certificates};

/// A verifier of client certificates: signed by one of `ca` (PEM), common name among `names` (none = any).
pub(super) fn verifier(
    ca: &[u8],
    names: &[String],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, PairError> {
    let mut roots = RootCertStore::empty();
    for it in certificates(ca).map_err(PairError::ClientCa)? {
        roots
            .add(it)
            .map_err(|it| PairError::ClientCa(it.to_string()))?;
    }
    let any = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|it| PairError::ClientCa(it.to_string()))?;
    if names.is_empty() {
        Ok(any)
    } else {
        Ok(Arc::new(Named {
            any,
            names: names.to_vec(),
        }))
    }
}

/// The subject of a certificate (DER) as text; `None` where it cannot be read.
pub(super) fn subject(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.subject().to_string())
}

/// The usual checks, and then the name.
#[derive(Debug)]
struct Named {
    any: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl Named {
    fn allows(&self, certificate: &[u8]) -> bool {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return false;
        };
        let mut given = certificate
            .subject()
            .iter_common_name()
            .filter_map(|it| it.as_str().ok());
        given.any(|it| self.names.iter().any(|name| name == it))
    }
}

impl ClientCertVerifier for Named {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.any.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .any
            .verify_client_cert(end_entity, intermediates, now)?;
        if self.allows(end_entity) {
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
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any.supported_verify_schemes()
    }
}
