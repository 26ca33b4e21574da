//! The endpoint without a socket: reviews that are heavy, late, or wait for namespace labels.

use super::{
    Capacity, Endpoint, LabelsFuture, NamespaceLookup, PolicySnapshot, WebhookMetrics,
    memory_budget::MemoryBudget,
    router,
    scheduling::{MAX_INLINE_BYTES, MAX_ORDINARY_BYTES, MAX_ORDINARY_STEPS},
};
use arc_swap::ArcSwap;
use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use kubevet_admission::Enforcement;
use kubevet_engine::Engine;
use kubevet_k8s::matching::Labels;
use kubevet_policy as policy;
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

const STRICT: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec: {controls: [C-0057, C-0048], validationActions: [Deny]}
";
const BY_NAMESPACE: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec:
  controls: [C-0057]
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {a: b}}}
";

/// A snapshot of the embedded library with one binding.
pub(crate) fn snapshot(binding: &str) -> PolicySnapshot {
    let (library, _) = policy::embedded();
    let loaded = policy::read_bindings(&Arc::from("b"), binding.as_bytes(), &library);
    assert_eq!(loaded.problems, []);
    let (engine, _) = Engine::compile(&library);
    let controls = library.controls.iter().map(|source| &source.control);
    let enforcement = Enforcement {
        bindings: loaded.bindings,
        controls: controls
            .map(|control| (control.id.clone(), control.clone()))
            .collect(),
        path_reads: engine.path_reads(),
        workloads: engine.workloads().clone(),
        exempt_namespaces: BTreeSet::new(),
    };
    PolicySnapshot {
        engine: Arc::new(engine),
        enforcement,
        library: Arc::new(library),
        generation: 1,
    }
}

/// The endpoint and its metrics.
struct TestEndpoint {
    routes: Router,
    registry: Registry,
}

impl TestEndpoint {
    fn new(
        binding: &str,
        namespaces: Option<Box<dyn NamespaceLookup>>,
        capacity: Capacity,
    ) -> Self {
        let mut registry = Registry::default();
        let metrics = Arc::new(WebhookMetrics::new(&mut registry, BTreeSet::new()));
        let endpoint = Endpoint {
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot(binding))),
            metrics,
            decision_log: None,
            recorder: None,
            namespaces,
            observer: None,
            capacity,
        };
        Self {
            routes: router(Arc::new(endpoint)),
            registry,
        }
    }

    /// Sends a review. Returns the `response` of the answer.
    async fn call(&self, timeout: &str, body: impl Into<Body>) -> Value {
        let uri = format!("/validate?timeout={timeout}");
        let request = Request::post(uri).body(body.into()).unwrap();
        let service = TowerToHyperService::new(self.routes.clone());
        let response = service.call(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["response"].clone()
    }

    #[track_caller]
    fn check_metric(&self, sample: &str) {
        let mut metrics = String::new();
        encode(&mut metrics, &self.registry).unwrap();
        assert!(metrics.contains(sample), "{metrics}");
    }
}

fn permits(ordinary: usize, heavy: usize) -> Capacity {
    Capacity::new(MemoryBudget::new(64 << 20, 64 << 20), ordinary, heavy)
}

/// A review of a Pod with a privileged container, this number of mounted host volumes, and an
/// annotation of this number of bytes. Steps grow with the volumes, bytes with the padding.
fn review(volumes: usize, padding: usize) -> String {
    let (mut list, mut mounts) = (String::new(), String::new());
    for number in 0..volumes {
        let comma = if number == 0 { "" } else { "," };
        write!(
            list,
            r#"{comma}{{"name":"v{number}","hostPath":{{"path":"/var/log"}}}}"#
        )
        .unwrap();
        write!(
            mounts,
            r#"{comma}{{"name":"v{number}","mountPath":"/m{number}","readOnly":true}}"#
        )
        .unwrap();
    }
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u-1",
        "kind":{{"group":"","version":"v1","kind":"Pod"}},
        "resource":{{"group":"","version":"v1","resource":"pods"}},
        "namespace":"shop","operation":"CREATE","userInfo":{{"username":"ann"}},
        "object":{{"apiVersion":"v1","kind":"Pod",
        "metadata":{{"name":"web","annotations":{{"a":"{}"}}}},
        "spec":{{"volumes":[{list}],"containers":[{{"name":"a","image":"b",
        "securityContext":{{"privileged":true}},"volumeMounts":[{mounts}]}}]}}}}}}}}"#,
        "x".repeat(padding)
    )
}

