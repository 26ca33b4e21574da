//! The versions of the tables. A migration is a numbered script that runs once, in one transaction,
//! and that never changes after a release. There is no way back: a store of a newer version is
//! refused.

use super::{ResultStoreError, connection::Connection, sql_text::SqlText};

/// The scripts, in order: the first one makes version 1.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql")];
/// The table whose one row is the version.
const VERSION_TABLE: &str = "schema_version";

/// Brings the store to the newest version. True if it was empty.
pub(super) fn migrate(connection: &mut Connection, store: &str) -> Result<bool, ResultStoreError> {
    migrate_to(connection, store, MIGRATIONS)
}

fn migrate_to(
    connection: &mut Connection,
    store: &str,
    scripts: &[&str],
) -> Result<bool, ResultStoreError> {
    // Another process of this version may do the same: the transaction excludes it.
    connection.in_write(|connection| {
        let found = version(connection)?;
        let newest = scripts.len();
        if found > newest {
            return Err(newer(store, found, newest));
        }
        if found == 0 {
            if connection.has_any_table()? {
                return Err(ResultStoreError::NotAStore {
                    store: store.to_owned(),
                    reason: "it has tables of another program".to_owned(),
                });
            }
            connection.batch(&format!(
                "CREATE TABLE {VERSION_TABLE} (version BIGINT NOT NULL); \
                 INSERT INTO {VERSION_TABLE} VALUES (0)"
            ))?;
        }
        for script in scripts.iter().skip(found) {
            let script = connection.dialect().migration(script);
            connection.batch(&script)?;
        }
        if found < newest {
            let mut sql = SqlText::new(&format!("UPDATE {VERSION_TABLE} SET version = "));
            sql.bind(newest);
            connection.query(&sql)?;
        }
        Ok(found == 0)
    })
}

/// Checks that the store has the version that is read here.
pub(super) fn check_version(
    connection: &mut Connection,
    store: &str,
) -> Result<(), ResultStoreError> {
    let newest = MIGRATIONS.len();
    match version(connection)? {
        0 => Err(ResultStoreError::Missing(store.to_owned())),
        found if found > newest => Err(newer(store, found, newest)),
        found if found < newest => Err(ResultStoreError::OlderVersion {
            store: store.to_owned(),
            found,
            newest,
        }),
        _ => Ok(()),
    }
}

fn newer(store: &str, found: usize, newest: usize) -> ResultStoreError {
    ResultStoreError::NewerVersion {
        store: store.to_owned(),
        found,
        newest,
    }
}

/// Returns the version of the tables; 0 if there are none.
fn version(connection: &mut Connection) -> Result<usize, ResultStoreError> {
    if !connection.has_table(VERSION_TABLE)? {
        return Ok(0);
    }
    let sql = SqlText::new(&format!("SELECT version FROM {VERSION_TABLE}"));
    let row = connection.query_one(&sql)?;
    row.map_or(Ok(0), |mut row| row.count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite_connection::SqliteConnection;

    const FIRST: &str = "CREATE TABLE a (id {id})";
    const SECOND: &str = "ALTER TABLE a ADD COLUMN b TEXT; CREATE TABLE c (id {id})";

    fn open(folder: &tempfile::TempDir) -> Connection {
        let path = folder.path().join("store.db");
        Connection::Sqlite(SqliteConnection::open_or_create(&path, 1 << 20).unwrap())
    }

    #[test]
    fn each_script_runs_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = open(&folder);
        for (scripts, was_empty, expected) in [
            (&[FIRST][..], true, 1),
            (&[FIRST], false, 1),
            (&[FIRST, SECOND], false, 2),
            (&[FIRST, SECOND], false, 2),
        ] {
            assert_eq!(migrate_to(&mut connection, "s", scripts), Ok(was_empty));
            assert_eq!(version(&mut connection), Ok(expected));
        }
    }

    #[test]
    fn newer_version_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = open(&folder);
        migrate_to(&mut connection, "s", &[FIRST, SECOND]).unwrap();
        let error = migrate_to(&mut connection, "s", &[FIRST]).unwrap_err();
        assert_eq!(error, newer("s", 2, 1));
        assert_eq!(version(&mut connection), Ok(2));
    }

    #[test]
    fn script_that_fails_leaves_the_version_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = open(&folder);
        let broken = "CREATE TABLE c (id {id}); CREATE TABLE a (id {id})";
        migrate_to(&mut connection, "s", &[FIRST]).unwrap();
        assert!(migrate_to(&mut connection, "s", &[FIRST, broken]).is_err());
        assert_eq!(version(&mut connection), Ok(1));
        assert_eq!(connection.has_table("c"), Ok(false));
    }

    #[test]
    fn tables_of_another_program_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = open(&folder);
        connection.batch("CREATE TABLE users (id TEXT)").unwrap();
        let error = migrate_to(&mut connection, "s", &[FIRST]).unwrap_err();
        assert!(
            matches!(error, ResultStoreError::NotAStore { .. }),
            "{error}"
        );
    }
}
