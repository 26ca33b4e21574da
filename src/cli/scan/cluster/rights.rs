//! `--dry-run`: the rights that a scan needs, and whether they are there.

use super::ClusterScan;
use crate::cli::{exit_status::ExitStatus, terminal};
use kubevet_cluster::{AccessQuestion, ApiResource, Cluster, ClusterError};
use kubevet_model::join_first;
use kubevet_operator::Reading;
use tokio::runtime::Runtime;

/// The most namespaces that are named.
const MAX_NAMESPACES: usize = 4;

/// Asks for each right, and prints the answers.
///
/// # Errors
/// The API server does not answer.
pub(super) fn print(
    command: &ClusterScan<'_>,
    runtime: &Runtime,
    cluster: &Cluster,
    reading: &Reading,
) -> anyhow::Result<ExitStatus> {
    let asker = Asker {
        runtime,
        cluster,
        verbs: if command.cluster.watch {
            &["list", "watch"]
        } else {
            &["list"]
        },
    };
    let mut lines = Vec::new();
    let mut missing = 0;
    let mut names = None;
    for (request, planned) in reading.request.resources.iter().zip(&reading.kinds) {
        let resource = &request.resource;
        let controls = planned.controls.len();
        let noun = if controls == 1 { "control" } else { "controls" };
        let explicit = &reading.request.namespaces;
        let answer = if explicit.is_empty() && asker.is_allowed(resource, None)? {
            Answer::Everywhere
        } else if !explicit.is_empty() {
            asker.in_namespaces(resource, explicit)?
        } else if resource.namespaced {
            let known = names.get_or_insert_with(|| runtime.block_on(cluster.namespace_names()));
            match known {
                Ok(names) => asker.in_namespaces(resource, names)?,
                Err(_) => asker.in_own_namespace(resource)?,
            }
        } else {
            Answer::Nowhere
        };
        missing += usize::from(!answer.is_whole());
        lines.push(format!(
            "{}  {} {}{}  for {controls} {noun}",
            answer.word(),
            asker.verbs.join(","),
            name(resource),
            answer.place(),
        ));
    }
    let total = lines.len();
    lines.push(match missing {
        0 => format!("all {total} rights are there"),
        _ => format!(
            "{missing} of {total} rights are missing, in whole or in part: `kubevet manifests scan-rbac` prints a \
             ClusterRole with all"
        ),
    });
    terminal::write_escaped(|out| {
        let mut lines = lines.iter();
        lines.try_for_each(|line| writeln!(out, "{line}"))
    })?;
    Ok(if missing == 0 || command.cluster.allow_partial {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

/// Where the objects of a resource may be listed.
enum Answer {
    Everywhere,
    Nowhere,
    /// In these namespaces, and not in the others.
    Partly {
        allowed: Vec<String>,
        refused: Vec<String>,
    },
}

impl Answer {
    fn is_whole(&self) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Nowhere => false,
            Self::Partly { refused, .. } => refused.is_empty(),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Partly { allowed, refused } if !allowed.is_empty() && !refused.is_empty() => {
                "partly "
            }
            _ if self.is_whole() => "allowed",
            _ => "missing",
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Everywhere | Self::Nowhere => String::new(),
            Self::Partly { allowed, refused } if refused.is_empty() => {
                format!(" in {}", join_first(allowed, MAX_NAMESPACES))
            }
            Self::Partly { refused, .. } => {
                format!(", not in {}", join_first(refused, MAX_NAMESPACES))
            }
        }
    }
}

struct Asker<'a> {
    runtime: &'a Runtime,
    cluster: &'a Cluster,
    verbs: &'a [&'a str],
}

impl Asker<'_> {
    fn is_allowed(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
    ) -> Result<bool, ClusterError> {
        for verb in self.verbs {
            let question = AccessQuestion {
                verb,
                resource,
                namespace,
            };
            if !self.runtime.block_on(self.cluster.is_allowed(question))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn in_namespaces(
        &self,
        resource: &ApiResource,
        names: &[String],
    ) -> Result<Answer, ClusterError> {
        let (mut allowed, mut refused) = (Vec::new(), Vec::new());
        for name in names {
            if self.is_allowed(resource, Some(name))? {
                allowed.push(name.clone());
            } else {
                refused.push(name.clone());
            }
        }
        Ok(if allowed.is_empty() {
            Answer::Nowhere
        } else {
            Answer::Partly { allowed, refused }
        })
    }
}

impl Asker<'_> {
    /// Asks for the namespace of the context alone, since the names of the others are not known.
    fn in_own_namespace(&self, resource: &ApiResource) -> Result<Answer, ClusterError> {
        let own = &self.cluster.server().namespace;
        Ok(if self.is_allowed(resource, Some(own))? {
            Answer::Partly {
                allowed: vec![own.clone()],
                refused: vec![format!("namespaces other than {own}")],
            }
        } else {
            Answer::Nowhere
        })
    }
}

/// Returns the name of a resource as kubectl prints it: `deployments.apps`.
fn name(resource: &ApiResource) -> String {
    match resource.kind.group.as_str() {
        "" => resource.plural.clone(),
        group => format!("{}.{group}", resource.plural),
    }
}
