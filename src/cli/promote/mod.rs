//! `kubevet promote BINDING`: shows what a binding would deny, and moves it from Audit to Warn to Deny
//! where that is nothing.
//!
//! | file | is |
//! |---|---|
//! | `evidence` | the counts as text (pure) |
//! | `watched` | denials after a promotion, and the way back |

mod evidence;
mod watched;

use super::{
    cluster_access::ClusterAccessFlags, duration::parse_duration, exit_status::ExitStatus, stderr,
    terminal,
};
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use kubevet_cluster::{self as cluster, Cluster, ReadBinding};
use kubevet_document::{YamlStyle, to_yaml};
use kubevet_model::{Action, count, join_first};
use kubevet_operator::{
    BindingState, Promotion, PromotionChange, PromotionOptions, part_name, plan_promotion,
    status_time,
};
use serde_json::json;
use std::{
    fmt::Write as _,
    io::{self, BufRead as _, IsTerminal as _, Read as _},
    time::{Duration, SystemTime},
};

/// The most namespaces that a line names.
const MAX_NAMED: usize = 20;
/// The longest answer that is read.
const MAX_ANSWER_CHARS: u64 = 16;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet promote nsa                      shows what nsa would deny, and asks before it moves it one step
  kubevet promote nsa --to Deny --dry-run  prints the bindings that this would make, for Git
  kubevet promote nsa --yes --watch        moves it, and back if more than 10 requests are denied in 15 minutes

The steps are Audit, Warn and Deny. If everything that the binding checks is clean, its own validationActions change. If
only some namespaces are, the binding NAME-clean is made for them: the same spec with the stronger action and the list of
these namespaces. Run it again when more namespaces are clean.

What the binding would deny is counted by `kubevet operator`, in status.wouldDeny of the binding; what it did with reviews
is counted by the gate, in status.reviews.

Exit status:
  0  promoted, or shown with --dry-run
  1  --watch moved it back
  2  not promoted")]
pub(super) struct PromoteCommand {
    /// The ControlBinding
    #[arg(value_name = "BINDING")]
    name: String,
    /// The action to move to [default: the next one]
    #[arg(long, value_enum, ignore_case = true, value_name = "ACTION")]
    to: Option<TargetArgument>,
    /// Print the bindings as they would be, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Refuse counts that are older
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = parse_duration)]
    max_age: Duration,
    /// Believe counts that are old or not complete
    #[arg(long)]
    force: bool,
    /// Stay, and move back if too many requests are denied
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// The most denied requests
    #[arg(long, value_name = "NUMBER", default_value_t = 10, requires = "watch")]
    max_denials: u64,
    /// How long they are counted
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = parse_duration, requires = "watch")]
    within: Duration,
    #[command(flatten)]
    access: ClusterAccessFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TargetArgument {
    #[value(name = "Warn")]
    Warn,
    #[value(name = "Deny")]
    Deny,
}

impl PromoteCommand {
    /// Shows, asks, and promotes.
    ///
    /// # Errors
    /// The binding is not promoted.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let access = self.access.api_access()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let cluster = cluster::connect(&access).await?;
            self.promote(&cluster).await
        })
    }

    async fn promote(&self, cluster: &Cluster) -> anyhow::Result<ExitStatus> {
        let name = &self.name;
        let Some(binding) = cluster.control_binding(name).await? else {
            bail!("the cluster has no ControlBinding {name}");
        };
        let part = cluster.control_binding(&part_name(name)).await?;
        let state = state_of(&binding);
        let now = SystemTime::now();
        let mut text = evidence::text(&state, now);
        let part_state = part.as_ref().map(state_of);
        let options = PromotionOptions {
            target: self.to.map(|to| match to {
                TargetArgument::Warn => Action::Warn,
                TargetArgument::Deny => Action::Deny,
            }),
            max_age: self.max_age,
            force: self.force,
        };
        let planned = plan_promotion(&state, part_state.as_ref(), &options, now);
        if let Ok(promotion) = &planned {
            text.push_str(&described(&state, promotion));
        }
        if self.dry_run {
            let promotion = planned?;
            text.lines().for_each(stderr::print_line);
            let yaml = yaml_of(&state, &promotion);
            terminal::write(None, |out| out.write_all(yaml.as_bytes()))?;
            return Ok(ExitStatus::Success);
        }
        terminal::write_escaped(|out| out.write_all(text.as_bytes()))?;
        let promotion = planned?;
        let is_denied = promotion.to.iter().any(|action| action == "Deny");
        if self.watch && !is_denied {
            bail!("--watch counts denials, and this is a step to Warn: leave it out");
        }
        if !self.yes && !confirmed()? {
            bail!("nothing was changed");
        }
        let before = Before {
            binding,
            part: part.filter(|_| matches!(promotion.change, PromotionChange::Part { .. })),
        };
        let changed = apply(cluster, &before, &promotion).await?;
        let state = if self.watch { "Watched" } else { "Promoted" };
        report(cluster, name, &promotion, state, 0, "").await;
        let line = format!("{}: {}\n", changed.name(), promotion.to.join(", "));
        terminal::write_escaped(|out| out.write_all(line.as_bytes()))?;
        if !self.watch {
            return Ok(ExitStatus::Success);
        }
        let limits = watched::Limits {
            max_denials: self.max_denials,
            within: self.within,
        };
        watched::watch(cluster, &before, &promotion, changed, &limits).await
    }
}

