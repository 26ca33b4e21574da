//! Finds the files that the user names: a file, a folder with everything below it, a glob pattern,
//! `-` for standard input.
//!
//! The only files that it opens are those that may make a folder a Helm chart. Whatever it does not
//! take is reported as a problem or as skipped. No file is skipped for its name alone.

use crate::read_bytes::read_bytes;
use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder};
use kubevet_document::{self as document, Limits, Node};
use kubevet_model::{Problem, ProblemCode, Skipped};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The name of the files that list what not to read, in the syntax of `.gitignore`.
const IGNORE_FILE: &str = ".kubevetignore";
/// The extensions of files that contain manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];
/// The file that makes a folder a Helm chart.
const CHART_FILE: &str = "Chart.yaml";
/// The bounds of that file.
const CHART_LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 64,
    nodes: 100_000,
    expansion: 1000,
};
/// The maximum depth of folders that are walked.
const MAX_DEPTH: usize = 64;
/// The characters that make a path a glob pattern.
const GLOB_CHARS: [char; 4] = ['*', '?', '[', '{'];

/// The files to read, and the paths that are not read.
#[derive(Debug, Default)]
pub struct DiscoveredFiles {
    /// The files in a fixed order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// The paths that could not be found or walked.
    pub problems: Vec<Problem>,
    /// The paths that are not read, and why.
    pub skipped: Vec<Skipped>,
    seen: BTreeSet<PathBuf>,
}

impl DiscoveredFiles {
    /// Finds the files of all patterns, each file once.
    #[must_use]
    pub fn discover(patterns: &[PathBuf]) -> Self {
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
            Ok(metadata) if metadata.is_dir() => {
                self.walk(path, None);
            }
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
        if !base.is_dir() || !self.walk(base, Some(&glob)) {
            self.add_problem(Path::new(pattern), "matches no file");
        }
    }

    /// Walks a folder, and takes the files that match the glob, or have the name of a manifest.
    /// Returns true if any file does, even if it is skipped or was taken before.
    fn walk(&mut self, folder: &Path, glob: Option<&GlobMatcher>) -> bool {
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
        let mut has_match = false;
        for entry in walk {
            match entry {
                Ok(entry) if is_folder(&entry) => self.visit_folder(&entry, &mut charts),
                Ok(entry) if is_wanted(entry.path(), glob) => {
                    has_match = true;
                    self.visit_file(&entry, &root, &charts);
                }
                Ok(_) => {}
                Err(error) => self.add_problem(folder, format!("cannot be walked: {error}")),
            }
        }
        has_match
    }

    fn visit_folder(&mut self, entry: &DirEntry, charts: &mut Vec<PathBuf>) {
        let path = entry.path();
        if entry.depth() >= MAX_DEPTH {
            let message = format!("folders are nested over {MAX_DEPTH} deep: scan this one apart");
            self.add_problem(path, message);
        }
        if is_chart(path) {
            self.add_skipped(path, "a Helm chart: scan what `helm template` prints");
            charts.push(path.to_owned());
        }
    }

    fn visit_file(&mut self, entry: &DirEntry, root: &Path, charts: &[PathBuf]) {
        let path = entry.path();
        if charts.iter().any(|chart| is_of_chart(chart, path)) {
            return;
        }
        if entry.path_is_symlink() {
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
            Ok(target) if !target.starts_with(root) && target.is_dir() => {
                self.add_skipped(link, "a link to a folder out of the folder");
            }
            Ok(target) if !target.starts_with(root) => {
                self.add_problem(
                    link,
                    "a link out of the folder is not followed: name its target",
                );
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

/// True if a file matches the glob, or without one has the name of a manifest.
fn is_wanted(path: &Path, glob: Option<&GlobMatcher>) -> bool {
    match glob {
        Some(glob) => glob.is_match(path.strip_prefix(".").unwrap_or(path)),
        None => has_manifest_extension(path),
    }
}

/// True if a folder is a Helm chart: its `Chart.yaml` is what Helm reads, and not an object.
pub(super) fn is_chart(folder: &Path) -> bool {
    let path = folder.join(CHART_FILE);
    let Ok(bytes) = read_bytes(&path, CHART_LIMITS.bytes) else {
        return false;
    };
    let name: Arc<str> = path.to_string_lossy().into();
    let parsed = document::read_yaml(&name, &bytes, &CHART_LIMITS);
    let [chart] = parsed.documents.as_slice() else {
        return false;
    };
    let root = chart.root();
    let is_text = |key: &str| root.get(key).is_some_and(Node::is_string);
    parsed.problems.is_empty()
        && is_text("apiVersion")
        && is_text("name")
        && root.get("kind").is_none()
}

fn has_manifest_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// True if a file of a Helm chart is none that anybody applies: `Chart.yaml` and the templates. The
/// values are read, since an object may have such a name, and the CRDs in `crds/` are plain manifests.
fn is_of_chart(chart: &Path, path: &Path) -> bool {
    let Ok(relative) = path.strip_prefix(chart) else {
        return false;
    };
    relative == Path::new(CHART_FILE) || relative.starts_with("templates")
}
