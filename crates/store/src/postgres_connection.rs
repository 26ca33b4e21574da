//! A connection to PostgreSQL, behind calls that block. Each has a timeout; after one, or after any
//! error of the connection itself, the connection is not used again.
//!
//! The client is async. It runs on a runtime of its own, on the thread of the caller: the calls must
//! not come from a thread that drives another runtime.

use super::{
    ResultStoreError,
    dialect::Dialect,
    location::PostgresLocation,
    postgres_tls::TlsConnector,
    sql_text::SqlText,
    value::{Row, Value},
};
use std::{collections::HashMap, error::Error as _, time::Duration};
use tokio::runtime::Runtime;
use tokio_postgres::{
    Client, NoTls, Statement,
    error::SqlState,
    types::{ToSql, Type},
};

/// The time for one call, that of the connection included. The server itself ends a statement sooner.
const CALL_TIMEOUT: Duration = Duration::from_secs(75);
/// What the server bounds: a statement, waiting for a lock, and a transaction whose client is gone.
const SESSION_SETTINGS: &str = "SET statement_timeout = '60s'; SET lock_timeout = '10s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning";
/// The number of statements that are kept prepared.
const MAX_STATEMENTS: usize = 128;

/// A connection to one schema.
pub(super) struct PostgresConnection {
    /// `None` once it is being dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: HashMap<String, Statement>,
    store: String,
}

impl PostgresConnection {
    /// Connects to a server, without a schema.
    pub(super) fn connect(
        location: &PostgresLocation,
        shown: &str,
    ) -> Result<Self, ResultStoreError> {
        let unreachable = |reason: String| ResultStoreError::Unreachable {
            store: shown.to_owned(),
            reason,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unreachable(error.to_string()))?;
        let tls = TlsConnector::new(&location.tls, shown)?;
        let connecting = async {
            match tls {
                None => {
                    let (client, connection) = location.config.connect(NoTls).await?;
                    tokio::spawn(connection);
                    Ok(client)
                }
                Some(tls) => {
                    let (client, connection) = location.config.connect(tls).await?;
                    tokio::spawn(connection);
                    Ok(client)
                }
            }
        };
        let connected =
            runtime.block_on(async { tokio::time::timeout(CALL_TIMEOUT, connecting).await });
        let client = match connected {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(store_error(&error, shown)),
            Err(_) => return Err(unreachable(timed_out())),
        };
        let mut this = Self {
            runtime: Some(runtime),
            client,
            statements: HashMap::new(),
            store: shown.to_owned(),
        };
        this.batch(SESSION_SETTINGS)?;
        Ok(this)
    }

    /// Works in a schema from now on. It is an identifier that needs no quotes.
    pub(super) fn use_schema(&mut self, schema: &str) -> Result<(), ResultStoreError> {
        self.batch(&format!("SET search_path TO {schema}"))
    }

    /// True if there is a schema of this name. One that the role may not use is an error: its tables
    /// cannot be told from no tables.
    pub(super) fn has_schema(&mut self, schema: &str) -> Result<bool, ResultStoreError> {
        let mut sql = SqlText::new(
            "SELECT CASE WHEN has_schema_privilege(oid, 'USAGE') THEN 1::INT8 ELSE 0::INT8 END FROM pg_namespace \
             WHERE nspname = ",
        );
        sql.bind(schema);
        let row = self.query(&sql)?.into_iter().next();
        match row.map(|mut row| row.int()).transpose()? {
            None => Ok(false),
            Some(0) => Err(ResultStoreError::Refused {
                store: self.store.clone(),
                reason: format!(
                    "permission denied for schema {schema}: it belongs to another role, and GRANT \
                     USAGE ON SCHEMA is missing"
                ),
            }),
            Some(_) => Ok(true),
        }
    }

