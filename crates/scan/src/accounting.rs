//! Counts the results of a scan object by object, and keeps those that a report shows.
//!
//! The results of files are all kept, in their order. Those of a cluster are many, and most have no
//! finding: an object that a report does not name is counted and dropped. One that a controller made
//! waits for its owner, if that may still come.

use super::{
    owned::{FindingsByObject, LeftOut, Ownership},
    tally::Tallies,
};
use kubevet_model::{ControlId, Kind, ObjectResult, Skipped, Summary};
use std::collections::{BTreeMap, BTreeSet};

/// Which results are kept until the end.
#[derive(Debug, Clone)]
pub(super) enum Keep {
    /// All, in their order.
    All,
    /// Those with findings or errors. The kinds are those of the objects that will be added: an
    /// object with an owner of another kind does not wait for it.
    Reported(BTreeSet<Kind>),
}

/// The results so far.
pub(super) struct Accounting<'a> {
    keep: Keep,
    is_schema_control: &'a dyn Fn(&ControlId) -> bool,
    findings: FindingsByObject,
    /// The objects whose owner is not known to be in the input yet; of files, all objects.
    waiting: Vec<(Ownership, ObjectResult)>,
    pub(super) totals: Totals,
    left_out: BTreeMap<(LeftOut, String, String), usize>,
    skipped: Vec<Skipped>,
}

/// The objects of a report, and the counts over all objects.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// The objects that are kept.
    pub(super) objects: Vec<ObjectResult>,
    pub(super) tallies: Tallies,
    /// The kinds of all objects.
    pub(super) kinds: BTreeSet<Kind>,
    /// The counts of objects, findings and defects; those of files and controls are added later.
    pub(super) summary: Summary,
}

impl<'a> Accounting<'a> {
    /// `is_schema_control` tells the controls that compare an object's fields with the types of
    /// Kubernetes. An object that only they found right counts as not checked.
    pub(super) fn new(keep: Keep, is_schema_control: &'a dyn Fn(&ControlId) -> bool) -> Self {
        Self {
            keep,
            is_schema_control,
            findings: FindingsByObject::default(),
            waiting: Vec::new(),
            totals: Totals::default(),
            left_out: BTreeMap::new(),
            skipped: Vec::new(),
        }
    }

    /// Adds the result of an object.
    pub(super) fn add(&mut self, ownership: Ownership, result: ObjectResult) {
        self.findings.add(&ownership, &result);
        let waits = match (&self.keep, &ownership.owner) {
            (Keep::All, _) => true,
            (Keep::Reported(_), None) => false,
            (Keep::Reported(kinds), Some(owner)) => {
                kinds.contains(&owner.kind) && !self.findings.contains(owner)
            }
        };
        if waits {
            self.waiting.push((ownership, result));
        } else {
            self.resolve(&ownership, result);
        }
    }

    /// Returns the totals, what was left out and how many objects that are, and the findings by
    /// object.
    pub(super) fn finish(mut self) -> (Totals, Vec<Skipped>, usize, FindingsByObject) {
        for (ownership, result) in std::mem::take(&mut self.waiting) {
            self.resolve(&ownership, result);
        }
        let number = self.skipped.len() + self.left_out.values().sum::<usize>();
        let mut skipped = self.skipped;
        let grouped = self.left_out.into_iter();
        skipped.extend(grouped.map(|((why, kind, owner_kind), number)| Skipped {
            file: String::new(),
            position: None,
            reason: grouped_reason(why, &kind, &owner_kind, number),
        }));
        if matches!(self.keep, Keep::Reported(_)) {
            let objects = &mut self.totals.objects;
            objects.sort_by(|a, b| by_name(a).cmp(&by_name(b)));
        }
        (self.totals, skipped, number, self.findings)
    }

