//! Where the store is: a SQLite file, or a PostgreSQL by its URL. Nothing here opens anything, and no
//! text made here has a password.

use super::ResultStoreError;
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use tokio_postgres::config::{Config, Host, SslMode};

/// The time in which one address of the server must accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The beginnings of a URL of PostgreSQL.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// The place of a store.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    /// A SQLite file.
    File(PathBuf),
    /// A database of PostgreSQL.
    Postgres(Box<PostgresLocation>),
}

/// A database of PostgreSQL, and how it is reached.
#[derive(Debug, Clone)]
pub struct PostgresLocation {
    pub(super) config: Config,
    pub(super) tls: PostgresTls,
    /// The schema that the URL names; `None` for that of the cluster.
    pub(super) schema: Option<String>,
    /// Server and database, without user and password.
    shown: String,
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PostgresTls {
    /// It is plain: the server is on this machine, or the URL asks for it.
    Off,
    /// It is encrypted, and the certificate of the server is verified against these authorities;
    /// `None` for those of the system.
    Verified(Option<PathBuf>),
}

impl StoreLocation {
    /// The location that is printed: never a user or a password.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Postgres(postgres) => postgres.shown.clone(),
        }
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown())
    }
}

impl FromStr for StoreLocation {
    type Err = ResultStoreError;

    /// A path, or `postgres://USER:PASSWORD@HOST/DATABASE` with the parameters of libpq;
    /// `sslmode`, `sslrootcert` and `schema` are read here.
    fn from_str(text: &str) -> Result<Self, ResultStoreError> {
        if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return parse_url(text).map(|location| Self::Postgres(Box::new(location)));
        }
        if text.contains("://") || text.is_empty() {
            return Err(ResultStoreError::Location(
                "it is neither a path of a file nor a URL that begins with postgres://".to_owned(),
            ));
        }
        Ok(Self::File(Path::new(text).to_owned()))
    }
}

fn parse_url(url: &str) -> Result<PostgresLocation, ResultStoreError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut mode = None;
    let mut authorities = None;
    let mut schema = None;
    let mut others = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => authorities = Some(PathBuf::from(value)),
            Some(("schema", value)) => schema = Some(schema_name(value)?),
            _ => others.push(parameter),
        }
    }
    let mut url = base.to_owned();
    if !others.is_empty() {
        url.push('?');
        url.push_str(&others.join("&"));
    }
    let mut config = Config::from_str(&url).map_err(|error| {
        // The source names the parameter at most; the URL, and so the password, is not in it.
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        ResultStoreError::Location(format!(
            "the URL of PostgreSQL cannot be read: {}",
            reason.unwrap_or_default()
        ))
    })?;
    if config.get_hosts().is_empty() {
        return Err(ResultStoreError::Location(
            "the URL of PostgreSQL has no host: write postgres://USER@HOST/DATABASE".to_owned(),
        ));
    }
    let tls = tls_of(mode, authorities, config.get_hosts())?;
    config
        .ssl_mode(match tls {
            PostgresTls::Off => SslMode::Disable,
            PostgresTls::Verified(_) => SslMode::Require,
        })
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(15))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(30))
        .application_name("kubevet");
    Ok(PostgresLocation {
        shown: shown(&config),
        config,
        tls,
        schema,
    })
}

/// Decides about encryption. It is on by default, but for a server on the same machine. A mode that
/// falls back to a plain connection is refused: it protects nothing.
fn tls_of(
    mode: Option<&str>,
    authorities: Option<PathBuf>,
    hosts: &[Host],
) -> Result<PostgresTls, ResultStoreError> {
    let is_local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1" | "[::1]"),
    };
    match mode {
        Some("disable") => Ok(PostgresTls::Off),
        Some("require" | "verify-ca" | "verify-full") => Ok(PostgresTls::Verified(authorities)),
        None if authorities.is_none() && hosts.iter().all(is_local) => Ok(PostgresTls::Off),
        None => Ok(PostgresTls::Verified(authorities)),
        Some(_) => Err(ResultStoreError::Location(
            "sslmode must be verify-full (the default: the server's certificate is verified) or \
             disable (the connection is not encrypted)"
                .to_owned(),
        )),
    }
}

