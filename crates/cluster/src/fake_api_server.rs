//! An API server that says what a test tells it to, on the loopback interface.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{
    Cluster,
    backoff::Pace,
    connect::client,
    list_watch::{Limits, Task},
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

/// What the server does.
pub(super) enum Answer {
    Json(u16, Value),
    /// A watch: one line for each value, until the sender is gone.
    Lines(mpsc::UnboundedReceiver<Value>),
    /// It never answers.
    Silence,
}

/// A running server; gone, with its connections, when dropped.
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _task: Task,
}

impl Fake {
    /// `answer` gets `GET /path`, or `WATCH /path`, and the body.
    pub(super) async fn start(
        answer: impl Fn(&str, Value) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), answer).await
    }

    pub(super) async fn start_at(
        address: SocketAddr,
        answer: impl Fn(&str, Value) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, heard) = (Arc::new(answer), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, heard) = (Arc::clone(&answer), Arc::clone(&heard));
                let service = service_fn(move |request| {
                    respond(request, Arc::clone(&answer), Arc::clone(&heard))
                });
                let http = hyper::server::conn::http1::Builder::new();
                connections.spawn(async move {
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            address,
            asked,
            _task: Task(task),
        }
    }

    /// How often exactly that was asked.
    pub(super) fn count(&self, what: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|it| *it == what)
            .count()
    }

    /// How often something was asked that begins so.
    pub(super) fn count_below(&self, what: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|it| it.starts_with(what))
            .count()
    }

    /// A client of it that does not wait long for anything.
    pub(super) fn cluster(&self) -> Cluster {
        let config = kube::Config::new(format!("http://{}", self.address).parse().unwrap());
        let pace = Pace::new(Duration::from_millis(1), Duration::from_millis(20));
        Cluster {
            client: client(config).unwrap(),
            limits: Limits {
                pace,
                ..Limits::default()
            },
        }
    }
}

async fn respond<A>(
    request: Request<Incoming>,
    answer: Arc<A>,
    heard: Arc<Mutex<Vec<String>>>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible>
where
    A: Fn(&str, Value) -> Answer + Send + Sync,
{
    let watch = request
        .uri()
        .query()
        .unwrap_or_default()
        .contains("watch=true");
    let verb = if watch {
        "WATCH"
    } else {
        request.method().as_str()
    };
    let what = format!("{verb} {}", request.uri().path());
    heard.lock().unwrap().push(what.clone());
    let body = request
        .into_body()
        .collect()
        .await
        .map(|it| it.to_bytes())
        .unwrap_or_default();
    let (status, body) = match answer(&what, serde_json::from_slice(&body).unwrap_or_default()) {
        Answer::Json(status, value) => (
            status,
            Full::new(Bytes::from(value.to_string())).boxed_unsync(),
        ),
        Answer::Lines(lines) => (200, Lines(lines).boxed_unsync()),
        Answer::Silence => std::future::pending().await,
    };
    Ok(Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body)
        .unwrap())
}

struct Lines(mpsc::UnboundedReceiver<Value>);

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(context)
            .map(|line| line.map(|it| Ok(Frame::data(Bytes::from(format!("{it}\n"))))))
    }
}
