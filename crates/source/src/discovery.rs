//! Finds the files that the user names: a file, a folder with everything below it, a glob pattern,
//! `-` for standard input.
//!
//! It opens no file. Whatever it does not take is reported as a problem or as skipped.

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder};
use kubevet_model::{Problem, ProblemCode, Skipped};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// The name of the files that list what not to read, in the syntax of `.gitignore`.
const IGNORE_FILE: &str = ".kubevetignore";
/// The extensions of files that contain manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];
/// The maximum depth of folders that are walked.
const MAX_DEPTH: usize = 64;
/// The characters that make a path a glob pattern.
const GLOB_CHARS: [char; 4] = ['*', '?', '[', '{'];

/// The files to read, and the paths that are not read.
#[derive(Debug, Default)]
pub(super) struct DiscoveredFiles {
    /// The files in a fixed order; `-` is standard input.
    pub(super) files: Vec<PathBuf>,
    pub(super) problems: Vec<Problem>,
    pub(super) skipped: Vec<Skipped>,
    seen: BTreeSet<PathBuf>,
}

impl DiscoveredFiles {
    /// Finds the files of all patterns, each file once.
    pub(super) fn discover(patterns: &[PathBuf]) -> Self {
        let mut discovered = Self::default();
        for pattern in patterns {
            discovered.add_pattern(pattern);
        }
        discovered
    }

    fn add_pattern(&mut self, path: &Path) {
        let pattern = path.to_string_lossy();
        if pattern == "-" {
            return self.add_file(path.to_owned());
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.walk(path, None),
            Ok(metadata) if metadata.is_file() => self.add_file(path.to_owned()),
            Ok(_) => self.add_problem(path, "neither a file nor a folder"),
            // A file whose name has such characters is taken as it is; only others are patterns.
            Err(_) if pattern.contains(GLOB_CHARS) => self.add_glob(&pattern),
            Err(error) => {
                let message = format!("cannot be read: {}", describe_io_error(&error));
                self.add_problem(path, message);
            }
        }
    }

    fn add_glob(&mut self, pattern: &str) {
        let glob = match GlobBuilder::new(pattern.trim_start_matches("./"))
            .literal_separator(true)
            .build()
        {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                let message = format!("no path and no pattern: {}", error.kind());
                return self.add_problem(Path::new(pattern), message);
            }
        };
        let base = glob_base(pattern);
        let count_before = self.seen.len();
        if base.is_dir() {
            self.walk(base, Some(&glob));
        }
        if self.seen.len() == count_before {
            self.add_problem(Path::new(pattern), "matches no file");
        }
    }

    /// Walks a folder, and takes the files that match the glob, or have the name of a manifest.
    fn walk(&mut self, folder: &Path, glob: Option<&GlobMatcher>) {
        let root = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let walk = WalkBuilder::new(folder)
            .standard_filters(false)
            .add_custom_ignore_filename(IGNORE_FILE)
            .max_depth(Some(MAX_DEPTH))
            .sort_by_file_name(OsStr::cmp)
            .filter_entry(|entry| entry.file_name() != ".git")
            .build();
        // A folder is visited before its files, so every chart is known before its templates.
        let mut charts: Vec<PathBuf> = Vec::new();
        for entry in walk {
            match entry {
                Ok(entry) if is_folder(&entry) => self.visit_folder(&entry, &mut charts),
                Ok(entry) => self.visit_file(&entry, &root, glob, &charts),
                Err(error) => self.add_problem(folder, format!("cannot be walked: {error}")),
            }
        }
    }

    fn visit_folder(&mut self, entry: &DirEntry, charts: &mut Vec<PathBuf>) {
        let path = entry.path();
        if entry.depth() >= MAX_DEPTH {
            let message = format!("folders are nested over {MAX_DEPTH} deep: scan this one apart");
            self.add_problem(path, message);
        }
        if path.join("Chart.yaml").is_file() {
            self.add_skipped(path, "a Helm chart: scan what `helm template` prints");
            charts.push(path.to_owned());
        }
    }

    fn visit_file(
        &mut self,
        entry: &DirEntry,
        root: &Path,
        glob: Option<&GlobMatcher>,
        charts: &[PathBuf],
    ) {
        let path = entry.path();
        let is_wanted = match glob {
            Some(glob) => glob.is_match(path.strip_prefix(".").unwrap_or(path)),
            None => has_manifest_extension(path),
        };
        if !is_wanted || charts.iter().any(|chart| is_of_chart(chart, path)) {
            return;
        }
        if is_kustomization(path) {
            self.add_skipped(path, "a Kustomization: scan what `kustomize build` prints");
        } else if entry.path_is_symlink() {
            self.follow_link(path, root);
        } else if entry.file_type().is_some_and(|kind| kind.is_file()) {
            self.add_file(path.to_owned());
        } else {
            self.add_problem(path, "no regular file");
        }
    }

    /// Takes a link only if its target is below the folder that the user named: a folder of foreign
    /// origin must not show other files of this machine.
    fn follow_link(&mut self, link: &Path, root: &Path) {
        match fs::canonicalize(link) {
            Ok(target) if !target.starts_with(root) => {
                self.add_skipped(link, "a link out of the folder");
            }
            Ok(target) if target.is_file() => self.add_file(link.to_owned()),
            // The target is a folder below the root, which is walked itself.
            Ok(_) => {}
            Err(error) => {
                let message = format!(
                    "a link that cannot be followed: {}",
                    describe_io_error(&error)
                );
                self.add_problem(link, message);
            }
        }
    }

    fn add_file(&mut self, file: PathBuf) {
        if self.seen.insert(file.clone()) {
            self.files.push(file);
        }
    }

    fn add_skipped(&mut self, path: &Path, reason: &str) {
        self.skipped.push(Skipped {
            file: path.to_string_lossy().into_owned(),
            position: None,
            reason: reason.to_owned(),
        });
    }

    fn add_problem(&mut self, path: &Path, message: impl Into<String>) {
        self.problems.push(Problem::in_file(
            ProblemCode::InputUnreadable,
            path.to_string_lossy(),
            message,
        ));
    }
}

/// Describes an I/O error in plain words, without the number of the operating system.
pub(super) fn describe_io_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Returns the folder that every match of a glob is in: the part before the first special
/// character.
fn glob_base(pattern: &str) -> &Path {
    let literal_end = pattern.find(GLOB_CHARS).unwrap_or(0);
    let literal = pattern.get(..literal_end).unwrap_or_default();
    match literal.rsplit_once('/') {
        None => Path::new("."),
        Some(("", _)) => Path::new("/"),
        Some((folder, _)) => Path::new(folder),
    }
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
}

fn has_manifest_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// True if a file is part of a Helm chart: `Chart.yaml`, values and templates. The CRDs in `crds/`
/// are plain manifests.
fn is_of_chart(chart: &Path, path: &Path) -> bool {
    let Ok(relative) = path.strip_prefix(chart) else {
        return false;
    };
    let mut components = relative.components().map(Component::as_os_str);
    let first = components.next().unwrap_or_default().to_string_lossy();
    let is_in_chart_folder = components.next().is_none();
    let is_values = first.starts_with("values") && is_in_chart_folder;
    is_values
        || matches!(
            &*first,
            "Chart.yaml" | "Chart.lock" | "templates" | "values.schema.json"
        )
}

fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
    })
}
