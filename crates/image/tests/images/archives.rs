//! Archives that hold an image: plain and compressed, of OCI and of Docker, with links and several images.

use super::{
    memory_image::lines,
    tar_builder::{TarBuilder, gzip, layer},
    text_inspector::TextInspector,
};
use kubevet_image::{
    BlobDigest, ImageError, ImageLimits, ImageLocation, ImageSelection, SourceForm, detect_form,
    open_local, read_layers, squash,
};
use std::{fs, path::Path};

/// Writes an archive and reads it: the files, or the code of the error.
fn read(form: &str, archive: &[u8], suffix: &str) -> Result<Vec<String>, ImageError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    fs::write(&path, archive).unwrap();
    let limits = ImageLimits::default();
    let text = format!("{form}:{}{suffix}", path.display());
    let ImageLocation::Local(local) = ImageLocation::parse(&text)? else {
        panic!("{text}");
    };
    let opened = open_local(&local, &ImageSelection::default(), &limits)?;
    let inspector = TextInspector::default();
    let layers = read_layers(&*opened.source, &opened.image, &inspector, None, &limits)?;
    Ok(lines(&squash(layers, &limits)?))
}

#[track_caller]
fn check(form: &str, archive: &[u8], suffix: &str, expected: &str) {
    let found = match read(form, archive, suffix) {
        Ok(lines) => lines.join(", "),
        Err(error) => error.code().to_owned(),
    };
    assert_eq!(found, expected);
}

fn configuration(tars: &[&[u8]]) -> String {
    let diff_ids: Vec<String> = tars
        .iter()
        .map(|tar| format!("\"{}\"", BlobDigest::of(tar)))
        .collect();
    format!(
        r#"{{"os": "linux", "architecture": "amd64", "rootfs": {{"diff_ids": [{}]}}}}"#,
        diff_ids.join(", ")
    )
}

/// An archive of two layers, as Docker writes it. The list of images comes last.
fn docker_archive() -> TarBuilder {
    let (first, second) = (layer(&["f=1", "g"]), layer(&["f=2"]));
    let configuration = configuration(&[&first, &second]);
    let id = BlobDigest::of(configuration.as_bytes()).hex();
    let mut tar = TarBuilder::default();
    tar.add("2/layer.tar", b'0', "", &second)
        .add("1/layer.tar", b'0', "", &first)
        .file(&format!("{id}.json"), &configuration)
        .file("manifest.json", &format!(
            r#"[{{"Config": "{id}.json", "RepoTags": ["a:1"], "Layers": ["1/layer.tar", "2/layer.tar"]}}]"#
        ));
    tar
}

#[test]
fn archive_of_docker_is_read_plain_and_compressed() {
    let tar = docker_archive().build();
    for archive in [tar.clone(), gzip(&tar)] {
        check("docker-archive", &archive, "", "f 1 2, g 0");
        check("docker-archive", &archive, ":a:1", "f 1 2, g 0");
        check("docker-archive", &archive, ":a:2", "no-such-image");
    }
}

#[test]
fn image_of_an_archive_is_chosen_by_its_name() {
    let configuration = configuration(&[]);
    let mut tar = TarBuilder::default();
    tar.file("a.json", &configuration).file(
        "manifest.json",
        r#"[{"Config": "a.json", "RepoTags": ["a"]}, {"Config": "a.json", "RepoTags": ["b"], "Layers": null}]"#,
    );
    let archive = tar.build();
    check("docker-archive", &archive, "", "ambiguous");
    check("docker-archive", &archive, ":b", "");
    check("docker-archive", &archive, ":c", "no-such-image");
}

#[test]
fn layer_of_an_archive_may_be_a_link_and_may_be_compressed() {
    let tar = layer(&["f=1"]);
    let configuration = configuration(&[&tar, &tar]);
    let manifest = r#"[{"Config": "c.json", "Layers": ["1/layer.tar", "2/layer.tar"]}]"#;
    let mut archive = TarBuilder::default();
    archive
        .add("1/layer.tar", b'0', "", &gzip(&tar))
        .add("2/layer.tar", b'2', "../1/layer.tar", b"")
        .file("c.json", &configuration)
        .file("manifest.json", manifest);
    let archive = archive.build();
    for archive in [archive.clone(), gzip(&archive)] {
        check("docker-archive", &archive, "", "f 1 1");
    }
}

