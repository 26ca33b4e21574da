//! Hard links: a file under several names is looked at under each that is wanted.

use super::{
    memory_image::{MemoryImage, lines},
    tar_builder::layer,
    text_inspector::TextInspector,
};
use kubevet_image::ImageLimits;
use std::sync::atomic::Ordering;

/// What the files are, how often a content was looked at, and how often a blob was opened, besides
/// manifest and configuration.
#[track_caller]
fn check(
    layers: &[&[&str]],
    change: fn(&mut TextInspector, &mut ImageLimits),
    expected: &[&str],
    inspected: usize,
    opened: usize,
) {
    let mut inspector = TextInspector::default();
    let mut limits = ImageLimits::default();
    change(&mut inspector, &mut limits);
    let tars: Vec<Vec<u8>> = layers.iter().map(|lines| layer(lines)).collect();
    let image = MemoryImage::of(&tars);
    let files = image.read(&inspector, &limits).unwrap();
    assert_eq!(lines(&files), expected, "{layers:?}");
    assert!(files.unread().is_empty(), "{layers:?}");
    assert_eq!(inspector.inspected.load(Ordering::Relaxed), inspected);
    assert_eq!(image.opened.load(Ordering::Relaxed) - 2, opened);
}

#[test]
fn link_is_looked_at_under_its_own_name() {
    check(&[&["f=1", "f2=>f"]], |_, _| (), &["f 0 1", "f2 0 1"], 2, 1);
    check(&[&["f=1", "x=>f"]], |_, _| (), &["f 0 1", "x 0"], 1, 1);
    check(
        &[&["h=12345678", "h2=>h"]],
        |_, _| (),
        &["h 0 1234", "h2 0 1234"],
        2,
        1,
    );
    check(
        &[&["f=1", "f2=>f", "f3=>f2"]],
        |_, _| (),
        &["f 0 1", "f2 0 1", "f3 0 1"],
        3,
        1,
    );
}

#[test]
fn link_that_is_alike_has_the_facts_of_its_file() {
    let alike =
        |inspector: &mut TextInspector, _: &mut ImageLimits| inspector.are_links_alike = true;
    check(&[&["f=1", "f2=>f"]], alike, &["f 0 1", "f2 0 1"], 1, 1);
}

#[test]
fn content_that_passed_by_is_read_again() {
    check(
        &[&["x=1", "y=2", "f=>x", "f2=>x"]],
        |_, _| (),
        &["f 0 1", "f2 0 1", "x 0", "y 0"],
        2,
        2,
    );
    check(
        &[&["h=12345678", "f=>h"]],
        |_, _| (),
        &["f 0 12345678", "h 0 1234"],
        2,
        2,
    );
    let keep_nothing = |_: &mut TextInspector, limits: &mut ImageLimits| limits.kept_bytes = 0;
    check(
        &[&["f=1", "f2=>f"]],
        keep_nothing,
        &["f 0 1", "f2 0 1"],
        2,
        2,
    );
}

#[test]
fn link_names_the_last_file_before_it() {
    check(
        &[&["f=1", "f2=>f", "f=3"]],
        |_, _| (),
        &["f 0 3", "f2 0 1"],
        3,
        1,
    );
    check(
        &[&["f=1"], &["f=2"], &["f2=>f"]],
        |_, _| (),
        &["f 1 2", "f2 2 2"],
        2,
        3,
    );
}

#[track_caller]
fn check_unread(layers: &[&[&str]], reason: &str) {
    let tars: Vec<Vec<u8>> = layers.iter().map(|lines| layer(lines)).collect();
    let files = MemoryImage::of(&tars)
        .read(&TextInspector::default(), &ImageLimits::default())
        .unwrap();
    let unread = files.unread();
    assert_eq!(unread.len(), 1, "{layers:?}");
    assert!(unread[0].reason.contains(reason), "{unread:?}");
}

#[test]
fn link_whose_content_is_not_known_is_reported() {
    check_unread(
        &[&["x=1"], &["f=>x"]],
        "second name of a file in a lower layer",
    );
    check_unread(&[&["f=>none"]], "a file that is not there");
    check_unread(&[&["f=>f"]], "a file that is not there");
}
