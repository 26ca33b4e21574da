//! Image references as `lib.images` parses them: registry, repository, tag and digest, each a slice
//! of the string.
//!
//! The Rego definition builds new strings, with a lowercase host and `library/` before official
//! images. Here such a string stays in parts, so that a comparison copies nothing.

use super::strings::lower_ascii;
use std::{borrow::Cow, fmt};

/// The registry of Docker Hub, the default of a reference without a host.
const HUB: &str = "docker.io";
/// The namespace of Docker Hub's official images, the default of a repository without one.
const OFFICIAL: &str = "library/";

/// An image reference.
#[derive(Debug, Clone, Copy)]
pub struct ImageRef<'a> {
    /// Registry and repository as written.
    untagged: &'a str,
    /// The part before the first slash, if it is a host.
    host: Option<&'a str>,
    tag: &'a str,
    digest: Option<&'a str>,
    whole: &'a str,
}

/// A string in two parts: a prefix, and a slice of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined<'a> {
    /// `library/`, or nothing.
    pub front: &'static str,
    /// A slice of the reference.
    pub rest: &'a str,
}

impl<'a> ImageRef<'a> {
    /// Parses a reference. Every string parses; an empty one has empty parts.
    pub fn parse(image: &'a str) -> Self {
        let (whole, digest) = match image.split_once('@') {
            Some((whole, digest)) => (whole, Some(digest)),
            None => (image, None),
        };
        let last = whole.rfind('/').map_or(0, |slash| slash + 1);
        // A colon in the last segment starts the tag; one before it belongs to a port.
        let colon = whole
            .get(last..)
            .and_then(|segment| segment.find(':'))
            .map_or(whole.len(), |colon| last + colon);
        let (untagged, tag) = whole.split_at_checked(colon).unwrap_or((whole, ""));
        let host = untagged
            .split_once('/')
            .map(|(first, _)| first)
            .filter(|host| is_host(host));
        Self {
            untagged,
            host,
            tag: tag.strip_prefix(':').unwrap_or(tag),
            digest,
            whole,
        }
    }

    /// `lib.images.registry`.
    pub fn registry(self) -> Cow<'a, str> {
        lower_ascii(self.spelled_registry())
    }

    /// The registry, in the case of the reference.
    fn spelled_registry(self) -> &'a str {
        match self.host {
            Some(host) => canonical(host),
            None if self.untagged.is_empty() => "",
            None => HUB,
        }
    }

    /// `lib.images.repository`.
    pub fn repository(self) -> Joined<'a> {
        let rest = self.local();
        let official = self.is_at_hub() && !rest.contains('/');
        Joined {
            front: if official { OFFICIAL } else { "" },
            rest,
        }
    }

    fn is_at_hub(self) -> bool {
        self.spelled_registry().eq_ignore_ascii_case(HUB)
    }

    /// The part after the host.
    fn local(self) -> &'a str {
        self.host
            .and_then(|host| self.untagged.get(host.len() + 1..))
            .unwrap_or(self.untagged)
    }

    /// Appends `lib.images.name` to `out`.
    pub fn write_name(self, out: &mut String) {
        if self.is_empty() {
            return;
        }
        let Joined { front, rest } = self.repository();
        out.extend([&*self.registry(), "/", front, rest]);
    }

    /// True if `lib.images.name` is empty: there is neither registry nor repository.
    pub fn is_empty(self) -> bool {
        self.untagged.is_empty()
    }

    /// `lib.images.tag`.
    pub fn tag(self) -> &'a str {
        self.tag
    }

    /// `lib.images.digest`.
    pub fn digest(self) -> &'a str {
        self.digest.unwrap_or_default()
    }

    /// `lib.images.effective_tag`.
    pub fn effective_tag(self) -> &'a str {
        let pulls_latest = self.tag.is_empty() && self.digest.is_none() && !self.whole.is_empty();
        if pulls_latest { "latest" } else { self.tag }
    }

    /// `lib.images.within`.
    pub fn within(self, pattern: RepositoryPattern<'_>) -> bool {
        if self.is_empty() || pattern.is_empty() {
            return false;
        }
        let registry = self.spelled_registry();
        let Joined { front, rest } = self.repository();
        if pattern.contains(registry, front, rest) {
            return true;
        }
        let other_hub = ["registry-1.docker.io", "registry.hub.docker.com"];
        let at_other_hub = other_hub
            .iter()
            .any(|hub| registry.eq_ignore_ascii_case(hub));
        if at_other_hub && pattern.contains(HUB, front, rest) {
            return true;
        }
        // A pattern for Docker Hub may omit `library/`.
        let short = if front == OFFICIAL {
            Some(rest)
        } else {
            rest.strip_prefix(OFFICIAL)
        };
        (at_other_hub || self.is_at_hub())
            && short.is_some_and(|short| pattern.contains(HUB, "", short))
    }
}

/// A pattern of `lib.images.within`: a registry, or a repository with everything below it.
#[derive(Debug, Clone, Copy)]
pub struct RepositoryPattern<'a> {
    /// The registry, in any case.
    host: &'a str,
    /// The part after the host, with its slash; in any case.
    path: &'a str,
    /// True if `path` lacks the slash, since the host was left out.
    needs_slash: bool,
}

impl<'a> RepositoryPattern<'a> {
    /// Parses a pattern. Every string parses; an empty one contains nothing.
    pub fn parse(pattern: &'a str) -> Self {
        let pattern = pattern.trim_end_matches('/');
        let first = pattern.find('/').unwrap_or(pattern.len());
        match pattern.split_at_checked(first) {
            _ if pattern.is_empty() => Self {
                host: "",
                path: "",
                needs_slash: false,
            },
            // Patterns are compared without case, so `LOCALHOST` is a host too.
            Some((host, path))
                if has_port_or_dot(host) || host.eq_ignore_ascii_case("localhost") =>
            {
                Self {
                    host: canonical(host),
                    path,
                    needs_slash: false,
                }
            }
            _ => Self {
                host: HUB,
                path: pattern,
                needs_slash: true,
            },
        }
    }

