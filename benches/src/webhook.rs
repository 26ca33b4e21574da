//! The gate as the endpoint calls it: the bytes of a review in, the bytes of its answer out. What lies around it in the
//! server, TLS and HTTP, is not in its times.

use crate::{
    contestant::{Contestant, Object, Turn, timed},
    ours::Ours,
};
use kubevet::{
    admission::Enforcement,
    engine::Engine,
    matching::Labels,
    policy::{Library, read_bindings},
    webhook::{AnswerContext, PolicySnapshot, review_from_manifest},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const BINDING: &str = "{apiVersion: kubevet.io/v1alpha1, kind: ControlBinding, metadata: {name: all}, \
    spec: {controls: ['*'], validationActions: [Deny]}}";
/// As long as an API server waits at most.
const DEADLINE: Duration = Duration::from_secs(30);

/// A gate under which every control denies.
pub struct Webhook {
    gate: PolicySnapshot,
    reader: Ours,
}

impl Webhook {
    pub fn new(engine: &Arc<Engine>, library: &Library, reader: Ours) -> Self {
        let (bindings, _) = read_bindings(&Arc::from("binding"), BINDING.as_bytes(), library);
        let controls = library
            .controls
            .iter()
            .map(|it| (it.control.id.clone(), it.control.clone()))
            .collect();
        let path_reads = engine.path_reads();
        let enforcement = Enforcement {
            bindings,
            controls,
            path_reads,
            exempt_namespaces: Default::default(),
        };
        Self {
            gate: PolicySnapshot {
                engine: Arc::clone(engine),
                enforcement,
                generation: 1,
            },
            reader,
        }
    }
}

impl Contestant for Webhook {
    fn name(&self) -> String {
        "kubevet, review to answer".to_owned()
    }

    fn turn(&mut self, object: &Object, count: u64) -> Result<Turn, String> {
        let review = review_from_manifest(
            &self
                .reader
                .read(&object.bytes)
                .ok_or("the object cannot be read")?,
        );
        let namespace_labels: &dyn Fn(&str) -> Option<Arc<Labels>> = &|_| Some(Arc::default());
        let answer = || {
            let deadline = Instant::now() + DEADLINE;
            self.gate
                .answer(&review, &AnswerContext { deadline, namespace_labels })
                .map_err(|error| error.to_string())
        };
        let answered = answer()?;
        let mut turn = timed(count, || answer().map_or(0, |it| it.body.len()));
        let said = if answered.decision.allowed {
            "allowed"
        } else {
            "denied"
        };
        turn.failing = self.reader.failing(&object.bytes);
        turn.remarks = format!(
            "; {said}, a review of {} B, an answer of {} B",
            review.len(),
            answered.body.len()
        );
        Ok(turn)
    }
}
