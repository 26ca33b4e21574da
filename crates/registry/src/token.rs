//! Access tokens of token servers, as the distribution specification and OAuth2 give them.
//!
//! A name and a password are sent to the token server that the registry names, and to no other host; an
//! identity token is exchanged by POST. No redirect is followed here. A token is used until shortly
//! before it expires.

use super::{
    body::read_bounded,
    connection_pool::{ConnectionPool, Exchange, secret_header},
    credential::Credential,
    error::{RegistryError, is_transient_status},
    limits::RegistryLimits,
    retry::{RetryPlan, retry_after},
    secret::Secret,
    url::Url,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{
    HeaderMap, Method,
    body::Bytes,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use std::time::{Duration, Instant, SystemTime};

/// How long a token is good where the server does not say it.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// The longest life that is believed.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);
/// The name under which kubevet asks for tokens.
const CLIENT: &str = "kubevet";

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) value: Secret,
    until: Instant,
}

impl AccessToken {
    pub(crate) fn is_good(&self, now: Instant) -> bool {
        now < self.until
    }
}

/// What a token is wanted for.
pub(crate) struct TokenRequest<'a> {
    pub(crate) realm: &'a Url,
    pub(crate) service: Option<&'a str>,
    pub(crate) scope: &'a str,
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) what: &'a str,
}

#[derive(serde::Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

/// Gets a token; `None` where the server refuses the credential.
pub(crate) async fn get(
    pool: &ConnectionPool,
    limits: &RegistryLimits,
    request: &TokenRequest<'_>,
) -> Result<Option<AccessToken>, RegistryError> {
    let (exchange, url);
    match request.credential {
        Some(Credential::IdentityToken(token)) => {
            exchange = exchange_by_post(request, token);
        }
        credential => {
            url = url_with_query(request)?;
            exchange = exchange_by_get(request, &url, credential);
        }
    }
    let requested_at = Instant::now();
    let mut plan = RetryPlan::new(limits);
    loop {
        let answer = pool.exchange(&exchange).await?;
        let status = answer.status().as_u16();
        let wanted = retry_after(answer.headers(), SystemTime::now());
        match status {
            200 => {
                let body = read_bounded(
                    answer.into_body(),
                    limits.answer_bytes,
                    limits,
                    request.what,
                )
                .await?;
                return read_answer(&body, requested_at)
                    .map(Some)
                    .map_err(|reason| failed(request, reason));
            }
            401 | 403 => return Ok(None),
            _ if is_transient_status(status) => match plan.next_wait(wanted) {
                Some(wait) => tokio::time::sleep(wait).await,
                None if status == 429 => return Err(rate_limited(request.what, wanted)),
                None => return Err(failed(request, format!("status {status}"))),
            },
            _ => return Err(failed(request, format!("status {status}"))),
        }
    }
}

/// The error of a 429 that cannot be waited for.
pub(crate) fn rate_limited(what: &str, wanted: Option<Duration>) -> RegistryError {
    RegistryError::RateLimited {
        what: what.to_owned(),
        wait: wanted.map_or_else(String::new, |wait| {
            format!(", and asks to wait {} s", wait.as_secs())
        }),
    }
}

/// The value of `Authorization` for a name and a password.
pub(crate) fn basic_authorization(user: &str, password: &Secret) -> Option<HeaderValue> {
    let account = STANDARD.encode(format!("{user}:{}", password.expose()));
    secret_header(&format!("Basic {account}"))
}

fn url_with_query(request: &TokenRequest<'_>) -> Result<Url, RegistryError> {
    let path = request.realm.path_and_query();
    let separator = if path.contains('?') { '&' } else { '?' };
    let service = request.service.map_or_else(String::new, |service| {
        format!("service={}&", percent_encode(service))
    });
    let path = format!(
        "{path}{separator}{service}scope={}",
        percent_encode(request.scope)
    );
    Url::new(request.realm.origin.clone(), &path)
        .ok_or_else(|| failed(request, "its URL cannot be used".to_owned()))
}

fn exchange_by_get<'a>(
    request: &TokenRequest<'a>,
    url: &'a Url,
    credential: Option<&Credential>,
) -> Exchange<'a> {
    let mut headers = json_headers();
    if let Some(Credential::Basic { user, password }) = credential
        && let Some(value) = basic_authorization(user, password)
    {
        headers.insert(AUTHORIZATION, value);
    }
    Exchange {
        method: Method::GET,
        url,
        headers,
        body: Bytes::new(),
        what: request.what,
    }
}

fn exchange_by_post<'a>(request: &TokenRequest<'a>, token: &Secret) -> Exchange<'a> {
    let mut headers = json_headers();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    let body = format!(
        "grant_type=refresh_token&client_id={CLIENT}&service={}&scope={}&refresh_token={}",
        percent_encode(request.service.unwrap_or_default()),
        percent_encode(request.scope),
        percent_encode(token.expose()),
    );
    Exchange {
        method: Method::POST,
        url: request.realm,
        headers,
        body: Bytes::from(body),
        what: request.what,
    }
}

fn json_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers
}

fn failed(request: &TokenRequest<'_>, reason: String) -> RegistryError {
    RegistryError::Token {
        what: request.what.to_owned(),
        server: request.realm.origin.to_string(),
        reason,
    }
}

fn read_answer(body: &[u8], requested_at: Instant) -> Result<AccessToken, String> {
    let answer: TokenAnswer = serde_json::from_slice(body)
        .map_err(|_| "its answer is not the JSON of a token".to_owned())?;
    let value = answer
        .token
        .or(answer.access_token)
        .filter(|token| !token.is_empty());
    let value = value.ok_or("its answer has no token")?;
    let life = answer
        .expires_in
        .filter(|seconds| *seconds > 0.0)
        .map_or(DEFAULT_LIFE, |seconds| {
            Duration::try_from_secs_f64(seconds)
                .unwrap_or(MAX_LIFE)
                .min(MAX_LIFE)
        });
    // A token that expires on its way costs one more request.
    let margin = (life / 4).min(Duration::from_secs(10));
    Ok(AccessToken {
        value: Secret::new(value),
        until: requested_at + (life - margin),
    })
}

/// Encodes everything but letters, digits and `-._~`.
pub(crate) fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{percent_encode, read_answer};
    use std::time::{Duration, Instant};

    #[test]
    fn life_of_a_token_ends_before_it_expires() {
        let check = |body: &str, good: u64, bad: u64| {
            let now = Instant::now();
            let token = read_answer(body.as_bytes(), now).unwrap();
            assert!(token.is_good(now + Duration::from_secs(good)), "{body}");
            assert!(!token.is_good(now + Duration::from_secs(bad)), "{body}");
        };
        check(r#"{"token":"t"}"#, 49, 50);
        check(r#"{"access_token":"t","expires_in":300}"#, 289, 290);
        check(r#"{"token":"t","expires_in":4}"#, 2, 3);
        check(r#"{"token":"t","expires_in":0}"#, 49, 50);
        check(r#"{"token":"t","expires_in":1e300}"#, 86_000, 86_400);
    }

    #[test]
    fn answer_without_a_token_is_refused_without_quoting_it() {
        for body in [
            "",
            "[]",
            r#"{"token":""}"#,
            r#"{"error":"hunter2"}"#,
            "hunter2",
        ] {
            let error = read_answer(body.as_bytes(), Instant::now()).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn scope_is_encoded() {
        assert_eq!(
            percent_encode("repository:a/b:pull"),
            "repository%3Aa%2Fb%3Apull"
        );
    }
}
