//! The JSON of Syft (schema 16), which Grype reads: artifacts with what only one kind of package has,
//! relationships, source, distribution.

use crate::{
    document::{ImageIdentity, SbomDocument},
    error::SbomError,
    licenses::{LicenseForm, form_of},
    package_id::package_ids,
    package_url::{kind_name, kind_named, package_of},
    syft_metadata::{details_from, metadata_of, upstreams_from},
};
use kubevet_model::{
    Distribution, Package, PackageInventory, PackageLocation, PackageOwnership, UnreadFile,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FORMAT: &str = "syft-json";
const SCHEMA: &str = "16.1.0";
const OWNERSHIP: &str = "ownership-by-file-overlap";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Syft {
    artifacts: Vec<Artifact>,
    #[serde(default, deserialize_with = "list")]
    artifact_relationships: Vec<Relationship>,
    #[serde(
        default,
        deserialize_with = "list",
        skip_serializing_if = "Vec::is_empty"
    )]
    files: Vec<File>,
    #[serde(default)]
    source: Source,
    #[serde(default)]
    distro: Distro,
    #[serde(default)]
    descriptor: Value,
    #[serde(default)]
    schema: Value,
}

/// Go writes an empty list as null.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(input).map(Option::unwrap_or_default)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    id: String,
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    found_by: String,
    #[serde(default, deserialize_with = "list")]
    locations: Vec<Location>,
    #[serde(default, deserialize_with = "list")]
    licenses: Vec<License>,
    #[serde(default)]
    language: String,
    #[serde(default, deserialize_with = "list")]
    cpes: Vec<Cpe>,
    #[serde(default)]
    purl: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    metadata_type: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    metadata: Value,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    path: String,
    #[serde(rename = "layerID", default, skip_serializing_if = "String::is_empty")]
    layer_id: String,
    #[serde(default)]
    access_path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// An object today, a string in old documents.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum License {
    Text(String),
    #[serde(rename_all = "camelCase")]
    Object {
        #[serde(default)]
        value: String,
        #[serde(default)]
        spdx_expression: String,
        #[serde(rename = "type", default)]
        kind: String,
        #[serde(default, deserialize_with = "list")]
        urls: Vec<Value>,
        #[serde(default, deserialize_with = "list")]
        locations: Vec<Value>,
    },
}

/// An object today, a string in old documents.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Cpe {
    Text(String),
    Object {
        cpe: String,
        #[serde(default)]
        source: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Relationship {
    parent: String,
    child: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    #[serde(default)]
    id: String,
    location: FileLocation,
    /// Reasons why the file was not understood.
    #[serde(
        default,
        deserialize_with = "list",
        skip_serializing_if = "Vec::is_empty"
    )]
    unknowns: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FileLocation {
    path: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Source {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    metadata: Value,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Distro {
    #[serde(rename = "prettyName", skip_serializing_if = "String::is_empty")]
    pretty_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(
        rename = "idLike",
        deserialize_with = "list",
        skip_serializing_if = "Vec::is_empty"
    )]
    id_like: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(rename = "versionID", skip_serializing_if = "String::is_empty")]
    version_id: String,
    #[serde(rename = "versionCodename", skip_serializing_if = "String::is_empty")]
    codename: String,
    #[serde(rename = "buildID", skip_serializing_if = "String::is_empty")]
    build_id: String,
}

