//! The webhook as its endpoint calls it: from the bytes of a review to the bytes of the answer. TLS
//! and HTTP are not part of its times.

use crate::{
    kubevet_subject::KubevetSubject,
    subject::{Batch, Object, Subject, time_each},
};
use kubevet_admission::Enforcement;
use kubevet_engine::Engine;
use kubevet_k8s::matching::Labels;
use kubevet_policy::{Library, read_bindings};
use kubevet_webhook::{AnswerContext, PolicySnapshot, review_from_manifest};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const BINDING: &str = "{apiVersion: kubevet.io/v1alpha1, kind: ControlBinding, metadata: {name: all}, \
    spec: {controls: ['*'], validationActions: [Deny]}}";
/// The longest timeout that an API server allows a webhook.
const DEADLINE: Duration = Duration::from_secs(30);

/// The webhook with every control bound to Deny.
pub struct WebhookSubject {
    snapshot: PolicySnapshot,
    reader: KubevetSubject,
}

impl WebhookSubject {
    pub fn new(engine: &Arc<Engine>, library: &Library, reader: KubevetSubject) -> Self {
        let bindings = read_bindings(&Arc::from("binding"), BINDING.as_bytes(), library).bindings;
        let controls = library
            .controls
            .iter()
            .map(|entry| (entry.control.id.clone(), entry.control.clone()))
            .collect();
        let path_reads = engine.path_reads();
        let enforcement = Enforcement {
            bindings,
            controls,
            path_reads,
            workloads: engine.workloads().clone(),
            exempt_namespaces: Default::default(),
        };
        Self {
            snapshot: PolicySnapshot {
                engine: Arc::clone(engine),
                enforcement,
                library: Arc::new(library.clone()),
                generation: 1,
            },
            reader,
        }
    }
}

impl Subject for WebhookSubject {
    fn name(&self) -> String {
        "kubevet, review to answer".to_owned()
    }

    fn run_batch(&mut self, object: &Object, count: u64) -> Result<Batch, String> {
        let review = review_from_manifest(
            &self
                .reader
                .read(&object.bytes)
                .ok_or("the object cannot be read")?,
        );
        let namespace_labels: &dyn Fn(&str) -> Option<Arc<Labels>> = &|_| Some(Arc::default());
        let answer = || {
            let deadline = Instant::now() + DEADLINE;
            self.snapshot
                .answer(
                    &review,
                    &AnswerContext {
                        deadline,
                        namespace_labels,
                    },
                )
                .map_err(|error| error.to_string())
        };
        let first = answer()?;
        let mut batch = time_each(count, || answer().map_or(0, |answer| answer.body.len()));
        let decision = if first.decision.allowed {
            "allowed"
        } else {
            "denied"
        };
        batch.failing = self.reader.failing(&object.bytes);
        batch.remarks = format!(
            "; {decision}, a review of {} B, an answer of {} B",
            review.len(),
            first.body.len()
        );
        Ok(batch)
    }
}
