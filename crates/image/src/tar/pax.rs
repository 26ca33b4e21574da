//! The records of an extended header: `LENGTH KEY=VALUE` lines that override the header after it.

use std::collections::BTreeMap;

/// The records by key. The last one of a key counts.
pub(super) type PaxRecords = BTreeMap<Vec<u8>, Vec<u8>>;

/// Where the map of a sparse file is, one record after the other in format 0.0.
pub(super) const SPARSE_MAP: &[u8] = b"GNU.sparse.map";
const SPARSE_OFFSET: &[u8] = b"GNU.sparse.offset";
const SPARSE_LENGTH: &[u8] = b"GNU.sparse.numbytes";

const BROKEN: &str = "an extended header has a broken record";

/// Reads the records.
pub(super) fn read_records(mut bytes: &[u8]) -> Result<PaxRecords, &'static str> {
    let mut records = PaxRecords::new();
    let mut sparse_map: Vec<&[u8]> = Vec::new();
    while !bytes.is_empty() {
        let (key, value, rest) = next_record(bytes).ok_or(BROKEN)?;
        bytes = rest;
        if key == SPARSE_OFFSET || key == SPARSE_LENGTH {
            let is_offset = sparse_map.len().is_multiple_of(2);
            if (key == SPARSE_OFFSET) != is_offset || value.contains(&b',') {
                return Err("the map of a sparse file is out of order");
            }
            sparse_map.push(value);
        } else {
            records.insert(key.to_vec(), value.to_vec());
        }
    }
    if !sparse_map.is_empty() {
        records.insert(SPARSE_MAP.to_vec(), sparse_map.join(b",".as_slice()));
    }
    Ok(records)
}

/// A decimal number of a record.
pub(super) fn decimal(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let value: i64 = digits.parse().ok()?;
    u64::try_from(value).ok()
}

fn next_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(bytes.get(..space)?)?).ok()?;
    let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    let is_name = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
    let has_nul = if is_name { value } else { key }.contains(&0);
    (!key.is_empty() && !has_nul).then_some((key, value, bytes.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &str, expected: Option<&[(&str, &str)]>) {
        let records = read_records(bytes.as_bytes()).ok();
        let expected: Option<PaxRecords> = expected.map(|expected| {
            let records = expected.iter();
            let records =
                records.map(|(key, value)| (key.as_bytes().into(), value.as_bytes().into()));
            records.collect()
        });
        assert_eq!(records, expected, "{bytes:?}");
    }

    #[test]
    fn record_has_its_own_length() {
        check("", Some(&[]));
        check("10 path=a\n", Some(&[("path", "a")]));
        check("10 path=a\n10 path=b\n", Some(&[("path", "b")]));
        check("13 a=b=\nc==\n\n", Some(&[("a", "b=\nc==\n")]));
        check("11 path=a\n", None);
        check("9 path=a\n", Some(&[("path", "a")]));
        check("8 path=a\n", None);
        check("10 path=\0\n", None);
        check("5 =a\n", None);
        check("-1 path=a\n", None);
        check("99999999999999999999 path=a\n", None);
        check("path=a\n", None);
    }

    #[test]
    fn map_of_a_sparse_file_is_gathered() {
        let first = "23 GNU.sparse.offset=1\n";
        let second = "25 GNU.sparse.numbytes=2\n";
        check(
            &format!("{first}{second}"),
            Some(&[("GNU.sparse.map", "1,2")]),
        );
        check(&format!("{second}{first}"), None);
    }
}
