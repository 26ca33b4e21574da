//! Kubernetes Events about denials, for the users of the object and of its namespace. Dry runs
//! leave none.

use kubevet_admission::FindingOutcome;
use kubevet_cluster::{EventRecord, EventSubject, EventWriter};
use kubevet_document::Document;
use kubevet_model::Action;
use kubevet_webhook::{Review, ReviewObserver, ReviewOutcome};
use std::sync::Arc;

/// The maximum number of Events about one review.
const MAX_EVENTS_PER_REVIEW: usize = 3;

/// Returns an observer that writes an Event for each finding that denies a request.
pub(super) fn denial_observer(events: EventWriter) -> ReviewObserver {
    Arc::new(move |outcome: &ReviewOutcome| {
        let Some(review) = &outcome.review else {
            return;
        };
        if review.dry_run || outcome.decision.allowed {
            return;
        }
        let findings = outcome.decision.outcomes.iter();
        let denied = findings.filter(|finding| finding.action == Some(Action::Deny));
        for finding in denied.take(MAX_EVENTS_PER_REVIEW) {
            events.record(denial_event(review, finding));
        }
    })
}

fn denial_event(review: &Review, outcome: &FindingOutcome) -> EventRecord {
    let id = review.object.as_ref().map(Document::id).unwrap_or_default();
    let finding = &outcome.finding;
    let path = finding
        .paths
        .first()
        .map(|path| format!(" ({path})"))
        .unwrap_or_default();
    EventRecord {
        subject: EventSubject {
            api_version: id.api_version,
            kind: id.kind,
            namespace: review.namespace.clone(),
            name: review.name.clone(),
            uid: String::new(),
        },
        related: Some(EventSubject {
            api_version: "kubevet.io/v1alpha1".to_owned(),
            kind: "ControlBinding".to_owned(),
            namespace: String::new(),
            name: outcome.binding.clone(),
            uid: String::new(),
        }),
        control: finding.control.to_string(),
        reason: "Denied",
        action: "Admission",
        message: format!("{}: {}{path}", finding.control, finding.message),
        is_warning: true,
    }
}
