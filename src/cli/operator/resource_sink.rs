//! Results of the operator → objects in the cluster.
//!
//! At the first results of a sweep, and when this replica begins to lead, the objects in the cluster
//! are listed as metadata: what is there with the same content is not sent. At the end of a complete
//! sweep, those that belong to no object any more are removed.

use super::{
    result_index::{IndexedResult, ResultIndex},
    sink_metrics::SinkMetrics,
};
use kubevet_cluster::{Cluster, Fence, ResultLimits, ResultWriter, StoredResults, WriteReport};
use kubevet_model::{
    Control, ControlId, ObjectResult, Origin, ResultKey, ResultKind, ResultObject,
};
use kubevet_operator::{FinishedSweep, ResultBatch, ResultSink, SinkError, SinkFuture};
use kubevet_results::{BindingsOf, ReportApi, ResultBuilder};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tracing::warn;

/// The time for one call: a batch of hundreds of results, within the budget of requests.
const CALL_TIMEOUT: Duration = Duration::from_secs(900);

/// Keeps results as objects.
pub(super) struct ResourceSink {
    writer: ResultWriter,
    kinds: Vec<ResultKind>,
    cluster_name: String,
    own_namespace: String,
    /// The builder of results, and the controls that it was made for.
    builder: Option<(Arc<[Arc<Control>]>, ResultBuilder)>,
    /// What the API server has.
    stored: StoredResults,
    index: ResultIndex,
    /// The uids of namespaces, by name: they own the sums.
    namespaces: HashMap<String, Arc<str>>,
    /// The sweep for which the results in the cluster were listed.
    listed_for: Option<u64>,
    /// True once all objects are known, and so the sums are complete.
    is_complete: bool,
    /// What is removed with objects that are gone, until that is done.
    removing: Vec<ResultKey>,
    /// The reasons that were logged since the last sweep began.
    logged: BTreeSet<&'static str>,
    metrics: Arc<SinkMetrics>,
}

impl ResourceSink {
    /// A sink that writes these kinds while the fence is open. Results of objects outside namespaces
    /// go into `own_namespace`.
    pub(super) fn new(
        cluster: Cluster,
        fence: Fence,
        kinds: Vec<ResultKind>,
        cluster_name: &str,
        own_namespace: &str,
        metrics: Arc<SinkMetrics>,
    ) -> Self {
        Self {
            writer: ResultWriter::new(cluster, fence),
            index: ResultIndex::new(&kinds, own_namespace),
            kinds,
            cluster_name: cluster_name.to_owned(),
            own_namespace: own_namespace.to_owned(),
            builder: None,
            stored: StoredResults::new(ResultLimits::default()),
            namespaces: HashMap::new(),
            listed_for: None,
            is_complete: false,
            removing: Vec::new(),
            logged: BTreeSet::new(),
            metrics,
        }
    }

    async fn write_batch(&mut self, batch: &ResultBatch) -> Result<(), SinkError> {
        // Given up; a new object may have a result of the same name.
        self.removing.clear();
        // A call that is cut off leaves unknown what was written: the next one lists again.
        if self.listed_for.take() != Some(batch.sweep) {
            self.logged.clear();
            self.list().await?;
        }
        let is_current = |builder: &(Arc<[Arc<Control>]>, ResultBuilder)| {
            Arc::ptr_eq(&builder.0, &batch.controls)
        };
        let builder = match self.builder.take().filter(is_current) {
            Some(builder) => builder,
            None => (Arc::clone(&batch.controls), self.new_builder(batch)),
        };
        let (kinds, index, namespaces) = (&self.kinds, &mut self.index, &mut self.namespaces);
        let objects = batch.results.iter().flat_map(|result| {
            let Origin::Cluster { uid, .. } = &result.origin else {
                return Vec::new();
            };
            let (kind, object) = (result.object.group_kind(), &result.object);
            if kind.group.is_empty() && kind.name == "Namespace" {
                namespaces.insert(object.name.clone(), Arc::clone(uid));
            }
            let bindings = |control: &ControlId| batch.bindings_of(uid, control);
            let objects = make_objects(&builder.1, kinds, result, &bindings);
            let name_of = |is_scan: bool| {
                let mut keys = objects.iter().map(|object| &object.key);
                let key = keys.find(|key| is_configuration_scan(key.kind) == is_scan);
                key.map_or_else(String::new, |key| key.name.clone())
            };
            let indexed = IndexedResult {
                sweep: batch.sweep,
                namespace: object.namespace.clone(),
                scan: name_of(true),
                report: name_of(false),
                failed: builder.1.failed_controls(result),
                kind,
            };
            index.record(uid, indexed);
            objects
        });
        // Built before they are sent: what is not sent belongs to its object, too.
        let objects: Vec<ResultObject> = objects.collect();
        let report = self.writer.write(&mut self.stored, objects).await;
        self.builder = Some(builder);
        self.listed_for = Some(batch.sweep);
        self.take(report)?;
        self.write_sums().await
    }

    fn new_builder(&self, batch: &ResultBatch) -> ResultBuilder {
        let controls = batch.controls.iter().map(Arc::clone);
        ResultBuilder::new(controls, &*self.cluster_name, &*self.own_namespace)
    }

    /// Reads which results there are.
    async fn list(&mut self) -> Result<(), SinkError> {
        let listed = self.writer.sweep(&mut self.stored, &self.kinds, |_| true);
        let listed = listed.await;
        listed.map_err(|error| SinkError::Permanent(error.to_string()))?;
        self.stored.reset_refused();
        Ok(())
    }

