//! Leader election: of several replicas, the one that holds a Lease (coordination.k8s.io) is the
//! leader. The Lease is in the form that client-go writes, so `kubectl get lease` shows the holder.
//!
//! Clocks of machines are never compared. A replica takes the Lease of another one only if it has
//! not changed for its whole duration on the replica's own monotonic clock. A leader that cannot renew
//! stops earlier: its [`Fence`] closes one renewal deadline after the beginning of the last renewal
//! that succeeded, and a deadline is shorter than a duration. Whoever writes asks the fence first.

use super::{Cluster, ClusterError, api_call::ApiCall, list_watch::AbortOnDrop};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{Api, api::PostParams, core::ObjectMeta};
use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

/// The time for one call. It is shorter than the time between deadline and duration.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);
/// The longest duration that is believed of another holder's Lease.
const MAX_DURATION: Duration = Duration::from_secs(120);

/// The Lease and its times.
#[derive(Debug, Clone)]
pub struct LeaseConfig {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// The name of this replica, which no other one may have.
    pub identity: String,
    /// How long a Lease that is not renewed keeps others away.
    pub duration: Duration,
    /// How long the leader goes on without a renewal.
    pub deadline: Duration,
    /// The time between two attempts.
    pub period: Duration,
}

impl LeaseConfig {
    /// The times of client-go: 15 s, 10 s and 2 s.
    #[must_use]
    pub fn new(namespace: &str, name: &str, identity: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            identity: identity.to_owned(),
            duration: Duration::from_secs(15),
            deadline: Duration::from_secs(10),
            period: Duration::from_secs(2),
        }
    }
}

/// Who leads, as far as this replica knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leadership {
    /// True if it is this replica.
    pub is_leader: bool,
    /// The name of the leader; empty if there is none, or none is known.
    pub leader: String,
    /// The present error of the calls.
    pub error: Option<String>,
}

/// Says whether this replica may write. Clones share it.
#[derive(Debug, Clone)]
pub struct Fence(Arc<Mutex<FenceState>>);

#[derive(Debug)]
enum FenceState {
    /// There is no election.
    AlwaysOpen,
    Closed,
    /// Open until both clocks have reached a time. The second one goes on while a machine sleeps.
    Until(Instant, SystemTime),
}

impl Fence {
    /// A fence that never closes, for a single replica without an election.
    #[must_use]
    pub fn always_open() -> Self {
        Self(Arc::new(Mutex::new(FenceState::AlwaysOpen)))
    }

    /// A fence that is closed, and that only a Lease can open.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(Mutex::new(FenceState::Closed)))
    }

    /// True if this replica may write now. A write that takes long is made [`Self::while_open`].
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// The time for which this replica may write; zero if it may not.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.remaining_at(Instant::now(), SystemTime::now())
    }

    /// Makes a call that writes, for as long as this replica may write: `None` if it may not, or not
    /// any more before the call has ended. What a call has done that was cut off is not known.
    pub async fn while_open<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut call = pin!(call);
        loop {
            let remaining = self.remaining();
            if remaining.is_zero() {
                return None;
            }
            // The Lease may be renewed meanwhile.
            if let Ok(done) = tokio::time::timeout(remaining, &mut call).await {
                return Some(done);
            }
        }
    }

    fn remaining_at(&self, now: Instant, wall_now: SystemTime) -> Duration {
        match *self.lock() {
            FenceState::AlwaysOpen => Duration::MAX,
            FenceState::Closed => Duration::ZERO,
            FenceState::Until(until, wall_until) => {
                let wall = wall_until.duration_since(wall_now).unwrap_or_default();
                // A wall clock that was set back says nothing; one that was set forward closes the
                // fence until the next renewal.
                if wall.is_zero() {
                    Duration::ZERO
                } else {
                    until.saturating_duration_since(now)
                }
            }
        }
    }

    fn open_until(&self, until: Instant, wall_until: SystemTime) {
        *self.lock() = FenceState::Until(until, wall_until);
    }

    pub(super) fn close(&self) {
        *self.lock() = FenceState::Closed;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, FenceState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes part in an election until it is released or dropped. Dropped, it leaves the Lease to expire.
pub struct LeaseHolder {
    state: watch::Receiver<Leadership>,
    fence: Fence,
    release: oneshot::Sender<oneshot::Sender<()>>,
    _task: AbortOnDrop,
}

impl LeaseHolder {
    /// Returns who leads, as it changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<Leadership> {
        self.state.clone()
    }

    /// Returns the fence of this replica.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Closes the fence and gives up the Lease, so that another replica takes it at once. Call it
    /// when the last write has ended.
    pub async fn release(self) {
        self.fence.close();
        let (sender, released) = oneshot::channel();
        if self.release.send(sender).is_ok() {
            // It fails if the task has ended.
            let _ = released.await;
        }
    }
}

