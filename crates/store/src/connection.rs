//! A connection to either database, with one set of calls. What differs in SQL is in `dialect`.

use super::{
    ResultStoreError,
    dialect::Dialect,
    postgres_connection::PostgresConnection,
    sql_text::SqlText,
    sqlite_connection::SqliteConnection,
    value::{Row, Value},
};

/// The rows of one statement that writes: few enough for the bounds on parameters of both databases.
const ROWS_PER_STATEMENT: usize = 100;
/// The values of one list: as above.
pub(super) const VALUES_PER_LIST: usize = 500;

/// A connection to one store.
pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Box<PostgresConnection>),
}

impl Connection {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement, and returns the rows of its result.
    pub(super) fn query(&mut self, sql: &SqlText) -> Result<Vec<Row>, ResultStoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query(sql),
            Self::Postgres(postgres) => postgres.query(sql),
        }
    }

    /// Runs a statement whose result has one row at most.
    pub(super) fn query_one(&mut self, sql: &SqlText) -> Result<Option<Row>, ResultStoreError> {
        Ok(self.query(sql)?.into_iter().next())
    }

    /// Runs a statement for each few of many rows: `before` them, the rows, `after` them.
    pub(super) fn insert(
        &mut self,
        before: &str,
        rows: Vec<Vec<Value>>,
        after: &str,
    ) -> Result<Vec<Row>, ResultStoreError> {
        let mut result = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut sql = SqlText::new(before);
            sql.push(" VALUES ");
            sql.bind_rows(rows.by_ref().take(ROWS_PER_STATEMENT));
            sql.push(after);
            result.extend(self.query(&sql)?);
        }
        Ok(result)
    }

    /// Runs a statement for each few of many values: `before` them, the list, `after` it.
    pub(super) fn for_each_list<T: Into<Value>>(
        &mut self,
        before: &SqlText,
        values: impl IntoIterator<Item = T>,
        after: &str,
    ) -> Result<Vec<Row>, ResultStoreError> {
        let mut result = Vec::new();
        let mut values = values.into_iter().map(Into::into).peekable();
        while values.peek().is_some() {
            let mut sql = before.clone();
            sql.bind_list(values.by_ref().take(VALUES_PER_LIST));
            sql.push(after);
            result.extend(self.query(&sql)?);
        }
        Ok(result)
    }

    /// True if the store has a table of this name.
    pub(super) fn has_table(&mut self, name: &str) -> Result<bool, ResultStoreError> {
        Ok(self.tables()?.iter().any(|table| table == name))
    }

    /// True if the store has tables.
    pub(super) fn has_any_table(&mut self) -> Result<bool, ResultStoreError> {
        Ok(!self.tables()?.is_empty())
    }

    fn tables(&mut self) -> Result<Vec<String>, ResultStoreError> {
        let rows = self.query(&SqlText::new(self.dialect().tables()))?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// Returns the bytes that the store takes.
    pub(super) fn size(&mut self) -> Result<u64, ResultStoreError> {
        let row = self.query_one(&SqlText::new(self.dialect().size()))?;
        let bytes = row.map(|mut row| row.int()).transpose()?;
        Ok(bytes.map_or(0, i64::unsigned_abs))
    }

    /// Runs statements without parameters.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), ResultStoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.batch(sql),
            Self::Postgres(postgres) => postgres.batch(sql),
        }
    }

    /// Begins a transaction that writes, alone.
    pub(super) fn begin_write(&mut self) -> Result<(), ResultStoreError> {
        for statement in self.dialect().begin_write() {
            self.batch(statement)?;
        }
        Ok(())
    }

    /// Begins a transaction that reads one state.
    pub(super) fn begin_read(&mut self) -> Result<(), ResultStoreError> {
        self.batch(self.dialect().begin_read())
    }

    /// Ends a transaction: all of it is written where `result` is a success, else nothing.
    pub(super) fn end<T>(
        &mut self,
        result: Result<T, ResultStoreError>,
    ) -> Result<T, ResultStoreError> {
        match result {
            Ok(value) => self.batch("COMMIT").map(|()| value),
            Err(error) => {
                if !error.ends_connection() {
                    // SQLite has rolled back already where the disk is full. A connection on which
                    // this fails otherwise fails at its next call, too.
                    let _ = self.batch("ROLLBACK");
                }
                Err(error)
            }
        }
    }

    /// Runs `work` in a transaction that writes.
    pub(super) fn in_write<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, ResultStoreError>,
    ) -> Result<T, ResultStoreError> {
        let result = self.begin_write().and_then(|()| work(self));
        self.end(result)
    }
}
