//! `kubevet policy new`: writes a working control to start from.
//!
//! No other file of this crate writes, and nothing is overwritten.

use super::control_id;
use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The files of a new control; `{id}`, `{folder}` and `{package}` are replaced.
const FILES: &[(&str, &str)] = &[
    ("control.yaml", include_str!("scaffold/control.yaml")),
    ("rule.rego", include_str!("scaffold/rule.rego.txt")),
    (
        "testdata/pass/no-terminal.yaml",
        include_str!("scaffold/no-terminal.yaml"),
    ),
    (
        "testdata/pass/terminal-refused.yaml",
        include_str!("scaffold/terminal-refused.yaml"),
    ),
    ("testdata/fail/pod.yaml", include_str!("scaffold/pod.yaml")),
    (
        "testdata/fail/init-container.yaml",
        include_str!("scaffold/init-container.yaml"),
    ),
];

/// The reason why no control was written.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The name has no id, or characters that a folder name should not have.
    #[error(
        "{0:?} names no control: write an id and what it asks in small letters, as in C-9001-no-terminal"
    )]
    Name(String),
    /// The folder exists.
    #[error("{} exists: choose another name, or remove it", .0.display())]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("{} cannot be written: {error}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

/// Writes the folder `name` (`C-9001-no-terminal`) of a control into `dir`, and returns its files.
///
/// # Errors
/// The name is invalid, the folder exists, or a file cannot be written.
pub fn new_control(name: &str, dir: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let id = control_id::id_of_folder(name).filter(|id| {
        let rest = name.get(id.len()..).unwrap_or_default();
        rest.strip_prefix('-')
            .map_or(rest.is_empty(), control_id::is_slug)
    });
    let id = id.ok_or_else(|| ScaffoldError::Name(name.chars().take(100).collect()))?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| ScaffoldError::Io { path, error }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let folder = dir.join(name);
    match fs::create_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(ScaffoldError::Exists(folder));
        }
        other => other.map_err(failed(&folder))?,
    }
    let mut written = Vec::new();
    for (inside, text) in FILES {
        let path = folder.join(inside);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        let text = text
            .replace("{id}", id)
            .replace("{folder}", name)
            .replace("{package}", &control_id::package_of(id));
        fs::File::create_new(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(failed(&path))?;
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{embedded, load_custom, read_testdata};

    #[test]
    fn written_control_passes_every_check() {
        let dir = tempfile::tempdir().unwrap();
        let written = new_control("C-9001-no-terminal", dir.path()).unwrap();
        assert_eq!(written.len(), FILES.len());
        for path in [dir.path().to_owned(), dir.path().join("C-9001-no-terminal")] {
            let (controls, modules, problems) = load_custom(&path);
            assert_eq!(problems, []);
            assert_eq!((controls.len(), modules.len()), (1, 0));
            assert_eq!(embedded().0.add_custom(controls, modules), []);
        }
        let (objects, problems) = read_testdata(&dir.path().join("C-9001-no-terminal"));
        assert_eq!(problems, []);
        assert_eq!(objects.len(), 4);
    }

    #[test]
    fn existing_folder_is_kept_and_path_outside_is_rejected() {
        let dir = tempfile::tempdir().unwrap();
        new_control("ACME-12", dir.path()).unwrap();
        assert!(matches!(
            new_control("ACME-12", dir.path()),
            Err(ScaffoldError::Exists(_))
        ));
        for name in [
            "../C-1-x",
            "C-1-../../x",
            "C-1-",
            "c-1",
            "C-1-Ä",
            "C-1/x",
            "",
        ] {
            assert!(
                matches!(new_control(name, dir.path()), Err(ScaffoldError::Name(_))),
                "{name}"
            );
        }
    }
}
