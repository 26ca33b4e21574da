//! What is in force: library and bindings, read anew when they change and swapped whole. What is broken never takes the
//! place of what works.

use crate::cli::policy_flags::{EnforcementConfig, EnforcementFlags};
use arc_swap::ArcSwap;
use kubevet_cluster::{BindingCondition, Cluster, Installation, LOST_REASON, StoredBinding};
use kubevet_document::{self as document, Limits};
use kubevet_model::{Action, Problem};
use kubevet_policy::{self as policy, Binding, Library};
use kubevet_webhook::{PolicySnapshot, WebhookMetrics};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tracing::{error, info, warn};

/// Problems that are logged of one reading.
const SAID: usize = 50;

/// The library, the bindings, and what they come to.
pub(super) struct LiveConfig {
    flags: Arc<EnforcementFlags>,
    loaded: EnforcementConfig,
    fingerprint: u64,
    /// What changed files held when they were last looked at: they are read when they stood still for a look.
    pending: Option<u64>,
    cluster: Option<Cluster>,
    /// Whose webhooks ask, where that is known.
    install: Option<Installation>,
    /// The cluster's bindings as they stand there.
    stored: Arc<[StoredBinding]>,
    /// The last good form of each, by name and uid.
    good: BTreeMap<(String, String), Binding>,
    exempt: BTreeSet<String>,
    generation: u64,
    /// Bindings that were in force before this start, are broken, and have no form that can be read.
    lost: Vec<String>,
    /// Of the library and the folder as they were last read.
    problems: usize,
    pub(super) gate: Arc<ArcSwap<PolicySnapshot>>,
    metrics: Arc<WebhookMetrics>,
}

impl LiveConfig {
    pub(super) fn new(
        flags: Arc<EnforcementFlags>,
        loaded: EnforcementConfig,
        cluster: Option<Cluster>,
        install: Option<Installation>,
        exempt: BTreeSet<String>,
        metrics: Arc<WebhookMetrics>,
    ) -> Self {
        let fingerprint = flags.metadata_fingerprint();
        let bindings = loaded.bindings.clone().unwrap_or_default();
        let accepted = bindings.len();
        let gate = Arc::new(ArcSwap::from_pointee(loaded.snapshot(
            bindings,
            exempt.clone(),
            1,
        )));
        metrics.set_state(1, 0, accepted, 0);
        let good = BTreeMap::new();
        let (stored, lost) = (Arc::from([]), Vec::new());
        Self {
            flags,
            loaded,
            fingerprint,
            pending: None,
            cluster,
            install,
            lost,
            stored,
            good,
            exempt,
            generation: 1,
            problems: 0,
            gate,
            metrics,
        }
    }

    /// Reads library and bindings where a file has changed and stood still since the last look, or whenever `forced`. A
    /// file that is half written may be valid, and say less than the whole.
    pub(super) async fn look(&mut self, forced: bool) {
        let (flags, known) = (Arc::clone(&self.flags), self.fingerprint);
        let look = move || {
            let fingerprint = flags.metadata_fingerprint();
            (
                fingerprint,
                (fingerprint != known && !forced).then(|| flags.content_fingerprint()),
            )
        };
        let Ok((fingerprint, contents)) = tokio::task::spawn_blocking(look).await else {
            return;
        };
        let still = contents.is_some() && contents == self.pending;
        self.pending = contents;
        if !still && !forced {
            return;
        }
        self.pending = None;
        self.fingerprint = fingerprint;
        let (flags, cluster) = (Arc::clone(&self.flags), self.cluster.is_some());
        let read = tokio::task::spawn_blocking(move || flags.load(cluster)).await;
        let Ok((loaded, problems)) = read else {
            error!("the library could not be read: reading it broke down; what was in force stays");
            return self.keep(1);
        };
        if problems.is_empty() {
            self.loaded = loaded;
            self.problems = 0;
            self.apply().await;
        } else {
            for problem in problems.iter().take(SAID) {
                error!("{problem}");
            }
            error!(
                "{} problems in what changed: the library and the bindings that were in force stay",
                problems.len()
            );
            self.keep(problems.len());
        }
    }

