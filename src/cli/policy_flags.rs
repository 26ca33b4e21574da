//! What a gate works with: library, params and bindings, read the same way by `serve` and by `review`.

use super::library_flags::{self, LibraryFlags};
use clap::Args;
use kubevet_admission::Enforcement;
use kubevet_engine::Engine;
use kubevet_model::{Problem, ProblemCode};
use kubevet_policy::{self as policy, Binding, Library};
use kubevet_webhook::PolicySnapshot;
use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files that a look for changes takes in, at most.
const WATCHED_FILES: usize = 20_000;
/// How deep it goes.
const WATCHED_DEPTH: usize = 8;

/// Bytes of them that it reads, where it reads any.
const WATCHED_BYTES: u64 = 128 << 20;

/// Where library, params and bindings come from.
#[derive(Debug, Args)]
pub(super) struct EnforcementFlags {
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

impl EnforcementFlags {
    /// Reads everything anew, and says everything that is wrong with it. Where anything is, nothing of it should be
    /// used. `cluster`: whether there is one to ask for the labels of namespaces.
    pub(super) fn load(&self, cluster: bool) -> (Loaded, Vec<Problem>) {
        let (mut library, mut problems) = self.library.load();
        let mut params = library.params.defaults();
        if let Some(file) = &self.controls_config {
            match library_flags::configure(file, &library, &mut params) {
                Ok(more) => problems.extend(more),
                Err(error) => problems.push(Problem::in_file(
                    ProblemCode::PolicyUnreadable,
                    "",
                    format!("{error:#}"),
                )),
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
                Problem::in_file(ProblemCode::BindingNeedsCluster, "", message)
            }));
        }
        (
            Loaded {
                library: Arc::new(library),
                engine: Arc::new(engine),
                bindings,
            },
            problems,
        )
    }

    /// A number that changes when a file does, by its name, size or time.
    pub(super) fn fingerprint(&self) -> u64 {
        self.hash(0)
    }

    /// As [`Self::fingerprint`], and by what stands in the files: dearer, and seen while a file is being written.
    pub(super) fn contents(&self) -> u64 {
        self.hash(WATCHED_BYTES)
    }

    fn hash(&self, bytes: u64) -> u64 {
        let paths = self
            .library
            .paths()
            .chain(self.bindings.as_deref())
            .chain(self.controls_config.as_deref());
        let mut watch = Watch {
            hasher: DefaultHasher::new(),
            files: WATCHED_FILES,
            bytes,
        };
        for path in paths {
            watch.take(path, WATCHED_DEPTH);
        }
        watch.hasher.finish()
    }
}

impl Loaded {
    /// What holds with these bindings; without any, everything is judged and warned of, and nothing denied.
    pub(super) fn gate(
        &self,
        bindings: Vec<Binding>,
        exempt: BTreeSet<String>,
        generation: u64,
    ) -> PolicySnapshot {
        let bindings = if bindings.is_empty() {
            vec![policy::fallback_binding(&self.library)]
        } else {
            bindings
        };
        let controls = self
            .library
            .controls
            .iter()
            .map(|it| (it.control.id.clone(), it.control.clone()))
            .collect();
        let path_reads = self.engine.path_reads();
        let enforcement = Enforcement {
            bindings,
            controls,
            path_reads,
            exempt_namespaces: exempt,
        };
        PolicySnapshot {
            engine: Arc::clone(&self.engine),
            enforcement,
            generation,
        }
    }
}

/// A look at files: what it has seen of them, and what it may still look at.
struct Watch {
    hasher: DefaultHasher,
    files: usize,
    bytes: u64,
}

impl Watch {
    /// Names, sizes, times and contents of what is at a path, links followed: a mounted ConfigMap changes by a link.
    fn take(&mut self, path: &Path, depth: usize) {
        if self.files == 0 {
            return;
        }
        self.files -= 1;
        path.hash(&mut self.hasher);
        let Ok(metadata) = fs::metadata(path) else {
            return;
        };
        metadata.len().hash(&mut self.hasher);
        metadata.modified().ok().hash(&mut self.hasher);
        fs::canonicalize(path).ok().hash(&mut self.hasher);
        if metadata.is_file() {
            self.read(path);
        } else if metadata.is_dir() && depth > 0 {
            let mut entries: Vec<PathBuf> = fs::read_dir(path)
                .into_iter()
                .flatten()
                .flatten()
                .map(|it| it.path())
                .collect();
            entries.sort();
            entries.iter().for_each(|it| self.take(it, depth - 1));
        }
    }

    fn read(&mut self, path: &Path) {
        if self.bytes == 0 {
            return;
        }
        let mut bytes = Vec::new();
        let read = fs::File::open(path).and_then(|it| it.take(self.bytes).read_to_end(&mut bytes));
        self.bytes -= read.map_or(0, |count| count as u64).min(self.bytes);
        bytes.hash(&mut self.hasher);
    }
}
