//! `kubevet policy new`: writes a working control to start from.
//!
//! No other file of this crate writes, and nothing is overwritten.

use super::{control_id, library::Library};
use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The files of a new control; `{id}`, `{title}`, `{folder}` and `{package}` are replaced.
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
        "{0:?} is not a valid name: write an id and a name in lower-case letters, as in C-9001-no-terminal"
    )]
    Name(String),
    /// The id is that of another control.
    #[error("the id {id} is already that of {place}: choose another")]
    Taken {
        /// The id.
        id: String,
        /// The file or folder of the other control.
        place: String,
    },
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

/// Writes the folder `name` (`C-9001-no-terminal`) of a control into `dir`, and returns its files. The
/// id must be new to `library` and to the folder.
///
/// # Errors
/// The name is invalid, the id is taken, the folder exists, or a file cannot be written.
pub fn new_control(
    name: &str,
    dir: &Path,
    library: &Library,
) -> Result<Vec<PathBuf>, ScaffoldError> {
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
    let folder = dir.join(name);
    if let Some(place) = place_of_id(id, &folder, dir, library) {
        let id = id.to_owned();
        return Err(ScaffoldError::Taken { id, place });
    }
    fs::create_dir_all(dir).map_err(failed(dir))?;
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
            .replace("{title}", &title(id, name))
            .replace("{folder}", name)
            .replace("{package}", &control_id::package_of(id));
        fs::File::create_new(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(failed(&path))?;
        written.push(path);
    }
    Ok(written)
}

/// The file or folder of the control that has an id already, in a library or beside the new folder.
fn place_of_id(id: &str, folder: &Path, dir: &Path, library: &Library) -> Option<String> {
    let package = control_id::package_of(id);
    if let Some((control, file)) = library.control_of_package(&package) {
        return Some(format!("{file} ({})", control.name));
    }
    let mut entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let taken = entries.find(|entry| {
        let name = entry.file_name();
        let other = name.to_str().and_then(control_id::id_of_folder);
        let is_control = other.is_some_and(|other| control_id::package_of(other) == package);
        // An existing folder of the same name has an error of its own.
        is_control && entry.path() != folder
    })?;
    Some(taken.path().display().to_string())
}

/// The title of a new control: the words of its folder's name, or the id where there are none.
fn title(id: &str, name: &str) -> String {
    let words = name.get(id.len()..).unwrap_or_default().replace('-', " ");
    let mut characters = words.trim_start().chars();
    match characters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + characters.as_str(),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{embedded, read_testdata};

    #[test]
    fn written_control_passes_every_check() {
        let dir = tempfile::tempdir().unwrap();
        let library = embedded().0;
        let written = new_control("C-9001-no-terminal", dir.path(), &library).unwrap();
        assert_eq!(written.len(), FILES.len());
        for path in [dir.path().to_owned(), dir.path().join("C-9001-no-terminal")] {
            let mut library = library.clone();
            assert_eq!(library.add_overlay(&path), []);
            let source = library.control("C-9001").unwrap();
            assert_eq!(source.control.name, "No terminal");
        }
        let (objects, problems) = read_testdata(&dir.path().join("C-9001-no-terminal"));
        assert_eq!(problems, []);
        assert_eq!(objects.len(), 4);
    }

    #[test]
    fn taken_id_and_existing_folder_and_path_outside_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let new = |name: &str| new_control(name, dir.path(), &embedded().0);
        new("ACME-12").unwrap();
        assert!(matches!(new("ACME-12"), Err(ScaffoldError::Exists(_))));
        for (name, place) in [
            ("ACME-12-again", "ACME-12"),
            (
                "C-0057-mine",
                "policies/controls/C-0057-privileged-container",
            ),
        ] {
            let error = new(name).unwrap_err().to_string();
            assert!(
                error.contains(place) && error.contains("already"),
                "{error}"
            );
        }
        for name in [
            "../C-1-x",
            "C-1-../../x",
            "C-1-",
            "c-1",
            "C-1-Ä",
            "C-1/x",
            "",
        ] {
            assert!(matches!(new(name), Err(ScaffoldError::Name(_))), "{name}");
        }
    }

    #[test]
    fn title_is_the_words_of_the_name() {
        for (id, name, expected) in [
            ("C-9001", "C-9001-no-dockerhub", "No dockerhub"),
            ("C-9001", "C-9001-true", "True"),
            ("ACME-12", "ACME-12", "ACME-12"),
        ] {
            assert_eq!(title(id, name), expected);
        }
    }
}
