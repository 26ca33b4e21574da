//! The embedded store: one SQLite file with a write-ahead log, so that readers never block the writer.
//!
//! A damaged file is set aside under another name and a new one is begun: the store of a cluster is
//! filled again by the next sweep. Only a file that looks like a store is ever renamed.

use super::{
    ResultStoreError,
    dialect::Dialect,
    sql_text::SqlText,
    value::{Row, Value},
};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// The time that a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of statements that are kept prepared.
const MAX_STATEMENTS: usize = 64;
const PAGE_BYTES: u64 = 4096;
/// The first bytes of every SQLite file.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// The ending of a damaged file that was set aside. There is one at most: a newer one replaces it.
const SET_ASIDE: &str = ".corrupt";
/// The files that SQLite keeps beside the file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// A connection to the file.
pub(super) struct SqliteConnection {
    connection: Connection,
    path: PathBuf,
    max_bytes: u64,
}

impl SqliteConnection {
    /// Opens the file to write, and creates it where there is none. A damaged one is set aside.
    pub(super) fn open_or_create(path: &Path, max_bytes: u64) -> Result<Self, ResultStoreError> {
        create_private(path).map_err(|error| refused(path, &error.to_string()))?;
        match Self::open_checked(path, max_bytes) {
            Err(ResultStoreError::Corrupt { reason, .. }) => {
                set_aside(path, &reason)?;
                create_private(path).map_err(|error| refused(path, &error.to_string()))?;
                Self::open_checked(path, max_bytes)
            }
            opened => opened,
        }
    }

    /// Opens the file to read.
    pub(super) fn open_reader(path: &Path) -> Result<Self, ResultStoreError> {
        if !path.is_file() {
            return Err(ResultStoreError::Missing(path.display().to_string()));
        }
        let this = Self::open(path, 0)?;
        this.batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 10000;")?;
        Ok(this)
    }

    /// Opens the file to write, and checks that all of it can be read.
    fn open_checked(path: &Path, max_bytes: u64) -> Result<Self, ResultStoreError> {
        let this = Self::open(path, max_bytes)?;
        let check = |sql: &str| -> Result<String, rusqlite::Error> {
            this.connection.query_row(sql, [], |row| row.get(0))
        };
        let checked = check("PRAGMA quick_check(1)").map_err(|error| this.error(&error))?;
        if checked != "ok" {
            return Err(this.corrupt(&checked));
        }
        check("PRAGMA journal_mode = WAL").map_err(|error| this.error(&error))?;
        // `synchronous = NORMAL`: after a loss of power the last batches may be missing, never a part
        // of one; the next sweep brings them back. Temporary data stays in memory, since the file
        // system of the container is read-only.
        this.batch(&format!(
            "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = \
             67108864; PRAGMA max_page_count = {};",
            (max_bytes / PAGE_BYTES).max(1)
        ))?;
        Ok(this)
    }

    fn open(path: &Path, max_bytes: u64) -> Result<Self, ResultStoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| refused(path, &error.to_string()))?;
        let this = Self {
            connection,
            path: path.to_owned(),
            max_bytes,
        };
        let timeout = this.connection.busy_timeout(BUSY_TIMEOUT);
        timeout.map_err(|error| this.error(&error))?;
        this.connection
            .set_prepared_statement_cache_capacity(MAX_STATEMENTS);
        // A damaged or foreign file has no say over functions and memory.
        this.batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
        Ok(this)
    }

    /// Runs statements without parameters.
    pub(super) fn batch(&self, sql: &str) -> Result<(), ResultStoreError> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| self.error(&error))
    }

    /// Runs a statement, and returns the rows of its result.
    pub(super) fn query(&mut self, sql: &SqlText) -> Result<Vec<Row>, ResultStoreError> {
        let text = Dialect::Sqlite.parameters(sql.text());
        self.query_rows(&text, sql.params())
            .map_err(|error| self.error(&error))
    }

    fn query_rows(&self, text: &str, params: &[Value]) -> Result<Vec<Row>, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(text)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut result = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|column| Ok(value_of(row.get_ref(column)?)));
            let values: Result<Vec<Value>, rusqlite::Error> = values.collect();
            result.push(Row::new(values?));
        }
        Ok(result)
    }

    fn error(&self, error: &rusqlite::Error) -> ResultStoreError {
        let store = self.path.display().to_string();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => self.corrupt(&reason),
            Some(ErrorCode::DiskFull) => ResultStoreError::Full {
                store,
                size: format!(
                    "it may have {} MiB, or the disk has no more space",
                    self.max_bytes >> 20
                ),
                remedy: Dialect::Sqlite.remedy_if_full(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                ResultStoreError::Busy(store)
            }
            // The disk failed, or the volume went away: the file is opened again.
            Some(ErrorCode::SystemIoFailure) => ResultStoreError::Unreachable { store, reason },
            _ => ResultStoreError::Refused { store, reason },
        }
    }

    fn corrupt(&self, reason: &str) -> ResultStoreError {
        ResultStoreError::Corrupt {
            store: self.path.display().to_string(),
            reason: reason.to_owned(),
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        let value = match self {
            Self::Int(Some(number)) => ValueRef::Integer(*number),
            Self::Real(Some(number)) => ValueRef::Real(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Int(None) | Self::Real(None) | Self::Text(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

fn value_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Text(None),
        ValueRef::Integer(number) => Value::Int(Some(number)),
        ValueRef::Real(number) => Value::Real(Some(number)),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Value::Text(Some(String::from_utf8_lossy(text).into_owned()))
        }
    }
}

fn refused(path: &Path, reason: &str) -> ResultStoreError {
    ResultStoreError::Refused {
        store: path.display().to_string(),
        reason: reason.to_owned(),
    }
}

/// Creates an empty file that only its owner can read: findings tell where a cluster is weak. SQLite
/// gives its other files the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// Renames a damaged file. A file that neither begins like a SQLite file nor is named like one stays
/// as it is: the path is likely a mistake.
fn set_aside(path: &Path, reason: &str) -> Result<(), ResultStoreError> {
    let mut start = vec![0; MAGIC.len()];
    let read =
        fs::File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut start));
    let has_magic = read.is_ok() && start == MAGIC;
    let is_named_so = path.extension().is_some_and(|ending| ending == "db");
    if !has_magic && !is_named_so {
        return Err(ResultStoreError::NotAStore {
            store: path.display().to_string(),
            reason: "it is no SQLite file".to_owned(),
        });
    }
    let aside = with_ending(path, SET_ASIDE);
    for ending in [""].into_iter().chain(COMPANIONS) {
        match fs::rename(with_ending(path, ending), with_ending(&aside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(refused(path, &format!("it cannot be set aside: {error}")));
            }
            _ => {}
        }
    }
    tracing::warn!(
        file = %path.display(),
        aside = %aside.display(),
        reason,
        "the store is damaged: the file is set aside, and a new one is begun; the next sweep fills it, \
         and its history is lost"
    );
    Ok(())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
