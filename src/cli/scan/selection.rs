//! Which controls a scan evaluates, and which frameworks it scores: those that the command line
//! names.

use crate::cli::stderr;
use anyhow::bail;
use clap::Args;
use kubevet_model::{Control, ControlId, Framework, Level, NotRun, Scope, UnavailableControl};
use kubevet_policy::{self as policy, Library};
use kubevet_scan::ScoredFramework;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The frameworks that a scan runs if nothing is chosen.
const DEFAULT_FRAMEWORKS: [&str; 2] = ["security", "schema"];

/// The frameworks that a scan of a cluster runs if nothing is chosen: what an API server has stored
/// fits its types.
const DEFAULT_CLUSTER_FRAMEWORKS: [&str; 1] = ["security"];

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Only the controls of these frameworks
    Framework {
        /// Names, with commas between: NSA,MITRE (`kubevet list frameworks` shows them all); cis for
        /// the newest of cis-v1.10.0, cis-v1.12.0 …; or files of frameworks: acme.yaml
        #[arg(value_name = "NAMES", value_parser = NameList::parse)]
        names: NameList,
        /// Files, folders, patterns, or - for standard input; without one, the cluster
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Only these controls
    Control {
        /// Ids, with commas between: C-0057,C-0016 (`kubevet list controls` shows them all)
        #[arg(value_name = "IDS", value_parser = NameList::parse)]
        ids: NameList,
        /// Files, folders, patterns, or - for standard input; without one, the cluster
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// The objects of a cluster, not files
    Cluster,
    /// One object of a cluster
    Workload {
        /// Kind and name: deployment/cart, rollouts.argoproj.io/cart
        #[arg(value_name = "KIND/NAME")]
        object: String,
    },
}

impl Subcommand {
    /// Returns the paths that follow the names.
    pub(super) fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Framework { paths, .. } | Self::Control { paths, .. } => paths,
            Self::Cluster | Self::Workload { .. } => &[],
        }
    }
}

/// The flags that choose controls, with the meaning of the subcommands.
#[derive(Debug, Args)]
pub(crate) struct SelectionFlags {
    /// Only the controls of these frameworks: NSA,MITRE; or files of frameworks: acme.yaml
    #[arg(
        long = "framework",
        global = true,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Controls"
    )]
    frameworks: Vec<String>,
    /// Only these controls: C-0057,C-0016; with --framework, in addition to its controls
    #[arg(
        long = "control",
        global = true,
        value_name = "IDS",
        value_delimiter = ',',
        help_heading = "Controls"
    )]
    controls: Vec<String>,
    /// Every control, and the score of every framework
    #[arg(long, global = true, conflicts_with_all = ["frameworks", "controls"], help_heading = "Controls")]
    all: bool,
}

impl SelectionFlags {
    /// The flags that name these frameworks.
    pub(crate) fn of_frameworks(frameworks: Vec<String>) -> Self {
        Self {
            frameworks,
            controls: Vec::new(),
            all: false,
        }
    }

    /// Returns the flags as arguments that choose the same controls.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let named = |flag: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("{flag}={}", names.join(",")))
        };
        let named = [
            named("--framework", &self.frameworks),
            named("--control", &self.controls),
        ];
        let all = self.all.then(|| "--all".to_owned());
        named.into_iter().flatten().chain(all).collect()
    }

    /// Returns the named frameworks, where nothing else may be chosen.
    ///
    /// # Errors
    /// Something else is.
    pub(crate) fn only_frameworks(&self) -> anyhow::Result<&[String]> {
        if self.all || !self.controls.is_empty() {
            bail!("only --framework chooses controls here");
        }
        Ok(&self.frameworks)
    }
}

/// Names with commas between them.
#[derive(Debug, Clone)]
pub(crate) struct NameList(Vec<String>);

impl NameList {
    fn parse(argument: &str) -> Result<Self, String> {
        let names: Vec<String> = argument
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            Err("name at least one".to_owned())
        } else {
            Ok(Self(names))
        }
    }
}

/// The controls to evaluate and the frameworks to score.
pub(crate) struct Selected {
    pub(crate) controls: BTreeSet<ControlId>,
    pub(crate) frameworks: Vec<ScoredFramework>,
    /// The controls of the frameworks that a scan of files cannot evaluate, by id.
    pub(super) unavailable: Vec<UnavailableControl>,
    /// What is left out because nothing was chosen.
    pub(super) not_run: Option<NotRun>,
    level: Option<Level>,
    /// Where the objects are.
    scope: Scope,
}

