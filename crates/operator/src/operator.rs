//! The loop of the operator: one task that owns all state, and reacts to pages, changes, commands and
//! the clock.

use super::{
    binding_policy::BindingPolicy,
    handle::{Command, OperatorHandle, OperatorStatus},
    metrics::OperatorMetrics,
    object_uid::ObjectUid,
    pass::{NextPass, Pass},
    policy::EvaluationPolicy,
    reading::{Reading, ReadingOptions, reason},
    records::{Arrival, Records},
    resource_watch::ResourceWatch,
    result_writer::{ResultWriter, Write},
    retries::Retries,
    schedule::Schedule,
    sink::{FinishedSweep, ResultBatch, ResultSink},
    watches::{Change, WatchKey, WatchQueue, Watches, WhatChanged, uid_of},
    would_deny::{DenialCounts, ObjectDenials},
};
use jiff::Timestamp;
use kubevet_cluster::{ApiResources, Cluster, ClusterError, Fence, Leadership, ReadEvent};
use kubevet_document::{Document, Node};
use kubevet_model::{Control, Kind, ObjectResult, Origin};
use kubevet_scan::{
    ClusterScore, Freshness, Placement, ReadPlan, ReportedObjects, ScoredControls, UnreadLog,
    score_verdicts,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{mpsc, watch},
    task::block_in_place,
    time::{Interval, MissedTickBehavior, interval},
};
use tracing::{info, warn};

/// The most changes that are evaluated, and written, together.
const MAX_CHANGES: usize = 64;
/// The time between two looks at what the clock decides.
const TICK: Duration = Duration::from_secs(1);
/// An object waits for its owner for one to two times so many ticks.
const SETTLE_TICKS: u64 = 2;
/// The gauges over all objects are set after so many ticks.
const GAUGE_TICKS: u64 = 5;
/// The resources of the cluster are asked for after so many ticks, although no definition changed.
const DISCOVERY_TICKS: u64 = 300;
/// A watch that is not open for so long makes its kind not evaluated.
const MAX_WATCH_GAP: Duration = Duration::from_secs(60);
/// The least time between sweeps that lost results are made good by. It doubles as long as results
/// are lost again soon.
const LOST_PAUSE: Duration = Duration::from_secs(30);
/// The longest such time.
const MAX_LOST_PAUSE: Duration = Duration::from_secs(900);
/// Why objects are not read that a watch has brought. Many of them are one reason.
const UNREADABLE: &str = "an object exceeds a limit of depth or size";
/// Why objects are not counted for a binding whose kinds no chosen control of the operator checks.
const NOT_CHOSEN: &str =
    "no control of the operator checks them: its --framework or --control chooses more";
/// The time in which the last results are written when the operator ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// What an operator is made of.
pub struct OperatorParts {
    /// The cluster.
    pub cluster: Cluster,
    /// What objects are evaluated by.
    pub policy: EvaluationPolicy,
    /// Which objects are read.
    pub reading: ReadingOptions,
    /// When all objects are read again; `None` for never.
    pub schedule: Option<Schedule>,
    /// Where results go.
    pub sinks: Vec<Box<dyn ResultSink>>,
    /// Says whether this replica may write.
    pub fence: Fence,
    /// Who leads; `None` without an election: this replica does.
    pub leadership: Option<watch::Receiver<Leadership>>,
    /// The metrics.
    pub metrics: Arc<OperatorMetrics>,
}

/// Starts an operator. It needs a runtime of several threads.
#[must_use]
pub fn start(parts: OperatorParts) -> OperatorHandle {
    let (sender, commands) = mpsc::channel(16);
    let (status_sender, status) = watch::channel(OperatorStatus::default());
    let (counts_sender, counts) = watch::channel(None);
    let operator = Operator::new(parts, commands, status_sender, counts_sender);
    let task = tokio::spawn(operator.run());
    OperatorHandle::new(sender, status, counts, task)
}

