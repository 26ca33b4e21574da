//! The requests of `kubevet db update`: two files from one place, within limits. Nothing else in kubevet
//! downloads a database, and nothing is sent but the request.

use anyhow::{Context as _, bail};
use rustls::crypto::ring;
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
    time::Duration,
};
use ureq::{
    Agent,
    http::Uri,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem},
};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a download may take.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// Redirects that are followed, all of them to `https`.
const MAX_REDIRECTS: u32 = 5;

/// Downloads from one place.
pub(super) struct Downloader {
    agent: Agent,
}

impl Downloader {
    /// Prepares requests to a URL. Plain HTTP is for this machine alone: nothing would say that the
    /// answer comes from the publisher.
    ///
    /// # Errors
    /// The URL is none, or plain HTTP to another machine; or certificates cannot be read.
    pub(super) fn new(url: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is no URL"))?;
        let is_plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") if is_loopback(&uri) => true,
            Some("http") => bail!(
                "`{url}` is plain HTTP: use https, or download the file by other means and import it"
            ),
            _ => bail!("`{url}` is no URL that begins with https://"),
        };
        let mut builder = Agent::config_builder()
            .https_only(!is_plain)
            .max_redirects(if is_plain { 0 } else { MAX_REDIRECTS })
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(DOWNLOAD_TIMEOUT))
            .user_agent(concat!("kubevet/", env!("CARGO_PKG_VERSION")));
        if is_plain {
            builder = builder.proxy(None);
        } else {
            let roots = RootCerts::Specific(Arc::new(root_certificates(ca_file)?));
            let tls = TlsConfig::builder()
                .provider(TlsProvider::Rustls)
                .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
                .root_certs(roots)
                .build();
            builder = builder.tls_config(tls);
        }
        Ok(Self {
            agent: builder.build().into(),
        })
    }

    /// Downloads a small document.
    ///
    /// # Errors
    /// The server does not answer, answers with another status than 200, or with more bytes.
    pub(super) fn document(&self, url: &str, max_bytes: u64) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(url, max_bytes, &mut bytes)?;
        Ok(bytes)
    }

    /// Downloads into a new file.
    ///
    /// # Errors
    /// As [`Downloader::document`], or the file cannot be written.
    pub(super) fn file(&self, url: &str, max_bytes: u64, target: &Path) -> anyhow::Result<()> {
        let mut file = File::create_new(target)
            .with_context(|| format!("cannot write {}", target.display()))?;
        self.read(url, max_bytes, &mut file)
    }

    fn read(&self, url: &str, max_bytes: u64, out: &mut dyn io::Write) -> anyhow::Result<()> {
        let failed = || format!("cannot download {url}");
        let response = self.agent.get(url).call().with_context(failed)?;
        if response.status() != 200 {
            bail!(
                "cannot download {url}: the server answers {}",
                response.status()
            );
        }
        let mut body = response.into_body();
        // One byte more tells an answer that is too large from one of exactly that size.
        let reader = body.with_config().limit(max_bytes + 1).reader();
        let copied = io::copy(&mut reader.take(max_bytes + 1), out).with_context(failed)?;
        if copied > max_bytes {
            bail!("cannot download {url}: it is larger than {max_bytes} bytes");
        }
        Ok(())
    }
}

fn is_loopback(uri: &Uri) -> bool {
    matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// The certificate authorities of the system, and those of a file.
fn root_certificates(ca_file: Option<&Path>) -> anyhow::Result<Vec<Certificate<'static>>> {
    let system = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<Certificate<'static>> = system
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    if let Some(path) = ca_file {
        let pem = crate::cli::bounded_read::read_file(path, 1 << 20)?;
        for item in parse_pem(&pem) {
            let item = item.with_context(|| format!("cannot read {}", path.display()))?;
            if let PemItem::Certificate(certificate) = item {
                roots.push(certificate);
            }
        }
    }
    if roots.is_empty() {
        bail!("this system has no certificate authorities: name a file with --ca-file");
    }
    Ok(roots)
}
