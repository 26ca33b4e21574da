//! Writes reviews to a folder, for `kubevet review`: bounded in number and bytes, Secrets without their data.
//!
//! Files are written by a thread of their own. A disk that is full or slow costs records, which are counted, and never a
//! review.

use super::{Review, background_writer::BackgroundWriter, review::MAX_BODY_BYTES};
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

/// Records of one run.
const FILES: usize = 100_000;
/// Bytes of one run.
const BYTES: usize = 1 << 30;
/// Records that wait for the writer, and their bytes together: what one body may have, so that any can be recorded.
const WAITING: usize = 256;
const WAITING_BYTES: usize = MAX_BODY_BYTES;
/// What stands in place of a Secret's data.
const REDACTED: &str = "";

/// Records reviews.
pub struct Recorder {
    records: BackgroundWriter<Record>,
    lost: Counter,
}

/// One review on its way to its file.
struct Record {
    uid: String,
    body: Bytes,
    secret: bool,
}

impl Recorder {
    /// A recorder into a folder, which is made where it is missing, for its owner alone.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(folder: &Path, lost: &super::WebhookMetrics) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let folder = folder.to_owned();
        let missed = lost.unrecorded();
        let (mut files, mut bytes) = (0, 0);
        let records = BackgroundWriter::new(WAITING, WAITING_BYTES, move |record: Record| {
            let room = files < FILES && bytes < BYTES;
            match room.then(|| write(&folder, &record)) {
                Some(Ok(length)) => {
                    files += 1;
                    bytes += length;
                }
                Some(Err(Unwritten::Left)) => {
                    files += 1;
                    missed.inc();
                }
                _ => {
                    missed.inc();
                }
            }
        });
        Ok(Self {
            records,
            lost: lost.unrecorded(),
        })
    }

    /// Waits, at most so long, until what was handed over is written. For the end of the process.
    pub fn flush(&self, within: Duration) {
        self.records.flush(within);
    }

    pub(super) fn record(&self, review: &Review, body: &Bytes) {
        let secret = review.kind.group.is_empty() && review.kind.name == "Secret";
        let record = Record {
            uid: review.uid.clone(),
            body: body.clone(),
            secret,
        };
        if !self.records.hand_over(record, body.len()) {
            self.lost.inc();
        }
    }
}

/// A record that was not written.
#[derive(Debug)]
enum Unwritten {
    /// Nothing of it is left.
    Gone,
    /// A part of it is left, and takes the place of a file.
    Left,
}

fn write(folder: &Path, record: &Record) -> Result<usize, Unwritten> {
    let body = match record.secret {
        true => redact(&record.body)
            .map(Bytes::from)
            .map_err(|_| Unwritten::Gone)?,
        false => record.body.clone(),
    };
    let path = path(folder, &record.uid);
    let begun = path.with_extension("part");
    match write_whole(&begun, &path, &body) {
        Ok(()) => Ok(body.len()),
        // A disk that is full keeps no beginnings.
        Err(_) => match fs::remove_file(&begun) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Unwritten::Left),
            _ => Err(Unwritten::Gone),
        },
    }
}

fn write_whole(begun: &Path, path: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(begun)?;
    file.write_all(body)?;
    fs::rename(begun, path)
}

/// A uid comes from outside: only what is safe in a file's name is taken of it.
fn path(folder: &Path, uid: &str) -> PathBuf {
    let name: String = uid
        .chars()
        .filter(|it| it.is_ascii_alphanumeric() || *it == '-')
        .take(64)
        .collect();
    folder.join(format!("review-{name}.json"))
}

/// The review of a Secret without what is secret: its data, and the copy of them that `kubectl apply` keeps.
fn redact(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut review: Value = serde_json::from_slice(body)?;
    for object in ["/request/object", "/request/oldObject"] {
        let Some(object) = review.pointer_mut(object) else {
            continue;
        };
        for field in ["data", "stringData"] {
            match object.get_mut(field) {
                Some(Value::Object(values)) => {
                    values.values_mut().for_each(|it| *it = REDACTED.into())
                }
                Some(other) => *other = Value::Null,
                None => {}
            }
        }
        if let Some(annotations) = object
            .pointer_mut("/metadata/annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    Ok(serde_json::to_vec(&review)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_left_of_a_secret() {
        let body = r#"{"request":{"uid":"u","object":{"kind":"Secret","data":{"a":"c2VjcmV0"},"stringData":{"b":"secret"},
            "metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"c2VjcmV0","x":"y"}}},
            "oldObject":{"data":{"a":"c2VjcmV0"}}}}"#;
        let text = String::from_utf8(redact(body.as_bytes()).unwrap()).unwrap();
        assert!(
            !text.contains("c2VjcmV0") && !text.contains("secret"),
            "{text}"
        );
        assert!(
            text.contains(r#""x":"y""#) && text.contains(r#""a":"""#),
            "{text}"
        );
        assert!(redact(b"no json").is_err());
    }

    #[test]
    fn a_hostile_uid_stays_in_the_folder() {
        assert_eq!(
            path(Path::new("/r"), "../../etc/x"),
            Path::new("/r/review-etcx.json")
        );
        assert_eq!(
            path(Path::new("/r"), "a-1"),
            Path::new("/r/review-a-1.json")
        );
    }

    #[test]
    fn a_record_is_whole_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let record = Record {
            uid: "u".to_owned(),
            body: Bytes::from_static(b"{}"),
            secret: false,
        };
        assert_eq!(write(folder.path(), &record).unwrap(), 2);
        let path = folder.path().join("review-u.json");
        assert_eq!(fs::read(&path).unwrap(), b"{}");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
