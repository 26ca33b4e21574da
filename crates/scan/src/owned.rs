//! Objects that a controller made for another object of the same input, such as the Pods of a
//! Deployment in what `kubectl get all -o yaml` prints. Their findings are those of the owner, and
//! are fixed there.
//!
//! An owner reference alone proves nothing, so every object is evaluated. One is left out of the
//! report only if each of its findings is a finding of its owner too.

use kubevet_document::{Document, Node};
use kubevet_model::{Kind, ObjectResult, Skipped};
use std::collections::{BTreeSet, HashMap};

/// The group and kind, the namespace and the name of an object.
type Key = (Kind, String, String);

/// Takes the objects without findings of their own out of the results, and returns why. `documents`
/// are those of the results, in the same order.
pub(super) fn leave_out_owned(
    documents: &[Document],
    results: Vec<ObjectResult>,
) -> (Vec<ObjectResult>, Vec<Skipped>) {
    let by_key: HashMap<Key, usize> = documents
        .iter()
        .enumerate()
        .map(|(index, document)| (key(document), index))
        .collect();
    let reasons: Vec<Option<String>> = results
        .iter()
        .zip(documents)
        .map(|(result, document)| {
            let owner = *by_key.get(&owner_key(document)?)?;
            let of_owner = results.get(owner)?;
            let is_same_place = std::ptr::eq(result, of_owner);
            (!is_same_place && result.errors.is_empty() && has_all_findings(of_owner, result)).then(
                || {
                    let kind = &result.object.kind;
                    format!("{kind} of {}, which has the same findings", of_owner.object)
                },
            )
        })
        .collect();
    let mut kept = Vec::new();
    let mut skipped = Vec::new();
    for (result, reason) in results.into_iter().zip(reasons) {
        match reason {
            None => kept.push(result),
            Some(reason) => skipped.push(Skipped {
                file: result.origin.file().to_owned(),
                position: Some(result.origin.position()),
                reason,
            }),
        }
    }
    (kept, skipped)
}

fn key(document: &Document) -> Key {
    let id = document.id();
    (id.group_kind(), id.namespace, id.name)
}

/// Returns the key of the controller of an object; `None` if it has none.
fn owner_key(document: &Document) -> Option<Key> {
    let metadata = document.root().get("metadata")?;
    let owner = metadata.get("ownerReferences")?.elements().find(|owner| {
        let is_controller = owner.get("controller").and_then(Node::as_bool);
        is_controller == Some(true)
    })?;
    let text = |key| owner.get(key).and_then(Node::as_str).unwrap_or_default();
    let kind = Kind::new(Kind::group_of(text("apiVersion")), text("kind"));
    Some((kind, document.id().namespace, text("name").to_owned()))
}

/// Returns true if the owner has each finding of the object. The paths differ, since the owner has
/// the pod spec elsewhere; the messages name containers and volumes.
fn has_all_findings(owner: &ObjectResult, object: &ObjectResult) -> bool {
    let findings = |result: &ObjectResult| -> BTreeSet<_> {
        let all = result.findings.iter();
        all.map(|located| {
            (
                located.finding.rule.clone(),
                located.finding.message.clone(),
            )
        })
        .collect()
    };
    findings(object).is_subset(&findings(owner))
}
