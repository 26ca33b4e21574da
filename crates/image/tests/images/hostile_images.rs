//! The hostile images of `tests/images/`: each ends in its error, or is read, within bounds.

use super::test_images::{Read, read};
use kubevet_testkit::test_images::test_images;

/// What becomes of each: the code of its error, or the number of files that are reported as unread.
const EXPECTED: &[(&str, &str)] = &[
    ("hostile-bad-crc", "compression"),
    // Its digest cannot be right; the size is seen to be wrong before.
    ("hostile-circular-index", "wrong-size"),
    ("hostile-databases", "0 unread"),
    ("hostile-deep-index", "index-depth"),
    ("hostile-devices", "0 unread"),
    ("hostile-dot-dot", "bad-path"),
    // The foreign layer.
    ("hostile-foreign-layer", "1 unread"),
    ("hostile-gzip-bomb", "limit"),
    ("hostile-huge-header", "archive"),
    ("hostile-layer-count", "layer-count"),
    ("hostile-long-names", "limit"),
    ("hostile-many-entries", "0 unread"),
    ("hostile-missing-blob", "blob-missing"),
    ("hostile-nested-jars", "0 unread"),
    ("hostile-not-gzip", "archive"),
    // A hard link to itself.
    ("hostile-symlinks", "1 unread"),
    ("hostile-trailing-garbage", "compression"),
    // Hard links to files that are not there.
    ("hostile-traversal", "2 unread"),
    ("hostile-truncated-gzip", "compression"),
    ("hostile-unknown-layer", "1 unread"),
    ("hostile-wrong-diff-id", "wrong-diff-id"),
    // The other content is longer.
    ("hostile-wrong-digest", "wrong-size"),
    ("hostile-wrong-size", "wrong-size"),
    ("hostile-zstd-bomb", "limit"),
];

#[test]
fn hostile_image_ends_in_its_error_or_is_read() {
    let Some(folder) = test_images("hostile_images") else {
        return;
    };
    let found: Vec<(String, String)> = EXPECTED
        .iter()
        .map(|(name, _)| {
            let found = match read(&format!("oci-dir:{}", folder.join(name).display()), None) {
                Err(error) => error.code().to_owned(),
                Ok(Read { files, .. }) => format!("{} unread", files.unread().len()),
            };
            ((*name).to_owned(), found)
        })
        .collect();
    let expected: Vec<(String, String)> = EXPECTED
        .iter()
        .map(|(name, found)| ((*name).to_owned(), (*found).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn every_hostile_image_is_in_the_table() {
    let Some(folder) = test_images("hostile_images") else {
        return;
    };
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("hostile-"))
        .collect();
    names.sort();
    let expected: Vec<&str> = EXPECTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected);
}

/// As Syft has it, but for the entry below the link `out`: runtimes unpack it where the link leads.
#[test]
fn marker_beside_the_trap_is_found_and_paths_stay_within_the_root() {
    let Some(folder) = test_images("hostile_images") else {
        return;
    };
    let source = format!("oci-dir:{}", folder.join("hostile-traversal").display());
    let files = read(&source, None).unwrap().files;
    let found: Vec<&str> = files
        .files_with_facts()
        .map(|(file, _)| file.path)
        .collect();
    let expected = [
        "etc/node_modules/evil/package.json",
        "node_modules/absolute/package.json",
        "node_modules/evil/package.json",
        "node_modules/marker/package.json",
        "node_modules/nul\u{1}name/package.json",
        "tmp/node_modules/evil/package.json",
    ];
    assert_eq!(found, expected);
}
