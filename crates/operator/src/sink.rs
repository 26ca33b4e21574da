//! Where results go. The operator knows no store and no kind of result object: whoever keeps results
//! implements [`ResultSink`].

use kubevet_cluster::Fence;
use kubevet_model::{Control, ControlId, ObjectResult, Unread};
use kubevet_scan::ClusterScore;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The result of a call of a sink, later.
pub type SinkFuture<'a> = Pin<Box<dyn Future<Output = Result<(), SinkError>> + Send + 'a>>;

/// Keeps the results of a cluster.
///
/// The calls come one after the other, in the order of what happened. One that fails in a way that may
/// pass is repeated; one that is given up makes the operator read everything again later. A sink asks
/// the fence before each write of its own, or makes it [`Fence::while_open`]: once the fence is closed,
/// another replica may write.
pub trait ResultSink: Send {
    /// The name in logs and metrics.
    fn name(&self) -> &'static str;

    /// The time for one call. One that takes longer is cut off, and made again.
    fn call_timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// This replica leads from now on, for the first time or again: another one may have written
    /// since the calls before. All objects are read again.
    fn lead(&mut self) -> SinkFuture<'_> {
        Box::pin(async { Ok(()) })
    }

    /// Keeps the results of objects, in place of those that they had. An object is in a batch once.
    /// uid and resource version are in the origin of each result ([`kubevet_model::Origin::Cluster`]).
    fn write<'a>(&'a mut self, batch: &'a Arc<ResultBatch>, fence: &'a Fence) -> SinkFuture<'a>;

    /// Drops the results of objects that are gone, or that are reported under their owner. A sink may
    /// not know all of them.
    fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], fence: &'a Fence) -> SinkFuture<'a>;

    /// All objects were read. If the sweep [is complete](FinishedSweep::is_complete), a result that
    /// was last written with another number than that of the sweep ([`ResultBatch::sweep`]) belongs to
    /// no object any more, unless its kind and namespace are in [`FinishedSweep::unread`].
    fn sweep_finished<'a>(
        &'a mut self,
        sweep: &'a Arc<FinishedSweep>,
        fence: &'a Fence,
    ) -> SinkFuture<'a>;

    /// Writes what waits. Called before the process ends.
    fn flush<'a>(&'a mut self, fence: &'a Fence) -> SinkFuture<'a> {
        let _ = fence;
        Box::pin(async { Ok(()) })
    }
}

/// Results that are written together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResultBatch {
    /// The number of the last sweep that has begun. No other sweep has it, of any replica; they have
    /// no order.
    pub sweep: u64,
    /// The results.
    pub results: Vec<ObjectResult>,
    /// The controls by which they were evaluated, by id: a result names them by their ids alone.
    pub controls: Arc<[Arc<Control>]>,
    /// The bindings in whose scope the objects are, by uid; an object in none has no entry.
    pub bindings: BTreeMap<Arc<str>, Vec<Arc<BoundControls>>>,
}

impl ResultBatch {
    /// Returns the names of the bindings that have a control and an object in their scope.
    #[must_use]
    pub fn bindings_of(&self, uid: &str, control: &ControlId) -> Vec<String> {
        let bindings = self.bindings.get(uid).into_iter().flatten();
        let bindings = bindings.filter(|binding| binding.controls.contains(control));
        bindings.map(|binding| binding.name.clone()).collect()
    }
}

/// A binding, and its controls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoundControls {
    /// The name of the binding.
    pub name: String,
    /// Its controls.
    pub controls: BTreeSet<ControlId>,
}

/// A sweep that has ended: every object was read and evaluated, as far as it could be.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedSweep {
    /// The number of the sweep.
    pub sweep: u64,
    /// Why it was made, as a word.
    pub reason: &'static str,
    /// When it began.
    pub began_at: SystemTime,
    /// When it ended.
    pub ended_at: SystemTime,
    /// The number of objects that were read.
    pub objects: usize,
    /// True if every object that could be read has its result written with the number of the sweep,
    /// by this sink.
    pub is_complete: bool,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// The results of controls and frameworks over all objects.
    pub score: ClusterScore,
}

/// Why results were not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The fence is closed: this replica does not lead any more.
    #[error("not written: another replica may lead by now")]
    Fenced,
    /// The same call may succeed later.
    #[error("{0}")]
    Transient(String),
    /// The same call fails again.
    #[error("{0}")]
    Permanent(String),
    /// Some results were not kept, and the sink has said why. It knows their objects: a sweep is
    /// complete without them.
    #[error("{0}")]
    Partial(String),
}