#[track_caller]
fn check_denied(response: &Value, code: u64) {
    assert_eq!(response["uid"], "u-1", "{response}");
    assert_eq!(response["allowed"], false, "{response}");
    assert_eq!(response["status"]["code"], code, "{response}");
}

/// Reviews with few and many steps, small and large: on each thread and with each permit.
#[tokio::test]
async fn review_of_any_size_is_evaluated() {
    let endpoint = TestEndpoint::new(STRICT, None, permits(1, 1));
    for (volumes, padding) in [
        (1, 0),
        (400, 0),
        (1, MAX_INLINE_BYTES),
        (1000, 0),
        (1, MAX_ORDINARY_BYTES),
    ] {
        let response = endpoint.call("30s", review(volumes, padding)).await;
        check_denied(&response, 403);
    }
}

/// A review is heavy by its steps, not by its bytes.
#[tokio::test]
async fn review_of_many_steps_needs_a_heavy_permit() {
    let endpoint = TestEndpoint::new(STRICT, None, permits(1, 0));
    check_denied(&endpoint.call("1s", review(1, MAX_INLINE_BYTES)).await, 403);
    let volumes = usize::try_from(MAX_ORDINARY_STEPS / 4).unwrap();
    check_denied(&endpoint.call("1s", review(volumes, 0)).await, 429);
    endpoint.check_metric(r#"kubevet_shed_reviews_total{why="heavy"} 1"#);
    check_denied(&endpoint.call("1s", review(1, 0)).await, 403);
}

#[tokio::test]
async fn review_without_a_permit_is_answered_in_time() {
    let endpoint = TestEndpoint::new(STRICT, None, permits(0, 0));
    let start = Instant::now();
    check_denied(&endpoint.call("400ms", review(1, 0)).await, 429);
    // Three quarters of the budget, which is 400 ms less a tenth.
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(260), "{elapsed:?}");
    endpoint.check_metric(r#"kubevet_shed_reviews_total{why="wait"} 1"#);
}

/// A source of the same labels for each namespace.
struct Namespaces {
    cached: Option<Arc<Labels>>,
    /// Reading the cache blocks until a message arrives, or the channel is closed.
    block: Option<Mutex<mpsc::Receiver<()>>>,
    fetches: Arc<AtomicUsize>,
    fetched: Option<Arc<Labels>>,
}

impl NamespaceLookup for Namespaces {
    fn cached(&self, _: &str) -> Option<Arc<Labels>> {
        if let Some(block) = &self.block {
            let _ = block.lock().unwrap().recv();
        }
        self.cached.clone()
    }

    fn fetch<'l>(&'l self, name: &'l str, _: Instant) -> LabelsFuture<'l> {
        assert_eq!(name, "shop");
        self.fetches.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { self.fetched.clone() })
    }
}

fn labels(key: &str) -> Arc<Labels> {
    Arc::new(std::iter::once((key.to_owned(), "b".to_owned())).collect())
}

#[tokio::test]
async fn namespace_labels_that_are_not_cached_are_fetched_once() {
    for (cached, fetched, expected_fetches, expected_code) in [
        (Some(labels("a")), None, 0, Some(403)),
        (None, Some(labels("a")), 1, Some(403)),
        (None, Some(labels("z")), 1, None),
        // Unknown labels are not labels that do not match.
        (None, None, 1, Some(503)),
    ] {
        for padding in [0, MAX_INLINE_BYTES] {
            let fetches = Arc::new(AtomicUsize::new(0));
            let namespaces = Namespaces {
                cached: cached.clone(),
                block: None,
                fetches: Arc::clone(&fetches),
                fetched: fetched.clone(),
            };
            let namespaces = Some(Box::new(namespaces) as Box<dyn NamespaceLookup>);
            let endpoint = TestEndpoint::new(BY_NAMESPACE, namespaces, permits(1, 1));
            let response = endpoint.call("30s", review(1, padding)).await;
            match expected_code {
                Some(code) => check_denied(&response, code),
                None => assert_eq!(response["allowed"], true),
            }
            assert_eq!(fetches.load(Ordering::SeqCst), expected_fetches);
        }
    }
}

