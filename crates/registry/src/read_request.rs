//! One read of a registry: what it asks for, and its answer.

use super::{
    body::read_bounded, error::RegistryError, limits::RegistryLimits, retry::retry_after,
    token::rate_limited, url::Url,
};
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    body::Incoming,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RANGE,
        USER_AGENT,
    },
};
use std::time::{Duration, SystemTime};

/// The name of this client.
const AGENT: &str = concat!("kubevet/", env!("CARGO_PKG_VERSION"));
/// How much of an error is read for its codes.
const MAX_ERROR_BYTES: u64 = 64 << 10;
/// The most error codes in a message.
const MAX_CODES: usize = 3;

/// A read.
pub(crate) struct ReadRequest {
    pub(crate) method: Method,
    /// The path with the query, from `/v2/`.
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    /// The first byte that is wanted.
    pub(crate) range_from: u64,
    /// The scope of a token for it.
    pub(crate) scope: String,
    /// What is read, for messages.
    pub(crate) what: String,
}

/// An answer, before its body is read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    /// Where it came from.
    pub(crate) url: Url,
    /// True if a redirect has led to another origin: a 401 is not the registry's then.
    pub(crate) left_home: bool,
}

#[derive(serde::Deserialize)]
struct ErrorAnswer {
    errors: Vec<ErrorEntry>,
}

#[derive(serde::Deserialize)]
struct ErrorEntry {
    code: String,
}

impl ReadRequest {
    /// The headers, with the credentials if they may be sent.
    pub(crate) fn headers(&self, authorization: Option<&HeaderValue>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static(self.accept));
        // Digests are of what is sent: nothing may be compressed on the way.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if self.range_from > 0
            && let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.range_from))
        {
            headers.insert(RANGE, range);
        }
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        headers
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// How long the registry asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after(self.response.headers(), SystemTime::now())
    }

    /// A header of text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The media type, without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        let value = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    /// Returns the answer if it is a success that was not compressed on the way, else its error.
    pub(crate) async fn check(
        self,
        request: &ReadRequest,
        limits: &RegistryLimits,
    ) -> Result<Self, RegistryError> {
        let status = self.status().as_u16();
        let what = request.what.clone();
        if matches!(status, 200 | 206) {
            return match self.header(CONTENT_ENCODING.as_str()) {
                None | Some("identity") => Ok(self),
                Some(_) => Err(RegistryError::Answer {
                    what,
                    reason: "it is compressed on the way (Content-Encoding), although that was not wanted".to_owned(),
                }),
            };
        }
        let wait = self.retry_after();
        let place = self.url.origin.to_string();
        let left_home = self.left_home;
        let codes = self.codes(request, limits).await;
        Err(match status {
            404 => RegistryError::NotFound { what, codes },
            429 => rate_limited(&what, wait),
            _ if left_home => RegistryError::Status {
                what: format!("{what}, redirected to {place}"),
                status,
                codes,
            },
            _ => RegistryError::Status {
                what,
                status,
                codes,
            },
        })
    }

    /// The error codes of the body, as ` (DENIED, UNKNOWN)`: upper-case words, and nothing else of it.
    async fn codes(self, request: &ReadRequest, limits: &RegistryLimits) -> String {
        if request.method == Method::HEAD {
            return String::new();
        }
        let body = read_bounded(
            self.response.into_body(),
            MAX_ERROR_BYTES,
            limits,
            &request.what,
        )
        .await;
        body.map_or_else(|_| String::new(), |body| codes_of(&body))
    }
}

fn codes_of(body: &[u8]) -> String {
    let Ok(answer) = serde_json::from_slice::<ErrorAnswer>(body) else {
        return String::new();
    };
    let is_code = |code: &str| {
        (1..=40).contains(&code.len())
            && code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let codes: Vec<String> = answer
        .errors
        .into_iter()
        .map(|error| error.code)
        .filter(|code| is_code(code))
        .take(MAX_CODES)
        .collect();
    if codes.is_empty() {
        return String::new();
    }
    format!(" ({})", codes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::codes_of;

    #[test]
    fn only_codes_are_taken_from_an_error() {
        let check =
            |body: &str, expected: &str| assert_eq!(codes_of(body.as_bytes()), expected, "{body}");
        check(
            r#"{"errors":[{"code":"DENIED","message":"hunter2"}]}"#,
            " (DENIED)",
        );
        check(
            r#"{"errors":[{"code":"A_B"},{"code":"hunter2"},{"code":"C"}]}"#,
            " (A_B, C)",
        );
        check(
            r#"{"errors":[{"code":"A"},{"code":"B"},{"code":"C"},{"code":"D"}]}"#,
            " (A, B, C)",
        );
        check(r#"{"errors":[]}"#, "");
        check("<html>", "");
    }
}