fn schema_name(name: &str) -> Result<String, ResultStoreError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if begins_well && name.len() <= MAX_SCHEMA_BYTES && name.chars().all(is_plain) {
        return Ok(name.to_owned());
    }
    Err(ResultStoreError::Location(format!(
        "schema must have lower-case letters, digits and `_`, at most {MAX_SCHEMA_BYTES}, and begin \
         with a letter"
    )))
}

/// The most bytes of an identifier of PostgreSQL; it cuts off longer ones.
const MAX_SCHEMA_BYTES: usize = 63;
/// The beginning of the schemas of clusters.
pub(super) const SCHEMA_PREFIX: &str = "kubevet_";

/// The schema of a cluster: its id, with `_` for what an identifier cannot have.
pub(super) fn schema_of(cluster_id: &str) -> String {
    let id = cluster_id.chars().map(|c| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    });
    let id = id.take(MAX_SCHEMA_BYTES - SCHEMA_PREFIX.len());
    SCHEMA_PREFIX.chars().chain(id).collect()
}

/// Server and database of a URL.
fn shown(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    let ports: Vec<String> = config.get_ports().iter().map(ToString::to_string).collect();
    let database = config.get_dbname().unwrap_or_default();
    format!(
        "postgres://{}:{}/{database}",
        hosts.join(","),
        ports.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, shown: &str, tls: &PostgresTls) {
        let StoreLocation::Postgres(location) = url.parse().unwrap() else {
            panic!("{url} is a URL");
        };
        assert_eq!(location.shown, shown);
        assert_eq!(location.tls, *tls, "{url}");
    }

    #[test]
    fn encryption_is_the_default_but_on_the_same_machine() {
        let system = PostgresTls::Verified(None);
        check("postgres://a:b@db/x", "postgres://db:5432/x", &system);
        check(
            "postgres://db:1/x?sslmode=require",
            "postgres://db:1/x",
            &system,
        );
        check(
            "postgres://db/x?sslmode=disable",
            "postgres://db:5432/x",
            &PostgresTls::Off,
        );
        check(
            "postgres://localhost/x",
            "postgres://localhost:5432/x",
            &PostgresTls::Off,
        );
        check(
            "postgresql://db/x?sslrootcert=/ca.pem",
            "postgres://db:5432/x",
            &PostgresTls::Verified(Some("/ca.pem".into())),
        );
    }

    #[test]
    fn location_that_cannot_be_used_is_refused_without_its_password() {
        for text in [
            "",
            "mysql://u:secret@db/x",
            "postgres://u:secret@db/x?sslmode=prefer",
            "postgres://u:secret@db/x?sslmode=secret",
            "postgres://u:secret@db/x?schema=A-b",
            "postgres://u:secret@db:port/x",
            "postgres://u:secret@db/x?unknown=1",
            "postgres:///x?user=u&password=secret",
        ] {
            let error = text.parse::<StoreLocation>().unwrap_err().to_string();
            assert!(error.starts_with("--store: "), "{text}: {error}");
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn path_is_a_file() {
        for path in ["/data/store.db", "store.db", "postgres"] {
            let location: StoreLocation = path.parse().unwrap();
            assert!(matches!(location, StoreLocation::File(_)), "{path}");
            assert_eq!(location.to_string(), path);
        }
    }

    #[test]
    fn schema_of_a_cluster_is_an_identifier() {
        assert_eq!(schema_of("0B1C-22e6-\"; DROP"), "kubevet_0b1c_22e6____drop");
        assert_eq!(schema_of(&"ä".repeat(100)).len(), MAX_SCHEMA_BYTES);
    }
}
