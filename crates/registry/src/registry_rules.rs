//! Where repositories are really read: mirrors, other locations, blocked registries.
//!
//! The rules are a small configuration of the caller's, with the terms of `registries.conf`: the rule
//! with the longest prefix decides. Mirrors are tried first, in order. A content that is not what its
//! digest says ends the call: no other source is tried then.

use super::{
    error::RegistryError,
    reference::{ReferenceError, RegistryName, Repository},
    url::Origin,
};
use kubevet_model::one_line;

/// The most rules, and the most mirrors of one.
const MAX_RULES: usize = 1000;

/// Rules for registries. The default has none: every repository is read where it is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryRules {
    /// The rules, in any order.
    #[serde(default)]
    pub registries: Vec<RegistryRule>,
}

/// A rule for a registry, or for a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryRule {
    /// What it is for: `docker.io`, or `ghcr.io/org`.
    pub prefix: String,
    /// Where it really is: `[http[s]://]HOST[:PORT][/PATH]`; what follows the prefix is appended.
    #[serde(default)]
    pub location: Option<String>,
    /// Places that are tried before, in the form of `location`.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// Nothing may be read from it.
    #[serde(default)]
    pub blocked: bool,
    /// Its location and mirrors may be reached by plain HTTP.
    #[serde(default)]
    pub insecure: bool,
}

/// One place that a repository may be read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The repository there.
    pub(crate) repository: Repository,
    /// HTTPS or plain HTTP where the rule says so.
    pub(crate) https: Option<bool>,
}

/// A location, read.
struct Location {
    https: Option<bool>,
    registry: RegistryName,
    path: String,
}

impl RegistryRules {
    /// Checks the rules, and returns the hosts and ports that may be reached by plain HTTP.
    pub(crate) fn check(&self) -> Result<Vec<(String, u16)>, RegistryError> {
        let mut insecure = Vec::new();
        if self.registries.len() > MAX_RULES {
            return Err(wrong("registries", "there are more than 1,000 rules"));
        }
        for rule in &self.registries {
            let prefix = read_location(&rule.prefix);
            if !prefix.is_ok_and(|prefix| prefix.https.is_none()) {
                return Err(wrong(&rule.prefix, "the prefix is not HOST[:PORT][/PATH]"));
            }
            if rule.mirrors.len() > MAX_RULES {
                return Err(wrong(&rule.prefix, "there are more than 1,000 mirrors"));
            }
            for text in rule.locations() {
                let location = read_location(text)
                    .map_err(|_| wrong(text, "it is not [http[s]://]HOST[:PORT][/PATH]"))?;
                let origin = Origin::parse(false, location.registry.as_str());
                insecure.extend(
                    origin
                        .filter(|_| rule.insecure)
                        .map(|origin| (origin.host, origin.port)),
                );
            }
        }
        Ok(insecure)
    }

    /// Returns the places that a repository is read from, in order; the last is the registry itself.
    pub(crate) fn sources(&self, repository: &Repository) -> Result<Vec<Source>, RegistryError> {
        let full = repository.to_string();
        let matching = self.registries.iter().filter_map(|rule| {
            Some((
                rule,
                rest_after(&full, &normal_prefix(&rule.prefix)?)?.to_owned(),
            ))
        });
        let itself = Source {
            repository: repository.clone(),
            https: None,
        };
        let Some((rule, rest)) = matching.min_by_key(|(_, rest)| rest.len()) else {
            return Ok(vec![itself]);
        };
        if rule.blocked {
            return Err(RegistryError::Blocked {
                registry: rule.prefix.clone(),
            });
        }
        let mut sources = Vec::new();
        for mirror in &rule.mirrors {
            sources.push(source_at(mirror, &rest)?);
        }
        sources.push(match &rule.location {
            Some(location) => source_at(location, &rest)?,
            None => itself,
        });
        Ok(sources)
    }
}

impl RegistryRule {
    fn locations(&self) -> impl Iterator<Item = &String> {
        self.location
            .iter()
            .chain(&self.mirrors)
            .chain([&self.prefix])
    }
}

fn wrong(what: &str, reason: &str) -> RegistryError {
    RegistryError::Configuration {
        what: format!("rule for registry `{}`", one_line(what, 100)),
        reason: reason.to_owned(),
    }
}

