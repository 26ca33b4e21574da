//! Manifests and indexes, of OCI and of Docker.
//!
//! One document has one meaning: what another program could read differently is refused. That is a
//! document that is both manifest and index, and one with two spellings of a key (Go ignores case).

use super::{descriptor::BlobDescriptor, error::ImageError};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A manifest or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ManifestDocument {
    Manifest(Box<ImageManifest>),
    Index(ImageIndex),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageManifest {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) config: BlobDescriptor,
    pub(super) layers: Vec<BlobDescriptor>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ImageIndex {
    pub(super) manifests: Vec<BlobDescriptor>,
}

/// Reads a document. Its media type is not needed: the content says what it is.
pub(super) fn read_manifest(place: &str, bytes: &[u8]) -> Result<ManifestDocument, ImageError> {
    let document = json_object(place, bytes)?;
    check_keys(place, &document)?;
    let version = document.get("schemaVersion").and_then(Value::as_u64);
    if version == Some(1) || document.contains_key("fsLayers") {
        let reason =
            "it is a manifest of Docker's version 1, which no longer runs; push the image again";
        return Err(ImageError::format(place, reason));
    }
    let is_index = document.contains_key("manifests");
    if is_index && (document.contains_key("layers") || document.contains_key("config")) {
        return Err(ImageError::format(
            place,
            "it is both a manifest and an index",
        ));
    }
    if is_index {
        check_descriptors(place, &document, &["manifests"])?;
        return decode(place, document).map(ManifestDocument::Index);
    }
    if !document.contains_key("layers") {
        return Err(ImageError::format(
            place,
            "it is neither a manifest nor an index",
        ));
    }
    check_descriptors(place, &document, &["layers", "config"])?;
    decode(place, document).map(|manifest| ManifestDocument::Manifest(Box::new(manifest)))
}

/// Reads a JSON object.
pub(super) fn json_object(place: &str, bytes: &[u8]) -> Result<Map<String, Value>, ImageError> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ImageError::format(place, "it is no JSON object")),
        Err(error) => Err(ImageError::format(place, format!("it is no JSON: {error}"))),
    }
}

/// The value as a type of its own.
pub(super) fn decode<T: DeserializeOwned>(
    place: &str,
    object: Map<String, Value>,
) -> Result<T, ImageError> {
    serde_json::from_value(Value::Object(object))
        .map_err(|error| ImageError::format(place, error.to_string()))
}

fn check_descriptors(
    place: &str,
    document: &Map<String, Value>,
    keys: &[&str],
) -> Result<(), ImageError> {
    for key in keys {
        let one_or_many = match document.get(*key) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        for value in one_or_many {
            if let Value::Object(descriptor) = value {
                check_keys(place, descriptor)?;
            }
        }
    }
    Ok(())
}

/// Refuses an object with two keys that differ in case only.
pub(super) fn check_keys(place: &str, object: &Map<String, Value>) -> Result<(), ImageError> {
    // To uppercase first: two characters beyond ASCII have lowercase forms within it.
    let folded = |key: &String| key.to_uppercase().to_lowercase();
    let mut keys: Vec<String> = object.keys().map(folded).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(pair) => {
            let key = pair.first().map_or("", String::as_str);
            let reason = format!("it has the key {key:?} in two spellings");
            Err(ImageError::format(place, reason))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTOR: &str = r#"{"digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "size": 0}"#;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let text = text.replace('$', DESCRIPTOR);
        let found = match read_manifest("test", text.as_bytes()) {
            Ok(ManifestDocument::Index(_)) => "index".to_owned(),
            Ok(ManifestDocument::Manifest(_)) => "manifest".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{text}: {found}");
    }

    #[test]
    fn content_says_what_a_document_is() {
        check(r#"{"config": $, "layers": []}"#, "manifest");
        check(r#"{"manifests": [$]}"#, "index");
        check(r#"{"manifests": [], "layers": [], "config": $}"#, "both");
        check(r#"{"schemaVersion": 1, "fsLayers": []}"#, "version 1");
        check("{}", "neither");
        check("[]", "no JSON object");
        check("{", "no JSON");
        check(r#"{"layers": []}"#, "missing field `config`");
        check(
            r#"{"config": $, "layers": [{"digest": "sha256:x"}]}"#,
            "not a digest",
        );
    }

    #[test]
    fn key_in_two_spellings_is_refused() {
        check(
            r#"{"config": $, "layers": [], "Layers": [$]}"#,
            "two spellings",
        );
        check(
            r#"{"config": $, "layers": [], "layerſ": [$]}"#,
            "two spellings",
        );
        check(
            r#"{"manifests": [{"digest": "x", "Digest": "y"}]}"#,
            "two spellings",
        );
    }
}