/// A source of labels that never answers.
struct SilentNamespaces {
    requested: mpsc::Sender<()>,
}

impl NamespaceLookup for SilentNamespaces {
    fn cached(&self, name: &str) -> Option<Arc<Labels>> {
        (name != "shop").then(|| labels("a"))
    }

    fn fetch<'l>(&'l self, _: &'l str, _: Instant) -> LabelsFuture<'l> {
        let _ = self.requested.send(());
        Box::pin(future::pending())
    }
}

/// An API server that is slow to give labels does not stop the reviews of other namespaces.
#[tokio::test]
async fn review_that_waits_for_labels_holds_no_permit() {
    for padding in [0, MAX_INLINE_BYTES] {
        let (requested, was_requested) = mpsc::channel();
        let namespaces = Box::new(SilentNamespaces { requested });
        let endpoint = TestEndpoint::new(BY_NAMESPACE, Some(namespaces), permits(1, 1));
        let waiting = endpoint.call("30s", review(1, padding));
        let other = async {
            while was_requested.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            let body = review(1, padding).replace("shop", "other");
            endpoint.call("2s", body).await
        };
        tokio::select! {
            biased;
            response = other => check_denied(&response, 403),
            response = waiting => panic!("no labels were given: {response}"),
        }
    }
}

/// The caller is answered at its deadline, and the permit is held until the evaluation ends.
#[tokio::test]
async fn late_evaluation_is_answered_by_policy_and_keeps_its_permit() {
    let (unblock, block) = mpsc::channel();
    let namespaces = Namespaces {
        cached: Some(labels("a")),
        block: Some(Mutex::new(block)),
        fetches: Arc::default(),
        fetched: None,
    };
    let namespaces = Some(Box::new(namespaces) as Box<dyn NamespaceLookup>);
    let endpoint = TestEndpoint::new(BY_NAMESPACE, namespaces, permits(1, 1));
    let call = |timeout| endpoint.call(timeout, review(1, MAX_INLINE_BYTES));
    check_denied(&call("500ms").await, 504);
    endpoint.check_metric(r#"kubevet_shed_reviews_total{why="late"} 1"#);
    check_denied(&call("500ms").await, 429);
    unblock.send(()).unwrap();
    // The next evaluation gets the permit, and is not blocked.
    drop(unblock);
    check_denied(&call("30s").await, 403);
}

const AUDITING: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: trial}
spec: {controls: [C-0057], validationActions: [Audit]}
";

/// The review of a Pod that the controller creates for a ReplicaSet.
fn of_a_replica_set(review: &str) -> String {
    let user = "system:serviceaccount:kube-system:replicaset-controller";
    let owner = r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1","controller":true}"#;
    review.replace("\"ann\"", &format!("\"{user}\"")).replace(
        r#""metadata":{"#,
        &format!(r#""metadata":{{"ownerReferences":[{owner}],"#),
    )
}

/// A workload counts once, for the object that a user writes, and not again for its Pods.
#[tokio::test]
async fn finding_of_an_auditing_binding_is_counted_as_would_deny() {
    let endpoint = TestEndpoint::new(AUDITING, None, permits(1, 1));
    for body in [
        review(1, 0),
        of_a_replica_set(&review(1, 0)),
        review(1, 0).replace("shop", "other"),
        review(1, 0).replace(r#""operation""#, r#""dryRun":true,"operation""#),
    ] {
        assert_eq!(endpoint.call("30s", body).await["allowed"], true);
    }
    for (action, namespace, expected) in [
        ("would_deny", "shop", 1),
        ("Audit", "shop", 2),
        ("would_deny", "other", 1),
    ] {
        endpoint.check_metric(&format!(
            "kubevet_findings_total{{control=\"C-0057\",action=\"{action}\",binding=\"trial\",\
             namespace=\"{namespace}\"}} {expected}\n"
        ));
    }
}
