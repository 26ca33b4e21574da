//! Layers on top of one another: who wins, what is hidden, what links mean.

use super::{
    memory_image::{MemoryImage, lines},
    tar_builder::layer,
    text_inspector::TextInspector,
};
use kubevet_image::ImageLimits;

#[track_caller]
fn check(layers: &[&[&str]], expected: &[&str]) {
    let tars: Vec<Vec<u8>> = layers.iter().map(|lines| layer(lines)).collect();
    let image = MemoryImage::of(&tars);
    let files = image
        .read(&TextInspector::default(), &ImageLimits::default())
        .unwrap();
    assert_eq!(lines(&files), expected, "{layers:?}");
}

#[test]
fn last_writer_of_a_path_wins() {
    check(&[&["f=1", "f=2"]], &["f 0 2"]);
    check(&[&["f=1"], &["f=2"]], &["f 1 2"]);
    check(&[&["f=1"], &["g"], &["f=3"]], &["f 2 3", "g 1"]);
    check(&[&["a/f=1"], &["./a//f=2"]], &["a/", "a/f 1 2"]);
}

#[test]
fn whiteout_hides_what_lower_layers_have() {
    check(&[&["f=1", "g"], &[".wh.f"]], &["g 0"]);
    check(&[&["a/f=1", "a/b/f=1"], &[".wh.a"]], &[]);
    check(&[&["a/f=1"], &[".wh.a", "a/g"]], &["a/", "a/g 1"]);
    check(&[&["f=1"], &[".wh.f"], &["f=3"]], &["f 2 3"]);
    check(&[&["f=1"], &[".wh.other"]], &["f 0 1"]);
    check(&[&["f=1"], &["a/.wh.f"]], &["f 0 1"]);
}

#[test]
fn whiteout_does_not_hide_what_its_own_layer_has() {
    check(&[&["f=1"], &["f=2", ".wh.f"]], &["f 1 2"]);
    check(&[&["a/f=1"], &["a/g", "a/.wh..wh..opq"]], &["a/", "a/g 1"]);
    check(
        &[&["a/f=1"], &["a/b/g", ".wh.a"]],
        &["a/", "a/b/", "a/b/g 1"],
    );
}

#[test]
fn opaque_folder_hides_its_lower_content() {
    check(
        &[&["a/f=1", "a/b/f=1", "f=1"], &["a/.wh..wh..opq", "a/g"]],
        &["a/", "a/g 1", "f 0 1"],
    );
    check(&[&["f=1", "a/f=1"], &[".wh..wh..opq", "g"]], &["g 1"]);
    check(
        &[&["a/f=1"], &["a/.wh..wh..opq"], &["a/f=3"]],
        &["a/", "a/f 2 3"],
    );
    check(
        &[&["a/f=1"], &["a/.wh..wh.plnk", "b/.wh..wh..opq"]],
        &["a/", "a/f 0 1"],
    );
}

#[test]
fn file_and_folder_take_each_others_place() {
    check(&[&["a/f=1"], &["a"]], &["a 1"]);
    check(&[&["a"], &["a/", "a/f=2"]], &["a/", "a/f 1 2"]);
    check(&[&["a"], &["a/f=2"]], &["a/", "a/f 1 2"]);
    check(&[&["a/f=1"], &["a"], &["a/"]], &["a/"]);
    check(&[&["a/f=1"], &["a/"]], &["a/", "a/f 0 1"]);
}

#[test]
fn entry_below_a_link_is_where_the_link_leads() {
    check(
        &[&["usr/lib/", "lib->usr/lib"], &["lib/f=2"]],
        &["lib->usr/lib 0", "usr/", "usr/lib/", "usr/lib/f 1 2"],
    );
    check(
        &[&["usr/lib/f=1", "lib->usr/lib"], &["lib/.wh.f"]],
        &["lib->usr/lib 0", "usr/", "usr/lib/"],
    );
    check(
        &[&["usr/lib/f=1", "lib->/usr/lib"], &["lib/.wh..wh..opq"]],
        &["lib->/usr/lib 0", "usr/", "usr/lib/"],
    );
    check(
        &[&["a->../../../etc", "a/f=1"]],
        &["a->../../../etc 0", "etc/", "etc/f 0 1"],
    );
    check(
        &[&["usr/lib/f=1", "lib->usr/lib"], &["lib/", "lib/f=2"]],
        &["lib/", "lib/f 1 2", "usr/", "usr/lib/", "usr/lib/f 0 1"],
    );
}

#[test]
fn entry_below_links_in_a_circle_is_reported() {
    let image = MemoryImage::of(&[layer(&["a->b", "b->a", "a/f=1"])]);
    let files = image
        .read(&TextInspector::default(), &ImageLimits::default())
        .unwrap();
    let unread = files.unread();
    assert_eq!(unread.len(), 1);
    assert_eq!(unread[0].path, "/a/f");
    assert!(unread[0].reason.contains("leads nowhere"), "{unread:?}");
}

#[test]
fn other_kinds_hide_files() {
    check(&[&["f=1"], &["|f"]], &["f! 1"]);
    check(&[&["f=1"], &["f->g"]], &["f->g 1"]);
}

#[track_caller]
fn check_resolved(layers: &[&[&str]], path: &str, expected: Option<(&str, &str)>) {
    let tars: Vec<Vec<u8>> = layers.iter().map(|lines| layer(lines)).collect();
    let files = MemoryImage::of(&tars)
        .read(&TextInspector::default(), &ImageLimits::default())
        .unwrap();
    let found = files
        .resolve(path)
        .map(|file| (file.path, file.facts.map_or("", String::as_str)));
    assert_eq!(found, expected, "{layers:?} {path}");
}

#[test]
fn path_is_resolved_through_links() {
    let layers: &[&[&str]] = &[
        &[
            "usr/lib/f=1",
            "lib->usr/lib",
            "etc/f->../usr/lib/f",
            "up->../../lib/./f",
        ],
        &[
            "self->self",
            "a->b",
            "b->a",
            "gone->none",
            "root->/",
            "dot->.",
        ],
    ];
    let file = Some(("usr/lib/f", "1"));
    for path in [
        "usr/lib/f",
        "/lib/f",
        "etc/f",
        "up",
        "root/lib/f",
        "dot/dot/lib/f",
        "etc/../lib/f",
    ] {
        check_resolved(layers, path, file);
    }
    for path in ["", "self", "a", "a/f", "gone", "usr/lib", "none"] {
        check_resolved(layers, path, None);
    }
}

#[test]
fn long_chain_of_links_leads_nowhere() {
    let links: Vec<String> = (0..1000)
        .map(|number| format!("{number}->{}", number + 1))
        .collect();
    let mut lines: Vec<&str> = links.iter().map(String::as_str).collect();
    lines.push("1000=x");
    check_resolved(&[&lines], "0", None);
    check_resolved(&[&lines], "990", Some(("1000", "")));
}
