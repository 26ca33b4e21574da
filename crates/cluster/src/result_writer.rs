//! Writes results by server-side apply, and removes those that are left over.
//!
//! A result is sent only if the hash of its content is not the known one. A failure is tried again a
//! few times with pauses; one that concerns more than an object ends the batch for all that it
//! concerns, so that a full store or a missing definition is asked about once. What was not written
//! stays unknown, and the next sweep sends it. Nothing is sent while the fence is closed.

use super::{
    Cluster, ClusterError, Fence,
    api_call::ApiCall,
    discovery::ApiResource,
    object_list::ListOptions,
    raw_write::WriteFailure,
    result_error::{FailureScope, ResultError, WriteAnswer},
    stored_results::{Entry, Plan, StoredResults},
};
use kubevet_document::{Document, Node};
use kubevet_model::{
    CONTENT_BYTES_ANNOTATION, CONTENT_HASH_ANNOTATION, Kind, RESULT_LABEL, ResultKey, ResultKind,
    ResultObject,
    names::{is_dns_label, is_dns_subdomain},
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};
use tokio::task::JoinSet;

/// The field manager of results.
const FIELD_MANAGER: &str = "kubevet";
/// The number of results that are written at the same time.
const MAX_WRITES: usize = 4;
/// The number of times that a result is sent.
const MAX_ATTEMPTS: u32 = 4;
/// The number of results in a row that could not be written, each after all attempts, after which
/// the rest of a batch is left to the next one.
const MAX_FAILURES: usize = 4;
/// The most errors of a batch that are passed on; all are counted.
const MAX_ERRORS: usize = 20;

/// Writes results to an API server.
#[derive(Clone)]
pub struct ResultWriter {
    cluster: Cluster,
    fence: Fence,
}

/// What a batch has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WriteReport {
    /// The number of results that were written.
    pub written: usize,
    /// The number of results that the API server has already.
    pub unchanged: usize,
    /// The number of results whose namespace is gone, and that are not needed any more.
    pub gone: usize,
    /// The number of results that were removed.
    pub removed: usize,
    /// The number of failures by reason.
    pub failures: BTreeMap<&'static str, usize>,
    /// The first errors.
    pub errors: Vec<ResultError>,
}

impl WriteReport {
    fn fail(&mut self, error: ResultError) {
        *self.failures.entry(error.reason()).or_default() += 1;
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Adds what a removal has done.
    fn add(&mut self, removal: Self) {
        self.removed += removal.removed;
        for (reason, number) in removal.failures {
            *self.failures.entry(reason).or_default() += number;
        }
        let room = MAX_ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(removal.errors.into_iter().take(room));
    }
}

/// What became of one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    NamespaceGone,
}

/// What ends a batch early.
#[derive(Debug, Default)]
struct Breaker {
    everything: Option<ResultError>,
    by_kind: HashMap<ResultKind, ResultError>,
    failures_in_a_row: usize,
}

impl Breaker {
    /// Returns why a result is not tried.
    fn refusal(&self, key: &ResultKey) -> Option<ResultError> {
        let known = self.everything.as_ref();
        let known = known.or_else(|| self.by_kind.get(&key.kind));
        known.map(|error| error.for_key(key))
    }

    fn succeeded(&mut self) {
        self.failures_in_a_row = 0;
    }

    fn failed(&mut self, key: &ResultKey, error: &ResultError) {
        match error.scope() {
            FailureScope::Object => self.failures_in_a_row = 0,
            FailureScope::Kind => {
                self.by_kind.insert(key.kind, error.clone());
            }
            FailureScope::Everything => self.everything = Some(error.clone()),
            FailureScope::Transient => {
                self.failures_in_a_row += 1;
                if self.failures_in_a_row >= MAX_FAILURES {
                    self.everything = Some(error.clone());
                }
            }
        }
    }
}

/// A write that has ended.
struct Ended {
    key: ResultKey,
    before: Option<Entry>,
    result: Result<Outcome, ResultError>,
}

impl fmt::Debug for ResultWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ResultWriter")
    }
}

impl ResultWriter {
    /// A writer that asks the fence before each call.
    #[must_use]
    pub fn new(cluster: Cluster, fence: Fence) -> Self {
        Self { cluster, fence }
    }