    /// Says that what was read last has problems, and what was in force stays.
    fn keep(&mut self, problems: usize) {
        self.problems = problems;
        let (accepted, refused) = self.counts();
        self.metrics
            .set_state(self.generation, self.problems, accepted, refused);
    }

    /// Takes the cluster's bindings.
    pub(super) async fn take(&mut self, stored: Arc<[StoredBinding]>) {
        self.stored = stored;
        self.apply().await;
    }

    fn counts(&self) -> (usize, usize) {
        let stored = self.stored.len();
        let folder = self.loaded.bindings.as_ref().map_or(0, Vec::len);
        let accepted = self
            .stored
            .iter()
            .filter(|it| self.good.contains_key(&key(it)))
            .count();
        (accepted + folder, stored - accepted)
    }

    /// # Errors
    /// Names the bindings that were in force before this start and are not: whoever is not ready stops a rollout.
    pub(super) fn complete(&self) -> Result<(), String> {
        match self.lost.as_slice() {
            [] => Ok(()),
            names => Err(format!(
                "in force before, and cannot be read now: {}",
                names.join(", ")
            )),
        }
    }

    async fn apply(&mut self) {
        let mut bindings = self.loaded.bindings.clone().unwrap_or_default();
        let mut refused = 0;
        let mut good = BTreeMap::new();
        let mut told = Vec::new();
        self.lost.clear();
        for stored in self.stored.iter() {
            let (kept, condition, last_good) =
                match read(stored, &stored.json, &self.loaded.library) {
                    Ok(binding) => {
                        let condition = accepted(&binding);
                        (Some(binding), condition, spec(stored))
                    }
                    Err(faults) => {
                        refused += 1;
                        let last = self.good.get(&key(stored)).cloned();
                        let last = last.or_else(|| before(stored, &self.loaded.library));
                        warn!(
                            binding = stored.name,
                            "the binding is refused: {}",
                            sentence(&faults)
                        );
                        let lost = last.is_none() && stored.history.was_in_force;
                        if lost {
                            error!(
                                binding = stored.name,
                                "it was in force before, and no form of it can be read"
                            );
                            self.lost.push(stored.name.clone());
                        }
                        let condition = not_accepted(&faults, last.is_some(), lost);
                        (last, condition, None)
                    }
                };
            let denies = kept
                .as_ref()
                .is_some_and(|it| it.actions.contains(&Action::Deny));
            if let Some(binding) = kept {
                bindings.push(binding.clone());
                good.insert(key(stored), binding);
            }
            told.push(Told {
                name: stored.name.clone(),
                generation: stored.generation,
                condition,
                denies,
                last_good,
            });
        }
        self.good = good;
        self.generation += 1;
        let accepted = bindings.len();
        let exempt = self.exempt.clone();
        self.gate.store(Arc::new(self.loaded.snapshot(
            bindings,
            exempt,
            self.generation,
        )));
        self.metrics
            .set_state(self.generation, self.problems, accepted, refused);
        info!(
            generation = self.generation,
            bindings = accepted,
            refused,
            "library and bindings are in force"
        );
        self.tell(told).await;
    }

    async fn tell(&self, told: Vec<Told>) {
        let Some(cluster) = &self.cluster else { return };
        let lets_through = self.lets_through(cluster).await;
        for Told {
            name,
            generation,
            mut condition,
            denies,
            last_good,
        } in told
        {
            if denies && let Some(words) = &lets_through {
                condition.message.push_str(words);
            }
            let written = cluster
                .set_binding_status(&name, generation, &[condition], last_good.as_deref())
                .await;
            if let Err(error) = written {
                warn!(binding = name, "its status cannot be written: {error}");
            }
        }
    }

    /// What the API server lets through while nobody answers, as the end of a sentence.
    async fn lets_through(&self, cluster: &Cluster) -> Option<String> {
        match cluster.fail_open_webhooks(self.install.as_ref()?).await {
            Ok(webhooks) if webhooks.is_empty() => None,
            Ok(webhooks) => Some(format!(
                "; while kubevet does not answer, the API server lets requests through unjudged: {}",
                webhooks.join(", ")
            )),
            Err(error) => {
                warn!(
                    "it cannot be known what the API server lets through while kubevet does not answer: {error}"
                );
                None
            }
        }
    }
}

