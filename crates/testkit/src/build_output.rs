//! Paths of the repository and of the build that the running test belongs to.

use crate::skip::not_run;
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The root of the repository.
pub fn repository_root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .expect("the crate is two folders below the root")
}

/// The program under test: `KUBEVET_BIN` where it is set, so that the tests can run against another
/// build, else the one that Cargo built for this test.
pub fn kubevet_binary() -> PathBuf {
    // `CARGO_BIN_EXE_kubevet` is set by Cargo and nextest; a test binary that is started by hand
    // finds the program beside itself.
    ["KUBEVET_BIN", "CARGO_BIN_EXE_kubevet"]
        .into_iter()
        .find_map(env::var_os)
        .map_or_else(|| profile_dir().join("kubevet"), PathBuf::from)
}

/// A folder for temporary files on the disk of the build; it is not removed.
pub fn target_tmp_dir() -> PathBuf {
    let dir = profile_dir()
        .parent()
        .expect("a profile has a target folder")
        .join("tmp");
    fs::create_dir_all(&dir).expect("the folder for temporary files can be made");
    dir
}

/// A folder of data that is too large for the repository, such as the corpus, below
/// `KUBEVET_SHARED` (default `../shared`). `None` where it is missing: the test is then reported as
/// not run.
pub fn shared_data(test: &str, folder: &str) -> Option<PathBuf> {
    let root = env::var_os("KUBEVET_SHARED")
        .map_or_else(|| repository_root().join("../shared"), PathBuf::from);
    let path = root.join(folder);
    if !path.is_dir() {
        let reason = format!("no folder {}: set KUBEVET_SHARED", path.display());
        not_run(test, &reason);
        return None;
    }
    Some(path)
}

/// A program of `tests/kubernetes/`, or the one that the variable names. `None` where it was not
/// built: the test is then reported as not run.
pub(crate) fn go_binary(test: &str, name: &str, variable: &str) -> Option<PathBuf> {
    binary_of_module(test, "tests/kubernetes", name, variable)
}

/// A program of `tests/images/`, or the one that the variable names; as [`go_binary`].
pub(crate) fn image_binary(test: &str, name: &str, variable: &str) -> Option<PathBuf> {
    binary_of_module(test, "tests/images", name, variable)
}

fn binary_of_module(test: &str, module: &str, name: &str, variable: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).map_or_else(
        || repository_root().join(module).join("bin").join(name),
        PathBuf::from,
    );
    if !path.exists() {
        let reason = format!(
            "no {name} at {}: {module}/README.md builds it",
            path.display()
        );
        not_run(test, &reason);
        return None;
    }
    Some(path)
}

/// The folder of the build profile, such as `target/debug`; test binaries are in `deps` below it.
fn profile_dir() -> PathBuf {
    let test = env::current_exe().expect("a running test has a path");
    test.ancestors()
        .nth(2)
        .expect("a test binary is below the target folder")
        .to_owned()
}
