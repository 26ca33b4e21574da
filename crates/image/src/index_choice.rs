//! Which image of an index is meant. A choice is made only where it is clear; else the choices are named.

use super::{
    descriptor::BlobDescriptor, error::ImageError, image_selection::ImageSelection,
    limits::ImageLimits, platform::ImagePlatform,
};

/// The most choices that a message names.
const MAX_NAMED: usize = 20;

/// Chooses from the manifests of an index. `is_layout` says that it is the index of a layout, which
/// may hold different images.
pub(super) fn choose<'a>(
    place: &str,
    manifests: &'a [BlobDescriptor],
    selection: &ImageSelection,
    is_layout: bool,
    limits: &ImageLimits,
) -> Result<&'a BlobDescriptor, ImageError> {
    if manifests.len() > limits.index_entries {
        let limit = limits.index_entries as u64;
        return Err(ImageError::limit(place, limit, "manifests in an index"));
    }
    let images: Vec<&BlobDescriptor> = manifests
        .iter()
        .filter(|manifest| !manifest.is_attestation())
        .collect();
    let mut candidates = images.clone();
    if let Some(name) = selection.name.as_deref().filter(|_| is_layout) {
        candidates.retain(|manifest| has_name(manifest, name));
        if candidates.is_empty() {
            return Err(none_found(place, format!("named {name:?}"), &images));
        }
    }
    let candidates = of_platform(&candidates, selection.platform.as_ref());
    let Some(first) = candidates.first() else {
        let requested = selection
            .platform
            .as_ref()
            .map_or("to read".to_owned(), |platform| format!("for {platform}"));
        return Err(none_found(place, requested, &images));
    };
    let is_clear = candidates
        .iter()
        .all(|candidate| candidate.digest == first.digest);
    // In an index of one image the first of several alike is the one that runs.
    let has_platform = first.platform.is_some();
    if is_clear || (!is_layout && has_platform && is_one_platform(&candidates)) {
        return Ok(first);
    }
    Err(ImageError::Ambiguous {
        place: place.to_owned(),
        choices: list(&candidates),
    })
}

fn has_name(manifest: &BlobDescriptor, name: &str) -> bool {
    manifest.digest.to_string() == name || manifest.names().any(|found| found == name)
}

/// The images that fit best: by exact variant, then by any, then those that state no platform.
fn of_platform<'a>(
    manifests: &[&'a BlobDescriptor],
    requested: Option<&ImagePlatform>,
) -> Vec<&'a BlobDescriptor> {
    if requested.is_none() && manifests.len() == 1 {
        return manifests.to_vec();
    }
    let host = ImagePlatform::of_host();
    let platform = requested.unwrap_or(&host);
    let filter = |is_chosen: &dyn Fn(&ImagePlatform) -> bool| -> Vec<&'a BlobDescriptor> {
        let has_platform =
            |manifest: &&&BlobDescriptor| manifest.platform.as_ref().is_some_and(is_chosen);
        manifests.iter().filter(has_platform).copied().collect()
    };
    let exact = filter(&|found| found.is_exact(platform));
    if !exact.is_empty() {
        return exact;
    }
    let matching = filter(&|found| found.matches(platform));
    if !matching.is_empty() {
        return matching;
    }
    let is_unstated = |manifest: &&&BlobDescriptor| manifest.platform.is_none();
    let unstated: Vec<_> = manifests.iter().filter(is_unstated).copied().collect();
    // Without a request, no platform of several is a better guess than another.
    if unstated.is_empty() && requested.is_none() {
        return manifests.to_vec();
    }
    unstated
}

fn is_one_platform(candidates: &[&BlobDescriptor]) -> bool {
    let first = candidates.first().map(|candidate| &candidate.platform);
    candidates
        .iter()
        .all(|candidate| Some(&candidate.platform) == first)
}

fn none_found(place: &str, requested: String, images: &[&BlobDescriptor]) -> ImageError {
    ImageError::NoSuchImage {
        place: place.to_owned(),
        requested,
        choices: if images.is_empty() {
            "none".to_owned()
        } else {
            list(images)
        },
    }
}

fn list(manifests: &[&BlobDescriptor]) -> String {
    let mut texts: Vec<String> = manifests
        .iter()
        .take(MAX_NAMED)
        .map(|manifest| {
            let mut names: Vec<String> = manifest.names().map(str::to_owned).collect();
            names.extend(manifest.platform.as_ref().map(ToString::to_string));
            names.push(manifest.digest.to_string());
            names.join(" ")
        })
        .collect();
    if manifests.len() > MAX_NAMED {
        texts.push(format!("{} more", manifests.len() - MAX_NAMED));
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::BlobDigest;
    use std::collections::BTreeMap;

    /// Images as `NAME PLATFORM`, each part `-` where it is not stated.
    fn manifests(texts: &[&str]) -> Vec<BlobDescriptor> {
        let manifest = |text: &&str| {
            let (name, platform) = text.split_once(' ').unwrap();
            let key = "org.opencontainers.image.ref.name".to_owned();
            BlobDescriptor {
                platform: platform.parse().ok().filter(|_| platform != "-"),
                annotations: (name != "-").then(|| BTreeMap::from([(key, name.to_owned())])),
                ..BlobDescriptor::of_digest(BlobDigest::of(text.as_bytes()))
            }
        };
        texts.iter().map(manifest).collect()
    }

    /// The number of the image that is chosen, or the code of the error.
    #[track_caller]
    fn check(texts: &[&str], name: &str, platform: &str, is_layout: bool, expected: &str) {
        let manifests = manifests(texts);
        let selection = ImageSelection {
            platform: platform.parse().ok(),
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        };
        let limits = ImageLimits::default();
        let found = match choose("test", &manifests, &selection, is_layout, &limits) {
            Ok(chosen) => {
                let number = manifests.iter().position(|manifest| manifest == chosen);
                number.unwrap().to_string()
            }
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(found, expected, "{texts:?}");
    }

    #[test]
    fn image_is_chosen_by_name_and_platform() {
        let two = ["- linux/s390x", "- linux/arm64/v8"];
        check(&two, "", "linux/arm64", false, "1");
        check(&two, "", "arm64", true, "1");
        check(&two, "", "linux/riscv64", false, "no-such-image");
        let named = ["a linux/arm64", "b linux/arm64"];
        check(&named, "b", "", true, "1");
        check(&named, "c", "", true, "no-such-image");
        check(&named, "", "linux/arm64", true, "ambiguous");
        check(&named, "", "linux/arm64", false, "0");
        check(
            &["- linux/arm/v6", "- linux/arm/v7"],
            "",
            "linux/arm",
            false,
            "1",
        );
    }

    #[test]
    fn only_image_is_taken_whatever_its_platform_is() {
        check(&["- linux/s390x"], "", "", false, "0");
        check(&["- -"], "", "linux/arm64", false, "0");
        check(&["- unknown/unknown", "- linux/s390x"], "", "", false, "1");
        check(&[], "", "", false, "no-such-image");
        check(&["- unknown/unknown"], "", "", false, "no-such-image");
    }

    #[test]
    fn unclear_choice_is_left_to_the_caller() {
        check(
            &["- linux/s390x", "- linux/riscv64"],
            "",
            "",
            false,
            "ambiguous",
        );
        check(&["- -", "- - "], "", "", true, "ambiguous");
    }
}
