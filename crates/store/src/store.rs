//! The store as its writer has it. Each call can be repeated after a failure: it writes everything or
//! nothing, or goes on where it was.
//!
//! The calls block, for as long as the database takes and at most until a timeout: an async caller
//! gives them a thread of their own.

use super::{
    ResultStoreError, StoreOptions, StoreReader, Timestamp,
    connection::{Connection, VALUES_PER_LIST},
    dialect::Dialect,
    object_record::{ObjectRecord, ObjectWrite},
    oldest_findings,
    retention::{self, Retention, RetentionCounts},
    session::{Access, Session},
    sql_text::SqlText,
    stored_objects::{KNOWN_OBJECT, KnownObject, remove_objects},
    sweep::{self, OBJECTS_PER_STEP, SweepCounts, SweepOutcome},
    write_batch::{Batch, WriteCounts, write_batch},
};
use kubevet_model::Severity;
use std::collections::HashSet;

/// The rows that are written before the size of a schema is measured again.
const ROWS_PER_MEASUREMENT: usize = 5000;

/// The store of one cluster, opened to write.
pub struct Store {
    session: Session,
    /// The epoch that this writer has claimed; `None` if there is one writer only.
    epoch: Option<u64>,
    sweep: Option<Sweep>,
    /// The rows that were written since the size was measured; `None` before the first measurement.
    rows_since_measurement: Option<usize>,
}

/// A sweep that is under way.
struct Sweep {
    /// Which empty store it was begun in.
    begun: u64,
    /// The keys of the objects that were written since: 100,000 of them take 2 MB.
    seen: HashSet<i64>,
}

/// What a transaction of the writer needs to know of the cluster.
struct ClusterState {
    last_sweep_at: Option<i64>,
    writer_epoch: u64,
}

impl Store {
    /// Opens a store, creates it where there is none, and brings it to the newest version.
    ///
    /// A SQLite file that is damaged is set aside (`.corrupt`), and a new one is begun.
    ///
    /// # Errors
    /// The location cannot be used, or has a store of a newer version or of another cluster.
    pub fn open(options: StoreOptions) -> Result<Self, ResultStoreError> {
        Ok(Self {
            session: Session::open(options, Access::Write)?,
            epoch: None,
            sweep: None,
            rows_since_measurement: None,
        })
    }

