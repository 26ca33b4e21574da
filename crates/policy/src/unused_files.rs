//! The files of a policy folder that nothing reads, as few problems: a folder without any other file
//! is one, and those beyond a bound are only counted, in one more.
//!
//! Somebody may give a whole repository as a policy folder, and one line for each of its files would
//! bury every other problem.

use super::{did_you_mean::nearest, read_dir::PolicyFile};
use kubevet_model::{Problem, ProblemCode};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of problems about files and folders; one more counts the rest.
const MAX_REPORTED: usize = 10;
/// The names of files and folders that are read.
const KNOWN: [&str; 6] = [
    "control.yaml",
    "rule.rego",
    "params.yaml",
    "controls",
    "frameworks",
    "rules",
];

/// The unused files of a folder, and the folders that hold a used one.
#[derive(Debug, Default)]
pub(super) struct UnusedFiles<'f> {
    files: Vec<&'f PolicyFile>,
    used_folders: BTreeSet<&'f str>,
}

/// The unused files that one problem reports.
struct Group<'f> {
    display_path: String,
    files: Vec<&'f PolicyFile>,
}

impl<'f> UnusedFiles<'f> {
    pub(super) fn add(&mut self, file: &'f PolicyFile) {
        self.files.push(file);
    }

    /// Records that the folders around a file hold a file that is read.
    pub(super) fn keep_folders_of(&mut self, file: &'f PolicyFile) {
        self.used_folders.extend(folders(&file.path));
    }

    /// One problem for each file with a remedy of its own and for each folder of others.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut groups: BTreeMap<String, Group<'f>> = BTreeMap::new();
        let mut found = Vec::new();
        for file in &self.files {
            match remedy(file) {
                Some(remedy) => found.push((1, unused(&file.display_path, &remedy))),
                None => {
                    let (folder, display_path) = self.folder_of(file);
                    let group = groups.entry(folder.to_owned()).or_insert(Group {
                        display_path,
                        files: Vec::new(),
                    });
                    group.files.push(file);
                }
            }
        }
        found.extend(
            groups
                .values()
                .map(|group| (group.files.len(), group.problem())),
        );
        found.sort_by(|(_, a), (_, b)| a.cmp(b));
        let unlisted = found.split_off(found.len().min(MAX_REPORTED));
        let mut problems: Vec<Problem> = found.into_iter().map(|(_, problem)| problem).collect();
        let unlisted: usize = unlisted.iter().map(|(files, _)| files).sum();
        if unlisted > 0 {
            let noun = if unlisted == 1 { "file" } else { "files" };
            let message = format!(
                "nothing reads {} {noun} of this folder besides those listed",
                thousands(unlisted)
            );
            problems.push(Problem::in_file(
                ProblemCode::PolicyUnusedFile,
                self.root(),
                message,
            ));
        }
        problems
    }

    /// The path of the policy folder to show.
    fn root(&self) -> &'f str {
        let Some(file) = self.files.first().copied() else {
            return "";
        };
        // A folder of controls is read as if it stood in `controls/`.
        let inside = file.path.strip_prefix("controls/");
        let root = file
            .display_path
            .strip_suffix(file.path.as_str())
            .or_else(|| file.display_path.strip_suffix(inside?))
            .unwrap_or_default();
        root.trim_end_matches('/')
    }

    /// The outermost folder around a file without a used file in it, and its path to show; where
    /// there is none, the folder of the file.
    fn folder_of(&self, file: &'f PolicyFile) -> (&'f str, String) {
        let unused = folders(&file.path).find(|folder| !self.used_folders.contains(folder));
        let folder = unused
            .or_else(|| folders(&file.path).last())
            .unwrap_or_default();
        let inside = file.path.len().saturating_sub(folder.len());
        let shown = file.display_path.len().saturating_sub(inside);
        let display_path = file.display_path.get(..shown).unwrap_or(folder);
        (folder, display_path.trim_end_matches('/').to_owned())
    }
}

impl Group<'_> {
    fn problem(&self) -> Problem {
        const REMEDY: &str = "see README.md of the built-in policies for what goes where";
        match self.files.as_slice() {
            [file] => unused(&file.display_path, &format!("remove it, or {REMEDY}")),
            files => {
                let message = format!(
                    "nothing reads {} files of this folder: remove them, or {REMEDY}",
                    thousands(files.len())
                );
                Problem::in_file(ProblemCode::PolicyUnusedFile, &self.display_path, message)
            }
        }
    }
}

/// The paths of the folders around a file, outermost first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

/// The remedy for a file whose name or place is almost one that is read.
fn remedy(file: &PolicyFile) -> Option<String> {
    let steps = file.steps();
    let name = steps.last().copied().unwrap_or_default();
    if let Some(stem) = name.strip_suffix(".yml") {
        return Some(format!("rename it to {stem}.yaml"));
    }
    let near = steps.iter().find_map(|step| nearest(step, KNOWN))?;
    (!steps.contains(&near)).then(|| format!("did you mean {near:?}?"))
}

fn unused(file: &str, remedy: &str) -> Problem {
    Problem::in_file(
        ProblemCode::PolicyUnusedFile,
        file,
        format!("nothing reads this file: {remedy}"),
    )
}

/// A number with a comma between thousands.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_dir;

    #[track_caller]
    fn check(used: &[&str], names: &[&str], expected: &[&str]) {
        let table = |names: &[&'static str]| -> Vec<(&'static str, &'static str)> {
            names.iter().map(|name| (*name, "")).collect()
        };
        let leak = |names: &[&str]| -> Vec<&'static str> {
            names
                .iter()
                .map(|name| &*Box::leak((*name).to_owned().into_boxed_str()))
                .collect()
        };
        let used = read_dir::of_table("p", &table(&leak(used)));
        let files = read_dir::of_table("p", &table(&leak(names)));
        let mut unused = UnusedFiles::default();
        files.iter().for_each(|file| unused.add(file));
        used.iter().for_each(|file| unused.keep_folders_of(file));
        let got: Vec<String> = unused.problems().iter().map(ToString::to_string).collect();
        let starts = |(got, expected): (&String, &&str)| got.starts_with(expected);
        assert!(
            got.len() == expected.len() && got.iter().zip(expected).all(starts),
            "{got:#?}"
        );
    }

    #[test]
    fn unused_files_are_one_problem_a_folder() {
        check(
            &[],
            &["a.txt"],
            &["p/a.txt: nothing reads this file: remove it"],
        );
        check(
            &["controls/C-1-x/rule.rego"],
            &["a.txt", "src/a.rs", "src/deep/b.rs", "controls/C-1-x/n.txt"],
            &[
                "p/a.txt: nothing reads this file",
                "p/controls/C-1-x/n.txt: nothing reads this file",
                "p/src: nothing reads 2 files of this folder",
            ],
        );
        check(
            &[],
            &["a.txt", "b.txt", "src/a.yml"],
            &[
                "p: nothing reads 2 files of this folder",
                "p/src/a.yml: nothing reads this file: rename it to a.yaml",
            ],
        );
    }

    #[test]
    fn unused_files_beyond_the_bound_are_counted() {
        let names: Vec<String> = (0..12).map(|at| format!("f{at:02}/a.yml")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (number, rest) in [
            (
                11,
                "p: nothing reads 1 file of this folder besides those listed",
            ),
            (
                12,
                "p: nothing reads 2 files of this folder besides those listed",
            ),
        ] {
            let mut expected = vec!["p/f0"; 10];
            expected.push(rest);
            check(&[], &names[..number], &expected);
        }
        assert_eq!(thousands(1_990), "1,990");
        assert_eq!(thousands(12), "12");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
