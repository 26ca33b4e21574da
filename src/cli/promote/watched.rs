//! After a promotion to Deny: the requests that the gate denies by the promoted binding are counted, and
//! the promotion is taken back if there are too many.
//!
//! All replicas of the gate add their denials to `status.reviews` of the binding, so this needs none of
//! them. The binding denies only where everything was clean when it was promoted: each denial is of an
//! object that was clean, or is new.

use super::{Before, report, state_of};
use crate::cli::{exit_status::ExitStatus, stderr, terminal};
use anyhow::{Context as _, bail};
use kubevet_cluster::{Cluster, EventRecord, EventSubject, ReadBinding};
use kubevet_model::count;
use kubevet_operator::Promotion;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause between two looks at the binding.
const POLL_PAUSE: Duration = Duration::from_secs(2);
/// The time within which an Event is written.
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);

/// When a promotion is taken back.
pub(super) struct Limits {
    /// The most denied requests.
    pub(super) max_denials: u64,
    /// How long they are counted.
    pub(super) within: Duration,
}

/// Watches the denials of a promoted binding.
///
/// # Errors
/// The binding cannot be read for long, is changed by somebody else, or cannot be changed back.
pub(super) async fn watch(
    cluster: &Cluster,
    before: &Before,
    promotion: &Promotion,
    changed: ReadBinding,
    limits: &Limits,
) -> anyhow::Result<ExitStatus> {
    let name = before.binding.name();
    stderr::print_line(&format!(
        "note: watching {} for {}: it is moved back after more than {}",
        changed.name(),
        humantime::format_duration(limits.within),
        count(
            usize::try_from(limits.max_denials).unwrap_or(usize::MAX),
            "denied request"
        ),
    ));
    let until = Instant::now() + limits.within;
    let mut denials = 0;
    loop {
        match cluster.control_binding(changed.name()).await {
            Ok(Some(now))
                if now.uid() != changed.uid() || now.generation() != changed.generation() =>
            {
                bail!(
                    "{} was changed by somebody else: it is not watched any more",
                    changed.name()
                );
            }
            Ok(Some(now)) => {
                denials = state_of(&now).denied_requests();
                if denials > limits.max_denials {
                    return revert(cluster, before, promotion, &now, denials, limits).await;
                }
            }
            Ok(None) => bail!("{} is gone: it is not watched any more", changed.name()),
            Err(error) if Instant::now() >= until => return Err(error.into()),
            Err(error) => stderr::print_line(&format!("note: {error}; trying again")),
        }
        if Instant::now() >= until {
            break;
        }
        sleep(POLL_PAUSE.min(until.saturating_duration_since(Instant::now()))).await;
    }
    let message = format!("{} stays: {denials} requests were denied", changed.name());
    report(cluster, name, promotion, "Kept", denials, &message).await;
    terminal::write_escaped(|out| writeln!(out, "{message}"))?;
    Ok(ExitStatus::Success)
}

/// Takes a promotion back, and tells it.
async fn revert(
    cluster: &Cluster,
    before: &Before,
    promotion: &Promotion,
    now: &ReadBinding,
    denials: u64,
    limits: &Limits,
) -> anyhow::Result<ExitStatus> {
    let name = before.binding.name();
    let reverted = match &before.part {
        Some(part) => {
            let spec = part.spec().clone();
            let replaced = cluster.replace_control_binding(now, spec).await;
            replaced.map(|_| ())
        }
        None if now.name() == name => {
            let spec = before.binding.spec().clone();
            let replaced = cluster.replace_control_binding(now, spec).await;
            replaced.map(|_| ())
        }
        None => cluster.delete_control_binding(now).await,
    };
    reverted.with_context(|| format!("{} still denies: it could not be moved back", now.name()))?;
    let message = format!(
        "{} was moved back: {denials} requests were denied within {}, and {} were allowed",
        now.name(),
        humantime::format_duration(limits.within),
        limits.max_denials,
    );
    report(cluster, name, promotion, "Reverted", denials, &message).await;
    let events = cluster.start_event_writer("kubevet.io/promote", "kubevet-promote");
    events.record(EventRecord {
        subject: EventSubject {
            api_version: "kubevet.io/v1alpha1".to_owned(),
            kind: "ControlBinding".to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
            uid: before.binding.uid().to_owned(),
        },
        related: None,
        control: String::new(),
        reason: "PromotionReverted",
        action: "Promotion",
        message: message.clone(),
        is_warning: true,
    });
    events.flush(EVENT_TIMEOUT).await;
    if events.dropped() > 0 {
        stderr::print_line("note: the Event about it could not be written");
    }
    terminal::write_escaped(|out| writeln!(out, "{message}"))?;
    Ok(ExitStatus::Negative)
}