/// What a binding is told about itself.
struct Told {
    name: String,
    generation: i64,
    condition: BindingCondition,
    /// Whether what is in force of it refuses requests.
    denies: bool,
    /// The form to keep for a start that finds it broken.
    last_good: Option<String>,
}

fn key(stored: &StoredBinding) -> (String, String) {
    (stored.name.clone(), stored.uid.clone())
}

fn read(stored: &StoredBinding, json: &[u8], library: &Library) -> Result<Binding, Vec<Problem>> {
    let file = Arc::from(format!("ControlBinding {}", stored.name));
    let reading = document::read_json(&file, json, &Limits::default());
    match reading.documents.first() {
        Some(document) if reading.problems.is_empty() => policy::read_binding(document, library),
        _ => Err(reading.problems),
    }
}

/// The last good form that an earlier process left in the status, where it can still be read.
fn before(stored: &StoredBinding, library: &Library) -> Option<Binding> {
    let spec: Value = serde_json::from_str(stored.history.last_good.as_deref()?).ok()?;
    let object = json!({
        "apiVersion": "kubevet.io/v1alpha1",
        "kind": "ControlBinding",
        "metadata": {"name": stored.name},
        "spec": spec,
    });
    read(stored, object.to_string().as_bytes(), library).ok()
}

/// The `spec` of a binding, as JSON.
fn spec(stored: &StoredBinding) -> Option<String> {
    let object: Value = serde_json::from_slice(&stored.json).ok()?;
    object.get("spec").map(ToString::to_string)
}

fn accepted(binding: &Binding) -> BindingCondition {
    let actions: Vec<&str> = binding.actions.iter().rev().map(|it| it.name()).collect();
    let count = binding.controls.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut message = format!("covers {count} control{plural}; {}", actions.join(", "));
    if !binding.match_resources.object_selector.is_empty() {
        message.push_str(
            "; whoever labels an object decides whether it is judged, and Pods of owners that are already there are \
             treated as new (objectSelector)",
        );
    }
    if binding.actions.contains(&Action::Deny) && misses_owners(binding) {
        message.push_str(
            "; its rules take pods and not replicasets, so Pods of Deployments that are already there will be denied",
        );
    }
    BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(true),
        reason: "InForce".to_owned(),
        message,
    }
}

/// Whether Pods are looked at and their usual owners are not.
fn misses_owners(binding: &Binding) -> bool {
    let takes = |group: &str, resource: &str| {
        binding
            .match_resources
            .matches_rules(&kubevet_k8s::matching::Attributes {
                operation: kubevet_model::Operation::Create,
                group,
                version: "v1",
                resource,
                subresource: "",
                name: "",
                namespace: "default",
                labels: None,
                old_labels: None,
            })
    };
    takes("", "pods") && !takes("apps", "replicasets")
}

fn not_accepted(faults: &[Problem], last_good: bool, lost: bool) -> BindingCondition {
    let (reason, rest) = match (last_good, lost) {
        (true, _) => ("Invalid", "; the last good form stays in force"),
        (_, true) => (
            LOST_REASON,
            "; nothing of it is in force although it was: a kubevet that starts is not ready until it is mended",
        ),
        _ => ("Invalid", "; nothing of it is in force"),
    };
    BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(false),
        reason: reason.to_owned(),
        message: format!("{}{rest}", sentence(faults)),
    }
}

