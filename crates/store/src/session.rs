//! A store that is kept open: it connects again where the connection was lost, and checks version and
//! owner each time.

use super::{
    ClusterIdentity, ResultStoreError, StoreLocation, StoreOptions, connection::Connection,
    location::schema_of, migrations, postgres_connection::PostgresConnection, sql_text::SqlText,
    sqlite_connection::SqliteConnection, stored_text::stored_text,
};

/// The most bytes of the id or the name of a cluster.
const MAX_CLUSTER_BYTES: usize = 256;

/// The rights of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It writes, creates the store and brings it to the newest version.
    Write,
    /// It reads, and needs no right to write.
    Read,
}

/// A store that is kept open.
pub(super) struct Session {
    options: StoreOptions,
    access: Access,
    /// `None` until the first call, and after an error of the connection.
    connection: Option<Connection>,
    /// The number of times that an empty store was begun.
    begun: u64,
}

impl Session {
    /// Opens a store, and creates it where the access allows.
    pub(super) fn open(options: StoreOptions, access: Access) -> Result<Self, ResultStoreError> {
        let mut this = Self {
            options,
            access,
            connection: None,
            begun: 0,
        };
        this.connect()?;
        Ok(this)
    }

    pub(super) fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// The number of times that an empty store was begun: where it changes, what is known of the
    /// content is wrong.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// The store, for messages.
    pub(super) fn shown(&self) -> String {
        let location = self.options.location.shown();
        match &self.options.location {
            StoreLocation::File(_) => location,
            StoreLocation::Postgres(_) => format!("{location} (schema {})", self.schema()),
        }
    }

    /// Runs `work` in a transaction that writes: all or nothing.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, ResultStoreError>,
    ) -> Result<T, ResultStoreError> {
        self.transaction(Connection::begin_write, work)
    }

    /// Runs `work` in a transaction that reads one state.
    pub(super) fn read<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, ResultStoreError>,
    ) -> Result<T, ResultStoreError> {
        self.transaction(Connection::begin_read, work)
    }

    fn transaction<T>(
        &mut self,
        begin: impl Fn(&mut Connection) -> Result<(), ResultStoreError>,
        work: impl FnOnce(&mut Connection) -> Result<T, ResultStoreError>,
    ) -> Result<T, ResultStoreError> {
        let is_new = self.connection.is_none();
        let mut begun = self.connect().and_then(&begin);
        if !is_new && begun.as_ref().is_err_and(ResultStoreError::ends_connection) {
            // The connection was lost while it was idle: nothing was begun, so it is tried again.
            self.connection = None;
            begun = self.connect().and_then(&begin);
        }
        let Some(connection) = &mut self.connection else {
            return begun.and(Err(ResultStoreError::Missing(
                self.options.location.shown(),
            )));
        };
        let result = begun.and_then(|()| work(connection));
        let result = connection.end(result);
        if result
            .as_ref()
            .is_err_and(ResultStoreError::ends_connection)
        {
            self.connection = None;
        }
        result
    }

    /// Returns the connection, which is opened where there is none.
    fn connect(&mut self) -> Result<&mut Connection, ResultStoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open_connection()?,
        };
        Ok(self.connection.insert(connection))
    }

    fn open_connection(&mut self) -> Result<Connection, ResultStoreError> {
        let store = self.shown();
        let mut connection = match &self.options.location {
            StoreLocation::File(path) => Connection::Sqlite(match self.access {
                Access::Write => SqliteConnection::open_or_create(path, self.options.max_bytes)?,
                Access::Read => SqliteConnection::open_reader(path)?,
            }),
            StoreLocation::Postgres(location) => {
                let schema = self.schema();
                let mut postgres = PostgresConnection::connect(location, &store)?;
                if !postgres.has_schema(&schema)? {
                    match self.access {
                        Access::Write => postgres.create_schema(&schema)?,
                        Access::Read => return Err(ResultStoreError::Missing(store)),
                    }
                }
                postgres.use_schema(&schema)?;
                Connection::Postgres(Box::new(postgres))
            }
        };
        match self.access {
            Access::Write => {
                if migrations::migrate(&mut connection, &store)? {
                    self.begun += 1;
                }
                claim_cluster(&mut connection, &self.options.cluster, &store)?;
            }
            Access::Read => migrations::check_version(&mut connection, &store)?,
        }
        Ok(connection)
    }

    fn schema(&self) -> String {
        match &self.options.location {
            StoreLocation::Postgres(location) => location.schema.clone(),
            StoreLocation::File(_) => None,
        }
        .unwrap_or_else(|| schema_of(&self.options.cluster.id))
    }
}

/// Writes whose results the store has, or checks it.
fn claim_cluster(
    connection: &mut Connection,
    cluster: &ClusterIdentity,
    store: &str,
) -> Result<(), ResultStoreError> {
    let id = stored_text(&cluster.id, MAX_CLUSTER_BYTES);
    let name = stored_text(&cluster.name, MAX_CLUSTER_BYTES);
    connection.in_write(|connection| {
        let row = connection.query_one(&SqlText::new("SELECT id, name FROM cluster"))?;
        let Some(mut row) = row else {
            let mut sql = SqlText::new("INSERT INTO cluster (id, name, writer_epoch) VALUES (");
            sql.bind(&*id).push(", ").bind(&*name).push(", 0)");
            connection.query(&sql)?;
            return Ok(());
        };
        let (found, stored_name) = (row.text()?, row.text()?);
        if found != *id {
            return Err(ResultStoreError::OtherCluster {
                store: store.to_owned(),
                found,
                expected: id.into_owned(),
            });
        }
        if stored_name != *name {
            let mut sql = SqlText::new("UPDATE cluster SET name = ");
            sql.bind(&*name);
            connection.query(&sql)?;
        }
        Ok(())
    })
}
