//! The challenge of a 401: `WWW-Authenticate`, with the scheme and where tokens are given.

use super::url::Url;
use hyper::HeaderMap;
use hyper::header::WWW_AUTHENTICATE;

/// The longest header that is read.
const MAX_CHALLENGE: usize = 4 << 10;

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A name and a password with each request.
    Basic,
    /// A token of a token server.
    Bearer {
        /// The URL of the token server.
        realm: Url,
        /// Its name for the registry.
        service: Option<String>,
    },
}

impl Challenge {
    /// Reads the challenge: Bearer where there is one, else Basic.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges: Vec<Self> = texts
            .filter_map(|value| value.to_str().ok())
            .filter(|text| text.len() <= MAX_CHALLENGE)
            .flat_map(read_list)
            .collect();
        let is_bearer = |challenge: &&Self| matches!(challenge, Self::Bearer { .. });
        let best = challenges.iter().find(is_bearer).or(challenges.first());
        best.cloned()
    }
}

/// A scheme with its parameters, as they stand in the header.
struct RawChallenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl RawChallenge {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn understand(&self) -> Option<Challenge> {
        match self.scheme.as_str() {
            "basic" => Some(Challenge::Basic),
            "bearer" => Some(Challenge::Bearer {
                realm: Url::parse(self.parameter("realm")?)?,
                service: self.parameter("service").map(str::to_owned),
            }),
            _ => None,
        }
    }
}

/// Reads `Scheme key="value", key=value, Scheme …`.
fn read_list(text: &str) -> Vec<Challenge> {
    let mut raw: Vec<RawChallenge> = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start_matches([' ', '\t']);
        match after.strip_prefix('=') {
            Some(value) if !word.is_empty() => {
                let (value, after) = read_value(value.trim_start_matches([' ', '\t']));
                if let Some(challenge) = raw.last_mut() {
                    challenge
                        .parameters
                        .push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            // A lone `=`, as of token68, belongs to no known scheme.
            Some(value) => rest = value,
            None => {
                raw.push(RawChallenge {
                    scheme: word.to_ascii_lowercase(),
                    parameters: Vec::new(),
                });
                rest = after;
            }
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    raw.iter().filter_map(RawChallenge::understand).collect()
}

/// Reads a token or a quoted string, and returns what follows it.
fn read_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::Challenge;
    use hyper::{HeaderMap, header::WWW_AUTHENTICATE};

    fn read(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        match Challenge::read(&headers) {
            None => "-".to_owned(),
            Some(Challenge::Basic) => "basic".to_owned(),
            Some(Challenge::Bearer { realm, service }) => format!(
                "{}{} {}",
                realm.origin,
                realm.path_and_query(),
                service.as_deref().unwrap_or("-")
            ),
        }
    }

    #[test]
    fn challenge_of_a_registry_is_read() {
        let check =
            |values: &[&str], expected: &str| assert_eq!(read(values), expected, "{values:?}");
        check(&[r#"Basic realm="registry""#], "basic");
        check(&["basic"], "basic");
        check(
            &[
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull""#,
            ],
            "auth.docker.io/token registry.docker.io",
        );
        check(
            &[r#"bearer Realm = "https://a.b/t" , service=x"#],
            "a.b/t x",
        );
        check(&[r#"Bearer realm="https://a.b/t?x=\"1,2\"""#], "-");
        check(
            &[r#"Bearer realm="https://a.b/t?x=1,2",scope="a b""#],
            "a.b/t?x=1,2 -",
        );
        check(
            &[r#"Basic realm="x", Bearer realm="https://a.b/t""#],
            "a.b/t -",
        );
        check(&["Basic", r#"Bearer realm="https://a.b/t""#], "a.b/t -");
        check(&["Negotiate dG9rZW4=", "Basic"], "basic");
        check(&[r#"Bearer service="x""#], "-");
        check(&[r#"Bearer realm="not a url""#], "-");
        check(&[r#"Bearer realm="https://a.b/t"#], "a.b/t -");
        check(&["=,=,=", ",,", "\"\"\""], "-");
        check(&[], "-");
    }

    #[test]
    fn challenge_of_great_length_is_not_read() {
        assert_eq!(
            read(&[&format!("Basic realm=\"{}\"", "a".repeat(5000))]),
            "-"
        );
    }
}