    /// Writes the results whose content is not the known one. If one is refused, its older state is
    /// removed: it may say of an object what does not hold any more. Needs `create`, `patch` and
    /// `delete` on their kinds.
    pub async fn write(
        &self,
        stored: &mut StoredResults,
        objects: impl IntoIterator<Item = ResultObject>,
    ) -> WriteReport {
        let mut report = WriteReport::default();
        let mut breaker = Breaker::default();
        let mut outdated = Vec::new();
        let mut writes = JoinSet::new();
        for object in objects {
            while writes.len() >= MAX_WRITES
                && let Some(ended) = writes.join_next().await
            {
                outdated.extend(take(ended, stored, &mut report, &mut breaker));
            }
            match stored.plan(&object) {
                Plan::Skip => report.unchanged += 1,
                Plan::Refuse { is_outdated } => {
                    outdated.extend(is_outdated.then(|| object.key.clone()));
                    report.fail(ResultError::Full(object.key));
                }
                Plan::Write { before } => {
                    if let Some(error) = breaker.refusal(&object.key) {
                        stored.restore(&object.key, before);
                        report.fail(error);
                        continue;
                    }
                    let writer = self.clone();
                    writes.spawn(async move {
                        let result = writer.apply(&object).await;
                        let key = object.key;
                        Ended {
                            key,
                            before,
                            result,
                        }
                    });
                }
            }
        }
        while let Some(ended) = writes.join_next().await {
            outdated.extend(take(ended, stored, &mut report, &mut breaker));
        }
        report.add(self.remove(stored, outdated).await);
        report
    }

    /// Removes results. One that is gone already counts as removed. Needs `delete` on their kinds.
    pub async fn remove(
        &self,
        stored: &mut StoredResults,
        keys: impl IntoIterator<Item = ResultKey>,
    ) -> WriteReport {
        let mut report = WriteReport::default();
        let mut breaker = Breaker::default();
        for key in keys {
            if let Some(error) = breaker.refusal(&key) {
                report.fail(error);
                continue;
            }
            match self.delete(&key).await {
                Ok(()) => {
                    breaker.succeeded();
                    stored.remove(&key);
                    report.removed += 1;
                }
                Err(error) => {
                    breaker.failed(&key, &error);
                    report.fail(error);
                }
            }
        }
        report
    }

    /// Reads which results there are, as metadata, and removes those that are not wanted. What is
    /// known of these kinds is replaced by what was found, so this is how a process that starts
    /// learns the hashes, and how a result that somebody deleted comes back. Needs `list` and `delete`
    /// on the kinds. A kind that the API server does not serve has no results.
    ///
    /// # Errors
    /// A list could not be read; nothing of that kind is removed then.
    pub async fn sweep(
        &self,
        stored: &mut StoredResults,
        kinds: &[ResultKind],
        is_wanted: impl Fn(&ResultKey) -> bool,
    ) -> Result<WriteReport, ClusterError> {
        let mut report = WriteReport::default();
        for kind in kinds {
            let found = self.list(*kind).await?;
            stored.remove_kind(*kind);
            let mut unwanted = Vec::new();
            for result in found {
                stored.found(&result.key, &result.content_hash, result.content_bytes);
                if !is_wanted(&result.key) {
                    unwanted.push(result.key);
                }
            }
            report.add(self.remove(stored, unwanted).await);
        }
        Ok(report)
    }

