//! What objects are evaluated by. It is replaced as a whole.

use kubevet_engine::Engine;
use kubevet_model::Control;
use kubevet_policy::Params;
use kubevet_scan::{ClusterEvaluator, SchemaChecks, ScoredFramework};
use std::sync::Arc;

/// The chosen controls, compiled, with their params.
pub struct EvaluationPolicy {
    /// The engine, compiled from the chosen controls.
    pub engine: Arc<Engine>,
    /// The params of the controls.
    pub params: Params,
    /// The chosen controls, by id.
    pub controls: Vec<Arc<Control>>,
    /// The chosen controls that compare objects with the types of Kubernetes.
    pub schema: SchemaChecks,
    /// The frameworks to score.
    pub frameworks: Vec<ScoredFramework>,
}

impl EvaluationPolicy {
    pub(super) fn evaluator(&self) -> ClusterEvaluator<'_> {
        ClusterEvaluator {
            engine: &self.engine,
            params: &self.params,
            controls: &self.controls,
            schema: &self.schema,
        }
    }
}
