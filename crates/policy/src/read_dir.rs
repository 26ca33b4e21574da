//! Reads the files of a policy folder, from a disk, from the binary or from a test.
//!
//! No other file of this crate reads the file system, but for the folders of bindings and test
//! data. A policy folder may come from anybody: the depth, number and size of its files are
//! bounded, links must stay inside, and pipes and devices are not opened.

use kubevet_model::{Problem, ProblemCode};
use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The maximum size of a file in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The maximum size of all files of a folder in bytes.
const MAX_FOLDER_BYTES: u64 = 64 << 20;
/// The maximum number of files and folders in a folder.
const MAX_ENTRIES: usize = 20_000;
/// The maximum nesting of folders.
const MAX_DEPTH: usize = 8;

/// A file of a policy folder.
#[derive(Debug, Clone)]
pub(super) struct PolicyFile {
    /// The path inside the folder, with `/` between the steps.
    pub(super) path: String,
    /// The path to show.
    pub(super) display_path: Arc<str>,
    /// The source text; `None` if it could not be read, which was reported, or is not needed.
    pub(super) text: Option<Arc<str>>,
}

impl PolicyFile {
    /// The steps of the path.
    pub(super) fn steps(&self) -> Vec<&str> {
        self.path.split('/').collect()
    }
}

/// Returns the files of a table in memory, under the name of a folder.
pub(super) fn of_table(root: &str, table: &[(&str, &str)]) -> Vec<PolicyFile> {
    let file = |(path, text): &(&str, &str)| PolicyFile {
        path: (*path).to_owned(),
        display_path: format!("{root}/{path}").into(),
        text: Some((*text).into()),
    };
    table.iter().map(file).collect()
}

/// Reads one file, as if it stood alone in a folder; `None` if it cannot be read, which is reported.
pub(super) fn of_file(path: &Path, problems: &mut Vec<Problem>) -> Option<PolicyFile> {
    match read_text(path) {
        Ok(text) => Some(PolicyFile {
            path: path.file_name()?.to_string_lossy().into_owned(),
            display_path: path.display().to_string().into(),
            text: Some(text),
        }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// Reads every file of a folder, in the order of paths. Hidden ones (`.git`) are left out, test
/// data is listed and not read.
pub(super) fn of_folder(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PolicyFile> {
    let mut walk = DirReader {
        root: PathBuf::new(),
        files: Vec::new(),
        problems,
        entries: 0,
        bytes: 0,
    };
    match fs::canonicalize(folder) {
        Ok(root) if root.is_dir() => {
            walk.root.clone_from(&root);
            walk.folder(folder, "", &mut vec![root]);
        }
        Ok(_) => walk.error(folder, "is not a folder"),
        Err(error) => walk.error(folder, io_reason(&error)),
    }
    walk.files.sort_by(|a, b| a.path.cmp(&b.path));
    walk.files
}

/// Reads one file of bounded size as UTF-8.
///
/// # Errors
/// The file cannot be read, or is too large.
pub(super) fn read_text(path: &Path) -> Result<Arc<str>, Problem> {
    let io_error = |error| unreadable(path, io_reason(&error));
    if !fs::metadata(path).map_err(io_error)?.is_file() {
        return Err(unreadable(path, "is not a file"));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(io_error)?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let reason = format!("is larger than {MAX_FILE_BYTES} bytes: split it");
        return Err(unreadable(path, reason));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let reason = format!("is not UTF-8 at byte {valid}: save it as UTF-8");
            Err(unreadable(path, reason))
        }
    }
}

/// Returns the problem of a file or folder that cannot be read. The reason is half a sentence that
/// follows the path.
pub(super) fn unreadable(path: &Path, reason: impl Into<String>) -> Problem {
    Problem::in_file(
        ProblemCode::PolicyUnreadable,
        path.display().to_string(),
        reason,
    )
}

/// Returns the reason of an error as half a sentence that follows the path.
pub(super) fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read: check its permissions".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

struct DirReader<'p> {
    /// The real path of the folder, which links must not leave.
    root: PathBuf,
    files: Vec<PolicyFile>,
    problems: &'p mut Vec<Problem>,
    entries: usize,
    bytes: u64,
}

impl DirReader<'_> {
    fn error(&mut self, path: &Path, reason: impl Into<String>) {
        self.problems.push(unreadable(path, reason));
    }

    /// Reads one folder. `above` has the real paths of the folders around it, itself included.
    fn folder(&mut self, folder: &Path, prefix: &str, above: &mut Vec<PathBuf>) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.error(folder, io_reason(&error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry.path(), prefix, above),
                Err(error) => self.error(folder, io_reason(&error)),
            }
        }
    }

    fn entry(&mut self, path: &Path, prefix: &str, above: &mut Vec<PathBuf>) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return self.error(path, "has a name that is not UTF-8: rename it");
        };
        if name.starts_with('.') {
            return;
        }
        self.entries += 1;
        if self.entries >= MAX_ENTRIES {
            if self.entries == MAX_ENTRIES {
                self.error(
                    path,
                    format!(
                        "is one of more than {MAX_ENTRIES} files: this is hardly a policy folder"
                    ),
                );
            }
            return;
        }
        let inside = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => return self.error(path, io_reason(&error)),
        };
        if !real.starts_with(&self.root) {
            return self.error(
                path,
                "is a link that leads out of the folder: copy the file instead",
            );
        }
        if !real.is_dir() {
            return self.file(path, inside);
        }
        if above.contains(&real) {
            return self.error(path, "is a link to a folder around it: remove it");
        }
        if above.len() > MAX_DEPTH {
            return self.error(
                path,
                format!("is more than {MAX_DEPTH} folders deep: this is hardly a policy folder"),
            );
        }
        above.push(real);
        self.folder(path, &inside, above);
        above.pop();
    }

    fn file(&mut self, path: &Path, inside: String) {
        let wanted = is_read(&inside);
        let mut text = None;
        if wanted {
            self.bytes += fs::metadata(path).map_or(0, |metadata| metadata.len());
            let read = if self.bytes > MAX_FOLDER_BYTES {
                let reason =
                    format!("is one file too many: more than {MAX_FOLDER_BYTES} bytes of policies");
                Err(unreadable(path, reason))
            } else {
                read_text(path)
            };
            match read {
                Ok(read) => text = Some(read),
                Err(problem) => self.problems.push(problem),
            }
        }
        let display_path = path.display().to_string().into();
        self.files.push(PolicyFile {
            path: inside,
            display_path,
            text,
        });
    }
}

/// True if the loader needs the text of a file.
fn is_read(inside: &str) -> bool {
    let policy = Path::new(inside)
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "rego");
    policy && !inside.split('/').any(|step| step == "testdata")
}