    /// Counts an object, or leaves it out.
    fn resolve(&mut self, ownership: &Ownership, result: ObjectResult) {
        let why = self.findings.left_out(ownership, &result);
        let (Some(why), Some(owner)) = (why, &ownership.owner) else {
            return self.count(result);
        };
        let kind = &result.object.kind;
        match result.origin.source() {
            Some((file, position)) => self.skipped.push(Skipped {
                file: file.to_owned(),
                position: Some(position),
                reason: reason(why, kind, &owner.display(&result.object)),
            }),
            None => {
                let group = (why, kind.clone(), owner.kind.name.clone());
                *self.left_out.entry(group).or_default() += 1;
            }
        }
    }

    fn count(&mut self, result: ObjectResult) {
        let totals = &mut self.totals;
        totals.tallies.add(&result);
        let kind = result.object.group_kind();
        if !totals.kinds.contains(&kind) {
            totals.kinds.insert(kind);
        }
        let summary = &mut totals.summary;
        summary.objects += 1;
        if is_checked(&result, self.is_schema_control) {
            summary.checked += 1;
        } else if result.errors.is_empty() {
            let kind = result.object.kind.clone();
            *summary.not_applicable.entry(kind).or_default() += 1;
        }
        if !result.findings.is_empty() {
            summary.failed_objects += 1;
            for located in &result.findings {
                summary.findings.add(located.finding.severity);
            }
            for defect in result.defects() {
                summary.defects.add(defect.severity());
            }
        }
        let is_reported = !result.findings.is_empty() || !result.errors.is_empty();
        if is_reported || matches!(self.keep, Keep::All) {
            totals.objects.push(result);
        }
    }
}

/// True if an object was checked for what it does: one whose fields alone were compared with the
/// types of Kubernetes, and found right, was not. Where only such controls are chosen, they count.
fn is_checked(object: &ObjectResult, is_schema_control: &dyn Fn(&ControlId) -> bool) -> bool {
    !object.findings.is_empty() || !object.judged.iter().all(is_schema_control)
}

/// Returns the order of objects of a cluster.
fn by_name(result: &ObjectResult) -> impl Ord {
    let id = &result.object;
    (&id.namespace, &id.kind, &id.name, &id.api_version)
}

fn reason(why: LeftOut, kind: &str, owner: &str) -> String {
    match why {
        LeftOut::SameFindings => format!("{kind} of {owner}, which has the same findings"),
        LeftOut::Idle => format!("{kind} of {owner}, which keeps it at no replicas"),
    }
}

