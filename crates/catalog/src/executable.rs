//! Sections and segments of ELF, PE and Mach-O files, as slices of their content. Every offset and size
//! comes from the file: what lies outside of it is left out.

/// Sections and segments that are looked at; files that claim more are cut.
const PARTS: usize = 65_536;
/// Programs in one universal file of macOS.
const PROGRAMS: usize = 32;

/// A named part of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
}

/// A part that is mapped into memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) address: u64,
    pub(crate) data: &'a [u8],
    /// It may be written and is no code.
    pub(crate) is_data: bool,
}

/// One program.
#[derive(Debug, Default)]
pub(crate) struct Program<'a> {
    pub(crate) sections: Vec<Section<'a>>,
    pub(crate) segments: Vec<Segment<'a>>,
}

impl<'a> Program<'a> {
    /// The content of a section.
    pub(crate) fn section(&self, name: &[u8]) -> Option<&'a [u8]> {
        let section = self.sections.iter().find(|section| section.name == name)?;
        Some(section.data)
    }

    /// The content from an address to the end of its segment.
    pub(crate) fn at_address(&self, address: u64) -> Option<&'a [u8]> {
        self.segments.iter().find_map(|segment| {
            let start = address.checked_sub(segment.address)?;
            let data = segment.data.get(usize::try_from(start).ok()?..)?;
            (!data.is_empty()).then_some(data)
        })
    }
}

/// Whether a content begins as an executable does.
pub(crate) fn is_executable(content: &[u8]) -> bool {
    is_elf(content)
        || content.starts_with(b"MZ")
        || macho_byte_order(content).is_some()
        || is_fat(content)
}

fn is_elf(content: &[u8]) -> bool {
    content.starts_with(b"\x7fELF")
}

/// Java classes begin with the same bytes as universal files, and then with a version above 40.
fn is_fat(content: &[u8]) -> bool {
    content.starts_with(&[0xca, 0xfe, 0xba, 0xbe])
        && u32_at(content, 4, ByteOrder::Big)
            .and_then(|count| usize::try_from(count).ok())
            .is_some_and(|count| count <= PROGRAMS)
}

/// The programs of a file: several in a universal file of macOS, otherwise one; none where the header is
/// not understood.
pub(crate) fn programs(content: &[u8]) -> Vec<Program<'_>> {
    if is_fat(content) {
        return fat(content);
    }
    program(content).into_iter().collect()
}

fn program(content: &[u8]) -> Option<Program<'_>> {
    if is_elf(content) {
        elf(content)
    } else if content.starts_with(b"MZ") {
        pe(content)
    } else {
        macho(content)
    }
}

fn fat(content: &[u8]) -> Vec<Program<'_>> {
    let count = u32_at(content, 4, ByteOrder::Big).unwrap_or(0);
    let count = usize::try_from(count).unwrap_or(0).min(PROGRAMS);
    (0..count)
        .filter_map(|number| {
            let entry = number.checked_mul(20)?.checked_add(8)?;
            let offset = u32_at(content, entry.checked_add(8)?, ByteOrder::Big)?;
            let size = u32_at(content, entry.checked_add(12)?, ByteOrder::Big)?;
            program(part(content, u64::from(offset), u64::from(size))?)
        })
        .collect()
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

fn bytes_at<const N: usize>(content: &[u8], offset: usize) -> Option<[u8; N]> {
    content.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

/// Two bytes as a number.
pub(crate) fn u16_at(content: &[u8], offset: usize, order: ByteOrder) -> Option<u16> {
    let bytes = bytes_at(content, offset)?;
    Some(match order {
        ByteOrder::Little => u16::from_le_bytes(bytes),
        ByteOrder::Big => u16::from_be_bytes(bytes),
    })
}

/// Four bytes as a number.
pub(crate) fn u32_at(content: &[u8], offset: usize, order: ByteOrder) -> Option<u32> {
    let bytes = bytes_at(content, offset)?;
    Some(match order {
        ByteOrder::Little => u32::from_le_bytes(bytes),
        ByteOrder::Big => u32::from_be_bytes(bytes),
    })
}

/// Eight bytes as a number.
pub(crate) fn u64_at(content: &[u8], offset: usize, order: ByteOrder) -> Option<u64> {
    let bytes = bytes_at(content, offset)?;
    Some(match order {
        ByteOrder::Little => u64::from_le_bytes(bytes),
        ByteOrder::Big => u64::from_be_bytes(bytes),
    })
}

/// A part of the content; cut where the content ends before it.
fn part(content: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset.checked_add(size)?).ok()?;
    content.get(start..end.min(content.len()))
}

/// A text that ends with a zero byte.
fn text_at(content: &[u8], offset: usize) -> Option<&[u8]> {
    let rest = content.get(offset..)?;
    let end = memchr::memchr(0, rest)?;
    rest.get(..end)
}

