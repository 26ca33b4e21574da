//! Each format: what is written is read back, and is refused with a reason where it is broken.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use kubevet_model::{
    Distribution, Package, PackageDetails, PackageInventory, PackageKind, PackageLocation,
    PackageOwnership, UnreadFile, UpstreamPackage,
};
use kubevet_sbom::{DocumentStamp, ImageIdentity, SbomDocument, SbomFormat, read_sbom, write_sbom};

fn stamp() -> DocumentStamp {
    DocumentStamp {
        uuid: "3e671687-395b-41f5-a30f-b58921a69b79".to_owned(),
        created: "2026-11-30T12:00:00Z".to_owned(),
    }
}

fn package(kind: PackageKind, name: &str, version: &str, purl: &str) -> Package {
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        language: String::new(),
        purl: purl.to_owned(),
        cpes: Vec::new(),
        licenses: Vec::new(),
        locations: vec![PackageLocation {
            path: "/var/lib/dpkg/status".to_owned(),
            layer: Some(1),
        }],
        architecture: String::new(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::None,
    }
}

fn document() -> SbomDocument {
    let mut openssl = package(
        PackageKind::Deb,
        "libssl3",
        "3.0.15-1~deb12u1",
        "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl",
    );
    openssl.architecture = "amd64".to_owned();
    openssl.upstreams = vec![UpstreamPackage {
        name: "openssl".to_owned(),
        version: None,
    }];
    openssl.licenses = vec!["Apache-2.0".to_owned(), "Artistic (old)".to_owned()];
    openssl.cpes = vec![
        "cpe:2.3:a:libssl3:libssl3:3.0.15-1~deb12u1:*:*:*:*:*:*:*".to_owned(),
        "cpe:2.3:a:openssl:libssl3:3.0.15-1~deb12u1:*:*:*:*:*:*:*".to_owned(),
    ];
    let mut bash = package(
        PackageKind::Rpm,
        "bash",
        "1:5.1.8-6.el9",
        "pkg:rpm/rhel/bash@5.1.8-6.el9?arch=x86_64&distro=debian-12&epoch=1&upstream=bash-5.1.8-6.el9.src.rpm",
    );
    bash.architecture = "x86_64".to_owned();
    bash.upstreams = vec![UpstreamPackage {
        name: "bash".to_owned(),
        version: Some("5.1.8-6.el9".to_owned()),
    }];
    bash.details = PackageDetails::Rpm {
        epoch: Some(1),
        modularity: None,
    };
    let mut log4j = package(
        PackageKind::JavaArchive,
        "log4j-core",
        "2.14.1",
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
    );
    log4j.language = "java".to_owned();
    log4j.licenses = vec!["MIT OR Apache-2.0".to_owned()];
    log4j.details = PackageDetails::Java {
        group_id: "org.apache.logging.log4j".to_owned(),
        artifact_id: "log4j-core".to_owned(),
        virtual_path: String::new(),
        sha1: String::new(),
    };
    let mut python = package(PackageKind::Python, "pyyaml", "6.0", "pkg:pypi/pyyaml@6.0");
    python.language = "python".to_owned();
    SbomDocument {
        name: "example.test/app:1".to_owned(),
        image: Some(ImageIdentity {
            manifest_digest: format!("sha256:{}", "a".repeat(64)),
            config_digest: format!("sha256:{}", "b".repeat(64)),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            layers: vec![
                format!("sha256:{}", "c".repeat(64)),
                format!("sha256:{}", "d".repeat(64)),
            ],
        }),
        inventory: PackageInventory {
            distribution: Some(Distribution {
                id: "debian".to_owned(),
                version_id: "12".to_owned(),
                ..Distribution::default()
            }),
            packages: vec![openssl, bash, log4j, python],
            ownership: vec![PackageOwnership { owner: 0, owned: 3 }],
            unread: vec![UnreadFile {
                path: "/srv/a.jar".to_owned(),
                reason: "the archive is truncated".to_owned(),
            }],
        },
    }
}