fn grouped_reason(why: LeftOut, kind: &str, owner_kind: &str, number: usize) -> String {
    let plural = if number == 1 { "" } else { "s" };
    let owner = format!("{number} {kind}{plural} of a {owner_kind}");
    match why {
        LeftOut::SameFindings => format!("{owner} that has the same findings"),
        LeftOut::Idle => format!("{owner} that keeps no replicas of it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Document, Limits};
    use kubevet_model::{
        Evidence, Finding, Fingerprint, LocatedFinding, ObjectId, Origin, Severity,
    };
    use std::sync::Arc;

    /// A workload of `shop` with one finding for each message, and its owner as `Kind/name`.
    fn add(
        accounting: &mut Accounting<'_>,
        kind: &str,
        name: &str,
        owner: &str,
        messages: &[&str],
    ) {
        let owners = owner
            .split_once('/')
            .map_or_else(String::new, |(kind, name)| {
                format!("[{{apiVersion: apps/v1, kind: {kind}, name: {name}, controller: true}}]")
            });
        let replicas = u8::from(!name.contains("idle"));
        let api_version = if kind == "Pod" { "v1" } else { "apps/v1" };
        let text = format!(
            "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: {name}, namespace: shop, \
             ownerReferences: {owners}}}, spec: {{replicas: {replicas}}}}}"
        );
        let parsed = document::read(&"x.yaml".into(), text.as_bytes(), &Limits::default());
        let document: &Document = &parsed.documents[0];
        let object = Arc::new(document.id());
        let origin = Origin::Cluster {
            uid: name.into(),
            resource_version: "1".into(),
        };
        let findings = messages
            .iter()
            .map(|message| finding(&object, &origin, message));
        let result = ObjectResult {
            object: Arc::clone(&object),
            origin: origin.clone(),
            judged: vec!["C-1".into()],
            findings: findings.collect(),
            errors: Vec::new(),
        };
        accounting.add(Ownership::of(document), result);
    }

    fn finding(object: &Arc<ObjectId>, origin: &Origin, message: &str) -> LocatedFinding {
        LocatedFinding {
            finding: Finding {
                subject: Arc::clone(object),
                rule: "C-1".into(),
                severity: Severity::High,
                message: message.to_owned(),
                evidence: Evidence::Paths {
                    paths: Vec::new(),
                    fixes: Vec::new(),
                },
                origin: origin.clone(),
                fingerprint: Fingerprint::of([message]),
                defect: Fingerprint::of([message]),
            },
            source: None,
            container: None,
            excerpt: Vec::new(),
        }
    }

    /// Checks what is reported and what is left out of a cluster whose Deployments, ReplicaSets and
    /// Pods are read.
    #[track_caller]
    fn check(objects: &[(&str, &str, &str, &[&str])], reported: &[&str], left_out: &[&str]) {
        let kinds = [("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod")];
        let kinds = kinds.map(|(group, name)| Kind::new(group, name));
        let mut accounting = Accounting::new(Keep::Reported(kinds.into()), &|_| false);
        for (kind, name, owner, messages) in objects {
            add(&mut accounting, kind, name, owner, messages);
        }
        let (totals, skipped, number, _) = accounting.finish();
        let names = totals
            .objects
            .iter()
            .map(|result| result.object.to_string());
        assert_eq!(names.collect::<Vec<String>>(), reported);
        let reasons = skipped.iter().map(|skipped| skipped.reason.as_str());
        assert_eq!(reasons.collect::<Vec<&str>>(), left_out);
        assert_eq!(totals.summary.objects + number, objects.len());
    }

    #[test]
    fn object_of_an_owner_is_reported_once_in_any_order() {
        let a: &[&str] = &["a"];
        let chain = [
            ("Deployment", "web", "", a),
            ("ReplicaSet", "web-1", "Deployment/web", a),
            ("Pod", "web-1-x", "ReplicaSet/web-1", a),
        ];
        let left_out = [
            "1 Pod of a ReplicaSet that has the same findings",
            "1 ReplicaSet of a Deployment that has the same findings",
        ];
        check(&chain, &["Deployment shop/web"], &left_out);
        let mut reversed = chain;
        reversed.reverse();
        check(&reversed, &["Deployment shop/web"], &left_out);
    }

    #[test]
    fn object_with_findings_of_its_own_is_reported() {
        check(
            &[
                ("ReplicaSet", "web-1", "", &["a"]),
                ("Pod", "injected", "ReplicaSet/web-1", &["a", "b"]),
                ("Pod", "forged", "ReplicaSet/none", &["a"]),
                ("Pod", "foreign", "Farm/web", &["a"]),
                ("Pod", "clean", "", &[]),
            ],
            &[
                "Pod shop/foreign",
                "Pod shop/forged",
                "Pod shop/injected",
                "ReplicaSet shop/web-1",
            ],
            &[],
        );
    }

    #[test]
    fn replica_set_without_replicas_is_left_out_if_its_owner_was_read() {
        check(
            &[
                ("Deployment", "web", "", &[]),
                ("ReplicaSet", "web-idle", "Deployment/web", &["a"]),
                ("ReplicaSet", "other-idle", "Deployment/none", &["a"]),
            ],
            &["ReplicaSet shop/other-idle"],
            &["1 ReplicaSet of a Deployment that keeps no replicas of it"],
        );
    }
}
