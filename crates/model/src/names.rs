//! The names that Kubernetes accepts (RFC 1123). They are checked here alone, so that a file, a flag
//! and a client agree on them.

/// The maximum length of a DNS label, such as the name of a namespace.
pub const MAX_DNS_LABEL_CHARS: usize = 63;
/// The maximum length of a DNS subdomain, such as the name of most objects.
pub const MAX_DNS_SUBDOMAIN_CHARS: usize = 253;

/// True if a string is a DNS label: at most 63 lowercase letters, digits and `-`, with a letter or
/// digit at both ends.
#[must_use]
pub fn is_dns_label(name: &str) -> bool {
    name.len() <= MAX_DNS_LABEL_CHARS && is_label_of_any_length(name)
}

/// True if a string is a DNS subdomain: labels with dots between them, at most 253 characters. As in
/// Kubernetes, a label within it may be longer than 63 characters.
#[must_use]
pub fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= MAX_DNS_SUBDOMAIN_CHARS && name.split('.').all(is_label_of_any_length)
}

fn is_label_of_any_length(name: &str) -> bool {
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    bytes.first().is_some_and(is_alphanumeric)
        && bytes.last().is_some_and(is_alphanumeric)
        && bytes
            .iter()
            .all(|byte| is_alphanumeric(byte) || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_checked_by_rfc_1123() {
        let long = "a".repeat(MAX_DNS_LABEL_CHARS);
        for (name, label, subdomain) in [
            ("web", true, true),
            ("web-1", true, true),
            ("1", true, true),
            ("a.b", false, true),
            ("", false, false),
            ("Web", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("a_b", false, false),
            ("é", false, false),
            (&long, true, true),
            (&format!("{long}a"), false, true),
            (&"a.".repeat(200), false, false),
        ] {
            assert_eq!(
                (is_dns_label(name), is_dns_subdomain(name)),
                (label, subdomain),
                "{name}"
            );
        }
    }
}
