//! The files of a policy folder as texts, whether they come from a disk, the binary or a test.
//!
//! The only file of this system that touches the file system to read. A folder may be anybody's: depth, number and
//! size of files are bounded, links must stay inside, pipes and devices are not opened.

use kubevet_model::{Problem, ProblemCode};
use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The largest file, in bytes.
const FILE_BYTES: u64 = 1 << 20;
/// All files of a folder together, in bytes.
const FOLDER_BYTES: u64 = 64 << 20;
/// Files and folders in a folder.
const ENTRIES: usize = 20_000;
/// Folders inside one another.
const DEPTH: usize = 8;

/// One file.
#[derive(Debug, Clone)]
pub(super) struct PolicyFile {
    /// Its path inside the folder, steps joined by `/`.
    pub(super) path: String,
    /// Its path as the user may find it.
    pub(super) display_path: Arc<str>,
    /// Its text; `None` where it could not be read, which has been complained of, or need not be.
    pub(super) text: Option<Arc<str>>,
}

impl PolicyFile {
    /// The steps of the path.
    pub(super) fn steps(&self) -> Vec<&str> {
        self.path.split('/').collect()
    }
}

/// Files as they stand in the binary or in a test, under the name of a folder.
pub(super) fn of_table(root: &str, table: &[(&str, &str)]) -> Vec<PolicyFile> {
    let file = |(path, text): &(&str, &str)| PolicyFile {
        path: (*path).to_owned(),
        display_path: format!("{root}/{path}").into(),
        text: Some((*text).into()),
    };
    table.iter().map(file).collect()
}

/// Every file of a folder, in the order of paths; hidden ones (`.git`) left out, test data listed but not read.
pub(super) fn of_folder(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PolicyFile> {
    let mut walk = Walk {
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
        Ok(_) => walk.error(folder, "is no folder"),
        Err(error) => walk.error(folder, &reason(&error)),
    }
    walk.files.sort_by(|a, b| a.path.cmp(&b.path));
    walk.files
}

/// The text of one file of bounded size.
///
/// # Errors
/// Says why it cannot be had.
pub(super) fn read_text(path: &Path) -> Result<Arc<str>, String> {
    if !fs::metadata(path)
        .map_err(|error| reason(&error))?
        .is_file()
    {
        return Err("is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| reason(&error))?;
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&error))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(format!("is larger than {FILE_BYTES} bytes: split it"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(format!(
            "is not UTF-8 at byte {}: save it as UTF-8",
            error.utf8_error().valid_up_to()
        )),
    }
}

struct Walk<'p> {
    /// The real path of the folder, which links must not leave.
    root: PathBuf,
    files: Vec<PolicyFile>,
    problems: &'p mut Vec<Problem>,
    entries: usize,
    bytes: u64,
}

impl Walk<'_> {
    fn error(&mut self, path: &Path, what: &str) {
        self.problems.push(Problem::in_file(
            ProblemCode::PolicyUnreadable,
            path.display().to_string(),
            what,
        ));
    }

    /// Walks one folder. `above` holds the real paths of the folders around it, itself included.
    fn folder(&mut self, folder: &Path, prefix: &str, above: &mut Vec<PathBuf>) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.error(folder, &reason(&error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry.path(), prefix, above),
                Err(error) => self.error(folder, &reason(&error)),
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
        if self.entries >= ENTRIES {
            if self.entries == ENTRIES {
                self.error(
                    path,
                    &format!("is one of more than {ENTRIES} files: this is hardly a policy folder"),
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
            Err(error) => return self.error(path, &reason(&error)),
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
        if above.len() > DEPTH {
            return self.error(
                path,
                &format!("is more than {DEPTH} folders deep: this is hardly a policy folder"),
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
            let read = if self.bytes > FOLDER_BYTES {
                Err(format!(
                    "is one file too many: more than {FOLDER_BYTES} bytes of policies"
                ))
            } else {
                read_text(path)
            };
            match read {
                Ok(read) => text = Some(read),
                Err(why) => self.error(path, &why),
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

/// Whether the loader needs the text of a file.
fn is_read(inside: &str) -> bool {
    let policy = Path::new(inside)
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "rego");
    policy && !inside.split('/').any(|step| step == "testdata")
}

pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read: check its permissions".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}
