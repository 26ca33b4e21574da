//! The entries of a tar, one after the other, with as much of each content as is requested.

use super::{
    header::{BLOCK_BYTES, Block, Format, Header, read_header, text},
    pax::{PaxRecords, decimal, read_records},
    sparse::{
        PaxSparse, SparseMap, map_lines, pax_sparse, read_map_text, read_old_pieces, read_old_size,
    },
};
use crate::{byte_stream::ByteStream, error::ImageError};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    HardLink,
    Symlink,
    Directory,
    /// Devices, FIFOs and what is unknown.
    Other,
}

/// An entry, before its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TarEntry {
    pub(crate) kind: EntryKind,
    /// The name as it is stored.
    pub(crate) name: Vec<u8>,
    /// The target of a link, as it is stored.
    pub(crate) link: Vec<u8>,
    /// The bytes of the content; holes of a sparse file count.
    pub(crate) size: u64,
    /// Unix permission bits.
    pub(crate) mode: u32,
    /// Whether the content is stored as it is, without holes.
    pub(crate) is_plain: bool,
}

/// Reads a tar.
pub(crate) struct TarReader<S> {
    stream: S,
    /// What is read, for messages.
    place: String,
    /// The most bytes of the headers of one entry.
    header_limit: usize,
    /// The bytes of the present entry that are still in the stream, and the padding after them.
    stored_bytes: u64,
    padding_bytes: u64,
    /// The bytes of the present content that were not read yet, and where the next one is in the file.
    content_bytes: u64,
    content_position: u64,
    sparse: Option<SparseMap>,
}

/// What headers before an entry say about it.
#[derive(Default)]
struct Overrides {
    records: PaxRecords,
    name: Vec<u8>,
    link: Vec<u8>,
}

