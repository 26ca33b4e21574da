//! Layers that are cut off or changed: each ends in an error or in files, within bounds.

use super::{
    memory_image::MemoryImage,
    tar_builder::{TarBuilder, gzip, layer},
    text_inspector::TextInspector,
};
use kubevet_image::{BlobDigest, ImageLimits};
use proptest::prelude::*;

fn small_layer() -> Vec<u8> {
    let mut tar = TarBuilder::default();
    tar.add("pax", b'x', "", b"12 path=fab\n");
    tar.file("short", "some content");
    tar.add("././@LongLink", b'L', "", b"flong\0");
    tar.file("short", &"x".repeat(600));
    tar.add("hard", b'1', "flong", b"");
    tar.build()
}

/// The code of the error that a blob leads to.
fn code(blob: Vec<u8>, diff_id: BlobDigest) -> &'static str {
    let image = MemoryImage::of_blobs(&[(blob, diff_id)]);
    let result = image.read(&TextInspector::default(), &ImageLimits::default());
    result.map_or_else(|error| error.code(), |_| "read")
}

#[test]
fn blob_that_is_cut_off_at_any_byte_is_an_error() {
    let tar = small_layer();
    let blob = gzip(&tar);
    let mut image = MemoryImage::of(std::slice::from_ref(&tar));
    for length in 0..blob.len() {
        image.replace(BlobDigest::of(&blob), &blob[..length]);
        let result = image.read(&TextInspector::default(), &ImageLimits::default());
        assert_eq!(result.unwrap_err().code(), "wrong-size", "{length} bytes");
    }
}

#[test]
fn stream_that_is_cut_off_at_any_byte_is_an_error_though_its_digest_is_right() {
    let tar = small_layer();
    let blob = gzip(&tar);
    for length in 0..blob.len() {
        let found = code(blob[..length].to_vec(), BlobDigest::of(&tar));
        // Two bytes of gzip's mark are needed to see that it is gzip.
        let expected: &[&str] = match length {
            0 => &["wrong-diff-id"],
            1 => &["archive"],
            _ => &["compression"],
        };
        assert!(expected.contains(&found), "{length} bytes: {found}");
    }
}

#[test]
fn tar_that_is_cut_off_ends_in_an_error_but_between_entries() {
    let tar = small_layer();
    for length in 0..tar.len() {
        let cut = &tar[..length];
        let found = code(gzip(cut), BlobDigest::of(cut));
        let is_between = length % 512 == 0;
        assert!(
            found == "archive" || found == "read",
            "{length} bytes: {found}"
        );
        if !is_between && found == "read" {
            // Only padding after a content may be missing.
            assert!(
                tar[length..length.next_multiple_of(512)]
                    .iter()
                    .all(|byte| *byte == 0)
            );
        }
    }
}

#[test]
fn damaged_blob_and_damaged_archive_have_different_errors() {
    let tar = layer(&["f=1"]);
    let blob = gzip(&tar);
    let mut damaged = blob.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let found = code(damaged.clone(), BlobDigest::of(&tar));
    assert!(["compression", "archive"].contains(&found), "{found}");
    let mut image = MemoryImage::of(std::slice::from_ref(&tar));
    image.replace(BlobDigest::of(&blob), &damaged);
    let result = image.read(&TextInspector::default(), &ImageLimits::default());
    assert_eq!(result.unwrap_err().code(), "wrong-digest");
}

#[track_caller]
fn check(tar: &mut TarBuilder, expected: &str) {
    let tar = tar.build();
    assert_eq!(code(gzip(&tar), BlobDigest::of(&tar)), expected);
}

#[test]
fn broken_headers_are_errors() {
    let mut tar = TarBuilder::default();
    check(tar.add_sized("f", b'0', "", 1 << 30, b"x"), "archive");
    check(
        TarBuilder::default().add("x", b'x', "", b"garbage"),
        "archive",
    );
    check(
        TarBuilder::default().add_sized("x", b'x', "", 2 << 20, b""),
        "limit",
    );
    check(TarBuilder::default().add("..", b'0', "", b""), "bad-path");
    check(TarBuilder::default().add(".", b'5', "", b""), "read");
    check(TarBuilder::default().add("f", b'S', "", b""), "archive");
    check(
        TarBuilder::default().add("f", b'2', "x", b"content is a header"),
        "archive",
    );
    check(TarBuilder::default().add("f", b'Z', "", b"unknown"), "read");
    let records = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n27 GNU.sparse.realsize=999\n";
    let content = b"1\n0\n99999\n";
    check(
        TarBuilder::default()
            .add("x", b'x', "", records)
            .add("f", b'0', "", content),
        "archive",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut tar = small_layer();
        for (index, byte) in changes {
            let index = index.index(tar.len());
            tar[index] = byte;
        }
        code(tar.clone(), BlobDigest::of(&tar));
        code(gzip(&tar), BlobDigest::of(&tar));
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), start in 0..3_usize) {
        let starts: [&[u8]; 3] = [b"", &[0x1f, 0x8b, 8, 0], &[0x28, 0xb5, 0x2f, 0xfd]];
        let blob = [starts[start], &bytes].concat();
        code(blob, BlobDigest::of(&bytes));
    }
}
