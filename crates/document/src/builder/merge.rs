//! Resolves the merge keys of a YAML map, when it is closed.
//!
//! As in Go's reader, the position of a merge decides: it overrides the keys above it and is
//! overridden by the keys below; of a list of maps, the first wins.

use super::{expansion::Expansion, node_buffer::NodeBuffer};
use crate::{
    outcome::ParseError,
    tape::{Kind, MERGE, OVERRIDDEN_KEY, Raw},
};

/// Replaces each merge entry of the map that ends the tape by the entries of the maps that it
/// names, and returns the number of keys.
#[inline(never)]
pub(super) fn resolve_merges(
    buffer: &mut NodeBuffer<'_>,
    expansion: &mut Expansion,
    map: usize,
) -> Result<u32, ParseError> {
    let at = buffer.get(map).map_or(0, |raw| raw.at as usize);
    let inside = map + 1;
    expansion.add(at, buffer.nodes.len().saturating_sub(inside))?;
    let old = buffer.nodes.split_off(inside.min(buffer.nodes.len()));
    let mut children = 0_u32;
    let mut next = 0;
    while let (Some(key), Some(value)) = (old.get(next), old.get(next + 1)) {
        let end = next + 1 + value.extent();
        let value_nodes = old.get(next + 1..end).unwrap_or_default();
        if key.is(MERGE) {
            for map in merged_maps(key.at as usize, value_nodes)? {
                expansion.add(at, map.len())?;
                children = children.saturating_add(append_entries(&mut buffer.nodes, map));
            }
        } else {
            buffer.nodes.push(*key);
            buffer.nodes.extend_from_slice(value_nodes);
            children = children.saturating_add(1);
        }
        buffer.check_room(at, 0)?;
        next = end;
    }
    Ok(children)
}

/// Appends the entries of a map that is given with its own node, and returns their number.
fn append_entries(nodes: &mut Vec<Raw>, map: &[Raw]) -> u32 {
    let (mut next, mut count) = (1, 0);
    while let (Some(key), Some(value)) = (map.get(next), map.get(next + 1)) {
        let end = next + 1 + value.extent();
        if !key.is(OVERRIDDEN_KEY) {
            nodes.extend_from_slice(map.get(next..end).unwrap_or_default());
            count += 1;
        }
        next = end;
    }
    count
}

/// The maps that a merge key names, each before those that it overrides.
fn merged_maps(at: usize, value: &[Raw]) -> Result<Vec<&[Raw]>, ParseError> {
    let wrong = || {
        ParseError::new(
            at,
            "the merge key `<<` needs a map or a list of maps as its value",
        )
    };
    let root = value.first().ok_or_else(wrong)?;
    let mut maps = Vec::new();
    match root.kind {
        Kind::Map => maps.push(value),
        Kind::List => {
            let mut next = 1;
            while let Some(element) = value.get(next) {
                if element.kind != Kind::Map {
                    return Err(wrong());
                }
                maps.push(value.get(next..next + element.extent()).unwrap_or_default());
                next += element.extent();
            }
            maps.reverse();
        }
        _ => return Err(wrong()),
    }
    Ok(maps)
}
