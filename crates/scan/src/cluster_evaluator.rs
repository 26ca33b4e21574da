//! Evaluates the objects of a cluster, for callers that follow it.

use super::{
    evaluate::{Evaluator, ObjectSource},
    schema_checks::SchemaChecks,
};
use kubevet_document::Document;
use kubevet_engine::Engine;
use kubevet_model::{Control, ObjectResult};
use kubevet_policy::Params;
use std::sync::Arc;

/// What the objects of a cluster are evaluated by.
#[derive(Clone, Copy)]
pub struct ClusterEvaluator<'a> {
    /// The engine, compiled from the chosen controls.
    pub engine: &'a Engine,
    /// The params of the controls.
    pub params: &'a Params,
    /// The chosen controls, by id.
    pub controls: &'a [Arc<Control>],
    /// The checks against the types of Kubernetes.
    pub schema: &'a SchemaChecks,
}

impl ClusterEvaluator<'_> {
    /// Evaluates one object.
    #[must_use]
    pub fn evaluate(&self, object: &Document) -> ObjectResult {
        // The API server has accepted the object: it has nothing to refuse.
        let (result, _) = self.evaluator().evaluate(object);
        result
    }

    /// Evaluates objects on all processors. The results are in the order of the objects.
    #[must_use]
    pub fn evaluate_all(&self, objects: &[Document]) -> Vec<ObjectResult> {
        let (results, _) = self.evaluator().evaluate_all(objects, &|| ());
        results
    }

    fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            engine: self.engine,
            params: self.params,
            controls: self.controls,
            schema: self.schema,
            source: ObjectSource::Cluster,
        }
    }
}