    async fn remove_results(&mut self, uids: &[Arc<str>]) -> Result<(), SinkError> {
        self.namespaces
            .retain(|_, of| !uids.iter().any(|uid| uid == of));
        // A call that is cut off is made again, when the index does not know the objects any more.
        let keys = uids.iter().flat_map(|uid| self.index.remove(uid));
        self.removing.extend(keys);
        let keys = self.removing.iter().cloned();
        let report = self.writer.remove(&mut self.stored, keys).await;
        // What was not removed is left over in the next sweep.
        self.removing.clear();
        self.take(report)?;
        self.write_sums().await
    }

    async fn finish_sweep(&mut self, sweep: &FinishedSweep) -> Result<(), SinkError> {
        if !sweep.is_complete {
            return Ok(());
        }
        self.index.settle(sweep.sweep, &sweep.unread);
        self.is_complete = true;
        self.write_sums().await?;
        let wanted = self.index.wanted(&sweep.unread);
        let swept = self.writer.sweep(&mut self.stored, &self.kinds, wanted);
        let report = swept.await;
        let report = report.map_err(|error| SinkError::Permanent(error.to_string()))?;
        self.take(report)
    }

    /// Writes the sums of the namespaces that have changed. As long as not all objects are known,
    /// those that are there stay.
    async fn write_sums(&mut self) -> Result<(), SinkError> {
        let is_chosen = self.kinds.contains(&ResultKind::ConfigurationScanSummary);
        let Some((_, builder)) = self.builder.as_ref().filter(|_| is_chosen) else {
            return Ok(());
        };
        if !self.is_complete {
            return Ok(());
        }
        let changed = self.index.take_changed();
        let mut written = Vec::new();
        let mut removed = Vec::new();
        for namespace in &changed {
            let members = self.index.members(namespace);
            if members.is_empty() {
                removed.push(ResultKey {
                    kind: ResultKind::ConfigurationScanSummary,
                    namespace: String::new(),
                    name: namespace.clone(),
                });
                continue;
            }
            let uid = self.namespaces.get(namespace).map(|uid| &**uid);
            written.push(builder.namespace_summary(namespace, uid, &members));
        }
        let report = self.writer.write(&mut self.stored, written).await;
        let is_written = report.failures.is_empty();
        let taken = self.take(report);
        let report = self.writer.remove(&mut self.stored, removed).await;
        if !is_written || !report.failures.is_empty() {
            self.index.set_changed(changed);
        }
        taken.and(self.take(report))
    }

    /// Counts what a batch has done, and tells its failures: each reason once in a sweep.
    fn take(&mut self, report: WriteReport) -> Result<(), SinkError> {
        self.metrics.count_results(&report, &self.stored.totals());
        if report.failures.contains_key("not_leader") {
            return Err(SinkError::Fenced);
        }
        for error in &report.errors {
            let reason = error.reason();
            if self.logged.insert(reason) {
                warn!(
                    reason,
                    results = report.failures.get(reason),
                    "results are not written: {error}"
                );
            }
        }
        match report.errors.first() {
            // The index has their objects.
            Some(error) => Err(SinkError::Partial(error.to_string())),
            None => Ok(()),
        }
    }
}

/// Makes the objects of a result, but for the sums of its namespace.
fn make_objects(
    builder: &ResultBuilder,
    kinds: &[ResultKind],
    result: &ObjectResult,
    bindings: &BindingsOf<'_>,
) -> Vec<ResultObject> {
    let is_namespaced = !result.object.namespace.is_empty();
    let make = |kind: &ResultKind| match kind {
        ResultKind::WorkloadConfigurationScan => Some(builder.configuration_scan(result)),
        ResultKind::WorkloadConfigurationScanSummary => {
            Some(builder.configuration_scan_summary(result))
        }
        ResultKind::ConfigurationScanSummary => None,
        ResultKind::PolicyReport | ResultKind::ClusterPolicyReport => {
            let is_of_kind = kind.is_namespaced() == is_namespaced;
            is_of_kind
                .then(|| builder.policy_report_naming(ReportApi::PolicyReports, result, bindings))
        }
        ResultKind::Report | ResultKind::ClusterReport => {
            let is_of_kind = kind.is_namespaced() == is_namespaced;
            is_of_kind
                .then(|| builder.policy_report_naming(ReportApi::OpenReports, result, bindings))
        }
    };
    kinds.iter().filter_map(make).collect()
}

fn is_configuration_scan(kind: ResultKind) -> bool {
    matches!(
        kind,
        ResultKind::WorkloadConfigurationScan | ResultKind::WorkloadConfigurationScanSummary
    )
}

impl ResultSink for ResourceSink {
    fn name(&self) -> &'static str {
        "resources"
    }

    fn call_timeout(&self) -> Duration {
        CALL_TIMEOUT
    }

    fn lead(&mut self) -> SinkFuture<'_> {
        // What another replica has written is not known, and objects may have gone meanwhile.
        self.listed_for = None;
        self.is_complete = false;
        Box::pin(async { Ok(()) })
    }

    fn write<'a>(&'a mut self, batch: &'a Arc<ResultBatch>, _: &'a Fence) -> SinkFuture<'a> {
        Box::pin(self.write_batch(batch))
    }

    fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], _: &'a Fence) -> SinkFuture<'a> {
        Box::pin(self.remove_results(uids))
    }

    fn sweep_finished<'a>(
        &'a mut self,
        sweep: &'a Arc<FinishedSweep>,
        _: &'a Fence,
    ) -> SinkFuture<'a> {
        Box::pin(self.finish_sweep(sweep))
    }
}
