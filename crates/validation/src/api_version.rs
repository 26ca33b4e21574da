//! Whether a version of Kubernetes serves an object's `apiVersion`, and what to use instead.

use super::{is_present_kind, version_of};
use kubevet_document::Document;
use kubevet_k8s::schema::{OldApiVersion, Schema};
use kubevet_model::{ObjectId, Position};

/// What is wrong with an `apiVersion`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VersionFault {
    /// A server refuses the object.
    Refused(String),
    /// A server takes the object and warns.
    Deprecated(String),
}

impl VersionFault {
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    pub(super) fn message(&self) -> &str {
        match self {
            Self::Refused(message) | Self::Deprecated(message) => message,
        }
    }

    pub(super) fn into_message(self) -> String {
        match self {
            Self::Refused(message) | Self::Deprecated(message) => message,
        }
    }
}

/// True if Kubernetes serves the kind, or did so in this `apiVersion`.
pub(super) fn is_built_in(id: &ObjectId) -> bool {
    is_present_kind(&id.group_kind()) || OldApiVersion::find(&id.api_version, &id.kind).is_some()
}

/// Returns the position of the value of `apiVersion`.
pub(super) fn position(document: &Document) -> Position {
    let value = document.root().get("apiVersion");
    value.map_or_else(|| document.position(), |value| value.position())
}

/// Returns what is wrong with the `apiVersion` of an object in a minor version of Kubernetes.
pub(super) fn fault(id: &ObjectId, minor: u8) -> Option<VersionFault> {
    let (api_version, kind) = (&id.api_version, &id.kind);
    if let Some(old) = OldApiVersion::find(api_version, kind) {
        return fault_of_old(old, minor);
    }
    let info = Schema::embedded().kind_at(&id.group_kind(), version_of(api_version))?;
    let since = info.since.filter(|since| *since > minor)?;
    Some(VersionFault::Refused(format!(
        "Kubernetes 1.{minor} does not serve {api_version} {kind}, which came with 1.{since}"
    )))
}

fn fault_of_old(old: &OldApiVersion, minor: u8) -> Option<VersionFault> {
    let OldApiVersion {
        api_version, kind, ..
    } = old;
    let replacement = old.replacement_in(minor);
    if let Some(removed) = old.removed.filter(|removed| *removed <= minor) {
        let advice = match replacement {
            Some((version, kind)) => {
                format!(": did you mean `apiVersion: {version}`, `kind: {kind}`?")
            }
            None => ", and nothing replaces it".to_owned(),
        };
        return Some(VersionFault::Refused(format!(
            "Kubernetes 1.{minor} does not serve {api_version} {kind} (removed in 1.{removed}){advice}"
        )));
    }
    let deprecated = old.deprecated.filter(|deprecated| *deprecated <= minor)?;
    let end = match old.removed {
        Some(removed) => format!(", and Kubernetes 1.{removed} does not serve it"),
        None => String::new(),
    };
    let advice = match replacement {
        Some((version, kind)) => format!(": use {version} {kind}"),
        None => String::new(),
    };
    Some(VersionFault::Deprecated(format!(
        "{api_version} {kind} is deprecated since Kubernetes 1.{deprecated}{end}{advice}"
    )))
}
