//! The 512 bytes before an entry: formats, checksum, numbers and names.

/// The bytes of a header, and the unit in which content is padded.
pub(super) const BLOCK_BYTES: usize = 512;

/// A header block.
pub(super) type Block = [u8; BLOCK_BYTES];

/// What wrote a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// The fields of a header that are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: Format,
    pub(super) kind: u8,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) size: u64,
    pub(super) mode: u32,
}

/// Reads a header that is not all zeros.
pub(super) fn read_header(block: &Block) -> Result<Header, &'static str> {
    if !has_checksum(block) {
        return Err("a header has a wrong checksum");
    }
    let format = format(block);
    let mut name = text(field(block, 0, 100)).to_vec();
    let prefix = prefix(block, format);
    if !prefix.is_empty() {
        name = [prefix, b"/", &name].concat();
    }
    let size = number(field(block, 124, 12)).ok_or("the size of an entry is not a number")?;
    let mode = number(field(block, 100, 8)).ok_or("the mode of an entry is not a number")?;
    Ok(Header {
        format,
        kind: field(block, 156, 1).first().copied().unwrap_or_default(),
        name,
        link: text(field(block, 157, 100)).to_vec(),
        size: u64::try_from(size).map_err(|_| "the size of an entry is negative")?,
        mode: u32::try_from(mode & 0o7777).unwrap_or_default(),
    })
}

/// Bytes of a block; empty beyond its end.
pub(super) fn field(block: &Block, start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// The bytes before the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0);
    field.get(..end.unwrap_or(field.len())).unwrap_or_default()
}

/// A number in octal digits, or in base 256 where the first bit is set. Empty is zero.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base_256(field),
        _ => octal(field).and_then(|value| i64::try_from(value).ok()),
    }
}

/// Two's complement with the most significant byte first; the first bit is a mark.
fn base_256(field: &[u8]) -> Option<i64> {
    let is_negative = field.first()? & 0x40 != 0;
    let mut value: i128 = if is_negative { -1 } else { 0 };
    for (index, byte) in field.iter().enumerate() {
        // The mark has the place of the sign.
        let byte = match (index, is_negative) {
            (0, true) => byte | 0x80,
            (0, false) => byte & 0x7f,
            _ => *byte,
        };
        value = value.checked_mul(256)? + i128::from(byte);
        i64::try_from(value).ok()?;
    }
    i64::try_from(value).ok()
}

fn octal(field: &[u8]) -> Option<u64> {
    let is_padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_padding(byte));
    let end = field.iter().rposition(|byte| !is_padding(byte));
    let (Some(start), Some(end)) = (start, end) else {
        return Some(0);
    };
    let digits = text(field.get(start..=end)?);
    digits.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// The sum of all bytes, with the checksum itself as spaces; old programs added signed bytes.
fn has_checksum(block: &Block) -> bool {
    let Some(expected) = octal(field(block, 148, 8)) else {
        return false;
    };
    let spaces = 8 * i64::from(b' ');
    let unsigned = |bytes: &[u8]| -> i64 { bytes.iter().map(|byte| i64::from(*byte)).sum() };
    let signed = |bytes: &[u8]| -> i64 {
        let bytes = bytes.iter();
        bytes.map(|byte| i64::from(byte.cast_signed())).sum()
    };
    let stored = field(block, 148, 8);
    i64::try_from(expected).is_ok_and(|expected| {
        expected == unsigned(block) - unsigned(stored) + spaces
            || expected == signed(block) - signed(stored) + spaces
    })
}

fn format(block: &Block) -> Format {
    match (field(block, 257, 6), field(block, 263, 2)) {
        (b"ustar\0", _) if field(block, 508, 4) == b"tar\0" => Format::Star,
        (b"ustar\0", _) => Format::Ustar,
        (b"ustar ", b" \0") => Format::Gnu,
        _ => Format::V7,
    }
}

fn prefix(block: &Block, format: Format) -> &[u8] {
    match format {
        Format::V7 => &[],
        Format::Ustar => text(field(block, 345, 155)),
        Format::Star => text(field(block, 345, 131)),
        // Old Go wrote a prefix over the times of the GNU format.
        Format::Gnu => {
            let is_time = |start| {
                let field = field(block, start, 12);
                field.first() == Some(&0) || number(field).is_some()
            };
            let prefix = text(field(block, 345, 155));
            if is_time(345) && is_time(357) || !prefix.is_ascii() {
                return &[];
            }
            prefix
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &[u8], expected: Option<i64>) {
        assert_eq!(number(field), expected, "{field:x?}");
    }

    #[test]
    fn number_is_octal_or_base_256() {
        check(b"0000644\0", Some(0o644));
        check(b"   644 \0", Some(0o644));
        check(b"\0\0\0\0", Some(0));
        check(b"", Some(0));
        check(b"12345670123\0", Some(0o12345670123));
        check(b"0000649\0", None);
        check(b"-1\0", None);
        check(&[0x80, 0, 0, 1, 0], Some(256));
        check(&[0xff, 0xff, 0xff, 0xff], Some(-1));
        check(&[0xff, 0xff, 0xff, 0xfe], Some(-2));
        check(
            &[0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            Some(i64::MAX),
        );
        check(&[0x80, 0x80, 0, 0, 0, 0, 0, 0, 0], None);
        check(&[0xbf; 12], None);
    }

    #[test]
    fn header_without_checksum_is_refused() {
        assert!(read_header(&[1; BLOCK_BYTES]).is_err());
        assert!(read_header(&[b'0'; BLOCK_BYTES]).is_err());
    }
}
