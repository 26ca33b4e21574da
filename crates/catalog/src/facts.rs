//! What is kept of a file: plain data that is stored with the layer.

use crate::{
    alpm::AlpmEntry, apk::ApkFact, binary::BinaryFact, composer::ComposerPackage,
    dotnet::DotnetFact, dpkg::DpkgFact, gem::GemSpecification, go_build_info::GoBuild,
    java::JavaArchive, javascript::NpmPackage, os_release::OsReleaseFact, python::PythonFact,
    rpm::RpmFact, rust_audit::AuditedCrate,
};

/// What was found in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileFacts {
    pub(crate) facts: Vec<Fact>,
    /// What could not be understood: sentences without a full stop.
    pub(crate) problems: Vec<String>,
}

impl FileFacts {
    /// Whether the file says nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.problems.is_empty()
    }
}

/// What one cataloger found in one file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Fact {
    OsRelease(OsReleaseFact),
    Dpkg(DpkgFact),
    Apk(ApkFact),
    Rpm(RpmFact),
    Alpm(AlpmEntry),
    Python(PythonFact),
    Npm(Vec<NpmPackage>),
    NpmLock(Vec<NpmPackage>),
    Go(Vec<GoBuild>),
    Rust(Vec<AuditedCrate>),
    Java(JavaArchive),
    Gem(GemSpecification),
    Composer(Vec<ComposerPackage>),
    Dotnet(DotnetFact),
    Binary(BinaryFact),
}