impl Cluster {
    /// Takes part in the election of a leader. Needs `get` and `update` on the Lease, and `create` on
    /// Leases of its namespace.
    #[must_use]
    pub fn hold_lease(&self, config: LeaseConfig) -> LeaseHolder {
        let fence = Fence::closed();
        let (sender, state) = watch::channel(Leadership::default());
        let (release, released) = oneshot::channel();
        let candidate = Candidate {
            api: Api::namespaced(self.client.clone(), &config.namespace),
            election: Election::new(&config.identity),
            config,
            fence: fence.clone(),
            state: sender,
            own: None,
        };
        let task = tokio::spawn(candidate.run(released));
        LeaseHolder {
            state,
            fence,
            release,
            _task: AbortOnDrop(task),
        }
    }
}

/// What a replica does about the Lease that it has read.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// There is none: create it.
    Create,
    /// It is free, or its holder is gone: take it.
    Take,
    /// It is this replica's: renew it.
    Renew,
    /// Another replica holds it, for so long at least.
    Wait(Duration),
}

/// What of a Lease decides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SeenLease {
    holder: String,
    duration: Duration,
    version: String,
}

impl SeenLease {
    fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.unwrap_or_default();
        Self {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(seconds.max(0).unsigned_abs().into()),
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
        }
    }
}

/// The decisions of one replica, under a clock that the caller gives.
#[derive(Debug)]
struct Election {
    identity: String,
    /// The Lease as it was last seen to change, and when that was seen.
    observed: Option<(SeenLease, Instant)>,
}

impl Election {
    fn new(identity: &str) -> Self {
        Self {
            identity: identity.to_owned(),
            observed: None,
        }
    }

    fn decide(&mut self, seen: Option<SeenLease>, now: Instant) -> Step {
        let Some(seen) = seen else {
            return Step::Create;
        };
        if seen.holder == self.identity {
            return Step::Renew;
        }
        if seen.holder.is_empty() {
            return Step::Take;
        }
        let duration = seen.duration.min(MAX_DURATION);
        let since = match &self.observed {
            Some((observed, since)) if *observed == seen => *since,
            _ => {
                self.observed = Some((seen, now));
                now
            }
        };
        let left = duration.saturating_sub(now.saturating_duration_since(since));
        if left.is_zero() {
            Step::Take
        } else {
            Step::Wait(left)
        }
    }
}

/// One replica in the election.
struct Candidate {
    api: Api<Lease>,
    config: LeaseConfig,
    election: Election,
    fence: Fence,
    state: watch::Sender<Leadership>,
    /// The Lease as this replica has last written it.
    own: Option<Lease>,
}

