//! `ConfigurationScanSummary`: the sums of one namespace, whose name it has.

use super::{
    object_metadata::{OwnerReference, ResultHead, Stored},
    result_context::ResultContext,
    size_budget::{SizeBudget, entry_bytes, json},
    workload_scan::Severities,
};
use kubevet_model::{ResultKind, ResultObject, SeverityCounts};
use serde::Serialize;
use std::cmp::Reverse;

/// The bytes of the annotations about what is left out, and about the content.
const ANNOTATION_BYTES: usize = 300;

const OMITTED_SUMMARIES: &str = "kubevet.io/omitted-summaries";

/// A summary of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryMember {
    /// The name of the `WorkloadConfigurationScanSummary`.
    pub name: String,
    /// Its failed controls by severity.
    pub failed: SeverityCounts,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    spec: SummarySpec<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SummarySpec<'a> {
    severities: Severities,
    summary_ref: Vec<SummaryReference<'a>>,
}

#[derive(Debug, Serialize)]
struct SummaryReference<'a> {
    namespace: &'a str,
    kind: &'static str,
    name: &'a str,
}

/// Returns the sums of a namespace. Without the uid of the namespace, it has no owner.
pub(crate) fn summary(
    context: &ResultContext,
    namespace: &str,
    uid: Option<&str>,
    members: &[SummaryMember],
) -> ResultObject {
    let kind = ResultKind::ConfigurationScanSummary;
    let mut head = ResultHead::new(kind, "", namespace.to_owned());
    head.set_owner(uid.map(|uid| OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        name: namespace.to_owned(),
        uid: uid.to_owned(),
    }));
    let mut stored = Stored {
        head,
        body: Summary {
            spec: SummarySpec {
                severities: sum(members).into(),
                summary_ref: Vec::new(),
            },
        },
    };
    let used = json(&stored).len() + ANNOTATION_BYTES;
    let mut budget = SizeBudget::new(context.max_bytes, used);
    let mut worst_first: Vec<&SummaryMember> = members.iter().collect();
    worst_first.sort_by_key(|member| (Reverse(member.failed), &member.name));
    let mut omitted = 0;
    for member in worst_first {
        let reference = SummaryReference {
            namespace,
            kind: ResultKind::WorkloadConfigurationScanSummary.name(),
            name: &member.name,
        };
        if budget.take(entry_bytes(&reference)) {
            stored.body.spec.summary_ref.push(reference);
        } else {
            omitted += 1;
        }
    }
    stored.head.annotate_omitted(OMITTED_SUMMARIES, omitted);
    stored.finish(kind)
}

fn sum(members: &[SummaryMember]) -> SeverityCounts {
    let mut sum = SeverityCounts::default();
    for member in members {
        sum.critical += member.failed.critical;
        sum.high += member.failed.high;
        sum.medium += member.failed.medium;
        sum.low += member.failed.low;
    }
    sum
}
