//! The endpoint without a socket: what becomes of a review that is heavy, late, or waits for the labels of a namespace.

use super::{
    Capacity, Endpoint, LabelsFuture, NamespaceLookup, PolicySnapshot, WebhookMetrics,
    endpoint::{HEAVY_BYTES, HEAVY_STEPS, INLINE_BYTES},
    memory_budget::MemoryBudget,
    router,
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
    sync::{
        Arc,
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

/// The endpoint and what it counts.
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
        let (library, _) = policy::embedded();
        let (bindings, problems) =
            policy::read_bindings(&Arc::from("b"), binding.as_bytes(), &library);
        assert!(problems.is_empty(), "{problems:?}");
        let (engine, _) = Engine::compile(&library);
        let controls = library
            .controls
            .iter()
            .map(|it| (it.control.id.clone(), it.control.clone()))
            .collect();
        let path_reads = engine.path_reads();
        let enforcement = Enforcement {
            bindings,
            controls,
            path_reads,
            exempt_namespaces: BTreeSet::new(),
        };
        let gate = PolicySnapshot {
            engine: Arc::new(engine),
            enforcement,
            generation: 1,
        };
        let mut registry = Registry::default();
        let metrics = Arc::new(WebhookMetrics::new(&mut registry, BTreeSet::new()));
        let admission = Endpoint {
            snapshot: Arc::new(ArcSwap::from_pointee(gate)),
            metrics,
            decision_log: None,
            recorder: None,
            namespaces,
            observer: None,
            capacity,
        };
        Self {
            routes: router(Arc::new(admission)),
            registry,
        }
    }

    async fn call(&self, timeout: &str, body: impl Into<Body>) -> Value {
        let request = Request::post(format!("/validate?timeout={timeout}"))
            .body(body.into())
            .unwrap();
        let response = TowerToHyperService::new(self.routes.clone())
            .call(request)
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["response"].clone()
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        text
    }

    #[track_caller]
    fn counted(&self, line: &str) {
        assert!(self.metrics().contains(line), "{}", self.metrics());
    }
}

fn slots(ordinary: usize, heavy: usize) -> Capacity {
    Capacity::new(MemoryBudget::new(64 << 20, 64 << 20), ordinary, heavy)
}

/// A Pod with a privileged container and so many volumes that are mounted.
fn review(volumes: usize, padding: usize) -> String {
    let (mut list, mut mounts) = (String::new(), String::new());
    for it in 0..volumes {
        let comma = if it == 0 { "" } else { "," };
        write!(
            list,
            r#"{comma}{{"name":"v{it}","hostPath":{{"path":"/var/log"}}}}"#
        )
        .unwrap();
        write!(
            mounts,
            r#"{comma}{{"name":"v{it}","mountPath":"/m{it}","readOnly":true}}"#
        )
        .unwrap();
    }
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u-1",
        "kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},
        "namespace":"shop","operation":"CREATE","userInfo":{{"username":"ann"}},"object":{{"apiVersion":"v1","kind":"Pod",
        "metadata":{{"name":"web","annotations":{{"a":"{}"}}}},"spec":{{"volumes":[{list}],"containers":[
        {{"name":"a","image":"b","securityContext":{{"privileged":true}},"volumeMounts":[{mounts}]}}]}}}}}}}}"#,
        "x".repeat(padding)
    )
}

#[track_caller]
fn denied(response: &Value, code: u64) {
    assert_eq!(
        (&response["uid"], &response["allowed"]),
        (&"u-1".into(), &false.into()),
        "{response}"
    );
    assert_eq!(response["status"]["code"], code, "{response}");
}

/// Small and cheap, small and heavy, large and cheap, larger yet: each is judged, whatever thread and slot it takes.
#[tokio::test]
async fn every_review_is_judged_whatever_it_takes() {
    let endpoint = TestEndpoint::new(STRICT, None, slots(1, 1));
    for (volumes, padding) in [
        (1, 0),
        (400, 0),
        (1, INLINE_BYTES),
        (1000, 0),
        (1, HEAVY_BYTES),
    ] {
        denied(&endpoint.call("30s", review(volumes, padding)).await, 403);
    }
}

