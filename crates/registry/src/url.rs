//! The URLs of requests: an origin (scheme, host, port) and a path with its query.
//!
//! Accounts in a URL are refused, and a URL is printed without its query, which may hold a signature.

use super::reference::{RegistryName, split_port};
use hyper::http::uri::PathAndQuery;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// The longest URL that a server may send.
const MAX_URL: usize = 8 << 10;

/// A scheme, a host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    /// HTTPS, else plain HTTP.
    pub(crate) https: bool,
    /// The host in lower case; an IPv6 address is without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

/// An origin, and a path with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// The origin.
    pub(crate) origin: Origin,
    path: PathAndQuery,
}

impl Origin {
    /// Reads `HOST` or `HOST:PORT`.
    pub(crate) fn parse(https: bool, authority: &str) -> Option<Self> {
        RegistryName::parse(authority).ok()?;
        let (host, port) = split_port(authority);
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let default = if https { 443 } else { 80 };
        let port = match port {
            Some(port) => port.parse().ok()?,
            None => default,
        };
        Some(Self { https, host, port })
    }

    /// The host as an address, if it is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// True for `localhost` and the addresses of this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.address().is_some_and(|address| address.is_loopback())
    }

    /// `HOST:PORT`, as a proxy is asked for it.
    pub(crate) fn with_port(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]:{}", self.port),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }
}

impl Url {
    /// Makes the URL of a path of an origin; `None` where the path cannot stand in a request.
    pub(crate) fn new(origin: Origin, path: &str) -> Option<Self> {
        let path = PathAndQuery::try_from(path).ok()?;
        path.as_str()
            .starts_with('/')
            .then_some(Self { origin, path })
    }

    /// Reads an absolute URL; `None` unless it is HTTP or HTTPS, without an account.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_URL {
            return None;
        }
        let text = text.split('#').next().unwrap_or_default();
        let (https, rest) = strip_scheme(text)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let origin = Origin::parse(https, authority)?;
        if path.starts_with('/') {
            Self::new(origin, path)
        } else {
            Self::new(origin, &format!("/{path}"))
        }
    }

    /// Reads a URL that may be relative to this one, as in the headers `Location` and `Link`.
    pub(crate) fn join(&self, text: &str) -> Option<Self> {
        let text = text.split('#').next().unwrap_or_default();
        if text.len() > MAX_URL || text.is_empty() {
            return None;
        }
        if let Some(rest) = text.strip_prefix("//") {
            let scheme = if self.origin.https { "https" } else { "http" };
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let first = text.split(['/', '?']).next().unwrap_or_default();
        if first.contains(':') {
            return Self::parse(text);
        }
        let path = if text.starts_with('/') {
            text.to_owned()
        } else if text.starts_with('?') {
            format!("{}{text}", self.path.path())
        } else {
            let folder = self
                .path
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            format!("{folder}/{text}")
        };
        Self::new(self.origin.clone(), &path)
    }

    /// The path with the query.
    pub(crate) fn path_and_query(&self) -> &str {
        self.path.as_str()
    }
}

fn strip_scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Some((true, rest)),
        "http" => Some((false, rest)),
        _ => None,
    }
}

/// `HOST`, or `HOST:PORT` where the port is not that of the scheme.
impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.https { 443 } else { 80 };
        let authority = self.with_port();
        let suffix = format!(":{}", self.port);
        match authority.strip_suffix(&suffix) {
            Some(host) if self.port == default => formatter.write_str(host),
            _ => formatter.write_str(&authority),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    fn print(url: Option<Url>) -> String {
        url.map_or_else(
            || "-".to_owned(),
            |url| {
                let scheme = if url.origin.https { "https" } else { "http" };
                format!("{scheme}://{}{}", url.origin, url.path_and_query())
            },
        )
    }

    #[test]
    fn absolute_url_is_read() {
        let check =
            |text: &str, expected: &str| assert_eq!(print(Url::parse(text)), expected, "{text}");
        check("https://Auth.example/token", "https://auth.example/token");
        check("https://a.example", "https://a.example/");
        check("https://a.example?x=1", "https://a.example/?x=1");
        check("https://a.example:443/b#c", "https://a.example/b");
        check("http://[::1]:5000/b", "http://[::1]:5000/b");
        check("https://user:pass@a.example/b", "-");
        check("ftp://a.example/b", "-");
        check("https:///b", "-");
        check("https://a.example/b c", "-");
        check("https://a.example:0x50/", "-");
        check(&format!("https://a.example/{}", "b".repeat(9000)), "-");
    }

    #[test]
    fn relative_url_is_joined() {
        let base = Url::parse("https://a.example:5000/v2/x/tags/list?n=1").unwrap();
        let check =
            |text: &str, expected: &str| assert_eq!(print(base.join(text)), expected, "{text}");
        check("https://b.example/c?d=e", "https://b.example/c?d=e");
        check("//b.example/c", "https://b.example/c");
        check("/v2/y", "https://a.example:5000/v2/y");
        check("?last=b", "https://a.example:5000/v2/x/tags/list?last=b");
        check("more", "https://a.example:5000/v2/x/tags/more");
        check(
            "/c?to=https://b.example",
            "https://a.example:5000/c?to=https://b.example",
        );
        check("", "-");
        check("file:///etc/passwd", "-");
        check("javascript:alert", "-");
        check("https://user@b.example/c", "-");
    }
}