impl<S: ByteStream> TarReader<S> {
    pub(crate) fn new(stream: S, place: String, header_limit: usize) -> Self {
        Self {
            stream,
            place,
            header_limit,
            stored_bytes: 0,
            padding_bytes: 0,
            content_bytes: 0,
            content_position: 0,
            sparse: None,
        }
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// The next entry; `None` at the end. What was not read of the present content is skipped.
    pub(crate) fn next_entry(&mut self) -> Result<Option<TarEntry>, ImageError> {
        let mut overrides = Overrides::default();
        let mut header_bytes = 0;
        loop {
            self.skip_content()?;
            let mut block = [0; BLOCK_BYTES];
            if !self.read_header_block(&mut block)? {
                return Ok(None);
            }
            let mut header = read_header(&block).map_err(|reason| self.broken(reason))?;
            self.begin_content(&header);
            header_bytes += BLOCK_BYTES;
            match header.kind {
                b'x' => {
                    let bytes = self.read_special(&mut header_bytes)?;
                    overrides.records =
                        read_records(&bytes).map_err(|reason| self.broken(reason))?;
                }
                // Runtimes skip it, with what was before it.
                b'g' => {
                    self.read_special(&mut header_bytes)?;
                    overrides = Overrides::default();
                }
                b'L' => overrides.name = self.read_special(&mut header_bytes)?,
                b'K' => overrides.link = self.read_special(&mut header_bytes)?,
                _ => {
                    self.apply(&mut header, &overrides)?;
                    self.begin_content(&header);
                    return self.entry(header, &overrides.records, block).map(Some);
                }
            }
        }
    }

    /// Appends up to `limit` more bytes of the content.
    pub(crate) fn read_content(
        &mut self,
        limit: usize,
        into: &mut Vec<u8>,
    ) -> Result<(), ImageError> {
        let mut wanted = self.content_bytes.min(limit as u64);
        while wanted > 0 {
            let (zeros, stored) = match &self.sparse {
                None => (0, wanted),
                Some(map) => match map.at(self.content_position) {
                    (0, 0) => (wanted, 0),
                    found => found,
                },
            };
            let count = if zeros > 0 {
                let count = zeros.min(wanted);
                into.resize(into.len() + usize::try_from(count).unwrap_or(limit), 0);
                count
            } else {
                let count = stored.min(wanted);
                self.take_stored(count, into)?;
                count
            };
            wanted -= count;
            self.content_bytes -= count;
            self.content_position += count;
        }
        Ok(())
    }

    fn take_stored(&mut self, count: u64, into: &mut Vec<u8>) -> Result<(), ImageError> {
        let read = self.stream.read_into(count, into)?;
        self.stored_bytes = self.stored_bytes.saturating_sub(read);
        if read < count {
            return Err(self.broken("it ends inside a file"));
        }
        Ok(())
    }

    /// Sets where the content of an entry begins and ends.
    fn begin_content(&mut self, header: &Header) {
        // Links, devices, directories and FIFOs have no content, whatever size they state.
        let has_content = !matches!(header.kind, b'1'..=b'6');
        let size = if has_content { header.size } else { 0 };
        self.stored_bytes = size;
        self.padding_bytes = size.wrapping_neg() % BLOCK_BYTES as u64;
        self.content_bytes = size;
        self.content_position = 0;
        self.sparse = None;
    }

    /// Goes to the next header. The last padding may be missing.
    fn skip_content(&mut self) -> Result<(), ImageError> {
        if self.stream.skip(self.stored_bytes)? < self.stored_bytes {
            return Err(self.broken("it ends inside a file"));
        }
        self.stored_bytes = 0;
        self.stream.skip(self.padding_bytes)?;
        self.padding_bytes = 0;
        Ok(())
    }

    /// Reads a header; false at the end of the tar.
    fn read_header_block(&mut self, block: &mut Block) -> Result<bool, ImageError> {
        if !self.read_block(block)? {
            return Ok(false);
        }
        if block.iter().any(|byte| *byte != 0) {
            return Ok(true);
        }
        if !self.read_block(block)? || block.iter().all(|byte| *byte == 0) {
            return Ok(false);
        }
        Err(self.broken("something follows its end"))
    }

    /// Reads a block; false if nothing is left.
    fn read_block(&mut self, block: &mut Block) -> Result<bool, ImageError> {
        let mut bytes = Vec::with_capacity(BLOCK_BYTES);
        match self.stream.read_into(BLOCK_BYTES as u64, &mut bytes)? {
            0 => Ok(false),
            count if count < BLOCK_BYTES as u64 => Err(self.broken("it ends inside a header")),
            _ => {
                block.copy_from_slice(&bytes);
                Ok(true)
            }
        }
    }

    /// The content of an entry that describes the next one.
    fn read_special(&mut self, header_bytes: &mut usize) -> Result<Vec<u8>, ImageError> {
        let size = usize::try_from(self.stored_bytes).unwrap_or(usize::MAX);
        *header_bytes = header_bytes.saturating_add(size);
        if *header_bytes > self.header_limit {
            let limit = self.header_limit as u64;
            return Err(ImageError::limit(
                &self.place,
                limit,
                "bytes in the headers of a file",
            ));
        }
        let mut bytes = Vec::new();
        self.read_content(size, &mut bytes)?;
        Ok(bytes)
    }

    fn apply(&self, header: &mut Header, overrides: &Overrides) -> Result<(), ImageError> {
        let record = |key: &[u8]| overrides.records.get(key).filter(|value| !value.is_empty());
        if let Some(name) = record(b"path") {
            header.name.clone_from(name);
        }
        if let Some(link) = record(b"linkpath") {
            header.link.clone_from(link);
        }
        if let Some(size) = record(b"size") {
            header.size = decimal(size).ok_or_else(|| self.broken("a size is not a number"))?;
        }
        let name = text(&overrides.name);
        if !name.is_empty() {
            header.name = name.to_vec();
        }
        let link = text(&overrides.link);
        if !link.is_empty() {
            header.link = link.to_vec();
        }
        // Old programs mark a folder by its slash alone.
        if header.kind == 0 {
            let is_folder = header.name.ends_with(b"/");
            header.kind = if is_folder { b'5' } else { b'0' };
        }
        Ok(())
    }

    fn entry(
        &mut self,
        mut header: Header,
        records: &PaxRecords,
        block: Block,
    ) -> Result<TarEntry, ImageError> {
        self.read_sparse_map(&mut header, records, block)?;
        let kind = match header.kind {
            b'0' | b'7' | b'S' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'5' => EntryKind::Directory,
            _ => EntryKind::Other,
        };
        Ok(TarEntry {
            kind,
            name: header.name,
            link: header.link,
            size: self.content_bytes,
            mode: header.mode,
            is_plain: self.sparse.is_none(),
        })
    }

    fn read_sparse_map(
        &mut self,
        header: &mut Header,
        records: &PaxRecords,
        block: Block,
    ) -> Result<(), ImageError> {
        let mut size = header.size;
        let map = if header.kind == b'S' {
            if header.format != Format::Gnu {
                return Err(self.broken("a sparse file is not in GNU's format"));
            }
            size = read_old_size(&block).map_err(|reason| self.broken(reason))?;
            self.read_old_map(block)?
        } else {
            let sparse = pax_sparse(records).map_err(|reason| self.broken(reason))?;
            if sparse == PaxSparse::None {
                return Ok(());
            }
            let record = |key: &[u8]| records.get(key).filter(|value| !value.is_empty());
            if let Some(name) = record(b"GNU.sparse.name") {
                header.name.clone_from(name);
            }
            let real_size = record(b"GNU.sparse.size").or(record(b"GNU.sparse.realsize"));
            if let Some(real_size) = real_size {
                let real_size = decimal(real_size);
                size = real_size.ok_or_else(|| self.broken("a size is not a number"))?;
            }
            match sparse {
                PaxSparse::Records(map) => map,
                _ => self.read_map_before_content()?,
            }
        };
        if matches!(header.kind, b'1'..=b'6') {
            return Err(self.broken("something else than a file is sparse"));
        }
        map.check(size, self.stored_bytes)
            .map_err(|reason| self.broken(reason))?;
        self.content_bytes = size;
        self.content_position = 0;
        self.sparse = Some(map);
        Ok(())
    }

    fn read_old_map(&mut self, mut block: Block) -> Result<SparseMap, ImageError> {
        let mut map = SparseMap::default();
        let mut is_extension = false;
        let mut header_bytes = 0;
        while read_old_pieces(&block, is_extension, &mut map)
            .map_err(|reason| self.broken(reason))?
        {
            is_extension = true;
            header_bytes += BLOCK_BYTES;
            if header_bytes > self.header_limit || !self.read_block(&mut block)? {
                return Err(self.broken("the map of a sparse file does not end"));
            }
        }
        Ok(map)
    }

    fn read_map_before_content(&mut self) -> Result<SparseMap, ImageError> {
        let mut text = Vec::new();
        let mut newlines = 0;
        let mut needed = None;
        while needed.is_none_or(|needed| newlines < needed) {
            if self.stored_bytes < BLOCK_BYTES as u64 || text.len() > self.header_limit {
                return Err(self.broken("the map of a sparse file does not end"));
            }
            let start = text.len();
            self.take_stored(BLOCK_BYTES as u64, &mut text)?;
            let block = text.get(start..).unwrap_or_default();
            newlines += block.iter().filter(|byte| **byte == b'\n').count();
            if needed.is_none() && newlines > 0 {
                let lines = map_lines(&text).map_err(|reason| self.broken(reason))?;
                needed = Some(lines);
            }
        }
        read_map_text(&text).map_err(|reason| self.broken(reason))
    }

    fn broken(&self, reason: &str) -> ImageError {
        ImageError::archive(&self.place, reason)
    }
}