    /// Opens a connection to read. It never blocks the writer, and needs no right to write.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn reader(&self) -> Result<StoreReader, ResultStoreError> {
        StoreReader::open(self.session.options().clone())
    }

    /// The number of times that an empty store was begun since this was opened: where it grows, such as
    /// after a file was damaged, what was written before is not there any more.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.session.begun()
    }

    /// Makes this the only writer, and returns its epoch: a writer with a lower one, which may not
    /// know yet that it has lost the lease, is refused from now on ([`ResultStoreError::Fenced`]).
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn claim(&mut self) -> Result<u64, ResultStoreError> {
        let epoch = self.session.write(|connection| {
            let sql = "UPDATE cluster SET writer_epoch = writer_epoch + 1 RETURNING writer_epoch";
            let row = connection.query_one(&SqlText::new(sql))?;
            let epoch = row.map(|mut row| row.int()).transpose()?;
            Ok(epoch.map_or(0, i64::unsigned_abs))
        })?;
        self.epoch = Some(epoch);
        Ok(epoch)
    }

    /// Writes the results of some objects in one transaction: their findings begin, go on or end at
    /// `at`. Of two results of one object the last counts. An object whose result is the stored one
    /// costs a read.
    ///
    /// # Errors
    /// Nothing was written; after [`ResultStoreError::Unreachable`] perhaps all of it, which does not
    /// matter for writing it again.
    pub fn write(
        &mut self,
        objects: &[ObjectWrite<'_>],
        at: Timestamp,
    ) -> Result<WriteCounts, ResultStoreError> {
        let records = objects.iter().map(|object| {
            let record = ObjectRecord::new(object)?;
            Ok((record.uid.clone(), record))
        });
        let batch: Result<Batch, ResultStoreError> = records.collect();
        let batch = batch?;
        let (epoch, is_measured) = (self.epoch, self.measures());
        let (store, max_bytes) = (self.session.shown(), self.session.options().max_bytes);
        let (counts, ids) = self.session.write(|connection| {
            let state = cluster_state(connection, epoch)?;
            if is_measured {
                check_size(connection, store, max_bytes)?;
            }
            write_batch(connection, &batch, at, state.last_sweep_at)
        })?;
        let rows = counts.changed_objects + counts.new_findings;
        self.rows_since_measurement = Some(match self.rows_since_measurement {
            Some(before) if !is_measured => before + rows,
            _ => rows,
        });
        let begun = self.session.begun();
        if let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.begun == begun) {
            sweep.seen.extend(ids);
        }
        Ok(counts)
    }

    /// Removes objects that the cluster has no more: their findings end at `at`. Returns the number
    /// of these findings. An unknown uid is no error.
    ///
    /// # Errors
    /// Nothing was removed.
    pub fn remove(&mut self, uids: &[&str], at: Timestamp) -> Result<usize, ResultStoreError> {
        let epoch = self.epoch;
        self.session.write(|connection| {
            let state = cluster_state(connection, epoch)?;
            let sql = SqlText::new(&format!(
                "{KNOWN_OBJECT} WHERE removed_at IS NULL AND uid IN "
            ));
            let mut fixed = 0;
            for uids in uids.chunks(VALUES_PER_LIST) {
                let uids = uids.iter().map(|uid| uid.replace('\0', "\u{fffd}"));
                let rows = connection.for_each_list(&sql, uids, "")?;
                let objects = rows.into_iter().map(KnownObject::read);
                let objects: Result<Vec<KnownObject>, ResultStoreError> = objects.collect();
                fixed += remove_objects(connection, &objects?, at, state.last_sweep_at)?;
            }
            Ok(fixed)
        })
    }

    /// Begins a sweep: every object that is written from now on is seen, by the sweep or by a watch
    /// beside it. A sweep that was under way is dropped.
    pub fn begin_sweep(&mut self) {
        self.sweep = Some(Sweep {
            begun: self.session.begun(),
            seen: HashSet::new(),
        });
    }

    /// Ends a sweep: objects that were not seen since it began are removed, but for those of a kind
    /// and place that could not be read. Then the state of the day is written. It takes several
    /// transactions; after a failure, the same call goes on.
    ///
    /// # Errors
    /// [`ResultStoreError::NoSweep`] if none was begun, or the store was begun anew since.
    pub fn finish_sweep(
        &mut self,
        outcome: &SweepOutcome<'_>,
    ) -> Result<SweepCounts, ResultStoreError> {
        let epoch = self.epoch;
        let sweep = self.sweep.take().ok_or(ResultStoreError::NoSweep)?;
        let result = self.settle(&sweep, outcome, epoch);
        if result
            .as_ref()
            .is_err_and(|error| *error != ResultStoreError::NoSweep)
        {
            self.sweep = Some(sweep);
        }
        result
    }

    fn settle(
        &mut self,
        sweep: &Sweep,
        outcome: &SweepOutcome<'_>,
        epoch: Option<u64>,
    ) -> Result<SweepCounts, ResultStoreError> {
        let mut counts = SweepCounts::default();
        let mut after = i64::MIN;
        loop {
            // A store that was begun anew has other keys.
            if self.session.begun() != sweep.begun {
                return Err(ResultStoreError::NoSweep);
            }
            let (step, read, last) = self.session.write(|connection| {
                let state = cluster_state(connection, epoch)?;
                let objects = sweep::next_objects(connection, after)?;
                let last = objects.last().map_or(after, |object| object.id);
                let seen = &sweep.seen;
                let known = state.last_sweep_at;
                let step = sweep::settle_objects(connection, &objects, seen, outcome, known)?;
                Ok((step, objects.len(), last))
            })?;
            after = last;
            counts.removed_objects += step.removed_objects;
            counts.fixed_findings += step.fixed_findings;
            counts.unread_objects += step.unread_objects;
            if read < OBJECTS_PER_STEP {
                break;
            }
        }
        // A step that found a damaged file went through a new one, which is empty.
        if self.session.begun() != sweep.begun {
            return Err(ResultStoreError::NoSweep);
        }
        self.session.write(|connection| {
            cluster_state(connection, epoch)?;
            sweep::write_state(connection, outcome)
        })?;
        Ok(counts)
    }

    /// Deletes history that is older than it is kept, in bounded steps. Where the store takes most of
    /// its bound, the findings that were fixed first make room whatever their age; in PostgreSQL,
    /// whose tables do not shrink by themselves, they do not.
    ///
    /// # Errors
    /// What was deleted before stays deleted.
    pub fn apply_retention(
        &mut self,
        retention: Retention,
        at: Timestamp,
    ) -> Result<RetentionCounts, ResultStoreError> {
        let epoch = self.epoch;
        let max_bytes = self.session.options().max_bytes;
        let session = &mut self.session;
        let is_crowded = session.read(|connection| {
            let is_exact = connection.dialect() == Dialect::Sqlite;
            Ok(is_exact && retention::is_crowded(connection.size()?, max_bytes))
        })?;
        let run = |step: &retention::Step| {
            session.write(|connection| {
                cluster_state(connection, epoch)?;
                step.run(connection)
            })
        };
        retention::apply(run, retention, at, is_crowded)
    }

    /// Returns when the oldest finding of each severity began that is open and has no exception.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn oldest_open_findings(&mut self) -> Result<Vec<(Severity, Timestamp)>, ResultStoreError> {
        self.session.read(oldest_findings::oldest_open)
    }

    /// True if the next batch measures the size of the store.
    fn measures(&self) -> bool {
        let rows = self.rows_since_measurement;
        rows.is_none_or(|rows| rows >= ROWS_PER_MEASUREMENT)
    }
}

/// Reads the state of the cluster, and refuses a writer that another one has replaced.
fn cluster_state(
    connection: &mut Connection,
    epoch: Option<u64>,
) -> Result<ClusterState, ResultStoreError> {
    let sql = SqlText::new("SELECT last_sweep_at, writer_epoch FROM cluster");
    let row = connection.query_one(&sql)?;
    let mut row =
        row.ok_or_else(|| ResultStoreError::Unreadable("it has no cluster".to_owned()))?;
    let state = ClusterState {
        last_sweep_at: row.optional_int()?,
        writer_epoch: row.int()?.unsigned_abs(),
    };
    match epoch {
        Some(own) if own < state.writer_epoch => Err(ResultStoreError::Fenced {
            own,
            current: state.writer_epoch,
        }),
        _ => Ok(state),
    }
}

/// Refuses to write to a store that has reached its bound. SQLite bounds its file by itself as well.
fn check_size(
    connection: &mut Connection,
    store: String,
    max_bytes: u64,
) -> Result<(), ResultStoreError> {
    let bytes = connection.size()?;
    if bytes < max_bytes {
        return Ok(());
    }
    Err(ResultStoreError::Full {
        store,
        size: format!("{} of {} MiB", bytes >> 20, max_bytes >> 20),
        remedy: connection.dialect().remedy_if_full(),
    })
}
