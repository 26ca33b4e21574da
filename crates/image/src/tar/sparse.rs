//! Sparse files: the pieces of content that are stored, and the zeros between them.

use super::{
    header::{Block, field, number},
    pax::{PaxRecords, SPARSE_MAP, decimal},
};

/// The most pieces of one file.
const MAX_PIECES: usize = 1 << 16;

const BROKEN: &str = "the map of a sparse file is broken";

/// A stored piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins in the file.
    pub(super) start: u64,
    pub(super) length: u64,
}

/// The pieces of a file, in order and without overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SparseMap(Vec<Piece>);

impl SparseMap {
    pub(super) fn push(&mut self, start: u64, length: u64) -> Result<(), &'static str> {
        if self.0.len() >= MAX_PIECES {
            return Err("a sparse file has too many pieces");
        }
        self.0.push(Piece { start, length });
        Ok(())
    }

    /// Whether the pieces fit a file of `size` bytes of which `stored` are in the archive.
    pub(super) fn check(&self, size: u64, stored: u64) -> Result<(), &'static str> {
        let mut end = 0;
        let mut sum = 0_u64;
        for piece in &self.0 {
            let piece_end = piece.start.checked_add(piece.length).ok_or(BROKEN)?;
            if piece.start < end || piece_end > size {
                return Err(BROKEN);
            }
            end = piece_end;
            sum = sum.checked_add(piece.length).ok_or(BROKEN)?;
        }
        if sum > stored {
            return Err(BROKEN);
        }
        Ok(())
    }

    /// How many bytes from `position` are zeros, and how many after them are stored. Both are zero
    /// only at the end of the pieces.
    pub(super) fn at(&self, position: u64) -> (u64, u64) {
        let index = self
            .0
            .partition_point(|piece| piece.start + piece.length <= position);
        match self.0.get(index) {
            Some(piece) if piece.start > position => (piece.start - position, piece.length),
            Some(piece) => (0, piece.start + piece.length - position),
            None => (0, 0),
        }
    }
}

/// The pieces in a header of GNU's old format, or in one of its extensions; and whether another
/// extension follows.
pub(super) fn read_old_pieces(
    block: &Block,
    is_extension: bool,
    map: &mut SparseMap,
) -> Result<bool, &'static str> {
    let (start, count) = if is_extension { (0, 21) } else { (386, 4) };
    for index in 0..count {
        let offset = field(block, start + index * 24, 12);
        if offset.first() == Some(&0) {
            break;
        }
        let length = number(field(block, start + index * 24 + 12, 12)).ok_or(BROKEN)?;
        let offset = number(offset).ok_or(BROKEN)?;
        map.push(
            u64::try_from(offset).map_err(|_| BROKEN)?,
            u64::try_from(length).map_err(|_| BROKEN)?,
        )?;
    }
    let is_extended = field(block, start + count * 24, 1);
    Ok(is_extended.first().is_some_and(|byte| *byte > 0))
}

/// The size of a file in GNU's old format.
pub(super) fn read_old_size(block: &Block) -> Result<u64, &'static str> {
    let size = number(field(block, 483, 12)).ok_or(BROKEN)?;
    u64::try_from(size).map_err(|_| BROKEN)
}

/// Where the records of an extended header have the map.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PaxSparse {
    /// The file is not sparse.
    None,
    /// In the records, by formats 0.0 and 0.1.
    Records(SparseMap),
    /// Before the content, by format 1.0.
    Content,
}

/// Reads what the records say about sparse content.
pub(super) fn pax_sparse(records: &PaxRecords) -> Result<PaxSparse, &'static str> {
    let value = |key: &[u8]| records.get(key).map(Vec::as_slice).unwrap_or_default();
    let map = value(SPARSE_MAP);
    match (value(b"GNU.sparse.major"), value(b"GNU.sparse.minor")) {
        (b"0", b"0" | b"1") => {}
        (b"1", b"0") => return Ok(PaxSparse::Content),
        (b"", b"") if !map.is_empty() => {}
        _ => return Ok(PaxSparse::None),
    }
    let count = decimal(value(b"GNU.sparse.numblocks")).ok_or(BROKEN)?;
    let numbers: Vec<&[u8]> = map.split(|byte| *byte == b',').collect();
    let numbers = if map.is_empty() { Vec::new() } else { numbers };
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() as u64 != count {
        return Err(BROKEN);
    }
    let mut sparse = SparseMap::default();
    for [start, length] in pairs {
        let start = decimal(start).ok_or(BROKEN)?;
        sparse.push(start, decimal(length).ok_or(BROKEN)?)?;
    }
    Ok(PaxSparse::Records(sparse))
}

/// The lines of a map of format 1.0, by its first one.
pub(super) fn map_lines(text: &[u8]) -> Result<usize, &'static str> {
    let count = text.split(|byte| *byte == b'\n').next().and_then(decimal);
    let count = usize::try_from(count.ok_or(BROKEN)?).map_err(|_| BROKEN)?;
    if count > MAX_PIECES {
        return Err("a sparse file has too many pieces");
    }
    Ok(1 + 2 * count)
}

/// Reads the map of format 1.0: a count, then the start and length of each piece, a line each.
pub(super) fn read_map_text(text: &[u8]) -> Result<SparseMap, &'static str> {
    let lines: Vec<&[u8]> = text
        .split(|byte| *byte == b'\n')
        .take(map_lines(text)?)
        .collect();
    let (pairs, _) = lines.get(1..).unwrap_or_default().as_chunks::<2>();
    let mut map = SparseMap::default();
    for [start, length] in pairs {
        let start = decimal(start).ok_or(BROKEN)?;
        map.push(start, decimal(length).ok_or(BROKEN)?)?;
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pieces: &[(u64, u64)]) -> SparseMap {
        let pieces = pieces.iter();
        SparseMap(
            pieces
                .map(|(start, length)| Piece {
                    start: *start,
                    length: *length,
                })
                .collect(),
        )
    }

    #[track_caller]
    fn check(pieces: &[(u64, u64)], size: u64, stored: u64, is_valid: bool) {
        assert_eq!(
            map(pieces).check(size, stored).is_ok(),
            is_valid,
            "{pieces:?}"
        );
    }

    #[test]
    fn pieces_are_in_order_and_inside() {
        check(&[], 10, 0, true);
        check(&[(0, 2), (5, 5)], 10, 7, true);
        check(&[(0, 2), (10, 0)], 10, 2, true);
        check(&[(0, 2), (1, 5)], 10, 7, false);
        check(&[(5, 2), (0, 1)], 10, 3, false);
        check(&[(5, 6)], 10, 6, false);
        check(&[(5, 5)], 10, 4, false);
        check(&[(u64::MAX, 2)], u64::MAX, 2, false);
    }

    #[test]
    fn position_is_in_a_hole_or_a_piece() {
        let map = map(&[(2, 3), (5, 0), (8, 1)]);
        for (position, expected) in [
            (0, (2, 3)),
            (2, (0, 3)),
            (4, (0, 1)),
            (6, (2, 1)),
            (9, (0, 0)),
        ] {
            assert_eq!(map.at(position), expected, "{position}");
        }
    }

    #[test]
    fn map_before_the_content_is_lines() {
        assert_eq!(read_map_text(b"1\n1\n2\n\0\0"), Ok(map(&[(1, 2)])));
        assert_eq!(read_map_text(b"0\n"), Ok(map(&[])));
        assert!(read_map_text(b"1\nx\n2\n").is_err());
        assert!(read_map_text(b"x\n").is_err());
        assert!(read_map_text(b"99999999\n").is_err());
    }
}