impl Selected {
    /// Returns the controls and frameworks that the command line names; the default set if it names
    /// none.
    ///
    /// # Errors
    /// A name is unknown, a control is never evaluated in the scope, or a level is given for a
    /// framework that has none.
    pub(crate) fn new(
        subcommand: Option<&Subcommand>,
        flags: &SelectionFlags,
        level: Option<Level>,
        scope: Scope,
        library: &Library,
    ) -> anyhow::Result<Self> {
        let has_flags = flags.all || !flags.frameworks.is_empty() || !flags.controls.is_empty();
        let chooses = |subcommand: &&Subcommand| {
            matches!(
                subcommand,
                Subcommand::Framework { .. } | Subcommand::Control { .. }
            )
        };
        let subcommand = subcommand.filter(chooses);
        if subcommand.is_some() && has_flags {
            bail!(
                "choose controls by a subcommand or by --framework, --control or --all, not by both"
            );
        }
        let mut selected = Self {
            controls: BTreeSet::new(),
            frameworks: Vec::new(),
            unavailable: Vec::new(),
            not_run: None,
            level,
            scope,
        };
        match subcommand {
            Some(Subcommand::Framework { names, .. }) => {
                selected.add_frameworks(library, &names.0)?;
            }
            Some(Subcommand::Control { ids, .. }) => {
                selected.add_controls(library, &ids.0)?;
            }
            _ => {
                selected.add_frameworks(library, &flags.frameworks)?;
                selected.add_controls(library, &flags.controls)?;
            }
        }
        if level.is_some() && selected.frameworks.is_empty() {
            bail!(
                "--level narrows the frameworks that are named, and none is: name one, such as cis"
            );
        }
        let is_chosen = subcommand.is_some() || has_flags;
        if flags.all || (!is_chosen && !has_default(library)) {
            selected.add_all(library);
        } else if !is_chosen {
            selected.add_default(library)?;
        }
        selected.unavailable = selected.find_unavailable(library);
        Ok(selected)
    }

    fn add_frameworks(&mut self, library: &Library, names: &[String]) -> anyhow::Result<()> {
        for name in names {
            let mut framework = find_framework(library, name.trim())?;
            if let Some(level) = self.level {
                let Some(narrowed) = framework.at_level(level) else {
                    bail!(
                        "--level {}: the requirements of {} have no level",
                        level.name(),
                        framework.name
                    );
                };
                framework = Arc::new(narrowed);
            }
            self.add_framework(&framework, true)?;
        }
        Ok(())
    }

    fn add_framework(&mut self, framework: &Arc<Framework>, is_named: bool) -> anyhow::Result<()> {
        let mut frameworks = self.frameworks.iter().map(|scored| &scored.framework);
        match frameworks.find(|known| known.name == framework.name) {
            Some(known) if known == framework => {}
            Some(_) => bail!("two different frameworks are named {}", framework.name),
            None => {
                self.frameworks.push(ScoredFramework {
                    framework: framework.clone(),
                    is_named,
                    level: self.level,
                });
                self.controls
                    .extend(framework.controls().into_iter().cloned());
            }
        }
        Ok(())
    }

    /// Returns the controls of the frameworks that are not here, or are not for the scope.
    fn find_unavailable(&self, library: &Library) -> Vec<UnavailableControl> {
        let frameworks = self.frameworks.iter();
        let ids: BTreeSet<&ControlId> = frameworks
            .flat_map(|scored| scored.framework.controls())
            .collect();
        let unavailable = ids.into_iter().filter_map(|id| {
            let (name, reason) = why_unavailable(library, id, self.scope)?;
            Some(UnavailableControl {
                id: id.clone(),
                name,
                reason,
            })
        });
        unavailable.collect()
    }

    fn add_controls(&mut self, library: &Library, ids: &[String]) -> anyhow::Result<()> {
        for id in ids {
            if let Some(absent) = library.absent_control(id.trim()) {
                bail!(
                    "{} ({}) is not evaluated: {}",
                    absent.id,
                    absent.name,
                    absent.state.explanation()
                );
            }
            let Some(control) = library.find(id.trim()) else {
                bail!("no control is called `{id}`{}", library.suggest_control(id));
            };
            if !is_in_scope(control, self.scope) {
                let scopes: Vec<&str> = control.scope.iter().map(|scope| scope.name()).collect();
                let objects = match self.scope {
                    Scope::Cluster => "objects of a cluster",
                    _ => "files",
                };
                bail!(
                    "{} does not apply to {objects}: its scope is {}",
                    control.id,
                    scopes.join(", ")
                );
            }
            self.controls.insert(control.id.clone());
        }
        Ok(())
    }

