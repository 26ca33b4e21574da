//! Finds wanted blobs while a compressed archive passes by.

use super::{archive::Archive, blob::BlobVisitor, descriptor::BlobDescriptor, error::ImageError};
use std::collections::HashMap;

/// Calls `visit` for each wanted blob. `name_of` gives the member of a blob. A member that is wanted
/// several times takes as many passes.
pub(super) fn visit_stored(
    archive: &Archive,
    wanted: &[&BlobDescriptor],
    name_of: &dyn Fn(&BlobDescriptor) -> Option<String>,
    visit: &mut BlobVisitor<'_>,
) -> Result<(), ImageError> {
    let mut pending: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, blob) in wanted.iter().enumerate() {
        let name = name_of(blob).and_then(|name| archive.real_name(&name));
        let name = name.ok_or_else(|| missing(archive, blob))?;
        pending.entry(name).or_default().push(number);
    }
    while !pending.is_empty() {
        let mut seen = Vec::new();
        archive.visit_members(&mut |name, content| {
            if seen.iter().any(|found| found == name) {
                return Ok(true);
            }
            if let Some(number) = pending.get_mut(name).and_then(Vec::pop) {
                visit(number, content)?;
                seen.push(name.to_owned());
            }
            Ok(seen.len() < pending.len())
        })?;
        if seen.is_empty() {
            let blob = pending.values().flatten().next();
            let blob = blob.and_then(|number| wanted.get(*number));
            return blob.map_or(Ok(()), |blob| Err(missing(archive, blob)));
        }
        pending.retain(|_, numbers| !numbers.is_empty());
    }
    Ok(())
}

fn missing(archive: &Archive, blob: &BlobDescriptor) -> ImageError {
    ImageError::BlobMissing {
        place: archive.place(),
        digest: blob.digest,
    }
}
