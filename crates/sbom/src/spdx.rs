//! SPDX 2.3 (<https://spdx.github.io/spdx-spec/v2.3/>): the document as data, and its JSON.

use crate::{
    document::{DocumentStamp, ImageIdentity, SbomDocument},
    error::SbomError,
    licenses::{LicenseForm, form_of},
    package_id::package_ids,
    package_url::{UrlPackage, kind_name, package_of},
    syft::pretty,
};
use kubevet_model::{Package, PackageInventory, PackageLocation, PackageOwnership, UnreadFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FORMAT: &str = "SPDX";
/// The purpose of a distribution, as JSON spells it.
pub(crate) const OPERATING_SYSTEM: &str = "OPERATING_SYSTEM";
/// No statement is made.
const NOASSERTION: &str = "NOASSERTION";
/// The element that is the image or folder.
const SOURCE_ID: &str = "SPDXRef-DocumentRoot";
const FOUND_IN: &str = "found in ";
const UNREAD: &str = "not read: ";
const OWNERSHIP: &str = "ownership-by-file-overlap";

/// A document.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpdxDocument {
    pub spdx_version: String,
    #[serde(default)]
    pub data_license: String,
    #[serde(rename = "SPDXID", default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub document_namespace: String,
    #[serde(default)]
    pub creation_info: CreationInfo,
    #[serde(default)]
    pub packages: Vec<SpdxPackage>,
    #[serde(default)]
    pub relationships: Vec<SpdxRelationship>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<SpdxAnnotation>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct CreationInfo {
    #[serde(default)]
    pub creators: Vec<String>,
    #[serde(default)]
    pub created: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpdxPackage {
    pub name: String,
    #[serde(rename = "SPDXID")]
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version_info: String,
    #[serde(default)]
    pub download_location: String,
    #[serde(default = "yes")]
    pub files_analyzed: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_info: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub license_concluded: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub license_declared: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub license_comments: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub copyright_text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_refs: Vec<ExternalRef>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub primary_package_purpose: String,
}

/// The specification's default of `filesAnalyzed`.
const fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExternalRef {
    pub reference_category: String,
    pub reference_type: String,
    pub reference_locator: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpdxRelationship {
    pub spdx_element_id: String,
    pub related_spdx_element: String,
    pub relationship_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpdxAnnotation {
    pub annotation_date: String,
    pub annotation_type: String,
    pub annotator: String,
    pub comment: String,
}

/// Writes JSON.
pub(crate) fn write(document: &SbomDocument, stamp: &DocumentStamp) -> String {
    pretty(&from_document(document, stamp))
}

/// Reads JSON.
pub(crate) fn read(text: &str) -> Result<SbomDocument, SbomError> {
    let spdx = serde_json::from_str(text).map_err(|error| SbomError::Invalid {
        format: FORMAT,
        reason: error.to_string(),
    })?;
    to_document(spdx)
}

/// The SPDX document of an SBOM.
pub(crate) fn from_document(document: &SbomDocument, stamp: &DocumentStamp) -> SpdxDocument {
    let inventory = &document.inventory;
    let tool = format!("Tool: kubevet-{}", env!("CARGO_PKG_VERSION"));
    let references: Vec<String> = package_ids(&inventory.packages)
        .iter()
        .zip(&inventory.packages)
        .map(|(id, package)| format!("SPDXRef-Package-{}-{id}", kind_name(package.kind)))
        .collect();
    let mut packages = vec![source_package(document)];
    packages.extend(
        inventory
            .packages
            .iter()
            .zip(&references)
            .map(|(package, id)| package_of_inventory(package, id)),
    );
    packages.extend(
        inventory
            .distribution
            .as_ref()
            .map(|distribution| SpdxPackage {
                name: distribution.id.clone(),
                id: "SPDXRef-OperatingSystem".to_owned(),
                version_info: distribution.version_id.clone(),
                download_location: NOASSERTION.to_owned(),
                primary_package_purpose: OPERATING_SYSTEM.to_owned(),
                ..SpdxPackage::default()
            }),
    );
    let describes = SpdxRelationship {
        spdx_element_id: "SPDXRef-DOCUMENT".to_owned(),
        related_spdx_element: SOURCE_ID.to_owned(),
        relationship_type: "DESCRIBES".to_owned(),
        comment: String::new(),
    };
    let contains = references.iter().map(|id| SpdxRelationship {
        spdx_element_id: SOURCE_ID.to_owned(),
        related_spdx_element: id.clone(),
        relationship_type: "CONTAINS".to_owned(),
        comment: String::new(),
    });
    let owns = inventory.ownership.iter().filter_map(|ownership| {
        Some(SpdxRelationship {
            spdx_element_id: references.get(ownership.owner)?.clone(),
            related_spdx_element: references.get(ownership.owned)?.clone(),
            relationship_type: "OTHER".to_owned(),
            comment: format!(
                "{OWNERSHIP}: the first package owns files that are the evidence of the second"
            ),
        })
    });
    SpdxDocument {
        spdx_version: "SPDX-2.3".to_owned(),
        data_license: "CC0-1.0".to_owned(),
        id: "SPDXRef-DOCUMENT".to_owned(),
        name: document.name.clone(),
        document_namespace: format!("https://kubevet.io/spdx/{}", stamp.uuid),
        creation_info: CreationInfo {
            creators: vec![tool.clone()],
            created: stamp.created.clone(),
        },
        packages,
        relationships: std::iter::once(describes)
            .chain(contains)
            .chain(owns)
            .collect(),
        annotations: inventory
            .unread
            .iter()
            .map(|file| SpdxAnnotation {
                annotation_date: stamp.created.clone(),
                annotation_type: "OTHER".to_owned(),
                annotator: tool.clone(),
                comment: format!("{UNREAD}{}: {}", file.path, file.reason),
            })
            .collect(),
    }
}

fn source_package(document: &SbomDocument) -> SpdxPackage {
    let image = document.image.as_ref();
    SpdxPackage {
        name: document.name.clone(),
        id: SOURCE_ID.to_owned(),
        version_info: image.map_or_else(String::new, |image| image.manifest_digest.clone()),
        download_location: NOASSERTION.to_owned(),
        license_concluded: NOASSERTION.to_owned(),
        license_declared: NOASSERTION.to_owned(),
        copyright_text: NOASSERTION.to_owned(),
        primary_package_purpose: image.map_or("FILE", |_| "CONTAINER").to_owned(),
        ..SpdxPackage::default()
    }
}

fn package_of_inventory(package: &Package, id: &str) -> SpdxPackage {
    let reference = |category: &str, kind: &str, locator: &String| ExternalRef {
        reference_category: category.to_owned(),
        reference_type: kind.to_owned(),
        reference_locator: locator.clone(),
    };
    let mut external_refs: Vec<ExternalRef> = package
        .cpes
        .iter()
        .map(|cpe| reference("SECURITY", "cpe23Type", cpe))
        .collect();
    if !package.purl.is_empty() {
        external_refs.push(reference("PACKAGE-MANAGER", "purl", &package.purl));
    }
    let (license_declared, license_comments) = licenses(&package.licenses);
    SpdxPackage {
        name: package.name.clone(),
        id: id.to_owned(),
        version_info: package.version.clone(),
        download_location: NOASSERTION.to_owned(),
        source_info: package
            .locations
            .first()
            .map_or_else(String::new, |location| {
                format!("{FOUND_IN}{}", location.path)
            }),
        license_concluded: NOASSERTION.to_owned(),
        license_declared,
        license_comments,
        copyright_text: NOASSERTION.to_owned(),
        external_refs,
        ..SpdxPackage::default()
    }
}

/// The declared licence as an expression, and in a comment the names that are no part of one.
fn licenses(licenses: &[String]) -> (String, String) {
    let (known, names): (Vec<&String>, Vec<&String>) = licenses
        .iter()
        .filter(|license| !license.is_empty())
        .partition(|license| form_of(license) != LicenseForm::Name);
    let expression = match known.as_slice() {
        [] => NOASSERTION.to_owned(),
        [single] => (*single).clone(),
        several => several
            .iter()
            .map(|license| {
                if form_of(license) == LicenseForm::Expression {
                    format!("({license})")
                } else {
                    (*license).clone()
                }
            })
            .collect::<Vec<_>>()
            .join(" AND "),
    };
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    (expression, names.join("; "))
}

/// The SBOM of an SPDX document.
///
/// # Errors
/// The version is not one that is read.
pub(crate) fn to_document(spdx: SpdxDocument) -> Result<SbomDocument, SbomError> {
    if !matches!(spdx.spdx_version.as_str(), "SPDX-2.2" | "SPDX-2.3") {
        return Err(SbomError::UnsupportedVersion {
            format: FORMAT,
            version: spdx.spdx_version,
            supported: "SPDX-2.2 and SPDX-2.3",
        });
    }
    let mut document = SbomDocument {
        name: spdx.name,
        ..SbomDocument::default()
    };
    for annotation in &spdx.annotations {
        if let Some((path, reason)) = annotation
            .comment
            .strip_prefix(UNREAD)
            .and_then(|text| text.split_once(": "))
        {
            document.inventory.unread.push(UnreadFile {
                path: path.to_owned(),
                reason: reason.to_owned(),
            });
        }
    }
    let mut numbers = BTreeMap::new();
    for package in spdx.packages {
        match package.primary_package_purpose.as_str() {
            "CONTAINER" => {
                document.name = package.name;
                document.image = Some(ImageIdentity {
                    manifest_digest: package.version_info,
                    ..ImageIdentity::default()
                });
            }
            "FILE" if package.id.starts_with(SOURCE_ID) => document.name = package.name,
            OPERATING_SYSTEM => {
                let distribution = document.inventory.distribution.get_or_insert_default();
                distribution.id = package.name;
                distribution.version_id = package.version_info;
            }
            _ => {
                let id = package.id.clone();
                if add(package, &mut document.inventory) {
                    numbers.insert(id, document.inventory.packages.len() - 1);
                }
            }
        }
    }
    let owners = spdx.relationships.iter().filter_map(|relationship| {
        relationship.comment.starts_with(OWNERSHIP).then_some(())?;
        Some(PackageOwnership {
            owner: *numbers.get(&relationship.spdx_element_id)?,
            owned: *numbers.get(&relationship.related_spdx_element)?,
        })
    });
    document.inventory.ownership = owners.collect();
    document.inventory.ownership.sort_unstable();
    Ok(document)
}

/// Adds a package; false if it is of no known type, which is then among what was not read.
fn add(package: SpdxPackage, inventory: &mut PackageInventory) -> bool {
    let locator = |kind: &str| {
        let matching = package.external_refs.iter();
        matching
            .filter(|reference| reference.reference_type == kind)
            .map(|reference| reference.reference_locator.clone())
            .collect::<Vec<_>>()
    };
    let Some(UrlPackage {
        package: mut found,
        distribution,
    }) = locator("purl").first().and_then(|url| package_of(url))
    else {
        inventory.unread.push(UnreadFile {
            path: package.name,
            reason: "the package has no package URL of a known type".to_owned(),
        });
        return false;
    };
    if inventory.distribution.is_none() {
        inventory.distribution = distribution;
    }
    found.cpes = locator("cpe23Type");
    if !matches!(package.license_declared.as_str(), "" | NOASSERTION | "NONE") {
        found.licenses.push(package.license_declared);
    }
    found.licenses.extend(
        package
            .license_comments
            .split("; ")
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    );
    // Ours, or the end of Syft's sentence: `acquired package info from APK DB: /lib/apk/db/installed`.
    let path = package
        .source_info
        .strip_prefix(FOUND_IN)
        .or_else(|| package.source_info.rsplit_once(": ").map(|(_, path)| path));
    found.locations.extend(path.map(|path| PackageLocation {
        path: path.to_owned(),
        layer: None,
    }));
    inventory.packages.push(found);
    true
}
