//! A stub in place of kubevet's webhook, so that a fault of the test support is not taken for one
//! of kubevet: it denies objects with the label `deny: please`, and returns the user in an
//! annotation. At another path it denies everything.

use axum::{
    Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::post,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// A running stub; it ends with this value.
pub(crate) struct StubWebhook {
    port: u16,
    ca: String,
    seen_reviews: SeenReviews,
    _runtime: Runtime,
}

/// Namespace and name of each reviewed object, in order.
type SeenReviews = Arc<Mutex<Vec<(String, String)>>>;

impl StubWebhook {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])
            .expect("a certificate is issued");
        let key = PrivateKeyDer::Pkcs8(issued.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS has versions")
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)
            .expect("the key is the certificate's");
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let seen_reviews = SeenReviews::default();
        let router = Router::new()
            .route("/validate", post(review))
            .route("/deny", post(deny))
            .with_state(Arc::clone(&seen_reviews));
        runtime.spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), router));
        Self {
            port,
            ca: issued.cert.pem(),
            seen_reviews,
            _runtime: runtime,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}/validate", self.port)
    }

    /// The URL at which everything is denied.
    pub(crate) fn denying_url(&self) -> String {
        format!("https://127.0.0.1:{}/deny", self.port)
    }

    /// The certificate to trust, as PEM.
    pub(crate) fn ca(&self) -> &str {
        &self.ca
    }

    /// Returns namespace and name of each object reviewed so far.
    pub(crate) fn seen_reviews(&self) -> Vec<(String, String)> {
        self.seen_reviews
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, service) = (tls.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            if let Ok(stream) = tls.accept(stream).await {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        });
    }
}

async fn review(
    State(seen_reviews): State<SeenReviews>,
    body: hyper::body::Bytes,
) -> impl IntoResponse {
    let review: Value = serde_json::from_slice(&body).expect("a review is JSON");
    let request = &review["request"];
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = string(&request["namespace"]);
    seen_reviews
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((namespace, string(&request["name"])));
    let allowed = request["object"]["metadata"]["labels"]["deny"] != "please";
    answer(request, allowed)
}

async fn deny(body: hyper::body::Bytes) -> impl IntoResponse {
    let review: Value = serde_json::from_slice(&body).expect("a review is JSON");
    answer(&review["request"], false)
}

fn answer(request: &Value, allowed: bool) -> impl IntoResponse + use<> {
    let answer = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": request["uid"],
            "allowed": allowed,
            "status": {"code": 403, "reason": "Forbidden", "message": "it asked for it"},
            "warnings": ["a stand-in looked at this"],
            "auditAnnotations": {"user": request["userInfo"]["username"]},
        },
    });
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}
