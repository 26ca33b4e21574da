//! A folder of files: nothing outside of it is read, and nothing blocks.

use super::{memory_image::lines, text_inspector::TextInspector};
use kubevet_image::{ImageLimits, read_folder};
use std::{fs, os::unix::fs::symlink, os::unix::net::UnixListener};

#[test]
fn folder_is_read_without_leaving_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("a/b")).unwrap();
    fs::write(path("a/b/f"), "1").unwrap();
    fs::write(path("a/b/skipped"), "2").unwrap();
    fs::write(path("h"), "12345").unwrap();
    symlink("/etc/passwd", path("f")).unwrap();
    symlink("..", path("a/up")).unwrap();
    symlink("a/b/f", path("link")).unwrap();
    let _socket = UnixListener::bind(path("fsocket")).unwrap();
    let files = read_folder(
        folder.path(),
        &TextInspector::default(),
        &ImageLimits::default(),
    );
    let files = files.unwrap();
    let expected = [
        "a/",
        "a/b/",
        "a/b/f - 1",
        "a/b/skipped -",
        "a/up->.. -",
        "f->/etc/passwd -",
        "fsocket! -",
        "h - 1234",
        "link->a/b/f -",
    ];
    assert_eq!(lines(&files), expected);
    assert!(files.unread().is_empty());
    assert_eq!(files.resolve("f"), None);
    assert_eq!(files.resolve("a/up/link").unwrap().path, "a/b/f");
}

#[test]
fn folder_that_is_missing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let result = read_folder(&missing, &TextInspector::default(), &ImageLimits::default());
    assert_eq!(result.unwrap_err().code(), "unreadable");
}
