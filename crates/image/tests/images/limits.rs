//! Each limit ends an image that exceeds it, with an error that names it.

use super::{memory_image::MemoryImage, tar_builder::layer, text_inspector::TextInspector};
use kubevet_image::ImageLimits;
use std::time::Duration;

#[track_caller]
fn check(change: fn(&mut ImageLimits), expected: &str) {
    let image = MemoryImage::of(&[
        layer(&["f=123456", "a/b/c/f=1"]),
        layer(&["g->some/long/path", "f=2"]),
    ]);
    let mut limits = ImageLimits::default();
    assert!(image.read(&TextInspector::default(), &limits).is_ok());
    change(&mut limits);
    let error = image.read(&TextInspector::default(), &limits).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn image_beyond_a_limit_is_an_error() {
    check(|limits| limits.manifest_bytes = 10, "10 bytes in a blob");
    check(
        |limits| limits.configuration_bytes = 10,
        "10 bytes in a manifest or configuration",
    );
    check(|limits| limits.layers = 1, "1 layers");
    check(|limits| limits.layer_entries = 1, "1 entries in a layer");
    check(|limits| limits.image_entries = 3, "3 entries in an image");
    check(|limits| limits.layer_bytes = 2000, "2000 bytes in a layer");
    check(|limits| limits.image_bytes = 5000, "5000 bytes in an image");
    check(|limits| limits.path_bytes = 8, "8 bytes in a path");
    check(|limits| limits.path_depth = 3, "3 names in a path");
    check(|limits| limits.paths_bytes = 10, "10 bytes of all paths");
    check(
        |limits| limits.inspected_bytes = 7,
        "7 bytes of inspected files",
    );
    check(|limits| limits.path_steps = 5, "5 names to follow");
    check(|limits| limits.time = Duration::ZERO, "took more than 0 s");
}

#[test]
fn file_beyond_its_limit_is_reported_and_the_others_are_read() {
    let image = MemoryImage::of(&[layer(&["f=123456", "f2=1"])]);
    let limits = ImageLimits {
        file_bytes: 5,
        ..ImageLimits::default()
    };
    let files = image.read(&TextInspector::default(), &limits).unwrap();
    let unread = files.unread();
    assert_eq!(unread.len(), 1);
    assert_eq!(unread[0].path, "/f");
    assert_eq!(unread[0].reason, "the file is larger than 5 bytes");
    assert_eq!(files.files_with_facts().count(), 1);
}