/// JSON with indentation and a line feed at the end.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    // Strings, numbers and lists alone: nothing here can fail to serialize.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes the document.
pub(crate) fn write(document: &SbomDocument) -> String {
    let inventory = &document.inventory;
    let ids = package_ids(&inventory.packages);
    let layers = document
        .image
        .as_ref()
        .map_or(&[][..], |image| &image.layers);
    let artifacts = inventory
        .packages
        .iter()
        .zip(&ids)
        .map(|(package, id)| artifact_of(package, id, layers))
        .collect();
    let artifact_relationships = inventory
        .ownership
        .iter()
        .filter_map(|ownership| {
            Some(Relationship {
                parent: ids.get(ownership.owner)?.clone(),
                child: ids.get(ownership.owned)?.clone(),
                kind: OWNERSHIP.to_owned(),
            })
        })
        .collect();
    let files = inventory
        .unread
        .iter()
        .map(|file| File {
            id: String::new(),
            location: FileLocation {
                path: file.path.clone(),
            },
            unknowns: vec![file.reason.clone()],
        })
        .collect();
    pretty(&Syft {
        artifacts,
        artifact_relationships,
        files,
        source: source_of(document),
        distro: inventory
            .distribution
            .as_ref()
            .map(distro_of)
            .unwrap_or_default(),
        descriptor: json!({"name": "kubevet", "version": env!("CARGO_PKG_VERSION")}),
        schema: json!({
            "version": SCHEMA,
            "url": format!("https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-{SCHEMA}.json"),
        }),
    })
}

fn artifact_of(package: &Package, id: &str, layers: &[String]) -> Artifact {
    let (metadata_type, metadata) = metadata_of(package);
    let location = |(number, location): (usize, &PackageLocation)| Location {
        path: location.path.clone(),
        layer_id: location
            .layer
            .and_then(|layer| layers.get(layer).cloned())
            .unwrap_or_default(),
        access_path: location.path.clone(),
        annotations: BTreeMap::from([(
            "evidence".to_owned(),
            if number == 0 { "primary" } else { "supporting" }.to_owned(),
        )]),
    };
    Artifact {
        id: id.to_owned(),
        name: package.name.clone(),
        version: package.version.clone(),
        kind: kind_name(package.kind).to_owned(),
        found_by: "kubevet".to_owned(),
        locations: package.locations.iter().enumerate().map(location).collect(),
        licenses: package
            .licenses
            .iter()
            .map(|license| License::Object {
                value: license.clone(),
                spdx_expression: if form_of(license) == LicenseForm::Name {
                    String::new()
                } else {
                    license.clone()
                },
                kind: "declared".to_owned(),
                urls: Vec::new(),
                locations: Vec::new(),
            })
            .collect(),
        language: package.language.clone(),
        cpes: package
            .cpes
            .iter()
            .map(|cpe| Cpe::Object {
                cpe: cpe.clone(),
                source: "syft-generated".to_owned(),
            })
            .collect(),
        purl: package.purl.clone(),
        metadata_type: metadata_type.to_owned(),
        metadata,
    }
}

fn source_of(document: &SbomDocument) -> Source {
    let Some(image) = &document.image else {
        return Source {
            id: String::new(),
            name: document.name.clone(),
            version: String::new(),
            kind: "directory".to_owned(),
            metadata: json!({"path": document.name}),
        };
    };
    let digest = &image.manifest_digest;
    let layers: Vec<Value> = image
        .layers
        .iter()
        .map(|layer| json!({"digest": layer, "mediaType": "", "size": 0}))
        .collect();
    Source {
        id: digest.strip_prefix("sha256:").unwrap_or(digest).to_owned(),
        name: document.name.clone(),
        version: digest.clone(),
        kind: "image".to_owned(),
        metadata: json!({
            "userInput": document.name,
            "imageID": image.config_digest,
            "manifestDigest": digest,
            "mediaType": image.media_type,
            "tags": [],
            "imageSize": 0,
            "layers": layers,
            "repoDigests": [],
            "architecture": image.architecture,
            "os": image.os,
        }),
    }
}

