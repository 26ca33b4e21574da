//! CycloneDX 1.6 as JSON (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! What the format has no field for stands in properties: those of Syft where it has one, `kubevet:…`
//! for files that could not be read.

use crate::{
    document::{DocumentStamp, ImageIdentity, SbomDocument},
    error::SbomError,
    licenses::{LicenseForm, form_of},
    package_id::package_ids,
    package_url::{UrlPackage, kind_name, kind_named, package_of},
};
use kubevet_model::{
    Distribution, Package, PackageInventory, PackageLocation, PackageOwnership, UnreadFile,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FORMAT: &str = "CycloneDX";
const READ: &str = "1.2 to 1.6";
const TYPE: &str = "syft:package:type";
const UNREAD: &str = "kubevet:unread:";
const OWNED_BY: &str = "kubevet:ownedBy";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    bom_format: String,
    spec_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    #[serde(default = "one")]
    version: u64,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

const fn one() -> u64 {
    1
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Metadata {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tools: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<Component>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Component {
    #[serde(rename = "bom-ref", default, skip_serializing_if = "String::is_empty")]
    reference: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    cpe: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    purl: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct LicenseChoice {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license: Option<License>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expression: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct License {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Property {
    name: String,
    #[serde(default)]
    value: String,
}

impl Property {
    fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// Writes the document.
pub(crate) fn write(document: &SbomDocument, stamp: &DocumentStamp) -> String {
    let inventory = &document.inventory;
    let ids = package_ids(&inventory.packages);
    let mut components: Vec<Component> = inventory
        .packages
        .iter()
        .zip(&ids)
        .map(|(package, id)| component_of(package, id, document.image.as_ref()))
        .collect();
    for ownership in &inventory.ownership {
        let owner = ids.get(ownership.owner);
        if let (Some(owner), Some(owned)) = (owner, components.get_mut(ownership.owned)) {
            owned.properties.push(Property::new(OWNED_BY, owner));
        }
    }
    components.extend(inventory.distribution.as_ref().map(distribution_component));
    let bom = Bom {
        schema: Some("http://cyclonedx.org/schema/bom-1.6.schema.json".to_owned()),
        bom_format: FORMAT.to_owned(),
        spec_version: "1.6".to_owned(),
        serial_number: Some(format!("urn:uuid:{}", stamp.uuid)),
        version: 1,
        metadata: Metadata {
            timestamp: Some(stamp.created.clone()),
            tools: Some(serde_json::json!({
                "components": [{"type": "application", "name": "kubevet", "version": env!("CARGO_PKG_VERSION")}]
            })),
            component: Some(source_component(document)),
        },
        components,
        properties: inventory
            .unread
            .iter()
            .map(|file| Property::new(format!("{UNREAD}{}", file.path), &file.reason))
            .collect(),
    };
    crate::syft::pretty(&bom)
}

fn source_component(document: &SbomDocument) -> Component {
    let image = document.image.as_ref();
    Component {
        reference: "source".to_owned(),
        kind: image.map_or("file", |_| "container").to_owned(),
        name: document.name.clone(),
        version: image.map_or_else(String::new, |image| image.manifest_digest.clone()),
        properties: image.map_or_else(Vec::new, image_properties),
        ..Component::default()
    }
}

/// The properties of the image, by the names that [`image_of`] reads.
fn image_properties(image: &ImageIdentity) -> Vec<Property> {
    let mut properties: Vec<Property> = [
        ("kubevet:image:configDigest", &image.config_digest),
        ("kubevet:image:mediaType", &image.media_type),
        ("kubevet:image:architecture", &image.architecture),
        ("kubevet:image:os", &image.os),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| Property::new(name, value))
    .collect();
    let layers = image.layers.iter().enumerate();
    properties.extend(
        layers.map(|(number, layer)| Property::new(format!("kubevet:image:layer:{number}"), layer)),
    );
    properties
}

fn image_of(component: &Component) -> Option<ImageIdentity> {
    (component.kind == "container").then(|| {
        let value = |name: &str| {
            let mut found = component.properties.iter();
            found
                .find(|property| property.name == name)
                .map_or_else(String::new, |property| property.value.clone())
        };
        ImageIdentity {
            manifest_digest: component.version.clone(),
            config_digest: value("kubevet:image:configDigest"),
            media_type: value("kubevet:image:mediaType"),
            architecture: value("kubevet:image:architecture"),
            os: value("kubevet:image:os"),
            layers: component
                .properties
                .iter()
                .filter(|property| property.name.starts_with("kubevet:image:layer:"))
                .map(|property| property.value.clone())
                .collect(),
        }
    })
}

fn component_of(package: &Package, id: &str, image: Option<&ImageIdentity>) -> Component {
    let mut properties = vec![Property::new(TYPE, kind_name(package.kind))];
    if !package.language.is_empty() {
        properties.push(Property::new("syft:package:language", &package.language));
    }
    // The first one stands in `cpe`.
    properties.extend(
        package
            .cpes
            .iter()
            .skip(1)
            .map(|cpe| Property::new("syft:cpe23", cpe)),
    );
    for (number, location) in package.locations.iter().enumerate() {
        let layer = location
            .layer
            .and_then(|layer| image.and_then(|image| image.layers.get(layer)));
        if let Some(layer) = layer {
            properties.push(Property::new(
                format!("syft:location:{number}:layerID"),
                layer,
            ));
        }
        properties.push(Property::new(
            format!("syft:location:{number}:path"),
            &location.path,
        ));
    }
    let separator = if package.purl.contains('?') { '&' } else { '?' };
    Component {
        reference: if package.purl.is_empty() {
            id.to_owned()
        } else {
            format!("{}{separator}package-id={id}", package.purl)
        },
        kind: "library".to_owned(),
        name: package.name.clone(),
        version: package.version.clone(),
        licenses: license_choices(&package.licenses),
        cpe: package.cpes.first().cloned().unwrap_or_default(),
        purl: package.purl.clone(),
        properties,
        ..Component::default()
    }
}

/// Either licences by identifier or name, or one expression: the schema allows no mixture.
fn license_choices(licenses: &[String]) -> Vec<LicenseChoice> {
    if let [license] = licenses
        && form_of(license) == LicenseForm::Expression
    {
        return vec![LicenseChoice {
            expression: Some(license.clone()),
            license: None,
        }];
    }
    licenses
        .iter()
        .filter(|license| !license.is_empty())
        .map(|license| {
            let (id, name) = match form_of(license) {
                LicenseForm::Identifier => (Some(license.clone()), None),
                LicenseForm::Expression | LicenseForm::Name => (None, Some(license.clone())),
            };
            LicenseChoice {
                license: Some(License { id, name }),
                expression: None,
            }
        })
        .collect()
}

fn distribution_component(distribution: &Distribution) -> Component {
    let mut properties: Vec<Property> = [
        ("syft:distro:id", &distribution.id),
        ("syft:distro:prettyName", &distribution.pretty_name),
        ("syft:distro:versionCodename", &distribution.codename),
        ("syft:distro:versionID", &distribution.version_id),
        ("syft:distro:version", &distribution.version),
        ("syft:distro:name", &distribution.name),
        ("syft:distro:buildID", &distribution.build_id),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| Property::new(name, value))
    .collect();
    let likes = distribution.id_like.iter().enumerate();
    properties.extend(
        likes.map(|(number, like)| Property::new(format!("syft:distro:idLike:{number}"), like)),
    );
    Component {
        reference: "operating-system".to_owned(),
        kind: "operating-system".to_owned(),
        name: distribution.id.clone(),
        version: distribution.version_id.clone(),
        description: distribution.pretty_name.clone(),
        properties,
        ..Component::default()
    }
}

fn distribution_from(component: &Component) -> Distribution {
    let value = |name: &str| {
        let mut properties = component.properties.iter();
        properties
            .find(|property| property.name == name)
            .map(|property| property.value.clone())
    };
    let text = |name: &str| value(name).unwrap_or_default();
    Distribution {
        id: value("syft:distro:id").unwrap_or_else(|| component.name.clone()),
        id_like: component
            .properties
            .iter()
            .filter(|property| property.name.starts_with("syft:distro:idLike:"))
            .map(|property| property.value.clone())
            .collect(),
        name: text("syft:distro:name"),
        pretty_name: value("syft:distro:prettyName")
            .unwrap_or_else(|| component.description.clone()),
        version: text("syft:distro:version"),
        version_id: value("syft:distro:versionID").unwrap_or_else(|| component.version.clone()),
        codename: text("syft:distro:versionCodename"),
        build_id: text("syft:distro:buildID"),
    }
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<SbomDocument, SbomError> {
    let bom: Bom = serde_json::from_str(text).map_err(|error| SbomError::Invalid {
        format: FORMAT,
        reason: error.to_string(),
    })?;
    if !matches!(
        bom.spec_version.as_str(),
        "1.2" | "1.3" | "1.4" | "1.5" | "1.6"
    ) {
        return Err(SbomError::UnsupportedVersion {
            format: FORMAT,
            version: bom.spec_version,
            supported: READ,
        });
    }
    let source = bom.metadata.component.unwrap_or_default();
    let image = image_of(&source);
    let mut inventory = PackageInventory::default();
    inventory
        .unread
        .extend(bom.properties.iter().filter_map(|property| {
            Some(UnreadFile {
                path: property.name.strip_prefix(UNREAD)?.to_owned(),
                reason: property.value.clone(),
            })
        }));
    let mut components = Vec::new();
    flatten(bom.components, &mut components);
    let mut owners = Vec::new();
    let mut numbers = BTreeMap::new();
    for component in &components {
        if component.kind == "operating-system" {
            inventory.distribution = Some(distribution_from(component));
        } else {
            add(
                component,
                image.as_ref(),
                &mut inventory,
                &mut owners,
                &mut numbers,
            );
        }
    }
    inventory.ownership = owners
        .into_iter()
        .filter_map(|(owner, owned)| {
            let owner = *numbers.get(&owner)?;
            Some(PackageOwnership { owner, owned })
        })
        .collect();
    inventory.ownership.sort_unstable();
    Ok(SbomDocument {
        name: source.name,
        image,
        inventory,
    })
}

/// Components may hold components.
fn flatten(nested: Vec<Component>, flat: &mut Vec<Component>) {
    // The depth is that of the JSON, which the parser bounds.
    for mut component in nested {
        let inner = std::mem::take(&mut component.components);
        flat.push(component);
        flatten(inner, flat);
    }
}

/// Adds a component to the packages. One that no package URL describes, and that is a package all the
/// same, is among what was not read: it is never counted as free of vulnerabilities.
fn add(
    component: &Component,
    image: Option<&ImageIdentity>,
    inventory: &mut PackageInventory,
    owners: &mut Vec<(String, usize)>,
    numbers: &mut BTreeMap<String, usize>,
) {
    let Some(UrlPackage {
        mut package,
        distribution,
    }) = package_of(&component.purl)
    else {
        if matches!(
            component.kind.as_str(),
            "library" | "application" | "framework"
        ) {
            inventory.unread.push(UnreadFile {
                path: component.name.clone(),
                reason: "the component has no package URL of a known type".to_owned(),
            });
        }
        return;
    };
    if inventory.distribution.is_none() {
        inventory.distribution = distribution;
    }
    package
        .cpes
        .extend((!component.cpe.is_empty()).then(|| component.cpe.clone()));
    package.licenses = component.licenses.iter().filter_map(license_text).collect();
    let mut paths: Vec<PackageLocation> = Vec::new();
    let mut layer = None;
    for Property { name, value } in &component.properties {
        match name.as_str() {
            TYPE => package.kind = kind_named(value).unwrap_or(package.kind),
            "syft:package:language" => package.language.clone_from(value),
            "syft:cpe23" => package.cpes.push(value.clone()),
            OWNED_BY => owners.push((value.clone(), inventory.packages.len())),
            _ if name.starts_with("syft:location:") && name.ends_with(":layerID") => {
                layer = image.and_then(|image| image.layers.iter().position(|id| id == value));
            }
            _ if name.starts_with("syft:location:") && name.ends_with(":path") => {
                paths.push(PackageLocation {
                    path: value.clone(),
                    layer: layer.take(),
                });
            }
            _ => {}
        }
    }
    package.locations = paths;
    if let Some((_, id)) = component.reference.split_once("package-id=") {
        let id = id.split('&').next().unwrap_or(id);
        numbers.insert(id.to_owned(), inventory.packages.len());
    }
    inventory.packages.push(package);
}

fn license_text(choice: &LicenseChoice) -> Option<String> {
    let license = choice.license.as_ref();
    let of_license = license.and_then(|license| license.id.as_ref().or(license.name.as_ref()));
    of_license.or(choice.expression.as_ref()).cloned()
}
