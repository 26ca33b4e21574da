//! Reads a file as requests: recorded AdmissionReviews, and manifests, each of which stands for the
//! request to create it.

use crate::cli::bounded_read::read_file_or_stdin;
use anyhow::bail;
use kubevet_document::{self as document, Document, Limits};
use kubevet_model::Problem;
use kubevet_webhook::{self as webhook, MAX_BODY_BYTES};
use std::{path::Path, sync::Arc};

/// A request.
pub(super) enum Request {
    /// The body of an AdmissionReview, or of something that the webhook has an answer to.
    Review(Vec<u8>),
    /// An object to be created.
    Object(Box<Document>),
}

/// The requests of a file.
pub(super) struct RequestFile {
    /// The name of the file; `-` is standard input.
    pub(super) name: String,
    pub(super) requests: Vec<Request>,
    /// What could not be read.
    pub(super) problems: Vec<Problem>,
    /// The number of documents in the file, lists not expanded.
    documents: usize,
    /// True if the file is a list.
    is_list: bool,
}

impl Request {
    /// Returns the body of the request.
    pub(super) fn into_body(self) -> Vec<u8> {
        match self {
            Self::Review(body) => body,
            Self::Object(object) => webhook::review_from_manifest(&object),
        }
    }

    fn of_document(document: Document) -> Self {
        if is_object(&document) {
            return Self::Object(Box::new(document));
        }
        let mut json = String::new();
        document.root().write_json(&mut json);
        Self::Review(json.into_bytes())
    }
}

impl RequestFile {
    /// Reads a file, or standard input if the path is `-`.
    ///
    /// # Errors
    /// The file cannot be read, or is too large.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = read_file_or_stdin(path, MAX_BODY_BYTES as u64)?;
        Ok(Self::parse(path.display().to_string(), bytes))
    }

    fn parse(name: String, bytes: Vec<u8>) -> Self {
        let file = Arc::from(name.as_str());
        let limits = Limits::default();
        if begins_as_json_map(&bytes) {
            // Even JSON that breaks off may be a review, and the webhook has an answer to it.
            let parsed = document::read_json(&file, &bytes, &limits);
            return match <[Document; 1]>::try_from(parsed.documents) {
                Ok([object]) if parsed.problems.is_empty() && is_object(&object) => {
                    Self::of_documents(name, vec![object], Vec::new())
                }
                _ => Self {
                    name,
                    requests: vec![Request::Review(bytes)],
                    problems: Vec::new(),
                    documents: 1,
                    is_list: false,
                },
            };
        }
        let parsed = document::read(&file, &bytes, &limits);
        Self::of_documents(name, parsed.documents, parsed.problems)
    }

    fn of_documents(name: String, documents: Vec<Document>, mut problems: Vec<Problem>) -> Self {
        let count = documents.len();
        let is_list = documents.iter().any(is_list);
        // A document without a kind is not a list of objects, whatever it has; it is not a review
        // either, which its answer says.
        let mut requests = Vec::new();
        for document in documents {
            if !is_object(&document) && !document.root().is_list() {
                requests.push(Request::of_document(document));
                continue;
            }
            let items = document::expand_lists(vec![document]);
            problems.extend(items.problems);
            requests.extend(items.documents.into_iter().map(Request::of_document));
        }
        Self {
            name,
            requests,
            problems,
            documents: count,
            is_list,
        }
    }

    /// True if the file has several requests, or is made to have several.
    pub(super) fn is_collection(&self) -> bool {
        self.is_list || self.documents > 1
    }

    /// Returns the bodies of the requests of one document.
    ///
    /// # Errors
    /// Something could not be read, or there is no document, or more than one.
    pub(super) fn into_bodies(self) -> anyhow::Result<Vec<Vec<u8>>> {
        let name = &self.name;
        if let Some(problem) = self.problems.first() {
            bail!("{problem}");
        }
        match self.documents {
            0 => {
                bail!("{name}: holds no object: name a file with an AdmissionReview or a manifest")
            }
            1 => {}
            documents => bail!(
                "{name}: holds {documents} objects: a review is about one, so give one at a time, or try all of them \
                 with --format pretty"
            ),
        }
        if self.requests.is_empty() {
            bail!("{name}: the list has no item to review");
        }
        Ok(self.requests.into_iter().map(Request::into_body).collect())
    }
}

/// True if the bytes are JSON or nothing: a review is a JSON map, and is read as the webhook reads
/// it.
fn begins_as_json_map(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

/// True if the document is an object that can be reviewed, and not itself a review.
fn is_object(document: &Document) -> bool {
    let kind = document.id().kind;
    !kind.is_empty() && kind != "AdmissionReview"
}

fn is_list(document: &Document) -> bool {
    let root = document.root();
    root.is_list() || is_object(document) && root.get("items").is_some_and(|items| items.is_list())
}
