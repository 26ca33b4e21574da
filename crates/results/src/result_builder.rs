//! Results → objects: the entry to this crate.

use super::{
    control_outcome::outcomes,
    namespace_summary::{self, SummaryMember},
    policy_report::{self, BindingsOf, ReportApi},
    result_context::ResultContext,
    workload_scan,
};
use kubevet_model::{Control, ObjectResult, ResultObject, SeverityCounts};
use std::sync::Arc;

/// The most bytes of a result. etcd takes 1.5 MiB; a result is read in lists of hundreds, and most
/// have a tenth of this.
pub const MAX_RESULT_BYTES: usize = 128 << 10;

/// Makes objects of results.
#[derive(Debug)]
pub struct ResultBuilder {
    context: ResultContext,
}

impl ResultBuilder {
    /// A builder for results of these controls. `cluster` is the name of the cluster, and results of
    /// objects outside namespaces go into `own_namespace`, if they have to be in one.
    #[must_use]
    pub fn new(
        controls: impl IntoIterator<Item = Arc<Control>>,
        cluster: impl Into<String>,
        own_namespace: impl Into<String>,
    ) -> Self {
        let controls = controls.into_iter();
        Self {
            context: ResultContext {
                controls: controls
                    .map(|control| (control.id.clone(), control))
                    .collect(),
                cluster: cluster.into(),
                own_namespace: own_namespace.into(),
                max_bytes: MAX_RESULT_BYTES,
            },
        }
    }

    /// The same with another bound on the size of an object.
    #[cfg(test)]
    pub(crate) fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.context.max_bytes = max_bytes;
        self
    }

    /// Returns the `WorkloadConfigurationScan` of an object. The objects that its controller made
    /// have none: the caller passes those that a scan reports.
    #[must_use]
    pub fn configuration_scan(&self, result: &ObjectResult) -> ResultObject {
        workload_scan::scan(&self.context, result)
    }

    /// Returns the `WorkloadConfigurationScanSummary` of an object.
    #[must_use]
    pub fn configuration_scan_summary(&self, result: &ObjectResult) -> ResultObject {
        workload_scan::summary(&self.context, result)
    }

    /// Returns the number of controls that an object fails, by severity: what the sums of its
    /// namespace are made of.
    #[must_use]
    pub fn failed_controls(&self, result: &ObjectResult) -> SeverityCounts {
        workload_scan::failed_by_severity(&outcomes(result, &self.context.controls))
    }

    /// Returns the `ConfigurationScanSummary` of a namespace from the summaries in it. It is removed
    /// with the namespace if the uid is given.
    #[must_use]
    pub fn namespace_summary(
        &self,
        namespace: &str,
        uid: Option<&str>,
        members: &[SummaryMember],
    ) -> ResultObject {
        namespace_summary::summary(&self.context, namespace, uid, members)
    }

    /// Returns the policy report on an object: a kind of the cluster for an object outside
    /// namespaces.
    #[must_use]
    pub fn policy_report(&self, api: ReportApi, result: &ObjectResult) -> ResultObject {
        self.policy_report_naming(api, result, &|_| Vec::new())
    }

    /// As [`Self::policy_report`]; each finding names the bindings that enforce its control for the
    /// object.
    #[must_use]
    pub fn policy_report_naming(
        &self,
        api: ReportApi,
        result: &ObjectResult,
        bindings: &BindingsOf<'_>,
    ) -> ResultObject {
        policy_report::report(&self.context, api, result, bindings)
    }
}
