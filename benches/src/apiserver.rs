//! The time and CPU that policies and the webhook add to a create on a real API server. Each
//! variant is compared with a bare server that runs at the same time, so two control planes run at
//! once. Creates are sequential dry runs of the clean object, in alternating blocks.

use crate::{
    cluster::{Cluster, CreateOutcome},
    sample::{Nanos, Samples},
    subject::Object,
    table,
};
use std::{env, fs, path::Path, time::Instant};

/// The number of creates on each server before the first that is measured.
const WARM_UP_CREATES: u64 = 60;
/// The number of consecutive creates on one server, as on a busy server. Only the first of a block
/// finds the caches cold.
const BLOCK_CREATES: u64 = 10;
/// The namespace that the objects name.
const NAMESPACE: &str = "monitoring";
const PATH: &str = "/apis/apps/v1/namespaces/monitoring/deployments";

/// A server under measurement.
struct MeasuredServer {
    name: String,
    cluster: Cluster,
    times: Samples,
    /// The CPU time of all measured creates.
    cpu_nanos: u64,
}

/// Prints a row for each variant, `NAME=POLICIES.yaml` or the webhook, and one for the bare server
/// that ran beside it. The first variant is the unit of the others.
///
/// # Errors
/// A control plane does not start, rejects the policies, or denies the clean object.
pub fn run(
    controlplane: &str,
    kubevet: &str,
    clean: &Object,
    failing: &Object,
    policies: &[&str],
    creates: u64,
) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let directory =
        env::temp_dir().join(format!("kubevet-benches-clusters-{}", std::process::id()));
    let outcome = runtime.block_on(async {
        let mut first = None;
        for variant in policies.iter().copied().chain(["webhook"]) {
            let enforced =
                start(controlplane, kubevet, variant, &directory, &failing.bytes).await?;
            let bare = start(controlplane, kubevet, "bare", &directory, &failing.bytes).await?;
            let mut pair = [enforced, bare];
            measure(&mut pair, &clean.bytes, creates).await?;
            print(&pair, creates, &mut first);
        }
        Ok(())
    });
    let _ = fs::remove_dir_all(&directory);
    outcome
}

async fn start(
    controlplane: &str,
    kubevet: &str,
    variant: &str,
    parent: &Path,
    failing: &[u8],
) -> Result<MeasuredServer, String> {
    let (name, file) = variant.split_once('=').unwrap_or((variant, ""));
    let mut cluster =
        Cluster::start(controlplane, parent.join(name.replace(' ', "-")), NAMESPACE).await?;
    match (name, file) {
        ("bare", _) => {}
        (_, "") => cluster.add_webhook(kubevet)?,
        _ => cluster.kubectl(&["apply", "--server-side", "-f", file], "")?,
    }
    if name != "bare" {
        let message = cluster
            .until_denied(PATH, failing)
            .await
            .map_err(|error| format!("{name}: {error}"))?;
        cluster
            .until_type_checked()
            .await
            .map_err(|error| format!("{name}: {error}"))?;
        eprintln!(
            "{name} is enforced: {}",
            message.chars().take(200).collect::<String>()
        );
    }
    Ok(MeasuredServer {
        name: name.to_owned(),
        cluster,
        times: Samples::default(),
        cpu_nanos: 0,
    })
}

async fn measure(
    servers: &mut [MeasuredServer],
    object: &[u8],
    creates: u64,
) -> Result<(), String> {
    let count = servers.len();
    for round in 0..(WARM_UP_CREATES + creates).div_ceil(BLOCK_CREATES) {
        for turn in 0..count {
            // The order rotates, so that each server is first equally often.
            let index = (turn + usize::try_from(round).unwrap_or(0)) % count;
            let Some(server) = servers.get_mut(index) else {
                continue;
            };
            for _ in 0..BLOCK_CREATES {
                create(server, object, round * BLOCK_CREATES >= WARM_UP_CREATES).await?;
            }
        }
    }
    Ok(())
}

async fn create(
    server: &mut MeasuredServer,
    object: &[u8],
    is_measured: bool,
) -> Result<(), String> {
    let (cpu_before, begin) = (server.cluster.cpu_nanos(), Instant::now());
    let outcome = server.cluster.create(PATH, object).await;
    let elapsed_nanos = begin.elapsed().as_nanos();
    let cpu_nanos = server.cluster.cpu_nanos().saturating_sub(cpu_before);
    match outcome {
        Ok(CreateOutcome::Created) => {}
        Ok(CreateOutcome::Denied(message)) | Err(message) => {
            return Err(format!("{}: {message}", server.name));
        }
    }
    if is_measured {
        server
            .times
            .add([u64::try_from(elapsed_nanos).unwrap_or(u64::MAX)]);
        server.cpu_nanos += cpu_nanos;
    }
    Ok(())
}

/// The name of the first variant and the nanoseconds that it adds at the median.
type FirstVariant = Option<(String, f64)>;

fn print([enforced, bare]: &[MeasuredServer; 2], creates: u64, first: &mut FirstVariant) {
    let cpu = |server: &MeasuredServer| server.cpu_nanos as f64 / creates as f64;
    let added = enforced.times.quantile(0.5).0 - bare.times.quantile(0.5).0;
    let added_cpu = Nanos(cpu(enforced) - cpu(bare));
    let mut remarks = format!(
        "adds {} at p50, {} of CPU ({added_cpu} more than bare)",
        Nanos(added),
        Nanos(cpu(enforced))
    );
    match first {
        Some((name, first_added)) => {
            remarks += &format!("; adds {:.2} x what {name} adds", added / *first_added)
        }
        None => *first = Some((enforced.name.clone(), added)),
    }
    table::print_times(
        "create, dry run",
        &enforced.name,
        &enforced.times,
        None,
        &remarks,
    );
    table::print_times(
        "create, dry run",
        "bare, beside it",
        &bare.times,
        None,
        &format!("CPU {}", Nanos(cpu(bare))),
    );
}