impl Candidate {
    async fn run(mut self, mut released: oneshot::Receiver<oneshot::Sender<()>>) {
        loop {
            let pause = self.attempt().await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                sender = &mut released => {
                    self.give_up().await;
                    if let Ok(sender) = sender {
                        let _ = sender.send(());
                    }
                    return;
                }
            }
        }
    }

    /// Takes or renews the Lease, if it may. Returns the time until the next attempt.
    async fn attempt(&mut self) -> Duration {
        // Both clocks are read before the call: others see the renewal after this.
        let (begun_at, wall) = (Instant::now(), SystemTime::now());
        let attempted = self.try_lease().await;
        let (written, pause, error) = match attempted {
            Ok(Attempt::Written(lease)) => (Some(*lease), self.config.period, None),
            Ok(Attempt::HeldByOther(left)) => {
                // It is tried as soon as the Lease has expired.
                (None, left.min(self.config.period), None)
            }
            Err(error) => (None, self.config.period, Some(error)),
        };
        if let Some(lease) = written {
            self.own = Some(lease);
            let deadline = self.config.deadline;
            self.fence.open_until(begun_at + deadline, wall + deadline);
        } else if error.is_none() {
            // Another replica has the Lease.
            self.fence.close();
        }
        self.announce(error.map(|error| error.to_string()));
        pause
    }

    async fn try_lease(&mut self) -> Result<Attempt, ClusterError> {
        // The holder needs no reading: another replica's write is a conflict.
        if let Some(own) = self.own.take() {
            match self.replace(&own, Some(&self.config.identity)).await {
                Ok(lease) => return Ok(Attempt::Written(Box::new(lease))),
                Err(ClusterError::Conflict { .. } | ClusterError::NotFound { .. }) => {}
                Err(error) => {
                    // It may have been written all the same: it is read before the next attempt.
                    return Err(error);
                }
            }
        }
        let read = self.read().await?;
        let seen = read.as_ref().map(SeenLease::of);
        let step = self.election.decide(seen, Instant::now());
        let written = match (step, &read) {
            (Step::Wait(left), _) => return Ok(Attempt::HeldByOther(left)),
            (Step::Create, _) | (_, None) => self.create().await,
            (Step::Take | Step::Renew, Some(lease)) => {
                self.replace(lease, Some(&self.config.identity)).await
            }
        };
        match written {
            Ok(lease) => Ok(Attempt::Written(Box::new(lease))),
            // Another replica was first: its Lease is read next.
            Err(ClusterError::Conflict { .. }) => Ok(Attempt::HeldByOther(self.config.period)),
            Err(error) => Err(error),
        }
    }

    /// Tells who leads.
    fn announce(&mut self, error: Option<String>) {
        let is_leader = self.fence.is_open();
        let observed = self.election.observed.as_ref();
        let leader = if is_leader {
            self.config.identity.clone()
        } else {
            observed.map_or_else(String::new, |(seen, _)| seen.holder.clone())
        };
        let new = Leadership {
            is_leader,
            leader,
            error,
        };
        self.state.send_if_modified(|state| {
            let is_changed = *state != new;
            *state = new;
            is_changed
        });
    }

    /// Leaves the Lease without a holder, if it is this replica's.
    async fn give_up(&mut self) {
        self.fence.close();
        if let Some(own) = self.own.take()
            && let Err(error) = self.replace(&own, None).await
        {
            tracing::warn!("the lease is left to expire: {error}");
        }
        self.announce(None);
    }

    async fn read(&self) -> Result<Option<Lease>, ClusterError> {
        let call = self.call("get");
        match call
            .send(CALL_TIMEOUT, self.api.get(&self.config.name))
            .await
        {
            Ok(lease) => Ok(Some(lease)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self) -> Result<Lease, ClusterError> {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.config.name.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(self.spec(None, Some(&self.config.identity))),
        };
        let params = PostParams::default();
        let created = self.api.create(&params, &lease);
        self.call("create").send(CALL_TIMEOUT, created).await
    }

    /// Writes the Lease if it still is as it was read.
    async fn replace(&self, read: &Lease, holder: Option<&str>) -> Result<Lease, ClusterError> {
        let lease = Lease {
            metadata: read.metadata.clone(),
            spec: Some(self.spec(read.spec.as_ref(), holder)),
        };
        let params = PostParams::default();
        let replaced = self.api.replace(&self.config.name, &params, &lease);
        self.call("update").send(CALL_TIMEOUT, replaced).await
    }

    fn spec(&self, old: Option<&LeaseSpec>, holder: Option<&str>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let old = old.cloned().unwrap_or_default();
        let is_same = holder.is_some() && old.holder_identity.as_deref() == holder;
        let transitions = old.lease_transitions.unwrap_or_default();
        // A Lease that was given up is free at once, for clients that look at its times, too.
        let seconds = holder.map_or(1, |_| self.config.duration.as_secs());
        LeaseSpec {
            holder_identity: Some(holder.unwrap_or_default().to_owned()),
            lease_duration_seconds: i32::try_from(seconds).ok(),
            acquire_time: if is_same {
                old.acquire_time.clone()
            } else {
                Some(now.clone())
            },
            renew_time: Some(now),
            lease_transitions: Some(if is_same || holder.is_none() {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..old
        }
    }

    fn call<'a>(&'a self, verb: &'a str) -> ApiCall<'a> {
        ApiCall {
            verb,
            group: "coordination.k8s.io",
            resource: "leases",
            namespace: Some(&self.config.namespace),
            name: Some(&self.config.name),
        }
    }
}

/// What came of an attempt.
enum Attempt {
    /// The Lease is this replica's.
    Written(Box<Lease>),
    /// Another replica holds it, for so long at least.
    HeldByOther(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Lease that is seen: holder, duration in seconds and version.
    type SeenText<'a> = Option<(&'a str, u64, &'a str)>;

    /// Decides as `me` about the Leases that are seen, each at a time in seconds.
    #[track_caller]
    fn check(seen: &[(u64, SeenText<'_>, Step)]) {
        let start = Instant::now();
        let mut election = Election::new("me");
        for (index, (seconds, lease, expected)) in seen.iter().enumerate() {
            let lease = lease.map(|(holder, duration, version)| SeenLease {
                holder: holder.to_owned(),
                duration: Duration::from_secs(duration),
                version: version.to_owned(),
            });
            let step = election.decide(lease, start + Duration::from_secs(*seconds));
            assert_eq!(step, *expected, "{index}");
        }
    }

    fn wait(seconds: u64) -> Step {
        Step::Wait(Duration::from_secs(seconds))
    }

    #[test]
    fn missing_free_and_own_lease_are_taken_at_once() {
        check(&[(0, None, Step::Create)]);
        check(&[(0, Some(("", 15, "1")), Step::Take)]);
        check(&[(0, Some(("me", 15, "1")), Step::Renew)]);
    }

    #[test]
    fn lease_of_another_is_taken_once_it_has_not_changed_for_its_duration() {
        check(&[
            (0, Some(("other", 15, "1")), wait(15)),
            (2, Some(("other", 15, "1")), wait(13)),
            (4, Some(("other", 15, "2")), wait(15)),
            (18, Some(("other", 15, "2")), wait(1)),
            (19, Some(("other", 15, "2")), Step::Take),
        ]);
    }

    #[test]
    fn lease_of_a_third_replica_begins_a_new_time() {
        check(&[
            (0, Some(("other", 15, "1")), wait(15)),
            (14, Some(("third", 15, "2")), wait(15)),
            (20, Some(("third", 15, "2")), wait(9)),
            (21, Some(("", 1, "3")), Step::Take),
        ]);
    }

    #[test]
    fn duration_of_another_is_bounded() {
        check(&[
            (0, Some(("other", 1_000_000, "1")), wait(120)),
            (120, Some(("other", 1_000_000, "1")), Step::Take),
            (120, Some(("none", 0, "2")), Step::Take),
        ]);
    }

    #[test]
    fn fence_closes_by_either_clock() {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let second = Duration::from_secs(1);
        let fence = Fence::closed();
        assert_eq!(fence.remaining_at(now, wall), Duration::ZERO);
        fence.open_until(now + 10 * second, wall + 10 * second);
        assert_eq!(fence.remaining_at(now, wall), 10 * second);
        assert_eq!(fence.remaining_at(now + 9 * second, wall), second);
        assert_eq!(fence.remaining_at(now + 10 * second, wall), Duration::ZERO);
        // The clock was set back, or forward, or the machine has slept.
        assert_eq!(
            fence.remaining_at(now + second, wall - 3_600 * second),
            9 * second
        );
        assert_eq!(fence.remaining_at(now, wall + 10 * second), Duration::ZERO);
        fence.close();
        assert_eq!(fence.remaining_at(now, wall), Duration::ZERO);
        assert!(Fence::always_open().is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn call_goes_on_while_the_lease_is_renewed() {
        let wall = SystemTime::now() + Duration::from_secs(3_600);
        let seconds = |number| tokio::time::sleep(Duration::from_secs(number));
        let fence = Fence::closed();
        assert_eq!(fence.while_open(async { 1 }).await, None);
        let renew = || fence.open_until(Instant::now() + Duration::from_secs(10), wall);
        renew();
        let renewed = async {
            seconds(5).await;
            renew();
            seconds(9).await;
            2
        };
        assert_eq!(fence.while_open(renewed).await, Some(2));
        let slow = async {
            seconds(2).await;
            3
        };
        assert_eq!(fence.while_open(slow).await, None);
    }
}