fn image_of(source: &Source) -> Option<ImageIdentity> {
    (source.kind == "image").then(|| {
        let field = |name: &str| source.metadata.get(name);
        let text = |name: &str| {
            let value = field(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let layers = field("layers").and_then(Value::as_array);
        ImageIdentity {
            manifest_digest: text("manifestDigest"),
            config_digest: text("imageID"),
            media_type: text("mediaType"),
            architecture: text("architecture"),
            os: text("os"),
            layers: layers
                .into_iter()
                .flatten()
                .filter_map(|layer| layer.get("digest")?.as_str().map(str::to_owned))
                .collect(),
        }
    })
}

fn distro_of(distribution: &Distribution) -> Distro {
    let found = distribution.clone();
    Distro {
        pretty_name: found.pretty_name,
        name: found.name,
        id: found.id,
        id_like: found.id_like,
        version: found.version,
        version_id: found.version_id,
        codename: found.codename,
        build_id: found.build_id,
    }
}

fn distribution_of(distro: Distro) -> Option<Distribution> {
    let found = Distribution {
        id: distro.id,
        id_like: distro.id_like,
        name: distro.name,
        pretty_name: distro.pretty_name,
        version: distro.version,
        version_id: distro.version_id,
        codename: distro.codename,
        build_id: distro.build_id,
    };
    (found != Distribution::default()).then_some(found)
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<SbomDocument, SbomError> {
    let syft: Syft = serde_json::from_str(text).map_err(|error| SbomError::Invalid {
        format: FORMAT,
        reason: error.to_string(),
    })?;
    let image = image_of(&syft.source);
    let layers = image.as_ref().map_or(&[][..], |image| &image.layers);
    let mut inventory = PackageInventory {
        distribution: distribution_of(syft.distro),
        ..PackageInventory::default()
    };
    for file in syft.files {
        inventory
            .unread
            .extend(file.unknowns.into_iter().map(|reason| UnreadFile {
                path: file.location.path.clone(),
                reason,
            }));
    }
    let mut numbers = BTreeMap::new();
    for artifact in syft.artifacts {
        let id = artifact.id.clone();
        match package_from(artifact, layers) {
            Ok(package) => {
                numbers.insert(id, inventory.packages.len());
                inventory.packages.push(package);
            }
            Err(unread) => inventory.unread.push(unread),
        }
    }
    inventory.ownership = syft
        .artifact_relationships
        .iter()
        .filter(|relationship| relationship.kind == OWNERSHIP)
        .filter_map(|relationship| {
            Some(PackageOwnership {
                owner: *numbers.get(&relationship.parent)?,
                owned: *numbers.get(&relationship.child)?,
            })
        })
        .collect();
    inventory.ownership.sort_unstable();
    Ok(SbomDocument {
        name: syft.source.name,
        image,
        inventory,
    })
}

/// The package of an artifact; one of a kind that is not known is not matched, and said.
fn package_from(artifact: Artifact, layers: &[String]) -> Result<Package, UnreadFile> {
    let from_url = package_of(&artifact.purl).map(|found| found.package);
    let kind = kind_named(&artifact.kind)
        .or_else(|| from_url.as_ref().map(|package| package.kind))
        .ok_or_else(|| UnreadFile {
            path: artifact.name.clone(),
            reason: format!("packages of type {} are not evaluated", artifact.kind),
        })?;
    let details = details_from(kind, &artifact.metadata);
    let (architecture, url_upstreams) = from_url
        .map(|package| (package.architecture, package.upstreams))
        .unwrap_or_default();
    let mut upstreams = upstreams_from(kind, &artifact.metadata);
    if upstreams.is_empty() {
        upstreams = url_upstreams;
    }
    let locations = artifact
        .locations
        .into_iter()
        .map(|location| PackageLocation {
            layer: layers.iter().position(|layer| *layer == location.layer_id),
            path: location.path,
        });
    Ok(Package {
        kind,
        locations: locations.collect(),
        name: artifact.name,
        version: artifact.version,
        language: artifact.language,
        purl: artifact.purl,
        cpes: artifact
            .cpes
            .into_iter()
            .map(|(Cpe::Text(cpe) | Cpe::Object { cpe, .. })| cpe)
            .collect(),
        licenses: artifact
            .licenses
            .into_iter()
            .map(|(License::Text(value) | License::Object { value, .. })| value)
            .collect(),
        architecture,
        upstreams,
        files: Vec::new(),
        details,
    })
}
