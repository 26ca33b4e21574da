//! Certificates of any age in a folder, issued by the product's own renewer at times in the past:
//! no test waits for one to age.

use kubevet_server::{
    CertificateRenewer, CertificateStore, DirStore, Publication, StoreError, StoredCertificates,
    leaf_names,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use time::OffsetDateTime;
use tokio::runtime;

const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A folder for `--tls-dir`.
pub(crate) struct TlsDir {
    dir: PathBuf,
}

impl TlsDir {
    /// Issues an authority that is due for a successor and has none, with a leaf certificate that
    /// is valid for weeks.
    pub(crate) fn with_an_old_authority(dir: &Path) -> Self {
        let this = Self {
            dir: dir.to_owned(),
        };
        this.turn(4 * YEAR + 30 * DAY, &[]);
        this.turn(50 * DAY, &[]);
        assert_eq!(this.authorities(), 1);
        this
    }

    /// As [`Self::with_an_old_authority`], with a successor that is one day old and signs the next
    /// leaf.
    pub(crate) fn with_a_successor(dir: &Path) -> Self {
        let this = Self::with_an_old_authority(dir);
        this.turn(DAY, &[]);
        assert_eq!(this.authorities(), 2);
        this
    }

    /// Issues a leaf certificate with one more name.
    pub(crate) fn renew_for(&self, name: &str) {
        self.turn(Duration::ZERO, &[name.to_owned()]);
    }

    /// The authorities that clients are to trust, as PEM, oldest first.
    pub(crate) fn each_authority<const N: usize>(&self) -> [String; N] {
        let bundle = std::fs::read_to_string(self.dir.join("ca.crt")).expect("there is a bundle");
        let each: Vec<_> = bundle
            .split_inclusive("-----END CERTIFICATE-----")
            .filter(|line| line.contains("BEGIN"))
            .collect();
        let each: [&str; N] = each.try_into().expect("so many are in the bundle");
        each.map(str::to_owned)
    }

    /// The number of authorities that clients are to trust.
    pub(crate) fn authorities(&self) -> usize {
        let bundle = std::fs::read_to_string(self.dir.join("ca.crt")).expect("there is a bundle");
        bundle.matches("BEGIN CERTIFICATE").count()
    }

    /// Runs the renewer as if that long ago.
    fn turn(&self, ago: Duration, names: &[String]) {
        let names = leaf_names(names).expect("the names are in order");
        let renewer = CertificateRenewer::new(
            Arc::new(Published(DirStore::new(&self.dir))),
            names,
            Duration::from_secs(1),
        );
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        runtime
            .block_on(renewer.reconcile(OffsetDateTime::now_utc() - ago))
            .expect("certificates are issued");
    }
}

/// A folder whose bundle counts as published, so that the successor signs.
struct Published(DirStore);

impl CertificateStore for Published {
    async fn read(&self) -> Result<Option<StoredCertificates>, StoreError> {
        self.0.read().await
    }

    async fn write(&self, stored: &StoredCertificates) -> Result<(), StoreError> {
        self.0.write(stored).await
    }

    async fn publish(&self, _bundle: &[u8]) -> Result<Publication, StoreError> {
        Ok(Publication::Complete)
    }
}
