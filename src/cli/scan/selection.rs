//! Which controls a scan evaluates, and which frameworks it scores: those that the command line
//! names.

use anyhow::bail;
use clap::Subcommand;
use kubevet_model::{Control, ControlId, Framework, Scope};
use kubevet_policy::{self as policy, Library};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, Subcommand)]
pub(super) enum ControlSelection {
    /// Only the controls of these frameworks
    Framework {
        /// Names, with commas between: NSA,MITRE (`kubevet list frameworks` shows them all); or files
        /// of frameworks: acme.yaml
        #[arg(value_name = "NAMES", value_parser = NameList::parse)]
        names: NameList,
        /// Files, folders, patterns, or - for standard input
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Only these controls
    Control {
        /// Ids, with commas between: C-0057,C-0016 (`kubevet list controls` shows them all)
        #[arg(value_name = "IDS", value_parser = NameList::parse)]
        ids: NameList,
        /// Files, folders, patterns, or - for standard input
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
}

impl ControlSelection {
    /// Returns the paths that follow the names.
    pub(super) fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Framework { paths, .. } | Self::Control { paths, .. } => paths,
        }
    }
}

/// Names with commas between them.
#[derive(Debug, Clone)]
pub(super) struct NameList(Vec<String>);

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
pub(super) struct Selected {
    pub(super) controls: BTreeSet<ControlId>,
    pub(super) frameworks: Vec<Arc<Framework>>,
}

impl Selected {
    /// Returns the controls and frameworks that the command line names; all if it names none.
    ///
    /// # Errors
    /// A name is unknown, or a control is never evaluated for files.
    pub(super) fn new(
        selection: Option<&ControlSelection>,
        library: &Library,
    ) -> anyhow::Result<Self> {
        match selection {
            None => {
                let controls = library.metadata();
                Ok(Self {
                    controls: controls.iter().map(|control| control.id.clone()).collect(),
                    frameworks: library.frameworks.clone(),
                })
            }
            Some(ControlSelection::Framework { names, .. }) => select_frameworks(library, names),
            Some(ControlSelection::Control { ids, .. }) => select_controls(library, ids),
        }
    }
}

fn select_frameworks(library: &Library, names: &NameList) -> anyhow::Result<Selected> {
    let mut frameworks: Vec<Arc<Framework>> = Vec::new();
    for name in &names.0 {
        let framework = find_framework(library, name)?;
        match frameworks.iter().find(|known| known.name == framework.name) {
            None => frameworks.push(framework),
            Some(known) if **known == *framework => {}
            Some(_) => bail!("two different frameworks are named {}", framework.name),
        }
    }
    let members = frameworks.iter().flat_map(|framework| &framework.members);
    Ok(Selected {
        controls: members.map(|member| member.control.clone()).collect(),
        frameworks,
    })
}

/// Returns the framework of a name, or in a file.
fn find_framework(library: &Library, name: &str) -> anyhow::Result<Arc<Framework>> {
    if let Some(framework) = library.framework(name) {
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
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            bail!("{}", lines.join("\nerror: "));
        }
    }
}

fn select_controls(library: &Library, ids: &NameList) -> anyhow::Result<Selected> {
    let mut controls = BTreeSet::new();
    for id in &ids.0 {
        let Some(control) = library.find(id) else {
            bail!("no control is called `{id}`{}", library.suggest_control(id));
        };
        if !is_for_files(control) {
            let scopes: Vec<&str> = control.scope.iter().map(|scope| scope.name()).collect();
            bail!(
                "{} is not asked of files: its scope is {}",
                control.id,
                scopes.join(", ")
            );
        }
        controls.insert(control.id.clone());
    }
    Ok(Selected {
        controls,
        frameworks: Vec::new(),
    })
}

/// False for a control that is evaluated for requests alone.
pub(super) fn is_for_files(control: &Control) -> bool {
    control.scope.contains(&Scope::File)
}
