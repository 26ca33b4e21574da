//! Docker's configuration of credentials: `config.json`, and the older `.dockercfg`.
//!
//! The same bytes are in Kubernetes' pull secrets, under the keys `.dockerconfigjson` and `.dockercfg`.
//! An entry is for a host, or for a path in it; hosts may have `*` in their labels, as the kubelet
//! reads them. Parsing runs no program and reads no file: the programs are named in what is returned.

use super::{
    credential::Credential,
    reference::{DOCKER_HUB, RegistryName, Repository},
    secret::Secret,
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::collections::BTreeMap;

/// The largest configuration that is read: the bound of a Secret is 1 MiB.
pub(crate) const MAX_CONFIG_BYTES: usize = 1 << 20;
/// The key of Docker's registry in `auths`.
pub(crate) const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// The credentials of a configuration, and the programs that have more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerConfig {
    entries: Vec<Entry>,
    programs: BTreeMap<String, String>,
    default_program: Option<String>,
}

/// Credentials for a host, or for a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    host: String,
    path: String,
    credential: Credential,
}

/// The reason why a configuration cannot be used. It quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DockerConfigError {
    /// It is larger than 1 MiB.
    #[error("the configuration of credentials is larger than {MAX_CONFIG_BYTES} bytes")]
    TooLarge,
    /// It is not the JSON that it should be.
    #[error(
        "it is not Docker's configuration: line {line}, column {column} breaks the JSON or its types"
    )]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column.
        column: usize,
    },
    /// `auth` of an entry is not base64 of `NAME:PASSWORD`.
    #[error("`auth` of entry {entry} of `auths` is not the base64 of NAME:PASSWORD; log in again")]
    Auth {
        /// The number of the entry, from 1, in the order of the names.
        entry: usize,
    },
    /// The name of a credential program could lead to another file.
    #[error("a credential program may have letters, digits, `.`, `_` and `-` in its name")]
    ProgramName,
}

#[derive(serde::Deserialize)]
struct ConfigFile {
    #[serde(default)]
    auths: Option<BTreeMap<String, Option<AuthEntry>>>,
    #[serde(default, rename = "credHelpers")]
    programs: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "credsStore")]
    default_program: Option<String>,
}

#[derive(serde::Deserialize)]
struct AuthEntry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl DockerConfig {
    /// Reads `config.json`, or `.dockerconfigjson` of a pull secret.
    ///
    /// # Errors
    ///
    /// Returns an error that quotes nothing of the bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        let file: ConfigFile = parse_json(bytes)?;
        let programs = file.programs.unwrap_or_default();
        let default_program = file.default_program.filter(|program| !program.is_empty());
        if !programs
            .values()
            .chain(&default_program)
            .all(|name| is_program_name(name))
        {
            return Err(DockerConfigError::ProgramName);
        }
        let programs = programs
            .into_iter()
            .map(|(key, program)| (split_key(&key).0, program))
            .collect();
        Ok(Self {
            entries: read_entries(file.auths.unwrap_or_default())?,
            programs,
            default_program,
        })
    }

    /// Reads `.dockercfg`: the entries of `auths` alone.
    ///
    /// # Errors
    ///
    /// Returns an error that quotes nothing of the bytes.
    pub fn parse_dockercfg(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        Ok(Self {
            entries: read_entries(parse_json(bytes)?)?,
            ..Self::default()
        })
    }

    /// Returns the credentials for a repository, those of the longest path first.
    #[must_use]
    pub fn credentials(&self, repository: &Repository) -> Vec<Credential> {
        let mut found: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.matches(repository))
            .collect();
        found.sort_by_key(|entry| std::cmp::Reverse((entry.path.len(), !entry.host.contains('*'))));
        found
            .into_iter()
            .map(|entry| entry.credential.clone())
            .collect()
    }

    /// Returns the program that has the credentials of a registry, if there is one.
    #[must_use]
    pub fn program(&self, registry: &RegistryName) -> Option<&str> {
        self.programs
            .get(registry.as_str())
            .or(self.default_program.as_ref())
            .map(String::as_str)
    }
}

