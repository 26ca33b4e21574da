//! The chosen controls of an operator: loaded at the start, and again when their files change.

use super::operator_flags::OperatorSettings;
use crate::cli::{
    file_fingerprint::{self, FileChanges},
    scan::{Selected, SelectionFlags, is_in_scope},
    session::Session,
};
use anyhow::bail;
use kubevet_model::{Control, Problem, Scope};
use kubevet_operator::EvaluationPolicy;
use kubevet_policy::Library;
use kubevet_scan::SchemaChecks;
use kubevet_validation::SchemaOptions;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tracing::error;

/// The most problems of one reload that are logged.
const MAX_LOGGED_PROBLEMS: usize = 50;

/// Loads the library and the params, and compiles the chosen controls. Returns all problems, too: if
/// there are any, nothing of it should be used.
///
/// # Errors
/// A control or framework is unknown.
pub(super) fn load(
    settings: &OperatorSettings,
) -> anyhow::Result<(EvaluationPolicy, Vec<Problem>)> {
    let (library, problems) = settings.library.load();
    let scope = Scope::Cluster;
    let selected = match Selected::new(None, &settings.flags.choice, None, scope, &library) {
        Ok(selected) => selected,
        // A name may be unknown because its file did not load.
        Err(error) if problems.is_empty() => return Err(error),
        Err(error) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(error.context(problems.join("\nerror: ")));
        }
    };
    Ok(compile(library, problems, selected))
}

/// Loads the library, and compiles the controls of some frameworks; without one, those of the operator.
/// The names come from the cluster: they name no files.
///
/// # Errors
/// A framework is unknown, or the library has problems.
pub(super) fn load_frameworks(
    settings: &OperatorSettings,
    names: &[String],
) -> anyhow::Result<EvaluationPolicy> {
    let (policy, problems) = if names.is_empty() {
        load(settings)?
    } else {
        let (library, problems) = settings.library.load();
        let mut known = Vec::new();
        for name in names {
            let found = library.framework(name);
            let Some(found) = found.or_else(|| library.newest_framework(name)) else {
                let nearest = library.suggest_framework(name);
                bail!("no framework is called `{name}`{nearest}");
            };
            known.push(found.name.clone());
        }
        let choice = SelectionFlags::of_frameworks(known);
        let selected = Selected::new(None, &choice, None, Scope::Cluster, &library)?;
        compile(library, problems, selected)
    };
    match problems.first() {
        Some(problem) => bail!("the library of the operator has a problem: {problem}"),
        None => Ok(policy),
    }
}

/// Compiles the chosen controls.
fn compile(
    mut library: Library,
    problems: Vec<Problem>,
    selected: Selected,
) -> (EvaluationPolicy, Vec<Problem>) {
    let scope = Scope::Cluster;
    let is_selected =
        |control: &Control| selected.controls.contains(&control.id) && is_in_scope(control, scope);
    library
        .controls
        .retain(|source| is_selected(&source.control));
    library
        .builtins
        .retain(|builtin| is_selected(&builtin.control));
    let Session {
        library,
        engine,
        problems,
    } = Session::compile(library, problems);
    engine.compile_patterns();
    let policy = EvaluationPolicy {
        engine: Arc::new(engine),
        params: library.params.defaults(),
        controls: library.metadata(),
        schema: SchemaChecks {
            options: SchemaOptions::default(),
            controls: library.builtins,
        },
        frameworks: selected.frameworks,
    };
    (policy, problems)
}

/// The files of the library and the params.
pub(super) struct LibraryFiles {
    settings: Arc<OperatorSettings>,
    changes: FileChanges,
}

impl LibraryFiles {
    /// `fingerprint` is that of the files before they were read.
    pub(super) fn new(settings: Arc<OperatorSettings>, fingerprint: u64) -> Self {
        Self {
            settings,
            changes: FileChanges::since(fingerprint),
        }
    }

    /// Loads library and params if a file has changed and has not changed again since the last poll,
    /// or if `forced`. `None` if there is nothing new, or it is broken: what is in use stays.
    pub(super) async fn poll(&mut self, forced: bool) -> Option<EvaluationPolicy> {
        let (settings, mut changes) = (Arc::clone(&self.settings), self.changes.clone());
        let polled = spawn_blocking(move || {
            let is_settled = if forced {
                changes.accept(file_fingerprint::of_metadata(settings.library.paths()));
                true
            } else {
                changes.poll(|| settings.library.paths())
            };
            (changes, is_settled.then(|| load(&settings)))
        });
        let Ok((changes, loaded)) = polled.await else {
            error!("reading the library failed unexpectedly: the previous library stays in use");
            return None;
        };
        self.changes = changes;
        match loaded? {
            Ok((policy, problems)) if problems.is_empty() => Some(policy),
            Ok((_, problems)) => {
                for problem in problems.iter().take(MAX_LOGGED_PROBLEMS) {
                    error!("{problem}");
                }
                error!(
                    problems = problems.len(),
                    "changed files have problems: the previous library and params stay in use"
                );
                None
            }
            Err(error) => {
                error!("{error:#}: the previous library and params stay in use");
                None
            }
        }
    }
}
