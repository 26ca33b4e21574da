//! Which files the user's words mean: a file, a folder walked to its end, a glob, `-` for standard input.

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;
use kubevet_model::{Problem, Skipped};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The name of the files that say what not to read, in the syntax of `.gitignore`.
const IGNORE_FILE: &str = ".kubevetignore";
/// File names that hold manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];
/// The deepest folder that is entered.
const DEPTH: usize = 64;

/// What is to be read.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Files in a fixed order; `-` is standard input.
    pub(super) files: Vec<PathBuf>,
    pub(super) problems: Vec<Problem>,
    pub(super) skipped: Vec<Skipped>,
    seen: BTreeSet<PathBuf>,
}

impl Paths {
    pub(super) fn find(words: &[PathBuf]) -> Self {
        let mut paths = Self::default();
        for word in words {
            paths.add(word);
        }
        paths
    }

    fn add(&mut self, word: &Path) {
        let text = word.to_string_lossy();
        if text == "-" {
            return self.take(word.to_owned());
        }
        match fs::metadata(word) {
            Ok(found) if found.is_dir() => self.walk(word, None),
            Ok(found) if found.is_file() => self.take(word.to_owned()),
            Ok(_) => self.problem(word, "neither a file nor a folder"),
            Err(_) if text.contains(['*', '?', '[', '{']) => self.glob(&text),
            Err(error) => self.problem(word, format!("cannot be read: {}", reason(&error))),
        }
    }

    fn glob(&mut self, pattern: &str) {
        let glob = match GlobBuilder::new(pattern.trim_start_matches("./"))
            .literal_separator(true)
            .build()
        {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                return self.problem(
                    Path::new(pattern),
                    format!("no path and no pattern: {}", error.kind()),
                );
            }
        };
        let plain = pattern.find(['*', '?', '[', '{']).unwrap_or(0);
        let folder = pattern
            .get(..plain)
            .and_then(|it| it.rsplit_once('/'))
            .map_or(".", |(folder, _)| folder);
        let folder = if folder.is_empty() {
            Path::new("/")
        } else {
            Path::new(folder)
        };
        let before = self.seen.len();
        if folder.is_dir() {
            self.walk(folder, Some(&glob));
        }
        if self.seen.len() == before {
            self.problem(Path::new(pattern), "matches no file");
        }
    }

    fn walk(&mut self, folder: &Path, glob: Option<&GlobMatcher>) {
        let root = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let walk = WalkBuilder::new(folder)
            .standard_filters(false)
            .add_custom_ignore_filename(IGNORE_FILE)
            .max_depth(Some(DEPTH))
            .sort_by_file_name(|a, b| a.cmp(b))
            .filter_entry(|entry| entry.file_name() != ".git")
            .build();
        let mut charts: Vec<PathBuf> = Vec::new();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.problems.push(Problem::in_file(
                        folder.to_string_lossy(),
                        format!("cannot be walked: {error}"),
                    ));
                    continue;
                }
            };
            let path = entry.path();
            let is_folder = entry.file_type().is_some_and(|it| it.is_dir());
            if is_folder {
                if entry.depth() >= DEPTH {
                    self.problem(
                        path,
                        format!("folders are nested over {DEPTH} deep: scan this one apart"),
                    );
                }
                if path.join("Chart.yaml").is_file() {
                    self.skip(path, "a Helm chart: scan what `helm template` prints");
                    charts.push(path.to_owned());
                }
                continue;
            }
            let inside = path.strip_prefix(".").unwrap_or(path);
            let wanted = match glob {
                Some(glob) => glob.is_match(inside),
                None => has_manifest_name(path),
            };
            if !wanted || charts.iter().any(|chart| is_of_chart(chart, path)) {
                continue;
            }
            if is_kustomization(path) {
                self.skip(path, "a Kustomization: scan what `kustomize build` prints");
                continue;
            }
            if entry.path_is_symlink() {
                self.follow(path, &root);
            } else if entry.file_type().is_some_and(|it| it.is_file()) {
                self.take(path.to_owned());
            } else {
                self.problem(path, "no regular file");
            }
        }
    }

    /// Links lead into the folder that was named, or nowhere: a folder from elsewhere must not show files of this machine.
    fn follow(&mut self, link: &Path, root: &Path) {
        match fs::canonicalize(link) {
            Ok(target) if target.starts_with(root) && target.is_file() => {
                self.take(link.to_owned())
            }
            Ok(target) if target.starts_with(root) => {}
            Ok(_) => self.skip(link, "a link out of the folder"),
            Err(error) => self.problem(
                link,
                format!("a link that cannot be followed: {}", reason(&error)),
            ),
        }
    }

    fn take(&mut self, file: PathBuf) {
        if self.seen.insert(file.clone()) {
            self.files.push(file);
        }
    }

    fn skip(&mut self, path: &Path, reason: &str) {
        let file = path.to_string_lossy().into_owned();
        self.skipped.push(Skipped {
            file,
            position: None,
            reason: reason.to_owned(),
        });
    }

    fn problem(&mut self, path: &Path, message: impl Into<String>) {
        self.problems
            .push(Problem::in_file(path.to_string_lossy(), message));
    }
}

/// An error of the file system in plain words, without the number.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn has_manifest_name(path: &Path) -> bool {
    path.extension().is_some_and(|it| {
        EXTENSIONS
            .iter()
            .any(|known| it.eq_ignore_ascii_case(known))
    })
}

/// Chart.yaml, the values and the templates; CRDs in `crds/` are plain manifests.
fn is_of_chart(chart: &Path, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(chart) else {
        return false;
    };
    let first = inside
        .components()
        .next()
        .map(|it| it.as_os_str().to_string_lossy().into_owned())
        .unwrap_or_default();
    let values = first.starts_with("values") && inside.components().count() == 1;
    values
        || matches!(
            first.as_str(),
            "Chart.yaml" | "Chart.lock" | "templates" | "values.schema.json"
        )
}

fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|it| {
        it == "kustomization.yaml" || it == "kustomization.yml" || it == "Kustomization"
    })
}