impl Entry {
    fn matches(&self, repository: &Repository) -> bool {
        matches_host(&self.host, repository.registry.as_str())
            && (self.path.is_empty()
                || repository
                    .path()
                    .strip_prefix(self.path.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

fn parse_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, DockerConfigError> {
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(DockerConfigError::TooLarge);
    }
    serde_json::from_slice(bytes).map_err(|error| DockerConfigError::Json {
        line: error.line(),
        column: error.column(),
    })
}

fn read_entries(
    auths: BTreeMap<String, Option<AuthEntry>>,
) -> Result<Vec<Entry>, DockerConfigError> {
    let mut entries = Vec::new();
    for (number, (key, auth)) in auths.into_iter().enumerate() {
        let invalid = DockerConfigError::Auth { entry: number + 1 };
        let credential = match auth {
            Some(auth) => read_credential(auth).ok_or(invalid)?,
            None => None,
        };
        let (host, path) = split_key(&key);
        entries.extend(credential.map(|credential| Entry {
            host,
            path,
            credential,
        }));
    }
    Ok(entries)
}

/// Returns the credential of an entry; the inner `None` where it is empty, as after a login with a
/// credential program, and the outer one where it cannot be read.
fn read_credential(entry: AuthEntry) -> Option<Option<Credential>> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(token) = given(entry.identitytoken) {
        return Some(Some(Credential::IdentityToken(Secret::new(token))));
    }
    if let Some(token) = given(entry.registrytoken) {
        return Some(Some(Credential::RegistryToken(Secret::new(token))));
    }
    let basic = |user: &str, password: &str| {
        Some(Credential::Basic {
            user: user.to_owned(),
            password: Secret::new(password),
        })
    };
    if let Some(auth) = given(entry.auth) {
        let text = decode(&auth)?;
        let (user, password) = text.split_once(':')?;
        return Some(basic(user, password.trim_end_matches('\0')));
    }
    Some(match (given(entry.username), given(entry.password)) {
        (Some(user), Some(password)) => basic(&user, &password),
        _ => None,
    })
}

/// Base64, with padding or without, and with line ends after it.
fn decode(text: &str) -> Option<String> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    String::from_utf8(ENGINE.decode(text.trim()).ok()?).ok()
}

/// Splits a key of `auths` into host and path: `https://index.docker.io/v1/` is docker.io, and
/// `ghcr.io/org` is a path of ghcr.io. The scheme and the versions of the API are dropped.
fn split_key(key: &str) -> (String, String) {
    let key = key.trim();
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let path = path.trim_matches('/');
    let path = match path {
        "v1" | "v2" => "",
        _ => path
            .strip_prefix("v2/")
            .or_else(|| path.strip_prefix("v1/"))
            .unwrap_or(path),
    };
    let host = host.to_ascii_lowercase();
    let host = RegistryName::parse(&host).map_or(host, |name| name.as_str().to_owned());
    (host, path.to_owned())
}

/// Compares label by label; `*` stands for any characters of one label, and the ports must be equal.
fn matches_host(pattern: &str, host: &str) -> bool {
    let labels = |host: &str| {
        host.split(['.', ':'])
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (wanted, given) = (labels(pattern), labels(host));
    pattern.contains(':') == host.contains(':')
        && wanted.len() == given.len()
        && wanted
            .iter()
            .zip(&given)
            .all(|(wanted, given)| matches_label(wanted, given))
}

fn matches_label(pattern: &str, label: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == label;
    };
    let Some(mut label) = label.strip_prefix(head) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return label.ends_with(piece);
        }
        match label
            .find(piece)
            .and_then(|at| label.get(at + piece.len()..))
        {
            Some(rest) => label = rest,
            None => return false,
        }
    }
    true
}

fn is_program_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// The key that a credential program is asked for.
pub(crate) fn program_key(registry: &RegistryName) -> &str {
    if registry.as_str() == DOCKER_HUB {
        DOCKER_HUB_KEY
    } else {
        registry.as_str()
    }
}

#[cfg(test)]
mod tests;