#[test]
fn broken_archive_of_docker_is_an_error() {
    let tar = layer(&["f=1"]);
    let whole = configuration(&[&tar]);
    let with = |manifest: &str, config: &str, layer: &[u8]| {
        let mut archive = TarBuilder::default();
        archive
            .add("l.tar", b'0', "", layer)
            .file("c.json", config)
            .file("manifest.json", manifest);
        archive.build()
    };
    let manifest = r#"[{"Config": "c.json", "Layers": ["l.tar"]}]"#;
    let check = |archive: &[u8], expected: &str| {
        check("docker-archive", archive, "", expected);
        check("docker-archive", &gzip(archive), "", expected);
    };
    check(&with(manifest, &whole, &tar), "f 0 1");
    check(&with(manifest, &whole, &layer(&["f=2"])), "wrong-diff-id");
    check(&with(manifest, "{", &tar), "format");
    check(&with("[]", &whole, &tar), "no-such-image");
    check(&with("{}", &whole, &tar), "format");
    check(
        &with(
            r#"[{"Config": "c.json", "Layers": ["none"]}]"#,
            &whole,
            &tar,
        ),
        "blob-missing",
    );
    check(
        &with(r#"[{"Config": "none", "Layers": ["l.tar"]}]"#, &whole, &tar),
        "format",
    );
    check(
        &with(r#"[{"Config": "c.json"}]"#, &whole, &tar),
        "layer-count",
    );
    let other = BlobDigest::of(b"other").hex();
    let manifest = format!(r#"[{{"Config": "{other}.json", "Layers": ["l.tar"]}}]"#);
    let mut archive = TarBuilder::default();
    archive
        .add("l.tar", b'0', "", &tar)
        .file(&format!("{other}.json"), &whole)
        .file("manifest.json", &manifest);
    check(&archive.build(), "wrong-digest");
}

#[test]
fn layout_in_an_archive_is_read_plain_and_compressed() {
    let tar = layer(&["f=1"]);
    let blob = gzip(&tar);
    let configuration = configuration(&[&tar]);
    let descriptor = |bytes: &[u8]| {
        format!(
            r#"{{"digest": "{}", "size": {}}}"#,
            BlobDigest::of(bytes),
            bytes.len()
        )
    };
    let manifest = format!(
        r#"{{"schemaVersion": 2, "config": {}, "layers": [{}]}}"#,
        descriptor(configuration.as_bytes()),
        descriptor(&blob)
    );
    let index = format!(
        r#"{{"schemaVersion": 2, "manifests": [{}]}}"#,
        descriptor(manifest.as_bytes())
    );
    let mut archive = TarBuilder::default();
    let digest = |bytes: &[u8]| format!("blobs/sha256/{}", BlobDigest::of(bytes).hex());
    archive
        .file("oci-layout", r#"{"imageLayoutVersion": "1.0.0"}"#)
        .file("index.json", &index)
        .file(&digest(manifest.as_bytes()), &manifest)
        .file(&digest(configuration.as_bytes()), &configuration)
        .add(&digest(&blob), b'0', "", &blob);
    let archive = archive.build();
    for archive in [archive.clone(), gzip(&archive)] {
        check("oci-archive", &archive, "", "f 0 1");
        let id = BlobDigest::of(manifest.as_bytes());
        check("oci-archive", &archive, &format!("@{id}"), "f 0 1");
        let other = BlobDigest::of(b"other");
        check(
            "oci-archive",
            &archive,
            &format!("@{other}"),
            "no-such-image",
        );
    }
    let folder = tempfile::tempdir().unwrap();
    check_form(folder.path(), &archive, Some(SourceForm::OciArchive));
    check_form(
        folder.path(),
        &docker_archive().build(),
        Some(SourceForm::DockerArchive),
    );
    check_form(folder.path(), &layer(&["f=1"]), None);
    check_form(folder.path(), b"text", None);
}

/// What a file is found to be; `None` for what is no image.
#[track_caller]
fn check_form(folder: &Path, archive: &[u8], expected: Option<SourceForm>) {
    let path = folder.join("image");
    fs::write(&path, archive).unwrap();
    let found = detect_form(&path, &ImageLimits::default());
    assert_eq!(found.ok().flatten(), expected);
}

#[test]
fn form_of_a_folder_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let limits = ImageLimits::default();
    assert_eq!(
        detect_form(folder.path(), &limits),
        Ok(Some(SourceForm::Folder))
    );
    for name in ["oci-layout", "index.json"] {
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    assert_eq!(
        detect_form(folder.path(), &limits),
        Ok(Some(SourceForm::OciLayout))
    );
    assert_eq!(detect_form(&folder.path().join("none"), &limits), Ok(None));
}
