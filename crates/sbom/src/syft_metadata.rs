//! What Syft says of one kind of package alone, by the names that Grype reads: sources, epochs, Maven
//! coordinates, Go modules.

use kubevet_model::{Package, PackageDetails, PackageKind, UpstreamPackage};
use serde_json::{Value, json};

/// The type of the metadata and the metadata of a package.
pub(crate) fn metadata_of(package: &Package) -> (&'static str, Value) {
    let source = package.upstreams.first();
    let source_name = source.map_or("", |source| source.name.as_str());
    let source_version = source.and_then(|source| source.version.as_deref());
    match (package.kind, &package.details) {
        (PackageKind::Deb, _) => (
            "dpkg-db-entry",
            json!({
                "package": package.name, "source": source_name, "version": package.version,
                "sourceVersion": source_version.unwrap_or_default(),
                "architecture": package.architecture, "maintainer": "", "installedSize": 0,
                "files": paths(package),
            }),
        ),
        (PackageKind::Apk, _) => (
            "apk-db-entry",
            json!({
                "package": package.name, "originPackage": source_name, "maintainer": "",
                "version": package.version, "architecture": package.architecture, "url": "",
                "description": "", "size": 0, "installedSize": 0, "pullDependencies": [],
                "provides": [], "pullChecksum": "", "gitCommitOfApkPort": "",
                "files": paths(package),
            }),
        ),
        (PackageKind::Rpm, PackageDetails::Rpm { epoch, modularity }) => {
            ("rpm-db-entry", rpm(package, *epoch, modularity.as_deref()))
        }
        (
            _,
            PackageDetails::Java {
                group_id,
                artifact_id,
                virtual_path,
                sha1,
            },
        ) => (
            "java-archive",
            json!({
                "virtualPath": virtual_path,
                "pomProperties": {
                    "path": "", "name": "", "groupId": group_id, "artifactId": artifact_id,
                    "version": package.version,
                },
                "digest": if sha1.is_empty() { json!([]) } else { json!([{"algorithm": "sha1", "value": sha1}]) },
            }),
        ),
        (
            _,
            PackageDetails::Go {
                main_module,
                compiler,
                checksum,
            },
        ) => (
            "go-module-buildinfo-entry",
            json!({
                "goCompiledVersion": compiler, "architecture": package.architecture,
                "h1Digest": checksum, "mainModule": main_module,
            }),
        ),
        _ => ("", Value::Null),
    }
}

fn paths(package: &Package) -> Vec<Value> {
    package
        .files
        .iter()
        .map(|path| json!({"path": path}))
        .collect()
}

fn rpm(package: &Package, epoch: Option<u32>, modularity: Option<&str>) -> Value {
    let version = package
        .version
        .split_once(':')
        .map_or(package.version.as_str(), |(_, rest)| rest);
    let (version, release) = version.rsplit_once('-').unwrap_or((version, ""));
    let source_rpm = package
        .upstreams
        .first()
        .map_or_else(String::new, |source| {
            let version = source.version.as_deref().unwrap_or_default();
            format!("{}-{version}.src.rpm", source.name)
        });
    let mut metadata = json!({
        "name": package.name, "version": version, "epoch": epoch,
        "architecture": package.architecture, "release": release, "sourceRpm": source_rpm,
        "size": 0, "vendor": "", "files": paths(package),
    });
    if let (Some(modularity), Some(fields)) = (modularity, metadata.as_object_mut()) {
        fields.insert("modularityLabel".to_owned(), json!(modularity));
    }
    metadata
}

/// The details of a package from the metadata of a document.
pub(crate) fn details_from(kind: PackageKind, metadata: &Value) -> PackageDetails {
    let text = |value: Option<&Value>| {
        let value = value.and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let field = |name: &str| metadata.get(name);
    match kind {
        PackageKind::Rpm => PackageDetails::Rpm {
            epoch: field("epoch")
                .and_then(Value::as_u64)
                .and_then(|epoch| epoch.try_into().ok()),
            modularity: field("modularityLabel")
                .and_then(Value::as_str)
                .map(str::to_owned),
        },
        PackageKind::JavaArchive | PackageKind::JenkinsPlugin => {
            let pom = ["pomProperties", "pomProject"]
                .into_iter()
                .filter_map(field)
                .find(|pom| pom.get("artifactId").is_some_and(Value::is_string));
            let of_pom = |name: &str| text(pom.and_then(|pom| pom.get(name)));
            PackageDetails::Java {
                group_id: of_pom("groupId"),
                artifact_id: of_pom("artifactId"),
                virtual_path: text(field("virtualPath")),
                sha1: text(metadata.pointer("/digest/0/value")),
            }
        }
        PackageKind::GoModule => PackageDetails::Go {
            main_module: text(field("mainModule")),
            compiler: text(field("goCompiledVersion")),
            checksum: text(field("h1Digest")),
        },
        _ => PackageDetails::None,
    }
}

/// The source packages from the metadata of a document.
pub(crate) fn upstreams_from(kind: PackageKind, metadata: &Value) -> Vec<UpstreamPackage> {
    let text = |name: &str| {
        let value = metadata.get(name).and_then(Value::as_str);
        value.filter(|text| !text.is_empty())
    };
    let (name, version) = match kind {
        PackageKind::Deb => (text("source"), text("sourceVersion").map(str::to_owned)),
        PackageKind::Apk => (text("originPackage"), None),
        // The package URL has it in full.
        _ => (None, None),
    };
    name.map(|name| UpstreamPackage {
        name: name.to_owned(),
        version,
    })
    .into_iter()
    .collect()
}