fn sentence(faults: &[Problem]) -> String {
    let mut messages: Vec<&str> = faults.iter().map(|it| it.message.as_str()).collect();
    messages.dedup();
    messages.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use kubevet_cluster::BindingHistory;
    use prometheus_client::{encoding::text::encode, registry::Registry};
    use std::fs;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        gate: EnforcementFlags,
    }

    fn stored(name: &str, spec: &str, before: BindingHistory) -> StoredBinding {
        let json = format!(
            r#"{{"apiVersion":"kubevet.io/v1alpha1","kind":"ControlBinding","metadata":{{"name":"{name}"}},"spec":{spec}}}"#
        );
        StoredBinding {
            name: name.to_owned(),
            uid: "u".to_owned(),
            generation: 2,
            json: json.into_bytes().into(),
            history: before,
        }
    }

    /// A start that finds a binding broken takes its last good form, or is not ready.
    #[tokio::test]
    async fn a_broken_binding_keeps_its_last_good_form_over_a_restart() {
        const GOOD: &str = r#"{"validationActions":["Deny"],"controls":["C-0057"]}"#;
        const GONE: &str = r#"{"validationActions":["Deny"],"controls":["C-9999"]}"#;
        let kept = |last_good: Option<&str>, was_in_force| BindingHistory {
            last_good: last_good.map(Arc::from),
            was_in_force,
        };
        for (spec, before, in_force, complete) in [
            (GOOD, kept(None, false), true, true),
            (GONE, kept(Some(GOOD), true), true, true),
            (GONE, kept(Some(GONE), true), false, false),
            (GONE, kept(Some("{"), true), false, false),
            (GONE, kept(None, true), false, false),
            // One that was never good has nothing to lose.
            (GONE, kept(None, false), false, true),
        ] {
            let flags = Flags::parse_from(["kubevet"]);
            let (loaded, _) = flags.gate.load(true);
            let metrics = Arc::new(WebhookMetrics::new(
                &mut Registry::default(),
                BTreeSet::new(),
            ));
            let mut it = LiveConfig::new(
                Arc::new(flags.gate),
                loaded,
                None,
                None,
                BTreeSet::new(),
                metrics,
            );
            it.take(Arc::from([stored("strict", spec, before.clone())]))
                .await;
            let gate = it.gate.load();
            let denies = gate
                .enforcement
                .bindings
                .iter()
                .any(|it| it.name == "strict" && it.actions.contains(&Action::Deny));
            assert_eq!(
                (denies, it.complete().is_ok()),
                (in_force, complete),
                "{spec} {before:?}"
            );
        }
    }

    /// A file that is being written is not taken, however often it is looked at.
    #[tokio::test]
    async fn a_changed_file_is_read_once_it_stood_still() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("inputs.json");
        fs::write(&config, "{}").unwrap();
        let flags = Flags::parse_from(["kubevet", "--controls-config", config.to_str().unwrap()]);
        let (loaded, _) = flags.gate.load(true);
        let metrics = Arc::new(WebhookMetrics::new(
            &mut Registry::default(),
            BTreeSet::new(),
        ));
        let mut in_force = LiveConfig::new(
            Arc::new(flags.gate),
            loaded,
            None,
            None,
            BTreeSet::new(),
            metrics,
        );
        for (text, forced, generation) in [
            (None, false, 1),
            (Some(r#"{"insecureCapabilities": ["A"]}"#), false, 1),
            (Some(r#"{"insecureCapabilities": ["A", "B"]}"#), false, 1),
            (
                Some(r#"{"insecureCapabilities": ["A", "B", "C"]}"#),
                false,
                1,
            ),
            (None, false, 2),
            (None, false, 2),
            (Some(r#"{"insecureCapabilities": ["D"]}"#), true, 3),
            (None, false, 3),
        ] {
            if let Some(text) = text {
                fs::write(&config, text).unwrap();
            }
            in_force.look(forced).await;
            assert_eq!(in_force.generation, generation, "{text:?}");
        }
    }

    /// What is broken in a file stays counted until it is mended, whatever the cluster changes meanwhile.
    #[tokio::test]
    async fn a_broken_file_stays_broken_when_bindings_change() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("inputs.json");
        fs::write(&config, "{}").unwrap();
        let flags = Flags::parse_from(["kubevet", "--controls-config", config.to_str().unwrap()]);
        let (loaded, problems) = flags.gate.load(true);
        assert_eq!(problems, []);
        let mut registry = Registry::default();
        let metrics = Arc::new(WebhookMetrics::new(&mut registry, BTreeSet::new()));
        let mut in_force = LiveConfig::new(
            Arc::new(flags.gate),
            loaded,
            None,
            None,
            BTreeSet::new(),
            metrics,
        );
        let check = |expected: &str| {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        };
        check("kubevet_library_problems 0");
        fs::write(&config, "{\"noSuchParam\": []}").unwrap();
        in_force.look(true).await;
        check("kubevet_library_problems 1");
        in_force.take(Arc::from([])).await;
        check("kubevet_library_problems 1");
        check("kubevet_library_generation 2");
        fs::write(&config, "{}").unwrap();
        in_force.look(true).await;
        check("kubevet_library_problems 0");
    }
}
