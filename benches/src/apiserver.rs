//! What policies and the webhook add to a create on a real API server. Each stands beside a bare one, two control planes
//! at a time; creates are dry runs of the clean object, one after the other, a few on each in turns.

use crate::{
    cluster::{Answer, Cluster},
    contestant::Object,
    sample::{Nanos, Samples},
    table,
};
use std::{env, fs, path::Path, time::Instant};

/// Creates on each before any is measured.
const WARM: u64 = 60;
/// Creates on each in its turn, as on a server that is at work; the first after the others' turns finds cold caches.
const BLOCK: u64 = 10;
/// Where the objects are created. They name the namespace themselves.
const NAMESPACE: &str = "monitoring";
const PATH: &str = "/apis/apps/v1/namespaces/monitoring/deployments";

struct Measured {
    name: String,
    cluster: Cluster,
    times: Samples,
    cpu: u64,
}

/// Prints a row for each `NAME=POLICIES.yaml` and for the webhook, and one for the bare server beside it. The first
/// policies are what the others are compared with.
///
/// # Errors
/// A control plane does not start, does not take the policies, or denies the clean object.
pub fn run(
    controlplane: &str,
    kubevet: &str,
    clean: &Object,
    failing: &Object,
    policies: &[&str],
    creates: u64,
) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|it| it.to_string())?;
    let folder = env::temp_dir().join(format!("kubevet-benches-clusters-{}", std::process::id()));
    let outcome = runtime.block_on(async {
        let mut first = None;
        for variant in policies.iter().copied().chain(["webhook"]) {
            let judged = start(controlplane, kubevet, variant, &folder, &failing.bytes).await?;
            let bare = start(controlplane, kubevet, "bare", &folder, &failing.bytes).await?;
            let mut pair = [judged, bare];
            measure(&mut pair, &clean.bytes, creates).await?;
            print(&pair, creates, &mut first);
        }
        Ok(())
    });
    let _ = fs::remove_dir_all(&folder);
    outcome
}

async fn start(
    controlplane: &str,
    kubevet: &str,
    variant: &str,
    at: &Path,
    failing: &[u8],
) -> Result<Measured, String> {
    let (name, file) = variant.split_once('=').unwrap_or((variant, ""));
    let mut cluster =
        Cluster::start(controlplane, at.join(name.replace(' ', "-")), NAMESPACE).await?;
    match (name, file) {
        ("bare", _) => {}
        (_, "") => cluster.add_gate(kubevet)?,
        _ => cluster.kubectl(&["apply", "--server-side", "-f", file], "")?,
    }
    if name != "bare" {
        let why = cluster
            .until_denied(PATH, failing)
            .await
            .map_err(|it| format!("{name}: {it}"))?;
        cluster
            .until_type_checked()
            .await
            .map_err(|it| format!("{name}: {it}"))?;
        eprintln!(
            "{name} is obeyed: {}",
            why.chars().take(200).collect::<String>()
        );
    }
    Ok(Measured {
        name: name.to_owned(),
        cluster,
        times: Samples::default(),
        cpu: 0,
    })
}

async fn measure(all: &mut [Measured], object: &[u8], creates: u64) -> Result<(), String> {
    let count = all.len();
    for round in 0..(WARM + creates).div_ceil(BLOCK) {
        for turn in 0..count {
            // Each is the first as often as any other.
            let place = (turn + usize::try_from(round).unwrap_or(0)) % count;
            let Some(it) = all.get_mut(place) else {
                continue;
            };
            for _ in 0..BLOCK {
                create(it, object, round * BLOCK >= WARM).await?;
            }
        }
    }
    Ok(())
}

async fn create(on: &mut Measured, object: &[u8], counts: bool) -> Result<(), String> {
    let (cpu, begin) = (on.cluster.cpu(), Instant::now());
    let answer = on.cluster.create(PATH, object).await;
    let took = begin.elapsed().as_nanos();
    let cpu = on.cluster.cpu().saturating_sub(cpu);
    match answer {
        Ok(Answer::Created) => {}
        Ok(Answer::Denied(why)) | Err(why) => return Err(format!("{}: {why}", on.name)),
    }
    if counts {
        on.times.add([u64::try_from(took).unwrap_or(u64::MAX)]);
        on.cpu += cpu;
    }
    Ok(())
}

/// What the first variant is and adds.
type First = Option<(String, f64)>;

fn print([judged, bare]: &[Measured; 2], creates: u64, first: &mut First) {
    let cpu = |it: &Measured| it.cpu as f64 / creates as f64;
    let added = judged.times.at(0.5).0 - bare.times.at(0.5).0;
    let more = Nanos(cpu(judged) - cpu(bare));
    let mut remarks = format!(
        "adds {} at p50, {} of CPU ({more} more than bare)",
        Nanos(added),
        Nanos(cpu(judged))
    );
    match first {
        Some((name, least)) => {
            remarks += &format!("; adds {:.2} x what {name} adds", added / *least)
        }
        None => *first = Some((judged.name.clone(), added)),
    }
    table::times(
        "create, dry run",
        &judged.name,
        &judged.times,
        None,
        &remarks,
    );
    table::times(
        "create, dry run",
        "bare, beside it",
        &bare.times,
        None,
        &format!("CPU {}", Nanos(cpu(bare))),
    );
}
