//! The clusters of one PostgreSQL, for a report over all of them.
//!
//! Each cluster has a schema of its own, which the role of its operator owns. A role for reports is
//! given the right to read the schemas that it may see; it sees no others.

use super::{
    ResultStoreError, StoreLocation, StoreOptions, StoreReader, location::SCHEMA_PREFIX,
    options::ClusterIdentity, postgres_connection::PostgresConnection, reader::StoredCluster,
    sql_text::SqlText,
};

/// The most clusters of one database.
const MAX_CLUSTERS: usize = 10_000;

/// The clusters of one PostgreSQL.
pub struct Fleet {
    location: StoreLocation,
    connection: PostgresConnection,
    shown: String,
}

/// A cluster of a fleet.
pub struct FleetCluster {
    /// The schema.
    pub schema: String,
    /// The cluster and a reader of its store, or why it cannot be read: a report over a fleet names
    /// what it leaves out.
    pub store: Result<(StoredCluster, StoreReader), ResultStoreError>,
}

impl Fleet {
    /// Connects to a PostgreSQL.
    ///
    /// # Errors
    /// The location is a file, or the server cannot be reached.
    pub fn open(location: StoreLocation) -> Result<Self, ResultStoreError> {
        let shown = location.to_string();
        let StoreLocation::Postgres(postgres) = &location else {
            return Err(ResultStoreError::Location(format!(
                "{shown} is a file, which has one cluster: a fleet is read from postgres://…"
            )));
        };
        let connection = PostgresConnection::connect(postgres, &shown)?;
        Ok(Self {
            location,
            connection,
            shown,
        })
    }

    /// Opens every cluster that the role may read, by schema.
    ///
    /// # Errors
    /// The schemas cannot be listed.
    pub fn clusters(&mut self) -> Result<Vec<FleetCluster>, ResultStoreError> {
        let schemas = self.schemas()?;
        Ok(schemas
            .into_iter()
            .map(|schema| self.cluster(schema))
            .collect())
    }

    fn schemas(&mut self) -> Result<Vec<String>, ResultStoreError> {
        let mut sql = SqlText::new(
            "SELECT CAST(nspname AS TEXT) FROM pg_namespace \
             WHERE has_schema_privilege(oid, 'USAGE') AND starts_with(nspname, ",
        );
        sql.bind(SCHEMA_PREFIX)
            .push(") ORDER BY nspname LIMIT ")
            .bind(MAX_CLUSTERS);
        let rows = self.connection.query(&sql)?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    fn cluster(&self, schema: String) -> FleetCluster {
        let store = self.open_cluster(&schema);
        FleetCluster { schema, store }
    }

    fn open_cluster(&self, schema: &str) -> Result<(StoredCluster, StoreReader), ResultStoreError> {
        let StoreLocation::Postgres(postgres) = &self.location else {
            return Err(ResultStoreError::Location(self.shown.clone()));
        };
        let mut postgres = postgres.clone();
        postgres.schema = Some(schema.to_owned());
        // The store itself tells which cluster it is.
        let identity = ClusterIdentity {
            id: String::new(),
            name: String::new(),
        };
        let options = StoreOptions::new(StoreLocation::Postgres(postgres), identity);
        let mut reader = StoreReader::open(options)?;
        Ok((reader.cluster()?, reader))
    }
}