    /// Lists the results of a kind, page by page.
    async fn list(&self, kind: ResultKind) -> Result<Vec<FoundResult>, ClusterError> {
        let resource = resource(kind);
        let (key, value) = RESULT_LABEL;
        let options = ListOptions {
            label_selector: format!("{key}={value}"),
            metadata_only: true,
            ..ListOptions::default()
        };
        let mut list = self.cluster.list_objects(&resource, None, &options);
        let mut found = Vec::new();
        loop {
            match list.next_page().await {
                Ok(Some(page)) => {
                    found.extend(
                        page.iter()
                            .filter_map(|object| FoundResult::of(kind, object)),
                    );
                }
                Ok(None) => return Ok(found),
                Err(ClusterError::NotFound { .. }) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a result until it is written, or will not be.
    async fn apply(&self, object: &ResultObject) -> Result<Outcome, ResultError> {
        let resource = resource(object.key.kind);
        let call = call(&resource, "patch", &object.key);
        let Some(path) = object_path(&resource, &object.key) else {
            return Err(invalid_name(&call, &object.key));
        };
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&force=true");
        let body = object.json.as_bytes();
        self.attempt(&object.key, || {
            self.cluster.apply_bytes(&call, &path, body.to_vec())
        })
        .await
    }

    async fn delete(&self, key: &ResultKey) -> Result<(), ResultError> {
        let resource = resource(key.kind);
        let call = call(&resource, "delete", key);
        let Some(path) = object_path(&resource, key) else {
            return Err(invalid_name(&call, key));
        };
        let outcome = self
            .attempt(key, || self.cluster.delete_path(&call, &path))
            .await;
        match outcome {
            // The object or its kind is not there.
            Ok(_) | Err(ResultError::NotInstalled(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a call a few times, with pauses.
    async fn attempt<F>(
        &self,
        key: &ResultKey,
        send: impl Fn() -> F,
    ) -> Result<Outcome, ResultError>
    where
        F: Future<Output = Result<(), WriteFailure>>,
    {
        let mut backoff = self.cluster.timeouts.backoff.clone();
        let mut attempt = 1;
        loop {
            // Asked after the wait, which may be longer than this process leads.
            self.cluster.wait_for_budget().await;
            let failure = match self.fence.while_open(send()).await {
                Some(Ok(())) => return Ok(Outcome::Done),
                Some(Err(failure)) => failure,
                None => return Err(ResultError::NotLeader(key.clone())),
            };
            match WriteAnswer::of(key, failure.error) {
                WriteAnswer::NamespaceGone => return Ok(Outcome::NamespaceGone),
                WriteAnswer::Error(error) => return Err(error),
                WriteAnswer::TryAgain(error) if attempt >= MAX_ATTEMPTS => return Err(error),
                WriteAnswer::TryAgain(error) => {
                    let pause = backoff
                        .next_pause()
                        .max(failure.retry_after.unwrap_or_default());
                    tracing::debug!("{error}; trying again");
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
            }
        }
    }
}

/// Records a write that has ended. Returns a result that was refused and has an older state.
fn take(
    ended: Result<Ended, tokio::task::JoinError>,
    stored: &mut StoredResults,
    report: &mut WriteReport,
    breaker: &mut Breaker,
) -> Option<ResultKey> {
    let Ok(Ended {
        key,
        before,
        result,
    }) = ended
    else {
        // A write that was cut off: the next list shows what became of it.
        return None;
    };
    match result {
        Ok(Outcome::Done) => {
            breaker.succeeded();
            report.written += 1;
        }
        Ok(Outcome::NamespaceGone) => {
            breaker.succeeded();
            stored.remove(&key);
            report.gone += 1;
        }
        Err(error) => {
            let is_refused = error.scope() == FailureScope::Object;
            stored.restore(&key, before);
            breaker.failed(&key, &error);
            report.fail(error);
            return (is_refused && before.is_some()).then_some(key);
        }
    }
    None
}

/// A result that the API server has.
struct FoundResult {
    key: ResultKey,
    content_hash: String,
    content_bytes: usize,
}

impl FoundResult {
    /// Reads the metadata of a result; `None` for a name that none can have.
    fn of(kind: ResultKind, object: &Document) -> Option<Self> {
        let id = object.id();
        let annotations = object.root().get("metadata")?.get("annotations");
        let annotation = |key: &str| {
            let value = annotations.and_then(|annotations| annotations.get(key));
            value.and_then(Node::as_str).unwrap_or_default()
        };
        let key = ResultKey {
            kind,
            namespace: id.namespace,
            name: id.name,
        };
        is_valid(&key).then(|| Self {
            key,
            content_hash: annotation(CONTENT_HASH_ANNOTATION).to_owned(),
            content_bytes: annotation(CONTENT_BYTES_ANNOTATION)
                .parse()
                .unwrap_or_default(),
        })
    }
}

/// True if the parts of a key are segments of a path.
fn is_valid(key: &ResultKey) -> bool {
    let is_namespace = match key.kind.is_namespaced() {
        true => is_dns_label(&key.namespace),
        false => key.namespace.is_empty(),
    };
    is_namespace && is_dns_subdomain(&key.name)
}

fn resource(kind: ResultKind) -> ApiResource {
    ApiResource {
        kind: Kind::new(kind.group(), kind.name()),
        version: kind.version().to_owned(),
        plural: kind.plural().to_owned(),
        singular: String::new(),
        short_names: Vec::new(),
        namespaced: kind.is_namespaced(),
    }
}

fn namespace_of(key: &ResultKey) -> Option<&str> {
    Some(key.namespace.as_str()).filter(|namespace| !namespace.is_empty())
}

fn call<'a>(resource: &'a ApiResource, verb: &'a str, key: &'a ResultKey) -> ApiCall<'a> {
    ApiCall {
        name: Some(&key.name),
        ..resource.call(verb, namespace_of(key))
    }
}

/// Returns the path of a result; `None` if no object can have its name.
fn object_path(resource: &ApiResource, key: &ResultKey) -> Option<String> {
    let path = resource.path(namespace_of(key));
    is_valid(key).then(|| format!("{path}/{}", key.name))
}

fn invalid_name(call: &ApiCall<'_>, key: &ResultKey) -> ResultError {
    ResultError::Failed {
        key: key.clone(),
        error: call.unusable("no object can have this name"),
    }
}
