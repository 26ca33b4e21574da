//! SPDX 2.3 as lines of tag and value.

use crate::{
    document::{DocumentStamp, SbomDocument},
    error::SbomError,
    spdx::{
        ExternalRef, SpdxAnnotation, SpdxDocument, SpdxPackage, SpdxRelationship, from_document,
        to_document,
    },
};
use std::fmt::Write as _;

/// True if the text begins as a tag-value document does.
pub(crate) fn is_tag_value(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| line.starts_with("SPDXVersion:"))
}

/// Writes the document.
pub(crate) fn write(document: &SbomDocument, stamp: &DocumentStamp) -> String {
    let spdx = from_document(document, stamp);
    let mut lines = Lines::default();
    lines.add("SPDXVersion", &spdx.spdx_version);
    lines.add("DataLicense", &spdx.data_license);
    lines.add("SPDXID", &spdx.id);
    lines.add("DocumentName", &spdx.name);
    lines.add("DocumentNamespace", &spdx.document_namespace);
    for creator in &spdx.creation_info.creators {
        lines.add("Creator", creator);
    }
    lines.add("Created", &spdx.creation_info.created);
    for annotation in &spdx.annotations {
        lines.0.push('\n');
        lines.add("Annotator", &annotation.annotator);
        lines.add("AnnotationDate", &annotation.annotation_date);
        lines.add("AnnotationType", &annotation.annotation_type);
        lines.add("SPDXREF", &spdx.id);
        lines.add("AnnotationComment", &annotation.comment);
    }
    for package in &spdx.packages {
        write_package(package, &mut lines);
    }
    lines.0.push('\n');
    for relationship in &spdx.relationships {
        let text = format!(
            "{} {} {}",
            relationship.spdx_element_id,
            relationship.relationship_type,
            relationship.related_spdx_element
        );
        lines.add("Relationship", &text);
        lines.add("RelationshipComment", &relationship.comment);
    }
    lines.0
}

fn write_package(package: &SpdxPackage, lines: &mut Lines) {
    lines.0.push('\n');
    lines.add("PackageName", &package.name);
    lines.add("SPDXID", &package.id);
    lines.add("PackageVersion", &package.version_info);
    lines.add("PackageDownloadLocation", &package.download_location);
    // JSON has an underscore where tag-value has a hyphen.
    let purpose = package.primary_package_purpose.replace('_', "-");
    lines.add("PrimaryPackagePurpose", &purpose);
    lines.add("FilesAnalyzed", "false");
    lines.add("PackageSourceInfo", &package.source_info);
    lines.add("PackageLicenseConcluded", &package.license_concluded);
    lines.add("PackageLicenseDeclared", &package.license_declared);
    lines.add("PackageLicenseComments", &package.license_comments);
    lines.add("PackageCopyrightText", &package.copyright_text);
    for reference in &package.external_refs {
        let text = format!(
            "{} {} {}",
            reference.reference_category, reference.reference_type, reference.reference_locator
        );
        lines.add("ExternalRef", &text);
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    /// Adds a line; an empty value has none. A value that a line cannot hold stands between marks.
    fn add(&mut self, tag: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = match value {
            "" => Ok(()),
            value if value.contains('\n') || value.starts_with("<text>") => {
                writeln!(
                    self.0,
                    "{tag}: <text>{}</text>",
                    value.replace("</text>", "")
                )
            }
            value => writeln!(self.0, "{tag}: {value}"),
        };
    }
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<SbomDocument, SbomError> {
    let mut spdx = SpdxDocument::default();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (tag, value) = line
            .split_once(':')
            .ok_or(SbomError::InvalidLine { line: number + 1 })?;
        let mut value = value.trim().to_owned();
        if let Some(begin) = value.strip_prefix("<text>") {
            let mut whole = begin.to_owned();
            while !whole.contains("</text>") {
                let (_, next) = lines
                    .next()
                    .ok_or(SbomError::UnclosedText { line: number + 1 })?;
                whole.push('\n');
                whole.push_str(next);
            }
            let end = whole.find("</text>").unwrap_or(whole.len());
            whole.truncate(end);
            value = whole;
        }
        set(&mut spdx, tag, value);
    }
    to_document(spdx)
}

/// Sets the field of a tag; one that says nothing about packages is skipped.
fn set(spdx: &mut SpdxDocument, tag: &str, value: String) {
    match tag {
        "SPDXVersion" => spdx.spdx_version = value,
        "DocumentName" => spdx.name = value,
        "AnnotationComment" => spdx.annotations.push(SpdxAnnotation {
            annotation_date: String::new(),
            annotation_type: String::new(),
            annotator: String::new(),
            comment: value,
        }),
        "PackageName" => spdx.packages.push(SpdxPackage {
            name: value,
            ..SpdxPackage::default()
        }),
        "Relationship" => {
            let mut words = value.split_whitespace();
            if let (Some(from), Some(kind), Some(to)) = (words.next(), words.next(), words.next()) {
                spdx.relationships.push(SpdxRelationship {
                    spdx_element_id: from.to_owned(),
                    related_spdx_element: to.to_owned(),
                    relationship_type: kind.to_owned(),
                    comment: String::new(),
                });
            }
        }
        "RelationshipComment" => {
            if let Some(relationship) = spdx.relationships.last_mut() {
                relationship.comment = value;
            }
        }
        _ => {
            if let Some(package) = spdx.packages.last_mut() {
                set_of_package(package, tag, value);
            }
        }
    }
}

fn set_of_package(package: &mut SpdxPackage, tag: &str, value: String) {
    match tag {
        "SPDXID" => package.id = value,
        "PackageVersion" => package.version_info = value,
        "PrimaryPackagePurpose" => package.primary_package_purpose = value.replace('-', "_"),
        "PackageSourceInfo" => package.source_info = value,
        "PackageLicenseDeclared" => package.license_declared = value,
        "PackageLicenseComments" => package.license_comments = value,
        "ExternalRef" => {
            let mut words = value.split_whitespace();
            if let (Some(category), Some(kind), Some(locator)) =
                (words.next(), words.next(), words.next())
            {
                package.external_refs.push(ExternalRef {
                    reference_category: category.to_owned(),
                    reference_type: kind.to_owned(),
                    reference_locator: locator.to_owned(),
                });
            }
        }
        _ => {}
    }
}
