//! An API server on the loopback interface with Pods and Deployments, whose answers a test decides.

use crate::{
    EvaluationPolicy, OperatorHandle, OperatorMetrics, OperatorParts, ReadingOptions,
    tests::collecting_sink::Lines,
};
use kubevet_cluster::{self as cluster, ApiAccess, Cluster, Fence, RequestBudget, RequestRate};
use kubevet_engine::Engine;
use kubevet_prebuilt as prebuilt;
use kubevet_scan::SchemaChecks;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::{fs, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The answer to one request.
pub(super) enum Answer {
    Json(u16, Value),
    /// 429 with `Retry-After: 0`.
    PutOff,
    /// The lines of a watch, which stays open.
    Watch(Vec<Value>),
    /// Bytes of a watch, which is then cut.
    Cut(Vec<u8>),
}

/// Decides on a request: `list pods`, `watch pods 5` with the version that it begins after.
type Decide = dyn Fn(&str) -> Answer + Send + Sync;

/// Starts the server and an operator that reads it by the control C-0057.
pub(super) async fn operate(
    decide: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (OperatorHandle, Lines) {
    let lines = Lines::default();
    let parts = OperatorParts {
        cluster: connect(decide).await,
        policy: policy(),
        reading: reading(),
        schedule: None,
        sinks: vec![lines.sink()],
        fence: Fence::always_open(),
        leadership: None,
        metrics: Arc::new(OperatorMetrics::register(&mut Registry::default())),
    };
    (crate::start(parts), lines)
}

pub(super) fn reading() -> ReadingOptions {
    ReadingOptions {
        kinds: kubevet_scan::ObjectFilter {
            include_kinds: vec!["Pod".to_owned(), "Deployment".to_owned()],
            ..Default::default()
        },
        ..ReadingOptions::default()
    }
}

/// Starts the server, and connects to it.
pub(super) async fn connect(decide: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Cluster {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let decide: Arc<Decide> = Arc::new(decide);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&decide)));
        }
    });
    let kubeconfig = tempfile::NamedTempFile::new().unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "t",
        "clusters": [{"name": "t", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "t", "user": {}}],
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
    });
    fs::write(kubeconfig.path(), config.to_string()).unwrap();
    let access = ApiAccess::Kubeconfig(kubeconfig.path().to_owned());
    let budget = RequestBudget::new(RequestRate::default());
    cluster::connect_within(&access, Some(budget))
        .await
        .unwrap()
}

pub(super) fn policy() -> EvaluationPolicy {
    let (mut library, _) = prebuilt::library();
    library
        .controls
        .retain(|source| source.control.id.as_str() == "C-0057");
    library.builtins.clear();
    let (engine, problems) = Engine::compile_with(&library, prebuilt::precompiled());
    assert_eq!(problems, []);
    EvaluationPolicy {
        engine: Arc::new(engine),
        params: library.params.defaults(),
        controls: library.metadata(),
        schema: SchemaChecks::default(),
        frameworks: Vec::new(),
    }
}

/// A Pod whose container is privileged or not.
pub(super) fn pod(name: &str, version: u64, is_privileged: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version.to_string()},
        "spec": {"containers": [{"name": "c", "image": "x", "securityContext": {"privileged": is_privileged}}]},
    })
}

/// A Pod that is nested more deeply than is read.
pub(super) fn deep_pod(name: &str, version: u64) -> Value {
    let mut pod = pod(name, version, true);
    let nested = (0..600).fold(json!(1), |inner, _| json!({"a": inner}));
    pod["spec"]["nested"] = nested;
    pod
}

pub(super) fn list(version: u64, items: &[Value]) -> Answer {
    let list = json!({
        "kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version.to_string()},
        "items": items,
    });
    Answer::Json(200, list)
}

pub(super) fn failure(code: u16, message: &str) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message,
    });
    Answer::Json(code, status)
}

async fn serve(mut stream: TcpStream, decide: Arc<Decide>) {
    let mut head = Vec::new();
    loop {
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        head.clear();
        let target = text.split(' ').nth(1).unwrap_or_default();
        let answer = answer(target, &decide);
        match answer {
            Answer::Json(code, value) => {
                let body = value.to_string();
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {code} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
                );
                let answer = head + &body;
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Answer::PutOff => {
                let head = "HTTP/1.1 429 x\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
                if stream.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
            }
            Answer::Watch(lines) => {
                let mut body = String::from("HTTP/1.1 200 x\r\nconnection: close\r\n\r\n");
                for line in lines {
                    body.push_str(&format!("{line}\n"));
                }
                let _ = stream.write_all(body.as_bytes()).await;
                // Open until the client closes it.
                let _ = stream.read(&mut [0]).await;
                return;
            }
            Answer::Cut(bytes) => {
                let head = b"HTTP/1.1 200 x\r\nconnection: close\r\n\r\n".to_vec();
                let _ = stream.write_all(&[head, bytes].concat()).await;
                return;
            }
        }
    }
}

fn answer(target: &str, decide: &Arc<Decide>) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path {
        "/api" => discovery("", "pods", "Pod"),
        "/apis" => discovery("apps", "deployments", "Deployment"),
        _ => {
            let plural = path.rsplit('/').next().unwrap_or_default();
            if !query.contains("watch=true") {
                return decide(&format!("list {plural}"));
            }
            let mut terms = query.split('&');
            let version = terms.find_map(|term| term.strip_prefix("resourceVersion="));
            match plural {
                "pods" => decide(&format!("watch pods {}", version.unwrap_or_default())),
                _ => Answer::Watch(Vec::new()),
            }
        }
    }
}

fn discovery(group: &str, plural: &str, kind: &str) -> Answer {
    let list = json!({
        "kind": "APIGroupDiscoveryList",
        "items": [{"metadata": {"name": group}, "versions": [{"version": "v1", "freshness": "Current", "resources": [{
            "resource": plural, "responseKind": {"group": group, "version": "v1", "kind": kind},
            "scope": "Namespaced", "singularResource": plural.trim_end_matches('s'), "verbs": ["list", "watch"],
        }]}]}],
    });
    Answer::Json(200, list)
}
