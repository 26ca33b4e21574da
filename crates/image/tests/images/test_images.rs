//! The images of `tests/images/`: every form is read whole, with its layers and platforms.

use super::text_inspector::TextInspector;
use kubevet_image::{
    ContainerImage, ImageError, ImageLimits, ImageLocation, ImageSelection, SquashedFiles,
    open_local, read_layers, squash,
};
use kubevet_testkit::test_images::test_images;

/// An image that was read.
pub(super) struct Read {
    pub(super) image: ContainerImage,
    pub(super) files: SquashedFiles<String>,
}

/// Reads the image of a location.
pub(super) fn read(source: &str, platform: Option<&str>) -> Result<Read, ImageError> {
    let limits = ImageLimits::default();
    let ImageLocation::Local(local) = ImageLocation::parse(source)? else {
        panic!("{source} is not on this machine");
    };
    let selection = ImageSelection {
        platform: platform.map(|platform| platform.parse().unwrap()),
        name: None,
    };
    let opened = open_local(&local, &selection, &limits)?;
    let inspector = TextInspector::default();
    let layers = read_layers(&*opened.source, &opened.image, &inspector, None, &limits)?;
    Ok(Read {
        image: opened.image,
        files: squash(layers, &limits)?,
    })
}

/// The images by source, with the numbers of layers.
const IMAGES: &[(&str, usize)] = &[
    ("oci-dir:debian", 1),
    ("oci-dir:distroless", 2),
    ("oci-dir:alpine", 1),
    ("oci-dir:wolfi", 1),
    ("oci-dir:rhel", 1),
    ("oci-dir:almalinux", 1),
    ("oci-dir:sles", 1),
    ("oci-dir:centos7", 1),
    ("oci-dir:python", 1),
    ("oci-dir:npm", 1),
    ("oci-dir:golang", 1),
    ("oci-dir:java", 1),
    ("oci-dir:rust", 1),
    ("oci-dir:ecosystems", 1),
    ("oci-dir:layers", 4),
    ("oci-dir:multiarch", 2),
    ("oci-dir:docker-types", 2),
    ("oci-dir:no-layers", 0),
    ("docker-archive:archive-docker.tar", 2),
    ("oci-archive:archive-oci.tar", 2),
];

#[test]
fn image_is_read_whole() {
    let Some(folder) = test_images("test_images") else {
        return;
    };
    for (source, layers) in IMAGES {
        let (scheme, name) = source.split_once(':').unwrap();
        let source = format!("{scheme}:{}", folder.join(name).display());
        let read = read(&source, Some("linux/amd64")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.image.layers.len(), *layers, "{name}");
        assert!(read.files.unread().is_empty(), "{name}");
        assert_eq!(read.image.configuration.platform.to_string(), "linux/amd64");
        assert_eq!(read.files.entries().count() > 0, *layers > 0, "{name}");
    }
}

#[track_caller]
fn check_platform(platform: Option<&str>, expected: &str) {
    let Some(folder) = test_images("test_images") else {
        return;
    };
    let source = format!("oci-dir:{}", folder.join("multiarch").display());
    let found = match read(&source, platform) {
        Ok(read) => read.image.configuration.platform.to_string(),
        Err(error) => error.code().to_owned(),
    };
    assert_eq!(found, expected);
}

#[test]
fn platform_of_an_index_is_chosen() {
    check_platform(Some("linux/amd64"), "linux/amd64");
    check_platform(Some("linux/arm64"), "linux/arm64/v8");
    check_platform(Some("linux/riscv64"), "no-such-image");
    check_platform(Some("unknown/unknown"), "no-such-image");
}

/// As Syft has it: upgrades, removals, an opaque folder, hard links, a file twice, `./` in a name, a
/// removal in the layer of its file.
#[test]
fn layers_image_has_the_files_and_layers_that_syft_has() {
    let Some(folder) = test_images("test_images") else {
        return;
    };
    let source = format!("oci-dir:{}", folder.join("layers").display());
    let files = read(&source, None).unwrap().files;
    let packages: Vec<String> = files
        .files_with_facts()
        .filter(|(file, _)| file.path.ends_with("package.json"))
        .map(|(file, _)| format!("{} {}", file.path, file.layer.unwrap()))
        .collect();
    let expected = [
        "app/node_modules/lodash/package.json 2",
        "dotted/node_modules/dotted/package.json 2",
        "dup/node_modules/twice/package.json 2",
        "gone/node_modules/back/package.json 3",
        "hard/node_modules/hardlinked/package.json 2",
        "hard/package.json 2",
        "opaque/node_modules/replaced/package.json 1",
        "same-layer/node_modules/both/package.json 3",
    ];
    assert_eq!(packages, expected);
    let twice = files.resolve("dup/node_modules/twice/package.json");
    assert!(twice.unwrap().facts.unwrap().contains("2.0.0"));
    for (path, layer) in [
        ("var/lib/dpkg/status", 1),
        ("data/file/now", 1),
        ("swap/inner", 1),
        ("self/self/etc/os-release", 0),
    ] {
        assert_eq!(files.resolve(path).unwrap().layer, Some(layer), "{path}");
    }
    assert!(files.resolve("loop/a").is_none());
    assert!(files.get("gone/node_modules/left-pad").is_none());
}
