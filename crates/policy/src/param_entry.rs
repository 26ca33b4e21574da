//! Entries of lists that can match nothing: a pattern or a URL where a name is compared as it is.

/// Characters of patterns that no name and no registry has.
const PATTERN_CHARS: [char; 12] = ['*', '?', '^', '$', '|', '(', ')', '{', '}', '+', '\\', '['];

/// Returns what is wrong with a registry or repository, to follow "has the entry X, which".
pub(super) fn registry_fault(entry: &str) -> Option<&'static str> {
    // The address of a host may be IPv6, which has brackets.
    let without_brackets = entry.strip_prefix('[').unwrap_or(entry);
    if entry.contains("://") {
        Some("has a scheme: write the registry alone, such as quay.io or quay.io/team")
    } else if without_brackets.contains(PATTERN_CHARS) {
        Some(
            "is a pattern, but registries are compared as they are: write each one out, such as quay.io or quay.io/team",
        )
    } else if entry.is_empty() || !entry.chars().all(|c| is_name_char(c) || "/:[]".contains(c)) {
        Some("cannot be a registry: write one such as quay.io, quay.io/team or registry:5000")
    } else {
        None
    }
}

/// Returns what is wrong with a name, to follow "has the entry X, which".
pub(super) fn name_fault(entry: &str) -> Option<&'static str> {
    if entry.contains(PATTERN_CHARS) {
        Some("is a pattern, but names are compared as they are: write each one out")
    } else if entry.is_empty() || !entry.chars().all(|c| is_name_char(c) || c == '/') {
        Some("cannot be a name: write letters, digits, `.`, `_`, `-` and `/`")
    } else {
        None
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::{name_fault, registry_fault};

    #[test]
    fn registry_that_can_match_nothing_is_refused() {
        for good in [
            "docker.io",
            "quay.io/team",
            "ghcr.io/strangers/",
            "localhost:5000",
            "registry_1/a--b",
            "[::1]:5000/a",
            "1234.dkr.ecr.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(registry_fault(good), None, "{good}");
        }
        for (bad, expected) in [
            ("evil.example/*", "is a pattern"),
            ("*.example", "is a pattern"),
            ("1234.dkr.ecr.*.amazonaws.com", "is a pattern"),
            (r"^evil\.example", "is a pattern"),
            ("evil.example$", "is a pattern"),
            ("https://evil.example", "has a scheme"),
            (" evil.example", "cannot be a registry"),
            ("evil.example ", "cannot be a registry"),
            ("evil example", "cannot be a registry"),
            ("evil.example@sha256", "cannot be a registry"),
            ("", "cannot be a registry"),
        ] {
            let fault = registry_fault(bad).unwrap_or_default();
            assert!(fault.starts_with(expected), "{bad}: {fault}");
        }
    }

    #[test]
    fn name_that_can_match_nothing_is_refused() {
        for good in [
            "NET_ADMIN",
            "app.kubernetes.io/name",
            "edge",
            "_FILE",
            "1.2-rc",
        ] {
            assert_eq!(name_fault(good), None, "{good}");
        }
        for bad in ["NET_*", "^edge$", "a|b", "", " edge", "two words", "a:b"] {
            assert!(name_fault(bad).is_some(), "{bad}");
        }
    }
}