    /// Creates a schema. Another process may create it at the same time.
    pub(super) fn create_schema(&mut self, schema: &str) -> Result<(), ResultStoreError> {
        self.batch(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('kubevet schemas', 0)); \
             CREATE SCHEMA IF NOT EXISTS {schema}; COMMIT"
        ))
    }

    /// Runs statements without parameters.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), ResultStoreError> {
        self.block_on(self.client.batch_execute(sql))
    }

    /// Runs a statement, and returns the rows of its result.
    pub(super) fn query(&mut self, sql: &SqlText) -> Result<Vec<Row>, ResultStoreError> {
        let text = Dialect::Postgres.parameters(sql.text());
        let statement = if let Some(statement) = self.statements.get(&text) {
            statement.clone()
        } else {
            let statement = self.block_on(self.client.prepare(&text))?;
            if self.statements.len() >= MAX_STATEMENTS {
                self.statements.clear();
            }
            self.statements.insert(text, statement.clone());
            statement
        };
        let params: Vec<&(dyn ToSql + Sync)> = sql.params().iter().map(parameter).collect();
        let rows = self.block_on(self.client.query(&statement, &params))?;
        let rows = rows.iter().map(|row| self.row(row));
        rows.collect()
    }

    fn row(&self, row: &tokio_postgres::Row) -> Result<Row, ResultStoreError> {
        let columns = row.columns().iter().enumerate();
        let values = columns.map(|(index, column)| match *column.type_() {
            Type::INT8 => row.try_get(index).map(Value::Int),
            // What a call that returns nothing returns.
            Type::VOID => Ok(Value::Text(None)),
            Type::FLOAT8 => row.try_get(index).map(Value::Real),
            _ => row.try_get(index).map(Value::Text),
        });
        let values: Result<Vec<Value>, tokio_postgres::Error> = values.collect();
        values
            .map(Row::new)
            .map_err(|error| store_error(&error, &self.store))
    }

    fn block_on<T>(
        &self,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, ResultStoreError> {
        let unreachable = |reason: String| ResultStoreError::Unreachable {
            store: self.store.clone(),
            reason,
        };
        let Some(runtime) = &self.runtime else {
            return Err(unreachable("the connection is closed".to_owned()));
        };
        let result = runtime.block_on(async { tokio::time::timeout(CALL_TIMEOUT, call).await });
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(store_error(&error, &self.store)),
            Err(_) => Err(unreachable(timed_out())),
        }
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for the runtime is not allowed where the store is dropped by an async task.
            runtime.shutdown_background();
        }
    }
}

fn parameter(value: &Value) -> &(dyn ToSql + Sync) {
    match value {
        Value::Int(number) => number,
        Value::Real(number) => number,
        Value::Text(text) => text,
    }
}

fn timed_out() -> String {
    format!("no answer within {} s", CALL_TIMEOUT.as_secs())
}

fn store_error(error: &tokio_postgres::Error, store: &str) -> ResultStoreError {
    let store = store.to_owned();
    let Some(refusal) = error.as_db_error() else {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason.push_str(": ");
            reason.push_str(&cause.to_string());
            source = cause.source();
        }
        return ResultStoreError::Unreachable { store, reason };
    };
    let code = refusal.code();
    let reason = format!("{} (SQLSTATE {})", refusal.message(), code.code());
    if *code == SqlState::DISK_FULL {
        return ResultStoreError::Full {
            store,
            size: "the disk of the server has no more space".to_owned(),
            remedy: Dialect::Postgres.remedy_if_full(),
        };
    }
    // Class 08: connection; 53: resources of the server; 57: an administrator or a timeout ended it.
    let is_connection = ["08", "53", "57"]
        .iter()
        .any(|class| code.code().starts_with(class));
    // Class 40: the transaction was rolled back for the sake of another one.
    let is_conflict = code.code().starts_with("40") || *code == SqlState::LOCK_NOT_AVAILABLE;
    match (is_connection, is_conflict) {
        (true, _) => ResultStoreError::Unreachable { store, reason },
        (_, true) => ResultStoreError::Busy(store),
        _ => ResultStoreError::Refused { store, reason },
    }
}
