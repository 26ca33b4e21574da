//! Crates in the audit section of a Rust program, which `cargo auditable` writes.

use crate::{
    cataloger::{Cataloger, Selection},
    executable,
    facts::{AuditedCrate, Fact},
    files::{CatalogedFile, Files, location},
    purl,
};
use flate2::bufread::ZlibDecoder;
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use std::io::Read as _;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "rust",
    selection: Selection::Executables,
    subject: None,
    facts,
    packages,
};

/// Bytes of the longest list of crates.
const LIST_BYTES: u64 = 8 << 20;

#[derive(serde::Deserialize)]
struct Document {
    packages: Vec<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    version: String,
    kind: Option<String>,
}

fn facts(_: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let mut crates = Vec::new();
    for program in executable::programs(content) {
        if let Some(section) = program.section(b".dep-v0") {
            crates.extend(audited(section)?);
        }
    }
    Ok((!crates.is_empty()).then_some(Fact::Rust(crates)))
}

/// The crates that run; those of the build are left out.
fn audited(section: &[u8]) -> Result<Vec<AuditedCrate>, String> {
    let mut text = Vec::new();
    ZlibDecoder::new(section)
        .take(LIST_BYTES.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(|error| format!("its section .dep-v0 cannot be inflated: {error}"))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LIST_BYTES {
        return Err(format!(
            "its section .dep-v0 inflates to over {LIST_BYTES} bytes"
        ));
    }
    let document: Document = serde_json::from_slice(&text)
        .map_err(|error| format!("its section .dep-v0 is not a list of crates: {error}"))?;
    let entries = document.packages.into_iter();
    Ok(entries
        .filter(|entry| !entry.name.is_empty())
        .filter(|entry| entry.kind.as_deref().is_none_or(|kind| kind == "runtime"))
        .map(|entry| AuditedCrate {
            name: entry.name,
            version: entry.version,
        })
        .collect())
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Rust(crates) = fact {
            found.extend(crates.iter().map(|entry| package(file, entry)));
        }
    }
}

fn package(file: &CatalogedFile<'_>, entry: &AuditedCrate) -> Package {
    Package {
        kind: PackageKind::RustCrate,
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: "rust".to_owned(),
        purl: purl::purl("cargo", "", &entry.name, &entry.version, &[]),
        cpes: Vec::new(),
        licenses: Vec::new(),
        locations: vec![location(file)],
        architecture: String::new(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write as _;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn crates_of_the_build_are_left_out() {
        let list = br#"{"packages":[{"name":"a","version":"1.0.0","source":"local","root":true},{"name":"b","version":"2.0.0","source":"crates.io","kind":"build"}]}"#;
        let found = audited(&packed(list)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].name, &*found[0].version), ("a", "1.0.0"));
    }

    #[test]
    fn damaged_or_too_large_list_is_a_problem() {
        assert!(audited(b"this is not zlib").is_err());
        assert!(audited(&packed(b"{}")).is_err());
        assert!(audited(&packed(&vec![b' '; 9 << 20])).is_err());
    }
}
