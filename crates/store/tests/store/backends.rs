//! A store for a test, on each database.

use kubevet_store::{ClusterIdentity, Store, StoreLocation, StoreOptions, StoreReader};
use kubevet_testkit::{
    postgres_server::{POSTGRES_PASSWORD, PostgresServer},
    skip::not_run,
    test_dir::TestDir,
};
use std::{path::PathBuf, sync::OnceLock};

/// A place for the store of one test.
pub(crate) struct TestStore {
    cluster: String,
    place: Place,
}

enum Place {
    Sqlite(TestDir),
    Postgres(&'static PostgresServer),
}

/// Runs a test on a SQLite file and on PostgreSQL. `test` is its name.
pub(crate) fn on_each_backend(test: &str, run: impl Fn(&TestStore)) {
    run(&TestStore::sqlite(test));
    if let Some(store) = TestStore::postgres(test) {
        run(&store);
    }
}

/// The server that all tests share; each has a schema of its own. `None` where there is no
/// PostgreSQL: then the test reports "not run".
pub(crate) fn postgres(test: &str) -> Option<&'static PostgresServer> {
    static SERVER: OnceLock<Result<PostgresServer, String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let (certificate, key) = server_certificate();
        let files = [("server.crt", certificate.as_str()), ("server.key", &key)];
        let settings = [
            "ssl=on",
            "ssl_cert_file={folder}/server.crt",
            "ssl_key_file={folder}/server.key",
        ];
        PostgresServer::start(&files, &settings)
    });
    match server {
        Ok(server) => Some(server),
        Err(reason) => {
            not_run(test, reason);
            None
        }
    }
}

/// A certificate for 127.0.0.1 that signs itself, and its key.
fn server_certificate() -> (String, String) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (certified.cert.pem(), certified.signing_key.serialize_pem())
}

impl TestStore {
    pub(crate) fn sqlite(cluster: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            place: Place::Sqlite(TestDir::new()),
        }
    }

    pub(crate) fn postgres(cluster: &str) -> Option<Self> {
        let place = Place::Postgres(postgres(cluster)?);
        let cluster = cluster.to_owned();
        Some(Self { cluster, place })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Sqlite(_))
    }

    /// The path of the SQLite file.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.place {
            Place::Sqlite(folder) => folder.path().join("store.db"),
            Place::Postgres(_) => panic!("PostgreSQL has no file"),
        }
    }

    pub(crate) fn location(&self) -> StoreLocation {
        match &self.place {
            Place::Sqlite(_) => StoreLocation::File(self.path()),
            Place::Postgres(server) => superuser_url(server, "").parse().unwrap(),
        }
    }

    pub(crate) fn options(&self) -> StoreOptions {
        let cluster = ClusterIdentity {
            id: self.cluster.clone(),
            name: format!("{} for people", self.cluster),
        };
        StoreOptions::new(self.location(), cluster)
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(self.options()).unwrap()
    }

    pub(crate) fn reader(&self) -> StoreReader {
        StoreReader::open(self.options()).unwrap()
    }

    /// Runs a statement past the store, and returns the first value of the first row.
    pub(crate) fn sql(&self, statement: &str) -> String {
        match &self.place {
            Place::Sqlite(_) => {
                let connection = rusqlite::Connection::open(self.path()).unwrap();
                connection
                    .execute_batch("PRAGMA busy_timeout = 10000")
                    .unwrap();
                let mut prepared = connection.prepare(statement).unwrap();
                let mut rows = prepared.query([]).unwrap();
                let row = rows.next().unwrap();
                let value = row.map(|row| row.get::<_, rusqlite::types::Value>(0).unwrap());
                match value {
                    Some(rusqlite::types::Value::Integer(number)) => number.to_string(),
                    Some(rusqlite::types::Value::Text(text)) => text,
                    _ => String::new(),
                }
            }
            Place::Postgres(server) => {
                let schema = self.schema();
                server.sql(
                    "postgres",
                    &format!("SET search_path TO {schema}; {statement}"),
                )
            }
        }
    }

    /// The schema of this test.
    pub(crate) fn schema(&self) -> String {
        format!("kubevet_{}", self.cluster)
    }
}

/// The URL of a server for its superuser, with parameters.
pub(crate) fn superuser_url(server: &PostgresServer, parameters: &str) -> String {
    let port = server.port();
    format!("postgres://postgres:{POSTGRES_PASSWORD}@127.0.0.1:{port}/postgres{parameters}")
}

/// The URL of a server for a role whose password is `p`.
pub(crate) fn role_url(server: &PostgresServer, role: &str) -> String {
    format!("postgres://{role}:p@127.0.0.1:{}/postgres", server.port())
}