/// A text in a field of fixed size, filled up with zero bytes.
fn fixed_text(content: &[u8], offset: usize, size: usize) -> Option<&[u8]> {
    let field = content.get(offset..offset.checked_add(size)?)?;
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    field.get(..end)
}

/// Where the fields of ELF's headers are, for 32 and for 64 bits.
struct ElfLayout {
    is_wide: bool,
    order: ByteOrder,
}

impl ElfLayout {
    /// A number of the width of an address.
    fn word(&self, content: &[u8], offset: usize) -> Option<u64> {
        if self.is_wide {
            u64_at(content, offset, self.order)
        } else {
            u32_at(content, offset, self.order).map(u64::from)
        }
    }

    fn half(&self, content: &[u8], offset: usize) -> Option<usize> {
        u16_at(content, offset, self.order).map(usize::from)
    }

    fn pick<T>(&self, narrow: T, wide: T) -> T {
        if self.is_wide { wide } else { narrow }
    }
}

fn elf(content: &[u8]) -> Option<Program<'_>> {
    let order = match content.get(5)? {
        1 => ByteOrder::Little,
        2 => ByteOrder::Big,
        _ => return None,
    };
    let layout = ElfLayout {
        is_wide: *content.get(4)? == 2,
        order,
    };
    Some(Program {
        sections: elf_sections(content, &layout).unwrap_or_default(),
        segments: elf_segments(content, &layout).unwrap_or_default(),
    })
}

fn elf_sections<'a>(content: &'a [u8], layout: &ElfLayout) -> Option<Vec<Section<'a>>> {
    let table = layout.word(content, layout.pick(32, 40))?;
    let size = layout.half(content, layout.pick(46, 58))?;
    let count = layout.half(content, layout.pick(48, 60))?;
    let names = layout.half(content, layout.pick(50, 62))?;
    let table = content.get(usize::try_from(table).ok()?..)?;
    if size < layout.pick(40, 64) {
        return None;
    }
    let headers: Vec<&[u8]> = table.chunks_exact(size).take(count.min(PARTS)).collect();
    let data = |header: &[u8]| {
        const WITHOUT_CONTENT: u32 = 8;
        if u32_at(header, 4, layout.order)? == WITHOUT_CONTENT {
            return None;
        }
        let offset = layout.word(header, layout.pick(16, 24))?;
        let size = layout.word(header, layout.pick(20, 32))?;
        part(content, offset, size)
    };
    let names = data(headers.get(names)?)?;
    let sections = headers.iter().filter_map(|header| {
        let name = u32_at(header, 0, layout.order)?;
        Some(Section {
            name: text_at(names, usize::try_from(name).ok()?)?,
            data: data(header)?,
        })
    });
    Some(sections.collect())
}

fn elf_segments<'a>(content: &'a [u8], layout: &ElfLayout) -> Option<Vec<Segment<'a>>> {
    const LOADED: u32 = 1;
    const EXECUTABLE: u32 = 1;
    const WRITABLE: u32 = 2;
    let table = layout.word(content, layout.pick(28, 32))?;
    let size = layout.half(content, layout.pick(42, 54))?;
    let count = layout.half(content, layout.pick(44, 56))?;
    let table = content.get(usize::try_from(table).ok()?..)?;
    if size < layout.pick(32, 56) {
        return None;
    }
    let segments = table
        .chunks_exact(size)
        .take(count.min(PARTS))
        .filter_map(|header| {
            let kind = u32_at(header, 0, layout.order)?;
            let flags = u32_at(header, layout.pick(24, 4), layout.order)?;
            let offset = layout.word(header, layout.pick(4, 8))?;
            let address = layout.word(header, layout.pick(8, 16))?;
            let size = layout.word(header, layout.pick(16, 32))?;
            (kind == LOADED).then_some(Segment {
                address,
                data: part(content, offset, size)?,
                is_data: flags & (EXECUTABLE | WRITABLE) == WRITABLE,
            })
        });
    Some(segments.collect())
}

fn pe(content: &[u8]) -> Option<Program<'_>> {
    const INITIALIZED_READ_WRITE: u32 = 0x40 | 0x4000_0000 | 0x8000_0000;
    let order = ByteOrder::Little;
    let header = usize::try_from(u32_at(content, 0x3c, order)?).ok()?;
    let header = content.get(header..)?;
    if !header.starts_with(b"PE\0\0") {
        return None;
    }
    let count = usize::from(u16_at(header, 6, order)?);
    let optional = usize::from(u16_at(header, 20, order)?);
    let base = match u16_at(header, 24, order) {
        Some(0x20b) => u64_at(header, 48, order)?,
        Some(0x10b) => u64::from(u32_at(header, 52, order)?),
        _ => 0,
    };
    let table = header.get(optional.checked_add(24)?..)?;
    let mut program = Program::default();
    for entry in table.chunks_exact(40).take(count.min(PARTS)) {
        let address = u64::from(u32_at(entry, 12, order)?);
        let size = u64::from(u32_at(entry, 16, order)?);
        let offset = u64::from(u32_at(entry, 20, order)?);
        let flags = u32_at(entry, 36, order)?;
        let (Some(data), Some(name)) = (part(content, offset, size), fixed_text(entry, 0, 8))
        else {
            continue;
        };
        program.sections.push(Section { name, data });
        program.segments.push(Segment {
            address: base.wrapping_add(address),
            data,
            is_data: flags & INITIALIZED_READ_WRITE == INITIALIZED_READ_WRITE,
        });
    }
    Some(program)
}

