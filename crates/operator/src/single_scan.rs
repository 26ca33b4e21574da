//! One reading of objects with its score, beside the running operator: of each object a record stays,
//! as in the operator, and no finding.

use super::{
    pass::Pass,
    policy::EvaluationPolicy,
    reading::{Reading, ReadingOptions},
    records::{Arrival, Records},
    watches::uid_of,
};
use kubevet_cluster::{Cluster, ClusterError, ReadEvent};
use kubevet_document::Node;
use kubevet_model::{Origin, Unread};
use kubevet_scan::{
    ClusterScore, Freshness, Placement, ReportedObjects, ScoredControls, score_verdicts,
};
use tokio::task::block_in_place;

/// What a reading has found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SingleScan {
    /// The number of objects that were read.
    pub objects: usize,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// The results of controls and frameworks.
    pub score: ClusterScore,
}

/// Reads and evaluates the objects that the options name. `progress` gets the number of objects so far.
/// It needs a runtime of several threads.
///
/// # Errors
/// The resources of the cluster are not known.
pub async fn scan_once(
    cluster: &Cluster,
    policy: &EvaluationPolicy,
    options: &ReadingOptions,
    mut progress: impl FnMut(usize),
) -> Result<SingleScan, ClusterError> {
    let resources = cluster.discover().await?;
    let reading = Reading::new(options, &resources, &policy.controls, &policy.engine);
    let mut reported = ReportedObjects::default();
    reported.set_kinds(reading.kind_set());
    reported.begin_reading();
    let mut records = Records::default();
    let mut pass = Pass::begin(cluster, reading, None, Vec::new());
    while let Some(event) = pass.events.recv().await {
        let (resource, objects) = match event {
            ReadEvent::Page { resource, objects } => (resource, objects),
            ReadEvent::Listed(_) => continue,
            failure => {
                pass.reading.record_failure(&failure, &mut pass.unread);
                continue;
            }
        };
        let Some(kind) = pass.reading.kind(resource) else {
            continue;
        };
        for object in &objects {
            let namespace = object.root().get("metadata");
            let namespace = namespace.and_then(|metadata| metadata.get("namespace"));
            records.arrive(Arrival {
                uid: uid_of(object).unwrap_or_default(),
                version: 0,
                kind,
                namespace: namespace.and_then(Node::as_str).unwrap_or_default(),
                reading: 1,
            });
        }
        let results = block_in_place(|| policy.evaluator().evaluate_all(&objects));
        for (object, result) in objects.iter().zip(results) {
            place(
                &mut records,
                reported.add(object, result, Freshness::Current),
            );
        }
        pass.objects += objects.len();
        progress(pass.objects);
    }
    place(&mut records, reported.settle_all());
    let unread = pass.unread.clone().into_unread(&policy.controls);
    let scored = ScoredControls {
        controls: &policy.controls,
        frameworks: &policy.frameworks,
        params: &policy.params,
        unread: &unread,
        kinds: &records.reported_kinds(),
    };
    let score = score_verdicts(scored, records.verdicts());
    Ok(SingleScan {
        objects: pass.objects,
        unread,
        score,
    })
}

/// Records what became of objects.
fn place(records: &mut Records, placements: Vec<Placement>) {
    for placement in placements {
        match placement {
            Placement::Reported(result) => {
                if let Origin::Cluster { uid, .. } = &result.origin {
                    records.report(uid, &result, 1);
                }
            }
            Placement::LeftOut(uid) => {
                records.leave_out(&uid);
            }
        }
    }
}