    /// Adds the default frameworks, and the controls that the user brought.
    fn add_default(&mut self, library: &Library) -> anyhow::Result<()> {
        let (default, others): (Vec<_>, Vec<_>) = library
            .frameworks
            .iter()
            .partition(|framework| is_default(framework, self.scope));
        for framework in default {
            self.add_framework(framework, false)?;
        }
        let (embedded, _) = kubevet_prebuilt::library();
        let all = library.metadata();
        let is_own = |control: &&Arc<Control>| embedded.find(control.id.as_str()).is_none();
        let own = all.iter().filter(is_own);
        self.controls.extend(own.map(|control| control.id.clone()));
        let in_scope = || {
            let all = all.iter();
            all.filter(|control| is_in_scope(control, self.scope))
        };
        let is_chosen = |control: &&Arc<Control>| self.controls.contains(&control.id);
        let all_controls = in_scope().count();
        if all_controls > in_scope().filter(is_chosen).count() {
            self.not_run = Some(NotRun {
                frameworks: others.iter().map(|other| other.name.clone()).collect(),
                all_controls,
            });
        }
        Ok(())
    }

    fn add_all(&mut self, library: &Library) {
        let controls = library.metadata();
        self.controls
            .extend(controls.iter().map(|control| control.id.clone()));
        let frameworks = library.frameworks.iter();
        self.frameworks = frameworks
            .map(|framework| ScoredFramework {
                framework: framework.clone(),
                is_named: false,
                level: None,
            })
            .collect();
    }
}

/// Returns the name of a control that a scan cannot evaluate in its scope, and the reason; `None` if
/// it can.
fn why_unavailable(library: &Library, id: &ControlId, scope: Scope) -> Option<(String, String)> {
    if let Some(control) = library.find(id.as_str()) {
        let reason = if control.scope.contains(&Scope::Cluster) {
            "needs a running cluster"
        } else if control.scope.contains(&Scope::File) {
            "checks what is written in files"
        } else {
            "checks requests at admission, which create no object"
        };
        return (!is_in_scope(control, scope)).then(|| (control.name.clone(), reason.to_owned()));
    }
    let absent = library.absent_control(id.as_str());
    let name = absent.map_or_else(String::new, |absent| absent.name.clone());
    let reason = match absent {
        _ if library.broken.contains(id) => "does not load",
        Some(absent) => absent.state.explanation(),
        None => "not in this version",
    };
    Some((name, reason.to_owned()))
}

/// Returns the framework of a name, the newest of a family, or that in a file.
fn find_framework(library: &Library, name: &str) -> anyhow::Result<Arc<Framework>> {
    if let Some(framework) = library.framework(name) {
        return Ok(Arc::clone(framework));
    }
    if let Some(framework) = library.newest_framework(name) {
        stderr::print_line(&format!(
            "note: {name} is {}, the newest of its versions",
            framework.name
        ));
        return Ok(Arc::clone(framework));
    }
    let is_file = name.ends_with(".yaml") || name.ends_with(".yml");
    if !is_file {
        bail!(
            "no framework is called `{name}`{}",
            library.suggest_framework(name)
        );
    }
    match policy::load_framework(Path::new(name), library) {
        Ok(framework) => Ok(Arc::new(framework)),
        Err(problems) => {
            stderr::print_problems(&problems);
            bail!("the framework of {name} does not load");
        }
    }
}

fn is_default(framework: &Framework, scope: Scope) -> bool {
    let names: &[&str] = match scope {
        Scope::Cluster => &DEFAULT_CLUSTER_FRAMEWORKS,
        _ => &DEFAULT_FRAMEWORKS,
    };
    let mut names = names.iter();
    names.any(|name| framework.name.eq_ignore_ascii_case(name))
}

/// True if the library has the first of the default frameworks.
fn has_default(library: &Library) -> bool {
    let [first, ..] = DEFAULT_FRAMEWORKS;
    library.framework(first).is_some()
}

/// Returns half a sentence about a path that does not exist but names a control or a framework;
/// empty for any other.
pub(super) fn hint_about_path(path: &str, library: &Library) -> String {
    if let Some(control) = library.find(path) {
        return format!("; to choose the control, write --control {}", control.id);
    }
    if let Some(framework) = library.framework(path) {
        return format!(
            "; to choose the framework, write --framework {}",
            framework.name
        );
    }
    if matches!(path, "cluster" | "workload") {
        return format!("; to scan a cluster, write `kubevet scan {path}` without paths");
    }
    if matches!(path, "framework" | "control") {
        return format!(
            "; write --{path} NAME after the paths, or `kubevet scan {path} NAME PATH`"
        );
    }
    let looks_like_id = path.rsplit_once('-').is_some_and(|(prefix, number)| {
        let is_prefix = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_alphanumeric());
        is_prefix && number.parse::<u32>().is_ok()
    });
    if looks_like_id {
        let hint = library.suggest_control(path);
        return format!("; to choose a control, write --control ID{hint}");
    }
    String::new()
}

/// False for a control that is never evaluated in a scope, such as one for requests alone.
pub(crate) fn is_in_scope(control: &Control, scope: Scope) -> bool {
    control.scope.contains(&scope)
}
