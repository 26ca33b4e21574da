//! Finds the repeated keys of a map, and builds the index of a long list or map, when it is closed.

use super::node_buffer::{NodeBuffer, offset};
use crate::tape::{Index, OVERRIDDEN_KEY};

/// A map with more keys than this has an index, and so has a list with more than four times as many
/// elements.
pub(super) const MAX_UNINDEXED_KEYS: usize = 16;

/// Marks repeated keys of a map without index, comparing every key with every other.
#[inline(never)]
pub(super) fn override_repeated(buffer: &mut NodeBuffer<'_>, map: usize) {
    // The distance and the hash of each key.
    let mut keys = [(0, 0); MAX_UNINDEXED_KEYS];
    let mut count = 0;
    for (slot, distance) in keys.iter_mut().zip(key_distances(buffer, map)) {
        let hash = buffer
            .get(map + distance as usize)
            .map_or(0, |raw| raw.hash);
        *slot = (distance, hash);
        count += 1;
    }
    let mut left = keys.get(..count).unwrap_or_default();
    while let [(key, hash), later @ ..] = left {
        let is_repeated = later
            .iter()
            .filter(|(_, other_hash)| other_hash == hash)
            .any(|(other, _)| key_at(buffer, map, *other) == key_at(buffer, map, *key));
        if is_repeated {
            mark_overridden(buffer, map, *key);
        }
        left = later;
    }
}

/// Returns the index of a map of `count` keys, and marks its repeated keys.
#[inline(never)]
pub(super) fn index_keys(buffer: &mut NodeBuffer<'_>, map: usize, count: usize) -> Index {
    let mut keys: Index = Vec::with_capacity(count);
    keys.extend(key_distances(buffer, map));
    // Of equal keys the last of the text comes first, so that it is the one that is kept.
    keys.sort_by(|a, b| {
        let by_text = key_at(buffer, map, *a).cmp(key_at(buffer, map, *b));
        by_text.then(b.cmp(a))
    });
    let mut overridden = Vec::new();
    keys.dedup_by(|later, kept| {
        let is_repeated = key_at(buffer, map, *later) == key_at(buffer, map, *kept);
        if is_repeated {
            overridden.push(*later);
        }
        is_repeated
    });
    for key in overridden {
        mark_overridden(buffer, map, key);
    }
    keys
}

/// Returns the index of a list of `count` elements, the last of which ends the tape.
#[inline(never)]
pub(super) fn index_elements(buffer: &NodeBuffer<'_>, list: usize, count: usize) -> Index {
    let mut elements: Index = Vec::with_capacity(count);
    let mut next = list + 1;
    while let Some(raw) = buffer.get(next) {
        elements.push(offset(next - list));
        next += raw.extent();
    }
    elements
}

/// The distances of the keys of a map from its node; the last value ends the tape.
fn key_distances(buffer: &NodeBuffer<'_>, map: usize) -> impl Iterator<Item = u32> {
    let mut next = map + 1;
    std::iter::from_fn(move || {
        let key = next;
        let value = buffer.get(key + 1)?;
        next = key + 1 + value.extent();
        Some(offset(key - map))
    })
}

fn key_at<'b>(buffer: &'b NodeBuffer<'_>, map: usize, distance: u32) -> &'b str {
    buffer
        .get(map + distance as usize)
        .map_or("", |raw| buffer.string(raw))
}

fn mark_overridden(buffer: &mut NodeBuffer<'_>, map: usize, distance: u32) {
    if let Some(key) = buffer.nodes.get_mut(map + distance as usize) {
        key.flags |= OVERRIDDEN_KEY;
    }
}