fn read_location(text: &str) -> Result<Location, ReferenceError> {
    let (https, rest) = match text.split_once("://") {
        Some(("https", rest)) => (Some(true), rest),
        Some(("http", rest)) => (Some(false), rest),
        Some(_) => return Err(ReferenceError::Registry),
        None => (None, text),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok(Location {
        https,
        registry: RegistryName::parse(host)?,
        path: path.trim_matches('/').to_owned(),
    })
}

fn normal_prefix(prefix: &str) -> Option<String> {
    let location = read_location(prefix).ok()?;
    Some(
        format!("{}/{}", location.registry, location.path)
            .trim_end_matches('/')
            .to_owned(),
    )
}

/// What follows a prefix that ends at a `/`.
fn rest_after<'a>(full: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = full.strip_prefix(prefix)?;
    if rest.is_empty() {
        Some("")
    } else {
        rest.strip_prefix('/')
    }
}

fn source_at(text: &str, rest: &str) -> Result<Source, RegistryError> {
    let not_usable = |reason: ReferenceError| wrong(text, &reason.to_string());
    let location = read_location(text).map_err(not_usable)?;
    let path = format!("{}/{rest}", location.path);
    let repository =
        Repository::new(location.registry, path.trim_matches('/')).map_err(not_usable)?;
    Ok(Source {
        repository,
        https: location.https,
    })
}

#[cfg(test)]
mod tests {
    use super::{RegistryRule, RegistryRules};
    use crate::reference::Repository;

    fn rules() -> RegistryRules {
        let rule = |prefix: &str, location: Option<&str>, mirrors: &[&str]| RegistryRule {
            prefix: prefix.to_owned(),
            location: location.map(str::to_owned),
            mirrors: mirrors.iter().map(|&mirror| mirror.to_owned()).collect(),
            ..RegistryRule::default()
        };
        let blocked = RegistryRule {
            blocked: true,
            ..rule("evil.example", None, &[])
        };
        RegistryRules {
            registries: vec![
                rule(
                    "docker.io",
                    None,
                    &["https://mirror.example:5000/hub", "http://localhost:5000"],
                ),
                rule("docker.io/team", Some("own.example/team-images"), &[]),
                rule("gcr.io/google/pause", Some("own.example/pause"), &[]),
                blocked,
            ],
        }
    }

    /// The sources of a repository, with their scheme where a rule has one.
    fn sources(repository: &str) -> Vec<String> {
        let repository = Repository::parse(repository).unwrap();
        let scheme = |https: Option<bool>| match https {
            None => "",
            Some(true) => "https://",
            Some(false) => "http://",
        };
        match rules().sources(&repository) {
            Ok(sources) => sources
                .iter()
                .map(|source| format!("{}{}", scheme(source.https), source.repository))
                .collect(),
            Err(error) => vec![error.code().to_owned()],
        }
    }

    #[test]
    fn repository_is_read_where_the_longest_prefix_says() {
        assert_eq!(
            sources("nginx"),
            [
                "https://mirror.example:5000/hub/library/nginx",
                "http://localhost:5000/library/nginx",
                "docker.io/library/nginx"
            ]
        );
        assert_eq!(sources("team/app"), ["own.example/team-images/app"]);
        assert_eq!(sources("teams/app").len(), 3);
        assert_eq!(sources("gcr.io/google/pause"), ["own.example/pause"]);
        assert_eq!(sources("gcr.io/google/pause2"), ["gcr.io/google/pause2"]);
        assert_eq!(sources("evil.example/a"), ["blocked"]);
        assert_eq!(sources("quay.io/a"), ["quay.io/a"]);
    }

    #[test]
    fn rule_that_is_wrong_is_refused() {
        let check = |prefix: &str, mirror: &str, accepted: bool| {
            let rules = RegistryRules {
                registries: vec![RegistryRule {
                    prefix: prefix.to_owned(),
                    mirrors: vec![mirror.to_owned()],
                    ..RegistryRule::default()
                }],
            };
            assert_eq!(rules.check().is_ok(), accepted, "{prefix} {mirror}");
        };
        check("docker.io", "mirror.example", true);
        check("https://docker.io", "mirror.example", false);
        check("docker io", "mirror.example", false);
        check("docker.io", "ftp://mirror.example", false);
        check("docker.io", "https://user@mirror.example", false);
    }

    #[test]
    fn hosts_of_insecure_rules_are_listed_with_their_ports() {
        let rules = RegistryRules {
            registries: vec![RegistryRule {
                prefix: "r.example".to_owned(),
                mirrors: vec!["m.example:5000".to_owned()],
                insecure: true,
                ..RegistryRule::default()
            }],
        };
        let mut found = rules.check().unwrap();
        found.sort();
        let expected = [("m.example", 5000), ("r.example", 80)];
        assert_eq!(found, expected.map(|(host, port)| (host.to_owned(), port)));
    }
}
