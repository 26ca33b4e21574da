//! Records reviews into a folder, for `kubevet review`: bounded in number and bytes, Secrets
//! without their data.
//!
//! Files are written on a thread of their own. A full or slow disk costs records, which are
//! counted, and never the time of a review.

use super::{Review, WebhookMetrics, background_writer::BackgroundWriter, review::MAX_BODY_BYTES};
use hyper::body::Bytes;
use prometheus_client::metrics::counter::Counter;
use serde_json::Value;
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// The number of files of one run.
const MAX_FILES: usize = 100_000;
/// The number of bytes of one run, which the last file may exceed.
const MAX_BYTES: usize = 1 << 30;
/// The number of records that wait to be written.
const MAX_QUEUED_RECORDS: usize = 256;
/// The number of bytes that wait to be written: those of the largest body, so that any review can
/// be recorded.
const MAX_QUEUED_BYTES: usize = MAX_BODY_BYTES;
/// The number of characters of a uid in the name of a file.
const MAX_FILE_NAME_CHARS: usize = 64;
/// The replacement for a value of a Secret.
const REDACTED: &str = "";

/// Records reviews.
pub struct Recorder {
    writer: BackgroundWriter<Record>,
    dropped: Counter,
}

/// One review to be written.
struct Record {
    uid: String,
    body: Bytes,
    is_secret: bool,
}

impl Recorder {
    /// Starts a recorder into a folder. The folder is created if it does not exist, accessible to
    /// its owner only.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn new(folder: &Path, metrics: &WebhookMetrics) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let folder = folder.to_owned();
        let dropped = metrics.dropped_records();
        let (mut files, mut bytes) = (0, 0);
        let write = move |record: Record| {
            let has_room = files < MAX_FILES && bytes < MAX_BYTES;
            match has_room.then(|| write_record(&folder, &record)) {
                Some(Ok(length)) => {
                    files += 1;
                    bytes += length;
                }
                Some(Err(WriteFailure::PartialFile)) => {
                    files += 1;
                    dropped.inc();
                }
                Some(Err(WriteFailure::NoFile)) | None => {
                    dropped.inc();
                }
            }
        };
        Ok(Self {
            writer: BackgroundWriter::new(MAX_QUEUED_RECORDS, MAX_QUEUED_BYTES, write),
            dropped: metrics.dropped_records(),
        })
    }

    /// Waits until every review recorded so far is written, at most for `timeout`. It is meant for
    /// the end of the process.
    pub fn flush(&self, timeout: Duration) {
        self.writer.flush(timeout);
    }

    /// Queues a review. It is dropped and counted if there is no room.
    pub(super) fn record(&self, review: &Review, body: &Bytes) {
        let record = Record {
            uid: review.uid.clone(),
            body: body.clone(),
            is_secret: review.kind.group.is_empty() && review.kind.name == "Secret",
        };
        if !self.writer.try_write(record, body.len()) {
            self.dropped.inc();
        }
    }
}

/// The remains of a record that was not written.
#[derive(Debug)]
enum WriteFailure {
    NoFile,
    /// A partial file, which could not be removed and counts as a file.
    PartialFile,
}

/// Writes a record and returns the size of its file in bytes.
fn write_record(folder: &Path, record: &Record) -> Result<usize, WriteFailure> {
    let body = if record.is_secret {
        Bytes::from(redact(&record.body).map_err(|_| WriteFailure::NoFile)?)
    } else {
        record.body.clone()
    };
    let path = record_path(folder, &record.uid);
    let partial_path = path.with_extension("part");
    match write_and_rename(&partial_path, &path, &body) {
        Ok(()) => Ok(body.len()),
        // The partial file is removed: a full disk should not be filled with them.
        Err(_) => match fs::remove_file(&partial_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(WriteFailure::PartialFile),
            _ => Err(WriteFailure::NoFile),
        },
    }
}

/// Writes to `partial_path` and renames it to `path`, so that a reader never sees a partial record.
fn write_and_rename(partial_path: &Path, path: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(partial_path)?;
    file.write_all(body)?;
    fs::rename(partial_path, path)
}

/// Returns the path of a record. The uid comes from the network: only characters that are safe in
/// the name of a file are used.
fn record_path(folder: &Path, uid: &str) -> PathBuf {
    let name: String = uid
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(MAX_FILE_NAME_CHARS)
        .collect();
    folder.join(format!("review-{name}.json"))
}

/// Returns the review of a Secret without its data, and without the copy of them that
/// `kubectl apply` keeps in an annotation.
fn redact(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut review: Value = serde_json::from_slice(body)?;
    for pointer in ["/request/object", "/request/oldObject"] {
        if let Some(object) = review.pointer_mut(pointer) {
            redact_secret(object);
        }
    }
    Ok(serde_json::to_vec(&review)?)
}

fn redact_secret(object: &mut Value) {
    for field in ["data", "stringData"] {
        match object.get_mut(field) {
            Some(Value::Object(values)) => {
                for value in values.values_mut() {
                    *value = REDACTED.into();
                }
            }
            Some(other) => *other = Value::Null,
            None => {}
        }
    }
    let annotations = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_a_secret_is_redacted_everywhere() {
        let body = r#"{"request":{"uid":"u","object":{"kind":"Secret",
            "data":{"a":"c2VjcmV0"},"stringData":{"b":"secret"},
            "metadata":{"annotations":{
                "kubectl.kubernetes.io/last-applied-configuration":"c2VjcmV0","x":"y"}}},
            "oldObject":{"data":{"a":"c2VjcmV0"}}}}"#;
        let redacted = String::from_utf8(redact(body.as_bytes()).unwrap()).unwrap();
        assert!(
            !redacted.contains("c2VjcmV0") && !redacted.contains("secret"),
            "{redacted}"
        );
        assert!(
            redacted.contains(r#""x":"y""#) && redacted.contains(r#""a":"""#),
            "{redacted}"
        );
        assert!(redact(b"no json").is_err());
    }

    #[test]
    fn path_of_a_hostile_uid_stays_in_the_folder() {
        let folder = Path::new("/r");
        assert_eq!(
            record_path(folder, "../../etc/x"),
            Path::new("/r/review-etcx.json")
        );
        assert_eq!(record_path(folder, "a-1"), Path::new("/r/review-a-1.json"));
    }

    #[test]
    fn record_is_complete_and_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let record = Record {
            uid: "u".to_owned(),
            body: Bytes::from_static(b"{}"),
            is_secret: false,
        };
        assert_eq!(write_record(folder.path(), &record).unwrap(), 2);
        let path = folder.path().join("review-u.json");
        assert_eq!(fs::read(&path).unwrap(), b"{}");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
