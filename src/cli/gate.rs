//! What a gate works with: library, params and bindings, read the same way by `serve` and by `review`.

use super::library::{self, LibraryFlags};
use crate::{
    decision::Rules,
    engine::Engine,
    model::Problem,
    policy::{self, Binding, Library},
    webhook::Gate,
};
use clap::Args;
use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files that a look for changes takes in, at most.
const WATCHED_FILES: usize = 20_000;
/// How deep it goes.
const WATCHED_DEPTH: usize = 8;

/// Where library, params and bindings come from.
#[derive(Debug, Args)]
pub(super) struct GateFlags {
    /// What is enforced where: a folder of ControlBindings. Without one, all is judged and nothing denied
    #[arg(long, value_name = "DIR")]
    pub(super) bindings: Option<PathBuf>,
    /// What controls are told (allowed registries and so on): Kubescape's inputs file, or a map of names to lists
    #[arg(long, value_name = "FILE", help_heading = "Controls")]
    controls_config: Option<PathBuf>,
    #[command(flatten)]
    library: LibraryFlags,
}

/// A library that was read and compiled, with the bindings of a folder.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) library: Arc<Library>,
    pub(super) engine: Arc<Engine>,
    /// `None` where no folder is named.
    pub(super) bindings: Option<Vec<Binding>>,
}

impl GateFlags {
    /// Reads everything anew, and says everything that is wrong with it. Where anything is, nothing of it should be
    /// used. `cluster`: whether there is one to ask for the labels of namespaces.
    pub(super) fn load(&self, cluster: bool) -> (Loaded, Vec<Problem>) {
        let (mut library, mut problems) = self.library.load();
        let mut params = library.params.defaults();
        if let Some(file) = &self.controls_config {
            match library::configure(file, &library, &mut params) {
                Ok(more) => problems.extend(more),
                Err(error) => problems.push(Problem::in_file("", format!("{error:#}"))),
            }
        }
        // What a binding does not say is as the file says.
        library.params = library.params.with_defaults(&params);
        let (engine, faults) = Engine::compile(&library);
        problems.extend(faults);
        let bindings = self.bindings.as_deref().map(|folder| {
            let (bindings, more) = policy::load_bindings(folder, &library);
            problems.extend(more);
            bindings
        });
        if !cluster {
            let asks = |it: &&Binding| it.match_resources.needs_namespaces();
            problems.extend(bindings.iter().flatten().filter(asks).map(|it| {
                let message = format!(
                    "the binding {} selects namespaces by their labels, and there is no cluster to ask for them: give \
                     --kubeconfig, or name the namespaces in matchResources.namespaces",
                    it.name
                );
                Problem::in_file("", message)
            }));
        }
        (Loaded { library: Arc::new(library), engine: Arc::new(engine), bindings }, problems)
    }

    /// A number that changes when a file does.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let paths = self.library.paths().chain(self.bindings.as_deref()).chain(self.controls_config.as_deref());
        let mut left = WATCHED_FILES;
        for path in paths {
            hash(path, WATCHED_DEPTH, &mut left, &mut hasher);
        }
        hasher.finish()
    }
}

impl Loaded {
    /// What holds with these bindings; without any, everything is judged and warned of, and nothing denied.
    pub(super) fn gate(&self, bindings: Vec<Binding>, exempt: BTreeSet<String>, generation: u64) -> Gate {
        let bindings = if bindings.is_empty() { vec![policy::fallback_binding(&self.library)] } else { bindings };
        let controls = self.library.controls.iter().map(|it| (it.control.id.clone(), it.control.clone())).collect();
        let reads = self.engine.path_reads();
        let rules = Rules { bindings, controls, reads, exempt_namespaces: exempt, exceptions: () };
        Gate { engine: Arc::clone(&self.engine), rules, generation }
    }
}

/// Names, sizes and times of what is at a path, links followed: a mounted ConfigMap changes by a link.
fn hash(path: &Path, depth: usize, left: &mut usize, hasher: &mut DefaultHasher) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    path.hash(hasher);
    let Ok(metadata) = fs::metadata(path) else { return };
    metadata.len().hash(hasher);
    metadata.modified().ok().hash(hasher);
    fs::canonicalize(path).ok().hash(hasher);
    if metadata.is_dir() && depth > 0 {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(path).into_iter().flatten().flatten().map(|it| it.path()).collect();
        entries.sort();
        entries.iter().for_each(|it| hash(it, depth - 1, left, hasher));
    }
}
