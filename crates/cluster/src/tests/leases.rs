//! The election of a leader by a Lease.

use super::{LONG, failure};
use crate::{
    Leadership, LeaseConfig, LeaseHolder,
    fake_api_server::{FakeApiServer, Reply},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/own/leases/operator";

/// A Lease in an API server that may be cut off from one of its clients.
#[derive(Clone, Default)]
struct StoredLease {
    lease: Arc<Mutex<Option<Value>>>,
    is_down: Arc<AtomicBool>,
}

impl StoredLease {
    async fn server(&self) -> FakeApiServer {
        let stored = self.clone();
        FakeApiServer::start(move |call, body| stored.reply(call, body)).await
    }

    /// Another server over the same Lease, which can be taken down alone.
    fn with_own_outages(&self) -> Self {
        Self {
            lease: Arc::clone(&self.lease),
            is_down: Arc::default(),
        }
    }

    fn reply(&self, call: &str, mut body: Value) -> Reply {
        if self.is_down.load(Ordering::Relaxed) {
            return failure(500, "down");
        }
        let mut stored = self.lease.lock().unwrap();
        let version = |lease: &Value| lease["metadata"]["resourceVersion"].clone();
        match (call.split_once(' ').unwrap(), stored.as_ref()) {
            (("GET", PATH), Some(lease)) => Reply::Json(200, lease.clone()),
            (("GET", PATH), None) => failure(404, "not found"),
            (("POST", _), Some(_)) => failure(409, "there already"),
            (("PUT", PATH), Some(old)) if version(old) != version(&body) => failure(409, "changed"),
            (("POST" | "PUT", _), old) => {
                let number = old.map_or(0, |old| {
                    version(old).as_str().unwrap().parse::<u64>().unwrap()
                });
                body["metadata"]["resourceVersion"] = json!((number + 1).to_string());
                *stored = Some(body.clone());
                Reply::Json(200, body)
            }
            (call, _) => failure(400, &format!("{call:?}")),
        }
    }

    fn spec(&self) -> Value {
        let lease = self.lease.lock().unwrap();
        lease.as_ref().unwrap()["spec"].clone()
    }
}

fn config(identity: &str) -> LeaseConfig {
    LeaseConfig {
        duration: Duration::from_secs(1),
        deadline: Duration::from_millis(400),
        period: Duration::from_millis(20),
        ..LeaseConfig::new("own", "operator", identity)
    }
}

async fn wait(holder: &LeaseHolder, holds: impl Fn(&Leadership) -> bool) -> Leadership {
    let mut state = holder.state();
    let state = tokio::time::timeout(LONG, state.wait_for(|state| holds(state)));
    state.await.unwrap().unwrap().clone()
}

#[tokio::test]
async fn one_replica_leads_and_the_other_follows_when_it_is_released() {
    let stored = StoredLease::default();
    let server = stored.server().await;
    let first = server.cluster().hold_lease(config("first"));
    wait(&first, |state| state.is_leader).await;
    assert!(first.fence().is_open());
    let second = server.cluster().hold_lease(config("second"));
    let seen = wait(&second, |state| !state.leader.is_empty()).await;
    assert_eq!((seen.is_leader, seen.leader.as_str()), (false, "first"));
    assert!(!second.fence().is_open());
    let fence = first.fence();
    first.release().await;
    assert!(!fence.is_open());
    wait(&second, |state| state.is_leader).await;
    let spec = stored.spec();
    assert_eq!(spec["holderIdentity"], "second");
    // Once to the first, once to the second.
    assert_eq!(spec["leaseTransitions"], 2);
    second.release().await;
    assert_eq!(stored.spec()["holderIdentity"], "");
}

#[tokio::test]
async fn leader_without_api_server_stops_before_another_one_begins() {
    let stored = StoredLease::default();
    let (server, own) = (stored.server().await, stored.with_own_outages());
    let cut_off = own.server().await;
    let first = cut_off.cluster_within(crate::RequestBudget::new(crate::RequestRate::default()));
    let first = first.hold_lease(config("first"));
    wait(&first, |state| state.is_leader).await;
    let second = server.cluster().hold_lease(config("second"));
    wait(&second, |state| state.leader == "first").await;
    own.is_down.store(true, Ordering::Relaxed);
    let (fence, other_fence) = (first.fence(), second.fence());
    let watcher = async {
        loop {
            // The second one is asked first: it could open between the two questions.
            let (is_second, is_first) = (other_fence.is_open(), fence.is_open());
            assert!(!(is_first && is_second), "two replicas may write");
            if is_second {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, watcher).await.unwrap();
    let state = wait(&first, |state| !state.is_leader).await;
    assert!(state.error.is_some(), "{state:?}");
    // Back again, it sees who leads.
    own.is_down.store(false, Ordering::Relaxed);
    wait(&first, |state| {
        state.leader == "second" && state.error.is_none()
    })
    .await;
    assert!(!fence.is_open());
}

#[tokio::test]
async fn lease_that_someone_else_edits_is_still_held() {
    let stored = StoredLease::default();
    let server = stored.server().await;
    let holder = server.cluster().hold_lease(config("first"));
    wait(&holder, |state| state.is_leader).await;
    let edited = {
        let mut lease = stored.lease.lock().unwrap();
        let lease = lease.as_mut().unwrap();
        lease["metadata"]["labels"] = json!({"a": "b"});
        lease["metadata"]["resourceVersion"] = json!("1000");
        1000
    };
    let renewed = async {
        let number = || {
            let lease = stored.lease.lock().unwrap();
            let version = lease.as_ref().unwrap()["metadata"]["resourceVersion"].clone();
            version.as_str().unwrap().parse::<u64>().unwrap()
        };
        while number() <= edited {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, renewed).await.unwrap();
    assert!(holder.fence().is_open());
    assert_eq!(stored.spec()["leaseTransitions"], 1);
    let lease = stored.lease.lock().unwrap().clone().unwrap();
    assert_eq!(lease["metadata"]["labels"]["a"], "b");
}
