//! Which requests go through a proxy, by the values of HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
//!
//! The caller gives the values; this crate reads no environment. The rules are those of Go's
//! `httpproxy`, so that a container runtime's settings mean the same here: loopback addresses are
//! never proxied; an exception is `*`, an address, a network, `example.com` (with its subdomains) or
//! `.example.com` (only those), each with a port or without.

use super::{error::RegistryError, reference::split_port, secret::Secret, url::Origin};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::net::IpAddr;

/// The most exceptions that are read.
const MAX_EXCEPTIONS: usize = 1000;

/// The proxies of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    https: Option<ProxyAddress>,
    http: Option<ProxyAddress>,
    exceptions: Vec<Exception>,
}

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxyAddress {
    /// Where it listens; with TLS if its URL has `https`.
    pub(crate) origin: Origin,
    /// The value of `Proxy-Authorization`.
    pub(crate) authorization: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    All,
    Network(IpAddr, u8),
    Domain {
        name: String,
        with_itself: bool,
        port: Option<u16>,
    },
}

impl ProxySettings {
    /// Reads the settings from a look-up of variables by name. The lower-case name comes first, as in
    /// curl; `HTTPS_PROXY` is for HTTPS and `HTTP_PROXY` for plain HTTP.
    ///
    /// # Errors
    ///
    /// Returns an error for a proxy that is not `[http[s]://][USER:PASSWORD@]HOST[:PORT]`.
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, RegistryError> {
        let variable = |name: &str| {
            look_up(&name.to_lowercase())
                .or_else(|| look_up(name))
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let proxy = |name: &str| {
            variable(name)
                .map(|value| read_proxy(name, &value))
                .transpose()
        };
        let exceptions = variable("NO_PROXY").unwrap_or_default();
        Ok(Self {
            https: proxy("HTTPS_PROXY")?,
            http: proxy("HTTP_PROXY")?,
            exceptions: exceptions
                .split(',')
                .filter_map(|exception| read_exception(exception.trim()))
                .take(MAX_EXCEPTIONS)
                .collect(),
        })
    }

    /// Returns the proxy for an origin; `None` where it is reached directly.
    pub(crate) fn proxy_for(&self, origin: &Origin) -> Option<&ProxyAddress> {
        let proxy = if origin.https {
            &self.https
        } else {
            &self.http
        };
        let is_direct = origin.is_loopback()
            || self
                .exceptions
                .iter()
                .any(|exception| exception.matches(origin));
        proxy.as_ref().filter(|_| !is_direct)
    }
}

impl Exception {
    fn matches(&self, origin: &Origin) -> bool {
        match self {
            Self::All => true,
            Self::Network(network, bits) => origin
                .address()
                .is_some_and(|address| is_in_network(address, *network, *bits)),
            Self::Domain {
                name,
                with_itself,
                port,
            } => {
                let is_below = origin
                    .host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.ends_with('.'));
                port.is_none_or(|port| port == origin.port)
                    && (is_below || (*with_itself && origin.host == *name))
            }
        }
    }
}

fn read_proxy(variable: &str, value: &str) -> Result<ProxyAddress, RegistryError> {
    let wrong = |reason: &str| RegistryError::Configuration {
        what: variable.to_owned(),
        reason: reason.to_owned(),
    };
    let (https, rest) = match value.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some(_) => {
            return Err(wrong(
                "only proxies with http:// and https:// are supported",
            ));
        }
        None => (false, value),
    };
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (account, authority) = match rest.rsplit_once('@') {
        Some((account, authority)) => (Some(account), authority),
        None => (None, rest),
    };
    let origin = Origin::parse(https, authority)
        .ok_or_else(|| wrong("the proxy is not [http[s]://][USER:PASSWORD@]HOST[:PORT]"))?;
    let authorization = account.map(|account| {
        let account = STANDARD.encode(decode_percent(account));
        Secret::new(format!("Basic {account}"))
    });
    Ok(ProxyAddress {
        origin,
        authorization,
    })
}

/// Decodes `%40` and the like; what is no escape stays as it is.
fn decode_percent(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| *first == b'%');
        let byte = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    decoded
}

fn read_exception(text: &str) -> Option<Exception> {
    if text == "*" {
        return Some(Exception::All);
    }
    if let Some((address, bits)) = text.split_once('/') {
        return Some(Exception::Network(
            address.parse().ok()?,
            bits.parse().ok()?,
        ));
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Exception::Network(
            address,
            if address.is_ipv4() { 32 } else { 128 },
        ));
    }
    let (host, port) = split_port(text);
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    let host = host.to_ascii_lowercase();
    let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
    let name = below.unwrap_or(&host).to_owned();
    (!name.is_empty()).then_some(Exception::Domain {
        with_itself: below.is_none(),
        name,
        port,
    })
}

fn is_in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let shift = 32_u32.saturating_sub(u32::from(bits));
            let differs = u32::from(address) ^ u32::from(network);
            differs.checked_shr(shift).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let shift = 128_u32.saturating_sub(u32::from(bits));
            let differs = u128::from(address) ^ u128::from(network);
            differs.checked_shr(shift).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::ProxySettings;
    use crate::url::Origin;

    fn settings(no_proxy: &str) -> ProxySettings {
        let value = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://us%40er:hunter2@proxy.example:3128".to_owned()),
            "http_proxy" => Some("proxy.example".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        };
        ProxySettings::from_variables(value).unwrap()
    }

    #[test]
    fn hosts_of_no_proxy_are_reached_directly() {
        let check = |no_proxy: &str, host: &str, proxied: bool| {
            let origin = Origin::parse(true, host).unwrap();
            let found = settings(no_proxy).proxy_for(&origin).is_some();
            assert_eq!(found, proxied, "{no_proxy} {host}");
        };
        check("", "ghcr.io", true);
        check("", "localhost:5000", false);
        check("", "127.0.0.1", false);
        check("", "[::1]:5000", false);
        check("*", "ghcr.io", false);
        check("example.com", "example.com", false);
        check("example.com", "r.example.com", false);
        check("example.com", "notexample.com", true);
        check(".example.com", "r.example.com", false);
        check(".example.com", "example.com", true);
        check("*.example.com", "r.example.com", false);
        check("a.b, Example.com:5000", "example.com:5000", false);
        check("example.com:5000", "example.com", true);
        check("10.0.0.0/8", "10.1.2.3:5000", false);
        check("10.0.0.0/8", "11.1.2.3:5000", true);
        check("0.0.0.0/0", "11.1.2.3", false);
        check("10.1.2.3", "10.1.2.3", false);
        check("fd00::/8", "[fd12::1]", false);
        check("fd00::/8", "10.1.2.3", true);
    }

    #[test]
    fn password_of_a_proxy_is_sent_and_not_printed() {
        let settings = settings("");
        let proxy = settings
            .proxy_for(&Origin::parse(true, "ghcr.io").unwrap())
            .unwrap();
        assert_eq!(proxy.origin.to_string(), "proxy.example:3128");
        let header = proxy.authorization.as_ref().unwrap().expose();
        assert_eq!(header, "Basic dXNAZXI6aHVudGVyMg==");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let plain = settings
            .proxy_for(&Origin::parse(false, "ghcr.io").unwrap())
            .unwrap();
        assert_eq!(plain.origin.to_string(), "proxy.example");
    }

    #[test]
    fn proxy_of_an_unknown_kind_is_refused_without_its_password() {
        let value =
            |name: &str| (name == "HTTPS_PROXY").then(|| "socks5://u:hunter2@p:1".to_owned());
        let error = ProxySettings::from_variables(value)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("HTTPS_PROXY") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
