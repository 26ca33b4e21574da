//! Test images, which the program `images` of `tests/images/` writes: OCI layouts and archives of every
//! kind, and hostile ones. The same bytes each time, without the network.

use crate::{
    build_output::{image_binary, target_tmp_dir},
    process::run,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::UNIX_EPOCH,
};

/// The folder with all images of the built-in specification and all hostile ones, each under its name
/// (with `.tar` where it is an archive). Written once for a build of the program, and then shared.
/// `None` where the program was not built: the test is then reported as not run.
pub fn test_images(test: &str) -> Option<PathBuf> {
    let program = image_binary(test, "images", "KUBEVET_TEST_IMAGES")?;
    let folder = target_tmp_dir().join(format!("test-images-{}", stamp(&program)));
    if !folder.is_dir() {
        // Tests of other processes may do the same now: the first to rename wins.
        let own = tempfile::tempdir_in(target_tmp_dir()).expect("a temporary folder can be made");
        let written = own.path().join("images");
        run(Command::new(&program).arg(&written), "").ok();
        let _ = fs::rename(&written, &folder);
        assert!(folder.is_dir(), "no folder {}", folder.display());
    }
    Some(folder)
}

/// Writes the named images into a folder. `false` where the program was not built: the test is then
/// reported as not run.
pub fn write_images(test: &str, folder: &Path, names: &[&str]) -> bool {
    let Some(program) = image_binary(test, "images", "KUBEVET_TEST_IMAGES") else {
        return false;
    };
    run(Command::new(program).arg(folder).args(names), "").ok();
    true
}

/// Size and time of a program: another build writes into another folder.
fn stamp(program: &Path) -> String {
    let metadata = fs::metadata(program).expect("the program exists");
    let modified = metadata.modified().expect("a file has a time");
    let since_epoch = modified
        .duration_since(UNIX_EPOCH)
        .expect("the time is after 1970");
    format!("{}-{}", metadata.len(), since_epoch.as_nanos())
}