struct Operator {
    cluster: Cluster,
    options: ReadingOptions,
    policy: Arc<EvaluationPolicy>,
    /// The controls of the policy, for sinks.
    controls: Arc<[Arc<Control>]>,
    /// What is read; `None` until the resources of the cluster are known.
    reading: Option<Reading>,
    resources: ResourceWatch,
    watches: Watches,
    queue: Arc<WatchQueue>,
    records: Records,
    reported: ReportedObjects,
    /// What could not be read when it was last tried.
    unread: UnreadLog,
    retries: Retries,
    pass: Option<Pass>,
    next: NextPass,
    /// The number of the last reading, of everything or of some kinds.
    reading_number: u32,
    /// The number of the last sweep that has begun.
    sweep_number: u32,
    /// What makes the numbers of sweeps differ from those of other replicas.
    first_sweep: u64,
    outbox: Outbox,
    writer: ResultWriter,
    fence: Fence,
    leadership: Option<watch::Receiver<Leadership>>,
    is_leader: bool,
    schedule: Option<Schedule>,
    due: Option<Timestamp>,
    /// When the last such sweep was asked for, and the pause after it.
    lost: Option<(Instant, Duration)>,
    /// What is counted for bindings; `None` without any.
    bindings: Option<CountedBindings>,
    counts: watch::Sender<Option<Arc<DenialCounts>>>,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<OperatorStatus>,
    metrics: Arc<OperatorMetrics>,
    clock: Interval,
    ticks: u64,
}

/// The bindings, and the objects that they would deny.
struct CountedBindings {
    policy: BindingPolicy,
    objects: ObjectDenials,
    /// The last sweep that has ended since they are counted, and when that was.
    swept: Option<(u64, SystemTime)>,
}

/// What is handed to the writer next, by uid: what happened last to an object counts.
#[derive(Default)]
struct Outbox {
    results: BTreeMap<Arc<str>, ObjectResult>,
    removed: BTreeSet<Arc<str>>,
    /// When the changes came that led to it.
    received: Vec<Instant>,
}

impl Outbox {
    fn report(&mut self, uid: Arc<str>, result: ObjectResult) {
        self.removed.remove(&uid);
        self.results.insert(uid, result);
    }

    fn remove(&mut self, uid: Arc<str>) {
        self.results.remove(&uid);
        self.removed.insert(uid);
    }
}

/// What the loop reacts to.
enum Event {
    Command(Option<Command>),
    Read(Option<ReadEvent>),
    Changes,
    Discovered(Result<ApiResources, ClusterError>),
    Leadership,
    Tick,
}