/// Steps decide, not bytes.
#[tokio::test]
async fn a_review_of_many_steps_is_not_judged_where_no_heavy_slot_comes() {
    let endpoint = TestEndpoint::new(STRICT, None, slots(1, 0));
    denied(&endpoint.call("1s", review(1, INLINE_BYTES)).await, 403);
    let heavy = review(usize::try_from(HEAVY_STEPS / 4).unwrap(), 0);
    denied(&endpoint.call("1s", heavy).await, 429);
    endpoint.counted(r#"kubevet_shed_reviews_total{why="heavy"} 1"#);
    denied(&endpoint.call("1s", review(1, 0)).await, 403);
}

#[tokio::test]
async fn without_a_slot_a_review_is_answered_by_policy_in_time() {
    let endpoint = TestEndpoint::new(STRICT, None, slots(0, 0));
    let begun = Instant::now();
    denied(&endpoint.call("400ms", review(1, 0)).await, 429);
    // Three quarters of what is left of 400 ms, less the margin.
    assert!(
        begun.elapsed() >= Duration::from_millis(260),
        "{:?}",
        begun.elapsed()
    );
    endpoint.counted(r#"kubevet_shed_reviews_total{why="wait"} 1"#);
}

/// Somebody who knows namespaces: what is cached, after how long, and who is asked.
struct Namespaces {
    cached: Option<Arc<Labels>>,
    blocks: Option<std::sync::Mutex<mpsc::Receiver<()>>>,
    asked: Arc<AtomicUsize>,
    answers: Option<Arc<Labels>>,
}

impl NamespaceLookup for Namespaces {
    fn cached(&self, _: &str) -> Option<Arc<Labels>> {
        if let Some(blocks) = &self.blocks {
            let _ = blocks.lock().unwrap().recv();
        }
        self.cached.clone()
    }

    fn fetch<'l>(&'l self, name: &'l str, _: Instant) -> LabelsFuture<'l> {
        assert_eq!(name, "shop");
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { self.answers.clone() })
    }
}

fn labels(key: &str) -> Arc<Labels> {
    Arc::new(std::iter::once((key.to_owned(), "b".to_owned())).collect())
}

#[tokio::test]
async fn a_namespace_that_is_not_cached_is_asked_for_once() {
    for (cached, answers, asked, code) in [
        (Some(labels("a")), None, 0, Some(403)),
        (None, Some(labels("a")), 1, Some(403)),
        (None, Some(labels("z")), 1, None),
        // Nobody knows: that is not "does not match".
        (None, None, 1, Some(503)),
    ] {
        for padding in [0, INLINE_BYTES] {
            let count = Arc::new(AtomicUsize::new(0));
            let namespaces = Namespaces {
                cached: cached.clone(),
                blocks: None,
                asked: Arc::clone(&count),
                answers: answers.clone(),
            };
            let endpoint = TestEndpoint::new(BY_NAMESPACE, Some(Box::new(namespaces)), slots(1, 1));
            let response = endpoint.call("30s", review(1, padding)).await;
            match code {
                Some(code) => denied(&response, code),
                None => assert_eq!(response["allowed"], true),
            }
            assert_eq!(count.load(Ordering::SeqCst), asked);
        }
    }
}

/// Whatever a judgement does, its caller is answered; and its slot is taken until it has ended.
#[tokio::test]
async fn a_judgement_that_is_late_is_answered_by_policy_and_keeps_its_slot() {
    let (end, blocks) = mpsc::channel();
    let namespaces = Namespaces {
        cached: Some(labels("a")),
        blocks: Some(std::sync::Mutex::new(blocks)),
        asked: Arc::default(),
        answers: None,
    };
    let endpoint = TestEndpoint::new(BY_NAMESPACE, Some(Box::new(namespaces)), slots(1, 1));
    denied(&endpoint.call("500ms", review(1, INLINE_BYTES)).await, 504);
    endpoint.counted(r#"kubevet_shed_reviews_total{why="late"} 1"#);
    denied(&endpoint.call("500ms", review(1, INLINE_BYTES)).await, 429);
    end.send(()).unwrap();
    // The next one has the slot, and nothing to block it.
    drop(end);
    denied(&endpoint.call("30s", review(1, INLINE_BYTES)).await, 403);
}
