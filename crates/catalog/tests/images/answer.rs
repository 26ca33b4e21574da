//! What Syft found, as the oracle answers it.

use kubevet_testkit::oracle::Oracle;

/// What is in a source.
#[derive(serde::Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    error: String,
    pub(crate) distro: Option<Distribution>,
    #[serde(default)]
    pub(crate) packages: Vec<FoundPackage>,
    #[serde(default)]
    pub(crate) relationships: Vec<Relationship>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Distribution {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) version_id: String,
    #[serde(default)]
    pub(crate) codename: String,
    #[serde(default)]
    pub(crate) id_like: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundPackage {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) purl: String,
    pub(crate) locations: Vec<Location>,
    #[serde(default)]
    pub(crate) source_packages: Vec<Upstream>,
}

#[derive(serde::Deserialize)]
pub(crate) struct Location {
    pub(crate) path: String,
    pub(crate) layer: i64,
}

#[derive(serde::Deserialize)]
pub(crate) struct Upstream {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
}

#[derive(serde::Deserialize)]
pub(crate) struct Relationship {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What Syft finds in a source, such as `oci-dir:PATH`.
pub(crate) fn ask(oracle: &mut Oracle, source: &str) -> Answer {
    let answer = oracle.send(&serde_json::json!({"op": "sbom", "source": source}));
    let answer: Answer = serde_json::from_value(answer).unwrap();
    assert_eq!(answer.error, "", "{source}");
    answer
}
