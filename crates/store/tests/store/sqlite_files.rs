//! The SQLite file: damaged, foreign, and read while it is written.

use crate::{
    backends::TestStore,
    results::{HOUR, NOON, add_finding, deployment, object, time, write},
};
use kubevet_model::{ObjectResult, Severity};
use kubevet_store::{
    ClusterIdentity, FindingFilter, ObjectWrite, ResultStoreError, Store, StoreLocation,
    StoreOptions, SweepOutcome,
};
use kubevet_testkit::test_dir::TestDir;
use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

fn pods() -> Vec<ObjectResult> {
    let pod = |number| {
        let mut pod = object("v1", "Pod", "shop", &format!("p{number}"), &[]);
        let message = "long ".repeat(700);
        add_finding(&mut pod, "C-1", Severity::Low, &message, "spec.a");
        pod
    };
    (0..2000).map(pod).collect()
}

/// A damage, and what does it to a file.
type Damage = (&'static str, fn(&Path));

/// Overwrites a part of a file, from `start` on.
fn overwrite(path: &Path, start: u64, length: usize, byte: u8) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(start)).unwrap();
    file.write_all(&vec![byte; length]).unwrap();
}

#[test]
fn damaged_file_is_set_aside_and_a_new_one_is_begun() {
    let damages: &[Damage] = &[
        ("header", |path| overwrite(path, 0, 100, 0xff)),
        ("first page of zeros", |path| overwrite(path, 0, 4096, 0)),
        ("pages after the first", |path| {
            overwrite(path, 8192, 400_000, 0xff)
        }),
        ("cut in half", |path| {
            let length = fs::metadata(path).unwrap().len();
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(length / 2).unwrap();
        }),
        ("text", |path| {
            fs::write(path, "no database at all").unwrap()
        }),
    ];
    for (damage, apply) in damages {
        let place = TestStore::sqlite("damaged_file");
        write(&mut place.open(), &pods(), NOON);
        apply(&place.path());
        let mut store = place.open();
        assert_eq!(
            place
                .reader()
                .count(&FindingFilter::default())
                .unwrap()
                .total(),
            0
        );
        assert_eq!(
            write(&mut store, &[deployment("a", &["C-1:high"])], NOON).new_findings,
            1
        );
        let aside = place.path().with_extension("db.corrupt");
        assert!(fs::metadata(&aside).unwrap().len() > 0, "{damage}");
        // A second damaged file replaces the first: the disk does not fill with them.
        drop(store);
        fs::write(place.path(), "text again").unwrap();
        drop(place.open());
        assert_eq!(fs::read_to_string(&aside).unwrap(), "text again");
    }
}

#[test]
fn file_that_is_damaged_while_it_is_open_is_set_aside_by_the_next_call() {
    let place = TestStore::sqlite("damaged_while_open");
    let mut store = place.open();
    let pods = pods();
    store.begin_sweep();
    write(&mut store, &pods, NOON);
    place.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let length = fs::metadata(place.path()).unwrap().len();
    overwrite(
        &place.path(),
        4096,
        usize::try_from(length).unwrap() - 4096,
        0xff,
    );
    let writes: Vec<ObjectWrite<'_>> = pods.iter().map(ObjectWrite::new).collect();
    let error = store.write(&writes, time(NOON)).unwrap_err();
    assert!(matches!(error, ResultStoreError::Corrupt { .. }), "{error}");
    assert!(error.is_transient());
    assert_eq!(
        store.write(&writes, time(NOON)).unwrap().changed_objects,
        2000
    );
    // The sweep was begun in the old file: its end would remove objects by keys of that file.
    write(&mut store, &[deployment("new", &["C-1:high"])], NOON);
    let outcome = SweepOutcome {
        at: time(NOON),
        controls: &[],
        frameworks: &[],
        unread: &[],
    };
    assert_eq!(store.finish_sweep(&outcome), Err(ResultStoreError::NoSweep));
    assert_eq!(
        place.sql("SELECT COUNT(*) FROM object WHERE removed_at IS NULL"),
        "2001"
    );
}

#[test]
fn file_that_is_no_store_stays() {
    let folder = TestDir::new()
        .file("values.yaml", "a: 1\n")
        .folder("folder.db");
    let check = |name: &str, expected: &str| {
        let cluster = ClusterIdentity {
            id: "c".to_owned(),
            name: "c".to_owned(),
        };
        let location = StoreLocation::File(folder.path().join(name));
        let error = Store::open(StoreOptions::new(location, cluster))
            .map(drop)
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(name) && message.contains(expected),
            "{message}"
        );
    };
    check("values.yaml", "no SQLite file");
    check("folder.db", "directory");
    check("missing/store.db", "No such file");
    assert_eq!(folder.read("values.yaml"), "a: 1\n");
}

#[test]
fn reader_does_not_block_the_writer() {
    let place = TestStore::sqlite("reader_does_not");
    let mut store = place.open();
    write(&mut store, &[deployment("a", &["C-1:high"])], NOON);
    let reader = rusqlite::Connection::open(place.path()).unwrap();
    let count = || -> i64 {
        let sql = "SELECT COUNT(*) FROM finding";
        reader.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count(), 1);
    // The reader is in the middle of a transaction, and goes on to see the same state.
    write(&mut store, &[deployment("b", &["C-1:high"])], NOON + HOUR);
    assert_eq!(count(), 1);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), 2);
}

#[test]
fn file_is_for_its_owner_alone() {
    let place = TestStore::sqlite("file_is_for");
    let mut store = place.open();
    write(&mut store, &[deployment("a", &["C-1:high"])], NOON);
    for ending in ["db", "db-wal", "db-shm"] {
        let file = place.path().with_extension(ending);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{ending}");
    }
}
