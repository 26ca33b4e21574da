//! Answers ScanRequests, one after the other, while this replica leads: each is a reading of its own
//! beside the results that the operator keeps. The oldest comes first. A scan whose leader was lost is
//! made again by the next one.

use super::{library, operator_flags::OperatorSettings};
use anyhow::{Context as _, bail};
use kubevet_cluster::{Cluster, Fence, ScanRequests, StoredScanRequest};
use kubevet_operator::{
    ScanPhase, ScanRequestSpec, SingleScan, failed_status, finished_status, is_expired,
    pending_status, running_status, scan_once,
};
use serde_json::Value;
use std::{
    collections::HashSet,
    future::pending,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::{interval, sleep, timeout},
};
use tracing::{info, warn};

/// The time between two looks at what the clock decides, and between two reports of progress.
const TICK: Duration = Duration::from_secs(2);
/// The longest scan.
const MAX_SCAN: Duration = Duration::from_secs(3600);
/// The most requests that are reported at once to wait.
const MAX_REPORTED: usize = 50;

/// All requests, the oldest first; `None` before the first list.
type Known = watch::Receiver<Option<Arc<[StoredScanRequest]>>>;

/// Answers requests until it is dropped.
pub(super) struct RequestedScans(JoinHandle<()>);

impl Drop for RequestedScans {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RequestedScans {
    /// Starts to answer while the fence is open. `resource` is where the results of single objects are.
    pub(super) fn start(
        cluster: &Cluster,
        fence: Fence,
        settings: Arc<OperatorSettings>,
        resource: Option<String>,
    ) -> Self {
        let requests = cluster.watch_scan_requests();
        let answering = Answering {
            cluster: cluster.clone(),
            fence,
            settings,
            resource,
            known: requests.receiver(),
            _requests: requests,
            answered: HashSet::new(),
        };
        Self(tokio::spawn(answering.run()))
    }
}

struct Answering {
    cluster: Cluster,
    fence: Fence,
    settings: Arc<OperatorSettings>,
    resource: Option<String>,
    known: Known,
    _requests: ScanRequests,
    /// The uids of the requests whose end was written: the watch may not have told it yet.
    answered: HashSet<String>,
}

impl Answering {
    async fn run(mut self) {
        let mut clock = interval(TICK);
        loop {
            let known = self.known.borrow_and_update().clone();
            if let Some(known) = known.filter(|_| self.fence.is_open()) {
                self.answer(&known).await;
            }
            tokio::select! {
                changed = self.known.changed() => if changed.is_err() {
                    return;
                },
                _ = clock.tick() => {}
            }
        }
    }

    /// Deletes what has expired, and answers the first request that waits.
    async fn answer(&mut self, known: &[StoredScanRequest]) {
        self.answered
            .retain(|uid| known.iter().any(|request| request.uid == *uid));
        let now = SystemTime::now();
        for request in known.iter().filter(|request| is_expired(request, now)) {
            let deleted = self.cluster.delete_scan_request(request);
            if let Some(Err(error)) = self.fence.while_open(deleted).await {
                warn!("a scan request stays: {error}");
            }
        }
        let is_waiting = |request: &&StoredScanRequest| {
            !self.answered.contains(&request.uid)
                && !ScanPhase::of(request).is_some_and(ScanPhase::is_end)
        };
        let mut waiting = known.iter().filter(is_waiting);
        let Some(first) = waiting.next() else { return };
        let unreported = waiting.filter(|request| ScanPhase::of(request).is_none());
        for request in unreported.take(MAX_REPORTED) {
            self.write(request, pending_status(request, now)).await;
        }
        self.scan(first).await;
    }

    async fn scan(&mut self, request: &StoredScanRequest) {
        let began = SystemTime::now();
        if !self
            .write(request, running_status(request, began, 0, began))
            .await
        {
            return;
        }
        info!(request = request.name, "a requested scan begins");
        let scanned = tokio::select! {
            scanned = timeout(MAX_SCAN, self.carry_out(request, began)) => scanned,
            () = until_gone(self.known.clone(), &request.uid) => {
                info!(request = request.name, "the scan request is gone: its scan ends");
                return;
            }
        };
        let now = SystemTime::now();
        let status = match scanned {
            Ok(Ok(scan)) => finished_status(request, began, &scan, self.resource.as_deref(), now),
            Ok(Err(error)) => failed_status(request, &format!("{error:#}"), now),
            Err(_) => {
                let reason = format!("the scan took longer than {} s", MAX_SCAN.as_secs());
                failed_status(request, &reason, now)
            }
        };
        let phase = status.get("phase").and_then(Value::as_str);
        info!(request = request.name, phase, "a requested scan has ended");
        // A leader that is lost leaves the scan to the next one.
        while self.fence.is_open() {
            if self.write(request, status.clone()).await {
                self.answered.insert(request.uid.clone());
                return;
            }
            let is_known = |known: &Option<Arc<[StoredScanRequest]>>| {
                let mut known = known.iter().flat_map(|known| known.iter());
                known.any(|one| one.uid == request.uid)
            };
            if !is_known(&self.known.borrow()) {
                return;
            }
            sleep(TICK).await;
        }
    }

    /// Makes the scan that a request asks for.
    async fn carry_out(
        &self,
        request: &StoredScanRequest,
        began: SystemTime,
    ) -> anyhow::Result<SingleScan> {
        let spec = ScanRequestSpec::of(request);
        let own = &self.cluster.server().namespace;
        let reading = self.settings.flags.reading_of(own, &spec.namespaces)?;
        let settings = Arc::clone(&self.settings);
        let loaded = spawn_blocking(move || library::load_frameworks(&settings, &spec.frameworks));
        let policy = loaded.await.context("the library could not be read")??;
        for name in &spec.namespaces {
            match self.cluster.namespace_exists(name).await {
                Ok(true) => {}
                // An empty list would look like a clean namespace.
                Ok(false) => bail!("the cluster has no namespace {name}"),
                // With rights in the namespace alone this cannot be known.
                Err(error) if error.is_forbidden() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let (sender, mut objects) = watch::channel(0);
        let scan = scan_once(&self.cluster, &policy, &reading, move |number| {
            sender.send_replace(number);
        });
        tokio::pin!(scan);
        let mut clock = interval(TICK);
        clock.tick().await;
        loop {
            tokio::select! {
                scan = &mut scan => {
                    return scan.context("the resources of the cluster are not known");
                }
                _ = clock.tick() => {
                    if objects.has_changed().unwrap_or_default() {
                        let number = *objects.borrow_and_update();
                        let now = SystemTime::now();
                        self.write(request, running_status(request, began, number, now)).await;
                    }
                }
            }
        }
    }

    /// Writes a status. False if that was not done.
    async fn write(&self, request: &StoredScanRequest, status: Value) -> bool {
        let written = self.cluster.set_scan_request_status(request, status);
        match self.fence.while_open(written).await {
            Some(Ok(is_written)) => is_written,
            Some(Err(error)) => {
                warn!("a scan request is not answered: {error}; trying again");
                false
            }
            None => false,
        }
    }
}

/// Waits until a request is gone.
async fn until_gone(mut known: Known, uid: &str) {
    let is_gone = |known: &Option<Arc<[StoredScanRequest]>>| {
        let known = known.as_ref();
        known.is_some_and(|known| known.iter().all(|request| request.uid != uid))
    };
    if known.wait_for(is_gone).await.is_err() {
        pending::<()>().await;
    }
}
