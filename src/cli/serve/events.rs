//! Kubernetes Events about what was denied, for whoever looks at the object or its namespace. Dry runs leave none.

use kubevet_admission::FindingOutcome;
use kubevet_cluster::{EventRecord, EventSubject, EventWriter};
use kubevet_model::Action;
use kubevet_webhook::{Review, ReviewObserver, ReviewOutcome};
use std::sync::Arc;

/// Events of one answer.
const MOST: usize = 3;

/// Hears of answers and writes Events.
pub(super) fn events(events: EventWriter) -> ReviewObserver {
    Arc::new(move |answered: &ReviewOutcome| {
        let Some(review) = answered
            .review
            .as_ref()
            .filter(|it| !it.dry_run && !answered.decision.allowed)
        else {
            return;
        };
        let denied = answered
            .decision
            .outcomes
            .iter()
            .filter(|it| it.action == Some(Action::Deny));
        denied
            .take(MOST)
            .for_each(|it| events.record(note(review, it)));
    })
}

fn note(review: &Review, outcome: &FindingOutcome) -> EventRecord {
    let id = review
        .object
        .as_ref()
        .map(kubevet_document::Document::id)
        .unwrap_or_default();
    let path = outcome
        .finding
        .paths
        .first()
        .map(|it| format!(" ({it})"))
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
        control: outcome.finding.control.to_string(),
        reason: "Denied",
        action: "Admission",
        message: format!(
            "{}: {}{path}",
            outcome.finding.control, outcome.finding.message
        ),
        is_warning: true,
    }
}