    fn is_empty(self) -> bool {
        self.host.is_empty() && self.path.is_empty()
    }

    /// True if the pattern is this repository or a prefix of it that ends at a slash. It compares
    /// the bytes of the parts in sequence, so that none is concatenated.
    fn contains(self, registry: &str, front: &str, rest: &str) -> bool {
        let slash = if self.needs_slash { "/" } else { "" };
        let expected = [self.host, slash, self.path]
            .into_iter()
            .flat_map(str::bytes);
        // Hosts have no case; repositories are compared as they are written.
        let registry = registry.bytes().map(|byte| byte.to_ascii_lowercase());
        let mut name = registry.chain(["/", front, rest].into_iter().flat_map(str::bytes));
        for byte in expected {
            if name.next() != Some(byte.to_ascii_lowercase()) {
                return false;
            }
        }
        matches!(name.next(), None | Some(b'/'))
    }
}

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.front)?;
        f.write_str(self.rest)
    }
}

impl PartialEq<str> for Joined<'_> {
    fn eq(&self, other: &str) -> bool {
        other.strip_prefix(self.front) == Some(self.rest)
    }
}

/// True if the segment before the first slash is a registry: it has a dot, a port or an uppercase
/// character, or is `localhost`.
fn is_host(segment: &str) -> bool {
    has_port_or_dot(segment)
        || segment == "localhost"
        || segment.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn has_port_or_dot(segment: &str) -> bool {
    segment.bytes().any(|byte| matches!(byte, b'.' | b':'))
}

/// The canonical spelling of a host, except for its case: without the default port, and with one
/// name for Docker Hub.
fn canonical(host: &str) -> &str {
    let host = host.strip_suffix(":443").unwrap_or(host);
    if host.eq_ignore_ascii_case("index.docker.io") {
        HUB
    } else {
        host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(image: &str) -> String {
        let mut out = String::new();
        ImageRef::parse(image).write_name(&mut out);
        out
    }

    /// Name, tag, digest, effective tag.
    #[test]
    fn a_reference_has_parts() {
        fn check(image: &str, expected: [&str; 4]) {
            let reference = ImageRef::parse(image);
            assert_eq!(
                [
                    &*name(image),
                    reference.tag(),
                    reference.digest(),
                    reference.effective_tag()
                ],
                expected,
                "{image:?}"
            );
        }
        check("nginx", ["docker.io/library/nginx", "", "", "latest"]);
        check(
            "nginx:1.25",
            ["docker.io/library/nginx", "1.25", "", "1.25"],
        );
        check("registry:5000/app", ["registry:5000/app", "", "", "latest"]);
        check(
            "registry:5000",
            ["docker.io/library/registry", "5000", "", "5000"],
        );
        check(
            "quay.io/a/b:1@sha256:abc",
            ["quay.io/a/b", "1", "sha256:abc", "1"],
        );
        check("QUAY.IO:443/a/B", ["quay.io/a/B", "", "", "latest"]);
        check(
            "Index.docker.io:443/nginx",
            ["docker.io/library/nginx", "", "", "latest"],
        );
        check("docker.io/", ["docker.io/library/", "", "", "latest"]);
        check(":443/a", ["/a", "", "", "latest"]);
        check("/", ["docker.io//", "", "", "latest"]);
        check("a:b:c", ["docker.io/library/a", "b:c", "", "b:c"]);
        check(":5", ["", "5", "", "5"]);
        check(":", ["", "", "", "latest"]);
        check("@", ["", "", "", ""]);
        check("a@b@c/d:e", ["docker.io/library/a", "", "b@c/d:e", ""]);
        check("", ["", "", "", ""]);
        check("é/ü:ß", ["docker.io/é/ü", "ß", "", "ß"]);
    }

    #[test]
    fn repository_equals_its_joined_parts() {
        fn check(image: &str, text: &str, expected: bool) {
            assert_eq!(
                ImageRef::parse(image).repository() == *text,
                expected,
                "{image:?} {text:?}"
            );
        }
        check("nginx", "library/nginx", true);
        check("nginx", "nginx", false);
        check("quay.io/nginx", "nginx", true);
        check("quay.io/nginx", "library/nginx", false);
    }

    #[test]
    fn pattern_contains_its_repository_and_those_below() {
        fn check(image: &str, pattern: &str, expected: bool) {
            assert_eq!(
                ImageRef::parse(image).within(RepositoryPattern::parse(pattern)),
                expected,
                "{image:?} {pattern:?}"
            );
        }
        check("nginx", "docker.io", true);
        check("nginx", "Index.Docker.io:443/Library/", true);
        check("nginx", "docker.io/nginx", true);
        check("nginx", "nginx", true);
        check("nginx", "library", true);
        check("nginxx", "nginx", false);
        check("registry.hub.docker.com/php", "docker.io", true);
        check("registry-1.docker.io/library/php", "php", true);
        check("mysql", "registry.hub.docker.com", false);
        check("quay.io/teamwork/a", "quay.io/team", false);
        check("quay.io/Team/a", "quay.io/Team", false);
        check("localhost/a", "LOCALHOST", true);
        check(":443/a", ":443", false);
        check(":443/a", ":443/a", true);
        check("quay.io/docker.io/library/a", "quay.io/docker.io/a", false);
        check("", "docker.io", false);
        check("quay.io/a", "///", false);
    }
}
