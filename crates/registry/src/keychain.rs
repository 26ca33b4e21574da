//! All credentials that a client may use, and which of them a repository gets.
//!
//! Their order is: credentials given for a registry, pull secrets, Docker's configuration. A registry
//! gets only what is meant for its host. Pull secrets are data that the caller has read; a program
//! that one names is never run.

use super::{
    credential::{Credential, FoundCredential},
    credential_program,
    docker_config::{DockerConfig, program_key},
    error::RegistryError,
    reference::{RegistryName, Repository},
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long the answer of a credential program is kept.
const PROGRAM_ANSWER_LIFE: Duration = Duration::from_secs(300);
/// The most answers of programs that are kept.
const MAX_PROGRAM_ANSWERS: usize = 1000;
/// The most credentials that are tried for a repository.
const MAX_CANDIDATES: usize = 8;

/// The form of a pull secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullSecretKind {
    /// Type `kubernetes.io/dockerconfigjson`, key `.dockerconfigjson`.
    DockerConfigJson,
    /// Type `kubernetes.io/dockercfg`, key `.dockercfg`.
    DockerCfg,
}

/// The credentials of a client.
#[derive(Debug, Default)]
pub struct Keychain {
    given: Vec<(RegistryName, Credential)>,
    configs: Vec<NamedConfig>,
    program_folder: Option<PathBuf>,
    program_answers: Mutex<HashMap<(String, RegistryName), ProgramAnswer>>,
}

#[derive(Debug)]
struct NamedConfig {
    source: String,
    config: DockerConfig,
    runs_programs: bool,
}

#[derive(Debug, Clone)]
struct ProgramAnswer {
    credential: Option<Credential>,
    until: Instant,
}

impl Keychain {
    /// No credentials: everything is read anonymously.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Adds a credential for one registry, as from `--registry-username`.
    #[must_use]
    pub fn with_credential(mut self, registry: RegistryName, credential: Credential) -> Self {
        self.given.push((registry, credential));
        self
    }

    /// Adds a pull secret. `name` is for messages, such as `team/registry`.
    ///
    /// # Errors
    ///
    /// Returns an error that quotes nothing of the secret.
    pub fn with_pull_secret(
        mut self,
        name: &str,
        kind: PullSecretKind,
        bytes: &[u8],
    ) -> Result<Self, RegistryError> {
        let source = format!("pull secret {name}");
        let config = match kind {
            PullSecretKind::DockerConfigJson => DockerConfig::parse(bytes),
            PullSecretKind::DockerCfg => DockerConfig::parse_dockercfg(bytes),
        };
        let config = config.map_err(|reason| RegistryError::DockerConfig {
            what: source.clone(),
            reason,
        })?;
        self.configs.push(NamedConfig {
            source,
            config,
            runs_programs: false,
        });
        Ok(self)
    }

    /// Adds Docker's configuration of the user who runs kubevet; its programs may be run. `name` is
    /// for messages, such as the path of the file.
    #[must_use]
    pub fn with_docker_config(mut self, name: &str, config: DockerConfig) -> Self {
        self.configs.push(NamedConfig {
            source: name.to_owned(),
            config,
            runs_programs: true,
        });
        self
    }

    /// Sets the folder of the credential programs; without it they are found by PATH.
    #[must_use]
    pub fn with_program_folder(mut self, folder: PathBuf) -> Self {
        self.program_folder = Some(folder);
        self
    }

    /// Returns the credentials for a repository, those to be tried first at the beginning.
    pub(crate) async fn credentials(
        &self,
        repository: &Repository,
        program_time: Duration,
    ) -> Result<Vec<FoundCredential>, RegistryError> {
        let given = self
            .given
            .iter()
            .filter(|(registry, _)| *registry == repository.registry);
        let mut found: Vec<FoundCredential> = given
            .map(|(_, credential)| FoundCredential {
                credential: credential.clone(),
                source: "the credentials given".to_owned(),
            })
            .collect();
        for named in &self.configs {
            if let Some(program) = named.program(&repository.registry) {
                let credential = self
                    .ask(program, &repository.registry, program_time)
                    .await?;
                found.extend(credential.map(|credential| FoundCredential {
                    credential,
                    source: format!("docker-credential-{program}"),
                }));
            }
            let own = named.config.credentials(repository);
            found.extend(own.into_iter().map(|credential| FoundCredential {
                credential,
                source: named.source.clone(),
            }));
        }
        found.truncate(MAX_CANDIDATES);
        Ok(found)
    }

    async fn ask(
        &self,
        program: &str,
        registry: &RegistryName,
        limit: Duration,
    ) -> Result<Option<Credential>, RegistryError> {
        let key = (program.to_owned(), registry.clone());
        let known = self.answers().get(&key).cloned();
        if let Some(known) = known.filter(|known| known.until > Instant::now()) {
            return Ok(known.credential);
        }
        let folder = self.program_folder.as_deref();
        let credential =
            credential_program::ask(program, folder, program_key(registry), limit).await?;
        let mut answers = self.answers();
        if answers.len() >= MAX_PROGRAM_ANSWERS {
            answers.clear();
        }
        let answer = ProgramAnswer {
            credential: credential.clone(),
            until: Instant::now() + PROGRAM_ANSWER_LIFE,
        };
        answers.insert(key, answer);
        Ok(credential)
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<(String, RegistryName), ProgramAnswer>> {
        self.program_answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl NamedConfig {
    fn program(&self, registry: &RegistryName) -> Option<&str> {
        self.config.program(registry).filter(|_| self.runs_programs)
    }
}

#[cfg(test)]
mod tests;