impl Operator {
    fn new(
        parts: OperatorParts,
        commands: mpsc::Receiver<Command>,
        status: watch::Sender<OperatorStatus>,
        counts: watch::Sender<Option<Arc<DenialCounts>>>,
    ) -> Self {
        let watches = Watches::new(parts.cluster.clone());
        let mut clock = interval(TICK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let writer =
            ResultWriter::start(parts.sinks, parts.fence.clone(), Arc::clone(&parts.metrics));
        let due = |schedule: &Schedule| schedule.next_after(Timestamp::now());
        Self {
            resources: ResourceWatch::start(parts.cluster.clone()),
            cluster: parts.cluster,
            options: parts.reading,
            controls: parts.policy.controls.clone().into(),
            policy: Arc::new(parts.policy),
            reading: None,
            queue: watches.queue(),
            watches,
            records: Records::default(),
            reported: ReportedObjects::default(),
            unread: UnreadLog::default(),
            retries: Retries::default(),
            pass: None,
            next: NextPass::default(),
            reading_number: 0,
            sweep_number: 0,
            first_sweep: first_sweep(SystemTime::now()),
            outbox: Outbox::default(),
            writer,
            fence: parts.fence,
            is_leader: parts.leadership.is_none(),
            leadership: parts.leadership,
            due: parts.schedule.as_ref().and_then(due),
            schedule: parts.schedule,
            lost: None,
            bindings: None,
            counts,
            commands,
            status,
            metrics: parts.metrics,
            clock,
            ticks: 0,
        }
    }

    async fn run(mut self) {
        self.next.add_sweep("start");
        self.take_leadership().await;
        loop {
            match self.event().await {
                Event::Command(Some(Command::Stop(sender))) => {
                    self.flush_outbox().await;
                    self.writer.flush(FLUSH_TIMEOUT).await;
                    let _ = sender.send(());
                    return;
                }
                Event::Command(None) => return,
                Event::Command(Some(Command::Sweep(reason, sender))) => {
                    self.next.add_sweep(reason);
                    self.next.waiters.extend(sender);
                }
                Event::Command(Some(Command::ReplacePolicy(policy))) => {
                    self.replace_policy(*policy)
                }
                Event::Command(Some(Command::ReplaceBindings(policy))) => {
                    self.replace_bindings(policy.map(|policy| *policy));
                }
                Event::Read(Some(event)) => self.take_read(event),
                Event::Read(None) => self.end_pass().await,
                Event::Changes => self.take_changes(),
                Event::Discovered(discovered) => self.take_resources(discovered),
                Event::Leadership => self.take_leadership().await,
                Event::Tick => self.tick(),
            }
            self.flush_outbox().await;
            self.begin_pass();
        }
    }

    /// The number of the last sweep that has begun, for sinks.
    fn sweep_id(&self) -> u64 {
        self.first_sweep + u64::from(self.sweep_number)
    }

    /// Waits for what happens next.
    async fn event(&mut self) -> Event {
        let read = async {
            match &mut self.pass {
                Some(pass) => pass.events.recv().await,
                None => std::future::pending().await,
            }
        };
        let leadership = async {
            match &mut self.leadership {
                // A channel whose sender is gone never changes again.
                Some(leadership) => match leadership.changed().await {
                    Ok(()) => {}
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = self.commands.recv() => Event::Command(command),
            () = leadership => Event::Leadership,
            event = read => Event::Read(event),
            () = self.queue.ready() => Event::Changes,
            discovered = self.resources.next() => Event::Discovered(discovered),
            _ = self.clock.tick() => Event::Tick,
        }
    }

    /// Begins the next reading, if there is one and none is under way.
    fn begin_pass(&mut self) {
        let Some(all) = self.reading.as_ref().filter(|_| self.pass.is_none()) else {
            return;
        };
        if self.next.is_empty() {
            return;
        }
        // While the Lease of a leader is not renewed, nothing of it would be written.
        if self.is_leader && !self.fence.is_open() {
            return;
        }
        let next = mem::take(&mut self.next);
        let reading = match next.sweep {
            Some(_) => all.clone(),
            None => all.of_kinds(&next.kinds),
        };
        self.reading_number += 1;
        if let Some(reason) = next.sweep {
            self.sweep_number += 1;
            self.reported.begin_reading();
            info!(
                sweep = self.sweep_id(),
                reason,
                kinds = reading.kinds.len(),
                "a sweep begins"
            );
        }
        self.pass = Some(Pass::begin(
            &self.cluster,
            reading,
            next.sweep,
            next.waiters,
        ));
    }

    fn take_read(&mut self, event: ReadEvent) {
        let Some(pass) = &mut self.pass else { return };
        match event {
            ReadEvent::Page { resource, objects } => {
                pass.objects += objects.len();
                let reading = Arc::clone(&pass.reading);
                if let Some(kind) = reading.kind(resource) {
                    self.take_page(kind, &objects);
                }
            }
            ReadEvent::Listed(start) => {
                let reading = Arc::clone(&pass.reading);
                let Some(kind) = reading.kind(start.resource) else {
                    return;
                };
                pass.listed.insert(WatchKey {
                    kind: kind.clone(),
                    namespace: start.namespace.clone(),
                });
                let request = Arc::new(reading.request.clone());
                self.watches.start(kind, &request, start);
            }
            failure => {
                let reading = Arc::clone(&pass.reading);
                reading.record_failure(&failure, &mut pass.unread);
                if let ReadEvent::Failed { error, uids, .. } = &failure {
                    warn!("not read: {error}");
                    // They are there: what was found in them before holds until they can be read.
                    for uid in uids {
                        self.records.see(uid, self.reading_number);
                    }
                }
            }
        }
    }

    /// Evaluates a page of a list.
    fn take_page(&mut self, kind: &Kind, objects: &[Document]) {
        let mut current = Vec::with_capacity(objects.len());
        for object in objects {
            match self.arrive(kind, object) {
                Arrived::Current => current.push(object.clone()),
                Arrived::Deleted => {}
                Arrived::Older => {
                    // Its newer state has arrived by a watch: in this sweep, unless the list is of
                    // a server that is behind.
                    let is_written = |uid| self.records.is_settled(uid, self.sweep_number);
                    let is_written = uid_of(object).is_some_and(is_written);
                    if let Some(pass) = self.pass.as_mut().filter(|_| !is_written) {
                        pass.is_complete = false;
                    }
                }
            }
        }
        let policy = Arc::clone(&self.policy);
        let results = block_in_place(|| policy.evaluator().evaluate_all(&current));
        self.count_denials(kind, &current);
        self.metrics.count_evaluated(results.len());
        for (object, result) in current.iter().zip(results) {
            let placements = self.reported.add(object, result, Freshness::Current);
            self.place(placements);
        }
    }

    /// Evaluates the changes that wait.
    fn take_changes(&mut self) {
        for queued in self.queue.take(MAX_CHANGES) {
            let Change { watch, what } = queued.value;
            // What a watch has left behind that was ended since is of no kind that is read.
            if !self.watches.is_running(&watch) {
                continue;
            }
            match what {
                WhatChanged::Changed(object) => {
                    self.take_changed(&watch.kind, &object);
                    self.outbox.received.push(queued.received);
                }
                WhatChanged::Deleted(object) => {
                    self.take_deleted(&object);
                    self.outbox.received.push(queued.received);
                }
                WhatChanged::Relisted(version, uids) => {
                    let namespace = watch.namespace.as_deref();
                    // Where versions are no numbers, the list is believed.
                    let version = if version == 0 { u64::MAX } else { version };
                    self.remove_gone(&watch.kind, namespace, |uid, of| {
                        of <= version && !uids.contains(uid)
                    });
                }
                WhatChanged::Unreadable(namespace, error) => {
                    self.take_unreadable(&watch.kind, namespace.as_deref(), &error);
                }
                WhatChanged::Opened => {
                    self.watches.set_health(&watch, None);
                }
                WhatChanged::Failed(error) => {
                    if self.watches.set_health(&watch, Some(error.clone())) {
                        warn!("{error}; trying again");
                    }
                }
            }
        }
    }

    fn take_changed(&mut self, kind: &Kind, object: &Document) {
        if !matches!(self.arrive(kind, object), Arrived::Current) {
            return;
        }
        let policy = Arc::clone(&self.policy);
        let result = block_in_place(|| policy.evaluator().evaluate(object));
        self.count_denials(kind, std::slice::from_ref(object));
        self.metrics.count_evaluated(1);
        let placements = self.reported.add(object, result, Freshness::Followed);
        self.place(placements);
    }

    fn take_deleted(&mut self, object: &Document) {
        let Some(uid) = uid_of(object) else { return };
        if let Some(pass) = &mut self.pass {
            pass.deleted.insert(ObjectUid::parse(uid).0);
        }
        self.reported.remove(object);
        if let Some(bindings) = &mut self.bindings {
            bindings.objects.remove(uid);
        }
        if self.records.remove(uid) {
            self.outbox.remove(uid.into());
        }
    }

    /// Records that an object cannot be read. Its kind is read again later: it may have been repaired.
    fn take_unreadable(&mut self, kind: &Kind, namespace: Option<&str>, error: &ClusterError) {
        if !self.unread.kinds().contains(kind) {
            warn!("not read: {error}");
            let kinds = BTreeSet::from([kind.clone()]);
            self.retries.record(&kinds, &kinds, Instant::now());
        }
        // A reading that is under way may have read its state before: it would end as if that held.
        let reading = self.pass.as_mut();
        let reading = reading.filter(|pass| pass.reading.resource_of(kind).is_some());
        let logs = reading.map(|pass| &mut pass.unread);
        for unread in logs.into_iter().chain([&mut self.unread]) {
            match namespace {
                Some(namespace) => unread.in_namespace(kind, namespace, UNREADABLE),
                None => unread.everywhere(kind, UNREADABLE),
            }
        }
    }

    /// Records that an object is there.
    fn arrive(&mut self, kind: &Kind, object: &Document) -> Arrived {
        let Some(uid) = uid_of(object) else {
            return Arrived::Deleted;
        };
        let is_deleted = |pass: &Pass| pass.deleted.contains(&ObjectUid::parse(uid).0);
        if self.pass.as_ref().is_some_and(is_deleted) {
            return Arrived::Deleted;
        }
        let metadata = object.root().get("metadata");
        let text = |key| {
            let value = metadata.and_then(|metadata| metadata.get(key));
            value.and_then(Node::as_str).unwrap_or_default()
        };
        let is_current = self.records.arrive(Arrival {
            uid,
            version: text("resourceVersion").parse().unwrap_or_default(),
            kind,
            namespace: text("namespace"),
            reading: self.reading_number,
        });
        if is_current {
            Arrived::Current
        } else {
            Arrived::Older
        }
    }

    /// Hands on what became of objects.
    fn place(&mut self, placements: Vec<Placement>) {
        for placement in placements {
            match placement {
                Placement::Reported(result) => {
                    let Origin::Cluster { uid, .. } = &result.origin else {
                        continue;
                    };
                    let uid = Arc::clone(uid);
                    if self.records.report(&uid, &result, self.sweep_number) {
                        self.outbox.report(uid, result);
                    }
                }
                Placement::LeftOut(uid) => {
                    if self.records.leave_out(&uid) {
                        self.outbox.remove(uid);
                    }
                }
            }
        }
    }

    fn remove_gone(
        &mut self,
        kind: &Kind,
        namespace: Option<&str>,
        is_gone: impl Fn(&str, u64) -> bool,
    ) {
        let gone = self.records.remove_gone(kind, namespace, is_gone);
        self.forget(gone);
    }

    /// Forgets objects that have no record any more.
    fn forget(&mut self, gone: Vec<Arc<str>>) {
        for uid in gone {
            self.reported.remove_uid(&uid);
            if let Some(bindings) = &mut self.bindings {
                bindings.objects.remove(&uid);
            }
            self.outbox.remove(uid);
        }
    }

    /// Ends the reading: every list was read, or has failed.
    async fn end_pass(&mut self) {
        let Some(mut pass) = self.pass.take() else {
            return;
        };
        let placements = self.reported.settle_all();
        self.place(placements);
        let listed = &pass.listed;
        let is_listed = |kind: &Kind, namespace: Option<&str>| {
            let key = WatchKey {
                kind: kind.clone(),
                namespace: namespace.map(str::to_owned),
            };
            listed.contains(&key)
        };
        let gone = self
            .records
            .remove_unseen(self.reading_number, |kind, namespace| {
                is_listed(kind, None) || is_listed(kind, Some(namespace))
            });
        self.forget(gone);
        self.flush_outbox().await;
        let read = pass.reading.kind_set();
        // What is not read at all has not failed.
        let failed: BTreeSet<Kind> = pass.unread.kinds().intersection(&read).cloned().collect();
        for kind in &read {
            self.unread.remove_kind(kind);
        }
        if pass.sweep.is_some() {
            self.unread = UnreadLog::default();
        }
        self.unread.extend(&pass.unread);
        self.retries.record(&read, &failed, Instant::now());
        let readable: BTreeSet<Kind> = read.difference(&failed).cloned().collect();
        self.watches.retain_listed(&readable, &pass.listed);
        let Some(reason) = pass.sweep else {
            info!(
                kinds = read.len(),
                failed = failed.len(),
                "kinds were read again"
            );
            return;
        };
        if failed.is_empty() {
            self.reported.end_reading();
        }
        let sweep = Arc::new(FinishedSweep {
            sweep: self.sweep_id(),
            reason,
            began_at: pass.began_at,
            ended_at: SystemTime::now(),
            objects: pass.objects,
            is_complete: pass.is_complete,
            unread: self.unread().into_unread(&self.policy.controls),
            score: self.score(),
        });
        let took = sweep.ended_at.duration_since(sweep.began_at);
        info!(
            sweep = sweep.sweep,
            objects = sweep.objects,
            unread = sweep.unread.len(),
            ms = u64::try_from(took.unwrap_or_default().as_millis()).unwrap_or_default(),
            "the sweep has ended"
        );
        self.metrics.set_sweep(&sweep);
        self.set_gauges(&sweep.score);
        if let Some(bindings) = &mut self.bindings {
            bindings.swept = Some((sweep.sweep, sweep.ended_at));
        }
        self.publish_denials();
        let is_leader = self.is_leader && self.fence.is_open();
        self.status.send_modify(|status| {
            status.is_synced = true;
            status.sweeps += 1;
            status.unread = sweep.unread.len();
        });
        let waiters = mem::take(&mut pass.waiters);
        if is_leader {
            self.writer.send(Write::SweepFinished(sweep, waiters)).await;
        } else {
            for waiter in waiters {
                let _ = waiter.send(Arc::clone(&sweep));
            }
        }
    }

    /// Hands the results to the writer. A standby has none: it reads everything when it takes over.
    async fn flush_outbox(&mut self) {
        let outbox = mem::take(&mut self.outbox);
        let is_empty = outbox.results.is_empty() && outbox.removed.is_empty();
        if is_empty || !self.is_leader {
            return;
        }
        let mut bindings = BTreeMap::new();
        if let Some(counted) = &self.bindings {
            for uid in outbox.results.keys() {
                let of = counted.objects.bindings_of(uid, &counted.policy);
                if !of.is_empty() {
                    bindings.insert(Arc::clone(uid), of);
                }
            }
        }
        let batch = Arc::new(ResultBatch {
            sweep: self.sweep_id(),
            results: outbox.results.into_values().collect(),
            controls: Arc::clone(&self.controls),
            bindings,
        });
        self.writer
            .send(Write::Results {
                batch,
                removed: outbox.removed.into_iter().collect(),
                received: outbox.received,
            })
            .await;
    }

    async fn take_leadership(&mut self) {
        let leadership = match &mut self.leadership {
            Some(receiver) => receiver.borrow_and_update().clone(),
            None => Leadership {
                is_leader: true,
                ..Leadership::default()
            },
        };
        self.metrics.set_leadership(&leadership);
        if leadership.is_leader != self.is_leader {
            self.is_leader = leadership.is_leader;
            if self.is_leader {
                info!("this replica leads");
                // What the leader before has not written is not known. The sweep makes good what
                // this replica has given up, too.
                self.writer.take_lost();
                self.writer.send(Write::Lead).await;
                if self.sweep_number > 0 {
                    self.drop_pass();
                    self.next.sweep = Some("takeover");
                }
            } else {
                warn!("this replica does not lead any more, and writes nothing");
            }
        }
        self.status.send_modify(|status| {
            status.is_leader = leadership.is_leader;
            status.leader.clone_from(&leadership.leader);
        });
    }

    fn replace_policy(&mut self, policy: EvaluationPolicy) {
        self.controls = policy.controls.clone().into();
        self.policy = Arc::new(policy);
        info!(
            controls = self.policy.controls.len(),
            "library and params loaded"
        );
        if let Some(resources) = self.resources.known() {
            let reading = self.plan(resources);
            self.replace_reading(reading);
        }
        // A reading that is under way was begun with the controls before.
        self.drop_pass();
        self.next.add_sweep("policy");
    }

    /// Counts for other bindings. Objects are read again, unless the same objects are counted.
    fn replace_bindings(&mut self, policy: Option<BindingPolicy>) {
        let Some(policy) = policy else {
            self.bindings = None;
            self.counts.send_replace(None);
            return;
        };
        match &mut self.bindings {
            Some(bindings) if bindings.policy.counts_as(&policy) => {
                bindings.policy = policy;
                self.publish_denials();
            }
            bindings => {
                info!(
                    bindings = policy.versions().len(),
                    "what bindings would deny is counted"
                );
                *bindings = Some(CountedBindings {
                    policy,
                    objects: ObjectDenials::default(),
                    swept: None,
                });
                self.counts.send_replace(None);
                self.drop_pass();
                self.next.add_sweep("bindings");
            }
        }
    }

    /// Takes objects of a kind that are new or have changed into the counts of bindings.
    fn count_denials(&mut self, kind: &Kind, objects: &[Document]) {
        let (Some(bindings), Some(reading)) = (&mut self.bindings, &self.reading) else {
            return;
        };
        // What only metadata is known of cannot be checked.
        let resource = reading.resource_of(kind).filter(|of| !of.metadata_only);
        let Some(resource) = resource else { return };
        block_in_place(|| {
            for object in objects {
                if let Some(uid) = uid_of(object) {
                    let (of, policy) = (&mut bindings.objects, &bindings.policy);
                    of.add(uid, object, &resource.resource, policy);
                }
            }
        });
    }

    /// Publishes what bindings would deny, once all objects were read.
    fn publish_denials(&self) {
        let Some(bindings) = &self.bindings else {
            return;
        };
        let Some((sweep, swept_at)) = bindings.swept else {
            return;
        };
        let policy = &bindings.policy;
        let exempt = policy.exempt_namespaces();
        let unread = |binding| self.unread_of(&policy.controls(binding), exempt);
        let counts = DenialCounts {
            sweep,
            swept_at,
            counted_at: SystemTime::now(),
            bindings: bindings.objects.count(policy, unread),
        };
        self.counts.send_replace(Some(Arc::new(counts)));
    }

    /// Returns the objects that controls check and that are not read, each with the reason.
    fn unread_of(&self, controls: &[Arc<Control>], exempt: &BTreeSet<String>) -> Vec<String> {
        let (Some(reading), Some(resources)) = (&self.reading, self.resources.known()) else {
            return vec!["the resources of the cluster are not known".to_owned()];
        };
        let mut unread = self.unread();
        let known = unread.kinds();
        let planned = ReadPlan::new(controls).kinds;
        for kind in planned.iter().map(|planned| &planned.kind) {
            let is_served = resources.find(kind).is_some() || resources.is_stale(&kind.group);
            if known.contains(kind) || !is_served {
                continue;
            }
            match reading.resource_of(kind) {
                Some(request) if request.metadata_only => {
                    unread.everywhere(kind, "only their metadata is read: --read-secrets");
                }
                Some(_) => {}
                None => unread.everywhere(kind, NOT_CHOSEN),
            }
        }
        let unread = unread.into_unread(controls).into_iter();
        let unread = unread.filter(|unread| !unread.controls.is_empty());
        let unread = unread.map(|unread| format!("{unread}: {}", unread.reason));
        self.options
            .left_out(exempt)
            .into_iter()
            .chain(unread)
            .collect()
    }

    /// Gives up the reading that is under way; those who wait for it wait for the next one.
    fn drop_pass(&mut self) {
        if let Some(mut pass) = self.pass.take() {
            self.next.waiters.append(&mut pass.waiters);
            if let Some(reason) = pass.sweep {
                self.next.add_sweep(reason);
            }
        }
    }

    fn take_resources(&mut self, discovered: Result<ApiResources, ClusterError>) {
        match discovered {
            Ok(resources) => {
                let reading = self.plan(&resources);
                self.resources.set_known(resources);
                self.replace_reading(reading);
                self.status.send_modify(|status| status.error = None);
            }
            Err(error) => {
                warn!("the resources of the cluster are not known: {error}; trying again");
                let error = error.to_string();
                self.status.send_modify(|status| status.error = Some(error));
            }
        }
    }

    fn plan(&self, resources: &ApiResources) -> Reading {
        let mut reading = Reading::new(
            &self.options,
            resources,
            &self.policy.controls,
            &self.policy.engine,
        );
        if let Some(old) = &self.reading {
            reading.keep_unknown(old);
        }
        reading
    }

    /// Begins to read kinds that are new, and forgets those that are gone.
    fn replace_reading(&mut self, new: Reading) {
        self.reported.set_kinds(new.kind_set());
        let Some(old) = self.reading.replace(new) else {
            return;
        };
        let Some(new) = &self.reading else { return };
        for kind in old.unread.kinds().difference(&new.unread.kinds()) {
            self.unread.remove_kind(kind);
        }
        self.unread.extend(&new.unread);
        let old_kinds = old.kind_set();
        let new_kinds = new.kind_set();
        let gone: Vec<Kind> = old_kinds.difference(&new_kinds).cloned().collect();
        let is_changed = |kind: &&Kind| {
            let (old, new) = (old.resource_of(kind), new.resource_of(kind));
            old.map(|old| (&old.resource, old.metadata_only))
                != new.map(|new| (&new.resource, new.metadata_only))
        };
        let changed: BTreeSet<Kind> = new_kinds.iter().filter(is_changed).cloned().collect();
        if gone.is_empty() && changed.is_empty() {
            return;
        }
        let names = |kinds: &mut dyn Iterator<Item = &Kind>| -> String {
            let names: Vec<String> = kinds.map(ToString::to_string).collect();
            names.join(", ")
        };
        info!(
            new = names(&mut changed.iter()),
            gone = names(&mut gone.iter()),
            "the kinds that are read have changed"
        );
        for kind in &gone {
            self.watches.stop_kind(kind);
            self.unread.remove_kind(kind);
            self.retries.remove(kind);
            self.remove_gone(kind, None, |_, _| true);
        }
        for kind in &changed {
            // It is served in another version, or read in another way.
            self.watches.stop_kind(kind);
        }
        self.next.kinds.extend(changed);
        // The reading that is under way does not know of it.
        if self.pass.as_ref().is_some_and(|pass| pass.sweep.is_some()) {
            self.drop_pass();
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks.is_multiple_of(SETTLE_TICKS) && self.pass.is_none() {
            let placements = self.reported.settle();
            self.place(placements);
        }
        let due = self.retries.due(Instant::now());
        if self.pass.is_none() && !due.is_empty() {
            self.next.kinds.extend(due);
        }
        if self.ticks.is_multiple_of(DISCOVERY_TICKS) {
            self.resources.request();
        }
        let now = Timestamp::now();
        if self.due.is_some_and(|due| due <= now) {
            let next = self.schedule.as_ref();
            self.due = next.and_then(|schedule| schedule.next_after(now));
            if self.is_leader {
                self.next.add_sweep("schedule");
            }
        }
        // While the Lease is not renewed, a sweep would be lost, too.
        if self.fence.is_open() {
            self.sweep_lost();
        }
        self.metrics
            .set_queue(self.queue.len(), self.reported.waiting());
        let watches = self.watches.health();
        self.metrics
            .set_watches(watches.map(|(key, failure)| (&key.kind, failure.is_none())));
        if self.ticks.is_multiple_of(GAUGE_TICKS) {
            let score = self.score();
            self.set_gauges(&score);
            self.publish_denials();
        }
    }

    /// Makes good what the writer has given up, by a sweep.
    fn sweep_lost(&mut self) {
        let since = self.lost.map(|(at, pause)| (at.elapsed(), pause));
        let is_recent = since.is_some_and(|(elapsed, pause)| elapsed < pause);
        if !is_recent && self.is_leader && self.writer.take_lost() {
            self.lost = Some((Instant::now(), next_lost_pause(since)));
            self.next.add_sweep("lost");
        }
    }

    fn set_gauges(&self, score: &ClusterScore) {
        self.metrics
            .set_results(&self.records, &self.policy.controls, score);
        if let Some(number) = self.cluster.put_off_count() {
            self.metrics.set_put_off(number);
        }
    }

    /// Returns what is not read at present: lists that failed, and watches that are not open.
    fn unread(&self) -> UnreadLog {
        let mut unread = self.unread.clone();
        for (key, failure) in self.watches.health() {
            let Some((since, error)) = failure else {
                continue;
            };
            if !error.is_forbidden() && since.elapsed() < MAX_WATCH_GAP {
                continue;
            }
            match &key.namespace {
                Some(namespace) => unread.in_namespace(&key.kind, namespace, reason(error)),
                None => unread.everywhere(&key.kind, reason(error)),
            }
        }
        unread
    }

    fn score(&self) -> ClusterScore {
        let unread = self.unread().into_unread(&self.policy.controls);
        let kinds = self.records.reported_kinds();
        let scored = ScoredControls {
            controls: &self.policy.controls,
            frameworks: &self.policy.frameworks,
            params: &self.policy.params,
            unread: &unread,
            kinds: &kinds,
        };
        score_verdicts(scored, self.records.verdicts())
    }
}

/// Returns the pause after a sweep that makes good what was lost, by the time since the one before it
/// and its pause: where every sweep loses results, such as in a full store, they become rare.
fn next_lost_pause(before: Option<(Duration, Duration)>) -> Duration {
    match before {
        Some((elapsed, pause)) if elapsed < pause * 4 => (pause * 2).min(MAX_LOST_PAUSE),
        _ => LOST_PAUSE,
    }
}

/// Returns the number from which the sweeps of this process count. No two processes begin in the same
/// millisecond, and none makes a sweep in each.
fn first_sweep(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

/// What an object is that has arrived.
enum Arrived {
    /// The newest state that is known.
    Current,
    /// An older state than the one that is known.
    Older,
    /// It was deleted since the list was made, or it cannot be told from others.
    Deleted,
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::ObjectId;

    fn result(uid: &str, version: &str) -> ObjectResult {
        ObjectResult {
            object: Arc::new(ObjectId::default()),
            origin: Origin::Cluster {
                uid: uid.into(),
                resource_version: version.into(),
            },
            judged: Vec::new(),
            findings: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Reports objects, each as uid and version, or removes them, without a version.
    #[track_caller]
    fn check(steps: &[(&str, Option<&str>)], results: &[(&str, &str)], removed: &[&str]) {
        let mut outbox = Outbox::default();
        for (uid, version) in steps {
            match version {
                Some(version) => outbox.report((*uid).into(), result(uid, version)),
                None => outbox.remove((*uid).into()),
            }
        }
        let expected: Vec<ObjectResult> = results
            .iter()
            .map(|(uid, version)| result(uid, version))
            .collect();
        assert_eq!(outbox.results.into_values().collect::<Vec<_>>(), expected);
        let of: Vec<&str> = outbox.removed.iter().map(|uid| &**uid).collect();
        assert_eq!(of, removed);
    }

    #[test]
    fn sweeps_for_lost_results_become_rare_while_results_are_lost() {
        let seconds = Duration::from_secs;
        assert_eq!(next_lost_pause(None), seconds(30));
        for (elapsed, pause, expected) in [
            (31, 30, 60),
            (119, 30, 60),
            (120, 30, 30),
            (1000, 900, 900),
            (3600, 900, 30),
        ] {
            let before = Some((seconds(elapsed), seconds(pause)));
            assert_eq!(next_lost_pause(before), seconds(expected), "{elapsed}");
        }
    }

    #[test]
    fn what_happened_last_to_an_object_is_written() {
        check(
            &[("a", Some("1")), ("b", Some("1"))],
            &[("a", "1"), ("b", "1")],
            &[],
        );
        check(&[("a", Some("1")), ("a", Some("2"))], &[("a", "2")], &[]);
        check(&[("a", Some("1")), ("a", None)], &[], &["a"]);
        check(&[("a", None), ("a", Some("2"))], &[("a", "2")], &[]);
        check(&[("a", None), ("b", None), ("a", None)], &[], &["a", "b"]);
    }
}
