//! What all calls of a client share: settings, connections, and what was learned of registries.

use super::{
    connection_pool::ConnectionPool,
    error::RegistryError,
    host_state::HostState,
    keychain::Keychain,
    limits::RegistryLimits,
    proxy::ProxySettings,
    reference::RegistryName,
    registry_rules::RegistryRules,
    tls::{TlsConfigs, TlsSettings},
    url::Origin,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// The most registries of which something is remembered.
const MAX_HOSTS: usize = 1000;

/// The settings of a client. The default reads anonymously, directly and by HTTPS.
#[derive(Debug, Default)]
pub struct RegistrySettings {
    /// The credentials.
    pub keychain: Keychain,
    /// Mirrors and other locations.
    pub rules: RegistryRules,
    /// Authorities and client certificates.
    pub tls: TlsSettings,
    /// Proxies.
    pub proxies: ProxySettings,
    /// Registries that may be reached by plain HTTP: `HOST` or `HOST:PORT`. Loopback always may.
    pub insecure_registries: Vec<String>,
    /// Bounds.
    pub limits: RegistryLimits,
}

/// The state of a client.
pub(crate) struct ClientState {
    pub(crate) pool: ConnectionPool,
    pub(crate) keychain: Keychain,
    pub(crate) rules: RegistryRules,
    pub(crate) limits: RegistryLimits,
    hosts: Mutex<HashMap<RegistryName, Arc<HostState>>>,
}

impl ClientState {
    /// Checks the settings and reads the certificates.
    pub(crate) fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        let mut insecure = HashSet::new();
        insecure.extend(settings.rules.check()?);
        for host in &settings.insecure_registries {
            insecure.insert(insecure_origin(host)?);
        }
        let tls = TlsConfigs::new(&settings.tls)?;
        Ok(Self {
            pool: ConnectionPool::new(tls, settings.proxies, insecure, settings.limits.clone()),
            keychain: settings.keychain,
            rules: settings.rules,
            limits: settings.limits,
            hosts: Mutex::default(),
        })
    }

    /// What is known of a registry.
    pub(crate) fn host(&self, registry: &RegistryName) -> Arc<HostState> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MAX_HOSTS && !hosts.contains_key(registry) {
            hosts.clear();
        }
        Arc::clone(hosts.entry(registry.clone()).or_default())
    }
}

/// The host and port that may be reached by plain HTTP: port 80 where none is given.
fn insecure_origin(host: &str) -> Result<(String, u16), RegistryError> {
    let origin = Origin::parse(false, host).ok_or_else(|| RegistryError::Configuration {
        what: "--insecure-registry".to_owned(),
        reason: "a registry is HOST or HOST:PORT".to_owned(),
    })?;
    Ok((origin.host, origin.port))
}
