//! The flags that select what the webhook enforces: library, params and bindings. `serve` and
//! `review` load them the same way.

use super::{
    file_fingerprint::{self, FileChanges},
    library_flags::{LibraryFlags, apply_controls_config},
    session::Session,
};
use clap::Args;
use kubevet_admission::Enforcement;
use kubevet_engine::Engine;
use kubevet_model::{Problem, ProblemCode};
use kubevet_policy::{self as policy, Binding, Library, Remark};
use kubevet_webhook::PolicySnapshot;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where library, params and bindings come from.
#[derive(Debug, Args)]
pub(super) struct EnforcementFlags {
    /// What is enforced where: a file or folder of ControlBindings. Without one, findings of high
    /// and critical severity are audited, and nothing is warned or denied
    #[arg(long, value_name = "FILE|DIR")]
    pub(super) bindings: Option<PathBuf>,
    #[command(flatten)]
    pub(super) policy: LibraryAndParamsFlags,
}

/// Where library and params come from.
#[derive(Debug, Clone, Args)]
pub(super) struct LibraryAndParamsFlags {
    /// Parameters for controls, such as allowed registries: a map of names to lists, or Kubescape's
    /// inputs file
    #[arg(long, value_name = "FILE", help_heading = "Controls")]
    controls_config: Option<PathBuf>,
    #[command(flatten)]
    library: LibraryFlags,
}

impl LibraryAndParamsFlags {
    /// Loads the library, with the params of the file as defaults, and returns all problems.
    pub(super) fn load(&self) -> (Library, Vec<Problem>) {
        let (mut library, mut problems) = self.library.load();
        let mut params = library.params.defaults();
        if let Some(file) = &self.controls_config {
            match apply_controls_config(file, &library, &mut params) {
                Ok(config_problems) => problems.extend(config_problems),
                Err(error) => problems.push(Problem::in_file(
                    ProblemCode::PolicyUnreadable,
                    "",
                    format!("{error:#}"),
                )),
            }
        }
        // A param that a binding does not set has the value of the file.
        library.params = library.params.with_defaults(&params);
        (library, problems)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.library.paths().chain(self.controls_config.as_deref())
    }
}

/// A compiled library, and the bindings of a folder.
#[derive(Clone)]
pub(super) struct EnforcementConfig {
    pub(super) library: Arc<Library>,
    pub(super) engine: Arc<Engine>,
    /// The bindings of the folder; `None` if no folder is named.
    pub(super) bindings: Option<Vec<Binding>>,
    /// What is remarkable about the bindings of the folder.
    pub(super) remarks: Vec<Remark>,
    /// The fingerprint of the files' metadata before they were read.
    pub(super) fingerprint: u64,
}

impl EnforcementFlags {
    /// Loads everything, and returns all problems. If there are any, nothing of it should be used.
    /// `missing_flags` are the flags to give for the labels of namespaces, if nothing gives them:
    /// then a binding that needs them is a problem.
    pub(super) fn load(&self, missing_flags: Option<&str>) -> (EnforcementConfig, Vec<Problem>) {
        // Before the files are read, so that a change meanwhile is seen by the next comparison.
        let fingerprint = self.metadata_fingerprint();
        let (library, problems) = self.policy.load();
        let Session {
            library,
            engine,
            mut problems,
        } = Session::compile(library, problems);
        // So that no review waits for a pattern to be compiled.
        engine.compile_patterns();
        let mut remarks = Vec::new();
        let bindings = self.bindings.as_deref().map(|folder| {
            let loaded = policy::load_bindings(folder, &library);
            problems.extend(loaded.problems);
            remarks = loaded.remarks;
            loaded.bindings
        });
        if let Some(flags) = missing_flags {
            problems.extend(namespace_selector_problems(
                bindings.iter().flatten(),
                flags,
            ));
        }
        let config = EnforcementConfig {
            library: Arc::new(library),
            engine: Arc::new(engine),
            bindings,
            remarks,
            fingerprint,
        };
        (config, problems)
    }

    /// Returns a hash of the files' names, sizes and times.
    pub(super) fn metadata_fingerprint(&self) -> u64 {
        file_fingerprint::of_metadata(self.paths())
    }

    /// Looks at the files. True if they are to be read again.
    pub(super) fn poll(&self, changes: &mut FileChanges) -> bool {
        changes.poll(|| self.paths())
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.policy.paths().chain(self.bindings.as_deref())
    }
}

/// Returns the problems of bindings that need the labels of namespaces. `flags` would give them.
pub(super) fn namespace_selector_problems<'b>(
    bindings: impl IntoIterator<Item = &'b Binding>,
    flags: &str,
) -> Vec<Problem> {
    let bindings = bindings.into_iter();
    let selecting = bindings.filter(|binding| binding.match_resources.needs_namespaces());
    let problem = |binding: &Binding| {
        let message = format!(
            "the binding {} selects namespaces by their labels, and there is no cluster to ask for them: give {flags}, \
             or name the namespaces in matchResources.namespaces",
            binding.name
        );
        Problem::in_file(ProblemCode::BindingNeedsCluster, "", message)
    };
    selecting.map(problem).collect()
}

impl EnforcementConfig {
    /// Returns the snapshot that the webhook enforces with these bindings. Without any, the
    /// fallback binding audits, and nothing is warned or denied.
    pub(super) fn snapshot(
        &self,
        bindings: Vec<Binding>,
        exempt_namespaces: BTreeSet<String>,
        generation: u64,
    ) -> PolicySnapshot {
        let bindings = if bindings.is_empty() {
            vec![policy::fallback_binding(&self.library)]
        } else {
            bindings
        };
        let controls = self.library.controls.iter();
        let controls = controls
            .map(|source| (source.control.id.clone(), source.control.clone()))
            .collect();
        let enforcement = Enforcement {
            bindings,
            controls,
            path_reads: self.engine.path_reads(),
            workloads: self.engine.workloads().clone(),
            exempt_namespaces,
        };
        PolicySnapshot {
            engine: Arc::clone(&self.engine),
            enforcement,
            library: Arc::clone(&self.library),
            generation,
        }
    }
}
