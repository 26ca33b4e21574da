//! Where a redirect leads, and whether it is followed. Pure.
//!
//! A redirect never leads from HTTPS to plain HTTP, never to an account in a URL, and never twice to
//! the same URL. Credentials go to the origin that they were meant for and to no other, not even back
//! to it.

use super::{error::RegistryError, url::Url};
use hyper::{HeaderMap, Method, StatusCode, header::LOCATION};

/// The redirects of one request.
pub(crate) struct RedirectTrail {
    visited: Vec<Url>,
    limit: usize,
}

impl RedirectTrail {
    /// Begins with the first URL.
    pub(crate) fn new(first: Url, limit: usize) -> Self {
        Self {
            visited: vec![first],
            limit,
        }
    }

    /// True while no redirect has led to another origin: credentials may be sent.
    pub(crate) fn stayed_home(&self) -> bool {
        let mut origins = self.visited.iter().map(|url| &url.origin);
        let first = origins.next();
        origins.all(|origin| Some(origin) == first)
    }

    /// Returns the next URL; `None` where the answer is not a redirect.
    pub(crate) fn next(
        &mut self,
        method: &Method,
        status: StatusCode,
        headers: &HeaderMap,
        what: &str,
    ) -> Result<Option<Url>, RegistryError> {
        let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        if !is_redirect {
            return Ok(None);
        }
        let refused = |target: &str, reason: &'static str| RegistryError::Redirect {
            what: what.to_owned(),
            target: target.to_owned(),
            reason,
        };
        if *method != Method::GET && *method != Method::HEAD {
            return Err(refused("another place", "only reads are redirected"));
        }
        let current = self.visited.last();
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let target = current
            .zip(location)
            .and_then(|(current, location)| current.join(location));
        let Some(target) = target else {
            return Err(refused(
                "nowhere",
                "its Location is no URL of HTTP or HTTPS",
            ));
        };
        let host = target.origin.to_string();
        if self.visited.contains(&target) {
            return Err(refused(&host, "the redirects go in a circle"));
        }
        if self.visited.len() > self.limit {
            return Err(refused(&host, "too many redirects"));
        }
        let was_https = current.is_some_and(|current| current.origin.https);
        if was_https && !target.origin.https {
            return Err(refused(&host, "it leads from HTTPS to plain HTTP"));
        }
        self.visited.push(target.clone());
        Ok(Some(target))
    }
}

#[cfg(test)]
mod tests {
    use super::{RedirectTrail, Url};
    use hyper::{HeaderMap, Method, StatusCode, header::LOCATION};

    /// Follows redirects from `https://a.example/x`; returns the last host, with `*` while credentials
    /// may be sent, or the reason of the refusal.
    fn follow(locations: &[&str]) -> String {
        let first = Url::parse("https://a.example/x").unwrap();
        let mut trail = RedirectTrail::new(first, 3);
        let mut last = String::new();
        for location in locations {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, location.parse().unwrap());
            match trail.next(&Method::GET, StatusCode::FOUND, &headers, "it") {
                Ok(target) => last = target.unwrap().origin.to_string(),
                Err(error) => return error.to_string(),
            }
        }
        if trail.stayed_home() {
            format!("{last}*")
        } else {
            last
        }
    }

    #[test]
    fn redirect_is_followed_or_refused() {
        let check = |locations: &[&str], expected: &str| {
            let found = follow(locations);
            assert!(found.contains(expected), "{locations:?}: {found}");
        };
        check(&["/y"], "a.example*");
        check(&["https://a.example/y"], "a.example*");
        check(&["https://a.example:443/y"], "a.example*");
        check(&["https://a.example/x"], "in a circle");
        check(&["/y", "/x"], "in a circle");
        check(&["/1", "/2", "/3", "/4"], "too many redirects");
        check(&["http://a.example/y"], "from HTTPS to plain HTTP");
        check(&["http://localhost/y"], "from HTTPS to plain HTTP");
        check(&["https://user@a.example/y"], "no URL");
        check(&["file:///etc/passwd"], "no URL");
        check(&["gopher://b.example/"], "no URL");
    }

    #[test]
    fn credentials_end_where_the_origin_changes() {
        assert_eq!(follow(&["https://b.example/y"]), "b.example");
        assert_eq!(follow(&["https://a.example:8443/y"]), "a.example:8443");
        assert_eq!(follow(&["https://sub.a.example/y"]), "sub.a.example");
        assert_eq!(
            follow(&["https://b.example/y", "https://a.example/z"]),
            "a.example"
        );
    }

    #[test]
    fn only_reads_are_redirected() {
        let mut trail = RedirectTrail::new(Url::parse("https://a.example/x").unwrap(), 3);
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, "/y".parse().unwrap());
        assert!(
            trail
                .next(&Method::POST, StatusCode::FOUND, &headers, "it")
                .is_err()
        );
        assert!(
            trail
                .next(&Method::GET, StatusCode::OK, &headers, "it")
                .unwrap()
                .is_none()
        );
    }
}