/// What a format has no field for.
fn without(name: &str, mut document: SbomDocument) -> SbomDocument {
    if name.starts_with("spdx")
        && let Some(image) = &mut document.image
    {
        *image = ImageIdentity {
            manifest_digest: image.manifest_digest.clone(),
            ..ImageIdentity::default()
        };
        for package in &mut document.inventory.packages {
            for location in &mut package.locations {
                location.layer = None;
            }
        }
    }
    document
}

#[test]
fn document_that_is_written_is_read_back() {
    let document = document();
    for format in SbomFormat::ALL
        .iter()
        .filter(|format| format.name != "table")
    {
        let text = write_sbom(format, &document, &stamp());
        let read = read_sbom(&text).unwrap_or_else(|error| panic!("{}: {error}", format.name));
        assert_eq!(
            read,
            without(format.name, document.clone()),
            "{}\n{text}",
            format.name
        );
        let again = write_sbom(format, &document, &stamp());
        assert_eq!(text, again, "{} is the same each time", format.name);
    }
}

#[test]
fn folder_without_packages_is_read_back() {
    let document = SbomDocument {
        name: "/srv".to_owned(),
        ..SbomDocument::default()
    };
    for format in SbomFormat::ALL
        .iter()
        .filter(|format| format.name != "table")
    {
        let text = write_sbom(format, &document, &stamp());
        assert_eq!(read_sbom(&text), Ok(document.clone()), "{}", format.name);
    }
}

#[test]
fn broken_document_is_refused_with_a_reason() {
    for (text, expected) in [
        (
            "",
            "unknown SBOM format: expected CycloneDX JSON (bomFormat), SPDX JSON (spdxVersion), SPDX tag-value (SPDXVersion:) or syft-json (artifacts)",
        ),
        (
            "{}",
            "unknown SBOM format: expected CycloneDX JSON (bomFormat), SPDX JSON (spdxVersion), SPDX tag-value (SPDXVersion:) or syft-json (artifacts)",
        ),
        (
            "{",
            "invalid JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"9"}"#,
            "CycloneDX 9 is not supported: 1.2 to 1.6 are read",
        ),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":6}"#,
            "invalid CycloneDX: invalid type: integer `6`, expected a string at line 1 column 40",
        ),
        (
            r#"{"spdxVersion":"SPDX-3.0"}"#,
            "SPDX SPDX-3.0 is not supported: SPDX-2.2 and SPDX-2.3 are read",
        ),
        (
            r#"{"artifacts":1}"#,
            "invalid syft-json: invalid type: integer `1`, expected a sequence at line 1 column 14",
        ),
        (
            "SPDXVersion: SPDX-2.3\nPackageName",
            "invalid SPDX tag-value in line 2: expected `Tag: value`",
        ),
        (
            "SPDXVersion: SPDX-2.3\nPackageComment: <text>a",
            "invalid SPDX tag-value: the <text> that begins in line 2 has no </text>",
        ),
    ] {
        let error = read_sbom(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn component_that_cannot_be_matched_is_not_lost() {
    let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"type":"library","name":"inner","version":"1","components":[
            {"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}]},
        {"type":"file","name":"/etc/passwd"}]}"#;
    let read = read_sbom(text).unwrap();
    let names: Vec<&str> = read
        .inventory
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(names, ["a"]);
    let unread: Vec<&str> = read
        .inventory
        .unread
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(unread, ["inner"]);
}

#[test]
fn table_has_a_line_for_each_package_and_each_unread_file() {
    let format = SbomFormat::named("table").unwrap();
    assert_eq!(
        write_sbom(format, &document(), &stamp()),
        "NAME        VERSION           TYPE\n\
         bash        1:5.1.8-6.el9     rpm\n\
         libssl3     3.0.15-1~deb12u1  deb\n\
         log4j-core  2.14.1            java-archive\n\
         pyyaml      6.0               python\n\
         not read: /srv/a.jar: the archive is truncated\n"
    );
}