/// The bindings before a promotion.
struct Before {
    binding: ReadBinding,
    /// The binding for clean namespaces, if it is to be replaced.
    part: Option<ReadBinding>,
}

fn state_of(binding: &ReadBinding) -> BindingState {
    BindingState {
        name: binding.name().to_owned(),
        generation: binding.generation(),
        spec: binding.spec().clone(),
        status: binding.status().clone(),
    }
}

/// Makes the change. Returns the binding that was changed or created.
async fn apply(
    cluster: &Cluster,
    before: &Before,
    promotion: &Promotion,
) -> anyhow::Result<ReadBinding> {
    let changed = match (&promotion.change, &before.part) {
        (PromotionChange::Whole { spec }, _) => {
            cluster
                .replace_control_binding(&before.binding, spec.clone())
                .await
        }
        (PromotionChange::Part { spec, .. }, Some(part)) => {
            cluster.replace_control_binding(part, spec.clone()).await
        }
        (PromotionChange::Part { name, spec, .. }, None) => {
            cluster.create_control_binding(name, spec.clone()).await
        }
    };
    changed.context("nothing was changed")
}

/// Writes `status.promotion`. A status that cannot be written changes nothing else.
async fn report(
    cluster: &Cluster,
    name: &str,
    promotion: &Promotion,
    state: &str,
    denials: u64,
    message: &str,
) {
    let status = json!({
        "time": status_time(SystemTime::now()),
        "from": promotion.from.join(","),
        "to": promotion.to.join(","),
        "state": state,
        "denials": denials,
        "message": message,
    });
    if let Err(error) = cluster.apply_promotion(name, status).await {
        stderr::print_line(&format!("note: status.promotion is not written: {error}"));
    }
}

/// Describes what a promotion changes.
fn described(binding: &BindingState, promotion: &Promotion) -> String {
    let name = &binding.name;
    let (from, to) = (promotion.from.join(", "), promotion.to.join(", "));
    match &promotion.change {
        PromotionChange::Whole { .. } => format!(
            "\nthis changes the ControlBinding {name}: validationActions [{from}] becomes [{to}], in every namespace\n"
        ),
        PromotionChange::Part {
            name: part,
            namespaces,
            removed,
            is_for_cluster_scoped,
            is_new,
            ..
        } => {
            let verb = if *is_new { "creates" } else { "replaces" };
            let of = if *is_new {
                String::new()
            } else {
                format!(", validationActions [{from}] before")
            };
            let outside = if *is_for_cluster_scoped {
                "and of objects outside namespaces"
            } else {
                "and not of objects outside namespaces, since some would be denied"
            };
            let mut text = format!(
                "\nthis {verb} the ControlBinding {part}{of}: the spec of {name} with validationActions [{to}],\n\
                 in {}: {}\n{outside}; {name} stays as it is, for all others\n",
                count(namespaces.len(), "namespace"),
                join_first(namespaces, MAX_NAMED),
            );
            if !removed.is_empty() {
                let names = join_first(removed, MAX_NAMED);
                let _ = writeln!(
                    text,
                    "not in it any more, since they are not clean: {names}"
                );
            }
            text
        }
    }
}

/// Returns the binding that a promotion makes, as YAML.
fn yaml_of(binding: &BindingState, promotion: &Promotion) -> String {
    let (name, spec) = match &promotion.change {
        PromotionChange::Whole { spec } => (&binding.name, spec),
        PromotionChange::Part { name, spec, .. } => (name, spec),
    };
    let object = json!({
        "apiVersion": "kubevet.io/v1alpha1",
        "kind": "ControlBinding",
        "metadata": {"name": name},
        "spec": spec,
    });
    to_yaml(&object, &YamlStyle::BLOCK)
}

/// Asks on a terminal.
fn confirmed() -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("nothing was changed: --yes says that nobody has to be asked");
    }
    stderr::print_line("change it? [y/N]");
    let mut answer = String::new();
    io::stdin()
        .lock()
        .take(MAX_ANSWER_CHARS)
        .read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