/// The byte order and the width of a Mach-O file.
fn macho_byte_order(content: &[u8]) -> Option<(ByteOrder, bool)> {
    match content.get(..4)? {
        [0xfe, 0xed, 0xfa, 0xce] => Some((ByteOrder::Big, false)),
        [0xfe, 0xed, 0xfa, 0xcf] => Some((ByteOrder::Big, true)),
        [0xce, 0xfa, 0xed, 0xfe] => Some((ByteOrder::Little, false)),
        [0xcf, 0xfa, 0xed, 0xfe] => Some((ByteOrder::Little, true)),
        _ => None,
    }
}

fn macho(content: &[u8]) -> Option<Program<'_>> {
    const SEGMENT_32: u32 = 1;
    const SEGMENT_64: u32 = 0x19;
    let (order, is_wide) = macho_byte_order(content)?;
    let count = usize::try_from(u32_at(content, 16, order)?).ok()?;
    let mut rest = content.get(if is_wide { 32 } else { 28 }..)?;
    let mut program = Program::default();
    for _ in 0..count.min(PARTS) {
        let (Some(kind), Some(size)) = (u32_at(rest, 0, order), u32_at(rest, 4, order)) else {
            break;
        };
        let size = usize::try_from(size).ok()?;
        let Some(command) = rest.get(..size).filter(|command| command.len() >= 8) else {
            break;
        };
        if matches!(kind, SEGMENT_32 | SEGMENT_64) {
            let layout = ElfLayout {
                is_wide: kind == SEGMENT_64,
                order,
            };
            // A segment that is cut short says nothing.
            let _ = add_macho_segment(&mut program, content, command, &layout);
        }
        rest = rest.get(size..)?;
    }
    Some(program)
}

fn add_macho_segment<'a>(
    program: &mut Program<'a>,
    content: &'a [u8],
    command: &'a [u8],
    layout: &ElfLayout,
) -> Option<()> {
    let address = layout.word(command, 24)?;
    let offset = layout.word(command, layout.pick(32, 40))?;
    let size = layout.word(command, layout.pick(36, 48))?;
    let count = u32_at(command, layout.pick(48, 64), layout.order)?;
    let count = usize::try_from(count).ok()?.min(PARTS);
    if let Some(data) = part(content, offset, size) {
        program.segments.push(Segment {
            address,
            data,
            is_data: fixed_text(command, 8, 16)? == b"__DATA",
        });
    }
    let table = command.get(layout.pick(56, 72)..)?;
    for entry in table.chunks_exact(layout.pick(68, 80)).take(count) {
        let size = layout.word(entry, layout.pick(36, 40))?;
        let offset = u32_at(entry, layout.pick(40, 48), layout.order)?;
        if let Some(data) = part(content, u64::from(offset), size) {
            let name = fixed_text(entry, 0, 16)?;
            program.sections.push(Section { name, data });
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn executable_is_known_by_its_first_bytes() {
        let check = |content: &[u8], expected: bool| {
            assert_eq!(is_executable(content), expected, "{content:?}")
        };
        check(b"\x7fELF\x02\x01", true);
        check(b"MZ\x90", true);
        check(&[0xcf, 0xfa, 0xed, 0xfe], true);
        check(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], true);
        // A Java class of version 52.
        check(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52], false);
        check(b"#!/bin/sh", false);
        check(b"", false);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test reads its own program")]
    fn own_program_has_sections_and_segments() {
        let content = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let programs = programs(&content);
        assert_eq!(programs.len(), 1);
        if content.starts_with(b"\x7fELF") {
            assert!(programs[0].section(b".text").is_some());
            assert!(programs[0].segments.iter().any(|segment| segment.is_data));
        }
    }

    proptest! {
        #[test]
        fn random_headers_are_read_without_panic(
            magic in prop::sample::select(vec![
                &b"\x7fELF\x02\x01"[..], b"\x7fELF\x01\x02", b"MZ", &[0xcf, 0xfa, 0xed, 0xfe], &[0xfe, 0xed, 0xfa, 0xce],
                &[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 3],
            ]),
            rest in prop::collection::vec(prop_oneof![Just(0_u8), 0_u8..80, any::<u8>()], 0..400),
        ) {
            let content = [magic, rest.as_slice()].concat();
            for program in programs(&content) {
                let _ = program.section(b".text");
                let _ = program.at_address(4096);
            }
        }
    }
}
