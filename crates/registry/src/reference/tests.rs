//! References against go-containerregistry's answers, and the grammar's own cases.

use super::{ImageReference, ReferenceError, RegistryName, Repository, split_port};

/// What go-containerregistry 0.22.1 makes of each reference: `name.ParseReference(…).Name()`, or `-`.
const PEER: &str = include_str!("go_containerregistry.tsv");

/// References that it accepts and that are refused here, with the reason.
const REFUSED_HERE: &[(&str, &str)] = &[
    (
        "::1/app",
        "an IPv6 address stands in brackets, else the port is ambiguous",
    ),
    ("host:99999/app", "no such port"),
    ("host:/app", "an empty port"),
    ("-host.example/app", "no host begins with a hyphen"),
    ("nginx:.x", "the specification's grammar of tags"),
    ("nginx:-x", "the specification's grammar of tags"),
    ("a//b", "an empty part: another path after normalization"),
    ("a/../b", "leads out of the repository"),
    ("ghcr.io/../x", "leads out of the API"),
    ("ghcr.io/./x", "another path after normalization"),
    ("ghcr.io/a/", "an empty part"),
    ("/a", "an empty part"),
    ("a___b", "the specification's grammar of repositories"),
    ("a..b", "the specification's grammar of repositories"),
    ("-a", "the specification's grammar of repositories"),
    ("a-", "the specification's grammar of repositories"),
    (".a/b", "an empty label of a host"),
    ("a/-b", "the specification's grammar of repositories"),
];

#[test]
fn references_mean_what_they_mean_to_go_containerregistry() {
    for line in PEER.lines() {
        let (text, peer) = line.split_once('\t').unwrap();
        let own = ImageReference::parse(text);
        let expected = match peer {
            "-" => None,
            _ if is_refused_here(text) => None,
            // It knows one of the two other names of Docker's registry, and keeps the capitals of a host.
            _ => Some(
                peer.replacen("registry-1.docker.io/", "docker.io/library/", 1)
                    .replacen("index.docker.io/", "docker.io/", 1)
                    .replacen("GHCR.io/", "ghcr.io/", 1),
            ),
        };
        assert_eq!(own.ok().map(|own| peer_name(&own)), expected, "{text}");
    }
}

#[test]
fn refused_references_are_accepted_by_go_containerregistry() {
    for (text, _) in REFUSED_HERE {
        let line = PEER
            .lines()
            .find(|line| line.split('\t').next() == Some(text));
        assert!(line.is_some_and(|line| !line.ends_with("\t-")), "{text}");
    }
}

fn is_refused_here(text: &str) -> bool {
    REFUSED_HERE.iter().any(|(refused, _)| *refused == text)
}

/// The name as go-containerregistry writes it: a digest without the tag beside it.
fn peer_name(reference: &ImageReference) -> String {
    match reference.digest() {
        Some(digest) => format!("{}@{digest}", reference.repository),
        None => format!("{}:{}", reference.repository, reference.tag().unwrap()),
    }
}

#[test]
fn reference_is_printed_in_full() {
    let check = |text: &str, expected: &str| {
        assert_eq!(ImageReference::parse(text).unwrap().to_string(), expected);
    };
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    check("nginx", "docker.io/library/nginx:latest");
    check("nginx:1", "docker.io/library/nginx:1");
    check(
        &format!("nginx:1@{digest}"),
        &format!("docker.io/library/nginx:1@{digest}"),
    );
    check(
        &format!("nginx@{digest}"),
        &format!("docker.io/library/nginx@{digest}"),
    );
    check("localhost:5000/a/b:c", "localhost:5000/a/b:c");
}

#[test]
fn broken_reference_gives_the_part_that_is_wrong() {
    let check = |text: &str, expected: ReferenceError| {
        assert_eq!(ImageReference::parse(text), Err(expected), "{text}");
    };
    check("", ReferenceError::Empty);
    check(&"a".repeat(1025), ReferenceError::TooLong);
    check("ho st.example/a", ReferenceError::Registry);
    check("Nginx", ReferenceError::Repository);
    check("nginx:", ReferenceError::Tag);
    check("nginx@sha256:00", ReferenceError::Digest);
}

#[test]
fn repository_with_tag_or_digest_is_refused() {
    assert_eq!(
        Repository::parse("ghcr.io/a/b").unwrap().to_string(),
        "ghcr.io/a/b"
    );
    assert_eq!(Repository::parse("ghcr.io/a/b:1"), Err(ReferenceError::Tag));
}

#[test]
fn names_of_docker_hub_are_one() {
    for name in [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "Docker.IO",
    ] {
        assert_eq!(RegistryName::parse(name).unwrap().as_str(), "docker.io");
    }
}

#[test]
fn port_is_split_from_the_host() {
    assert_eq!(split_port("localhost:5000"), ("localhost", Some("5000")));
    assert_eq!(split_port("[::1]:5000"), ("[::1]", Some("5000")));
    assert_eq!(split_port("[::1]"), ("[::1]", None));
    assert_eq!(split_port("ghcr.io"), ("ghcr.io", None));
}
