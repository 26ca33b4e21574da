//! An API server on the loopback interface whose responses a test decides.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{
    Cluster,
    backoff::Backoff,
    connect::{Server, Timeouts, build_client},
    list_watch::AbortOnDrop,
    request_budget::RequestBudget,
};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Body, Bytes, Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

/// The response to one call.
pub(super) enum Reply {
    Json(u16, Value),
    /// A body as it is.
    Raw(u16, Vec<u8>),
    /// A refusal with `Retry-After` in seconds.
    PutOff(u16, u64),
    /// A watch: one line for each value, until the sender is dropped.
    Lines(mpsc::UnboundedReceiver<Value>),
    /// No response, ever.
    Silence,
}

/// A running server. Dropping it closes all its connections.
pub(super) struct FakeApiServer {
    pub(super) address: SocketAddr,
    calls: Arc<Mutex<Vec<String>>>,
    _task: AbortOnDrop,
}

impl FakeApiServer {
    /// Starts a server. `reply` gets the call, `GET /path` or `WATCH /path`, and the body; of a list
    /// also its query, without limit and selectors: `GET /path?continue=2`.
    pub(super) async fn start(
        reply: impl Fn(&str, Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), reply).await
    }

    pub(super) async fn start_at(
        address: SocketAddr,
        reply: impl Fn(&str, Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (reply, recorded) = (Arc::new(reply), Arc::clone(&calls));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (reply, recorded) = (Arc::clone(&reply), Arc::clone(&recorded));
                let service = service_fn(move |request| {
                    respond(request, Arc::clone(&reply), Arc::clone(&recorded))
                });
                let http = hyper::server::conn::http1::Builder::new();
                connections.spawn(async move {
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            address,
            calls,
            _task: AbortOnDrop(task),
        }
    }

    /// Returns the number of these calls.
    pub(super) fn count(&self, call: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|recorded| *recorded == call).count()
    }

    /// Returns the number of calls with this prefix.
    pub(super) fn count_prefix(&self, prefix: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .filter(|recorded| recorded.starts_with(prefix))
            .count()
    }

    /// Returns a client of this server with short pauses between attempts.
    pub(super) fn cluster(&self) -> Cluster {
        let config = kube::Config::new(format!("http://{}", self.address).parse().unwrap());
        let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(20));
        Cluster {
            server: Server {
                namespace: "own".to_owned(),
                ..Server::default()
            },
            client: build_client(config).unwrap(),
            timeouts: Timeouts {
                backoff,
                ..Timeouts::default()
            },
            budget: None,
        }
    }

    /// Returns a client with a budget, which repeats nothing by itself.
    pub(super) fn cluster_within(&self, budget: RequestBudget) -> Cluster {
        let mut config = kube::Config::new(format!("http://{}", self.address).parse().unwrap());
        config.default_retry = false;
        Cluster {
            client: build_client(config).unwrap(),
            budget: Some(budget),
            ..self.cluster()
        }
    }
}

async fn respond<R>(
    request: Request<Incoming>,
    reply: Arc<R>,
    calls: Arc<Mutex<Vec<String>>>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible>
where
    R: Fn(&str, Value) -> Reply + Send + Sync,
{
    let is_watch = request
        .uri()
        .query()
        .unwrap_or_default()
        .contains("watch=true");
    let verb = if is_watch {
        "WATCH"
    } else {
        request.method().as_str()
    };
    let mut call = format!("{verb} {}", request.uri().path());
    let terms = request.uri().query().unwrap_or_default().split('&');
    for term in terms.filter(|term| term.starts_with("continue=")) {
        call = format!("{call}?{term}");
    }
    calls.lock().unwrap().push(call.clone());
    let body = request
        .into_body()
        .collect()
        .await
        .map(|collected| collected.to_bytes())
        .unwrap_or_default();
    let mut retry_after = None;
    let (status, body) = match reply(&call, serde_json::from_slice(&body).unwrap_or_default()) {
        Reply::PutOff(status, seconds) => {
            retry_after = Some(seconds);
            (status, Full::new(Bytes::new()).boxed_unsync())
        }
        Reply::Json(status, value) => (
            status,
            Full::new(Bytes::from(value.to_string())).boxed_unsync(),
        ),
        Reply::Raw(status, bytes) => (status, Full::new(Bytes::from(bytes)).boxed_unsync()),
        Reply::Lines(lines) => (200, LinesBody(lines).boxed_unsync()),
        Reply::Silence => std::future::pending().await,
    };
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    Ok(response.body(body).unwrap())
}

struct LinesBody(mpsc::UnboundedReceiver<Value>);

impl Body for LinesBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(context)
            .map(|line| line.map(|value| Ok(Frame::data(Bytes::from(format!("{value}\n"))))))
    }
}
