//! A tar that holds an image: its members by name, and their content.
//!
//! Members of a plain tar are read where they are, in any order. A compressed tar is read from its
//! beginning: once for its list of members and its JSON, and once for its layers, in their order.

use super::{
    blob::BlobStream,
    budget::Budget,
    byte_stream::ByteStream,
    entry_path::{EntryPath, clean_path, join_path, read_entry_path, split_path},
    error::ImageError,
    inflated_stream::InflatedStream,
    limits::ImageLimits,
    regular_file::open_regular,
    tar::{EntryKind, TarEntry, TarReader},
    verified_reader::{ExpectedBlob, VerifiedReader},
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// The most bytes of JSON that are kept of a compressed archive.
const MAX_KEPT_BYTES: usize = 64 << 20;
/// Links that are followed from one member to another.
const MAX_LINKS: usize = 8;

/// An archive and its members.
#[derive(Debug)]
pub(super) struct Archive {
    path: PathBuf,
    place: String,
    limits: ImageLimits,
    members: BTreeMap<String, Member>,
    /// The file of a plain tar; `None` for a compressed one.
    plain: Option<File>,
}

#[derive(Debug)]
enum Member {
    File {
        /// Where the content begins in a plain tar.
        offset: u64,
        size: u64,
        /// JSON of a compressed archive.
        content: Option<Vec<u8>>,
    },
    /// Another member, by a link to it.
    Link(String),
}

impl Archive {
    /// Reads the list of members.
    pub(super) fn open(path: &Path, limits: &ImageLimits) -> Result<Self, ImageError> {
        let mut archive = Self {
            path: path.to_owned(),
            place: path.display().to_string(),
            limits: limits.clone(),
            members: BTreeMap::new(),
            plain: None,
        };
        let file = open_regular(path)?;
        if is_compressed(&file, path)? {
            archive.list_compressed(file)?;
        } else {
            let size = file
                .metadata()
                .map_err(|error| ImageError::unreadable(path, &error))?;
            let mut stream = FileStream::new(&file, path, size.len());
            archive.list_plain(&mut stream)?;
            archive.plain = Some(file);
        }
        Ok(archive)
    }

    pub(super) fn place(&self) -> String {
        self.place.clone()
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.plain.is_none()
    }

    /// Whether there is a file of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.real_name(name).is_some()
    }

    /// The bytes of a member.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        match self.members.get(&self.real_name(name)?)? {
            Member::File { size, .. } => Some(*size),
            Member::Link(_) => None,
        }
    }

    /// The content of a small member.
    pub(super) fn read_small(&self, name: &str, limit: usize) -> Result<Vec<u8>, ImageError> {
        let place = format!("{}: {name}", self.place);
        let missing = || ImageError::format(&place, "it is missing in the archive");
        let size = self.size(name).ok_or_else(missing)?;
        if size > limit as u64 {
            let quantity = "bytes in a manifest or configuration";
            return Err(ImageError::limit(&place, limit as u64, quantity));
        }
        let mut bytes = Vec::new();
        let mut stream = self.open_member(name)?.ok_or_else(missing)?;
        stream
            .read_to_end(&mut bytes)
            .map_err(|error| ImageError::unreadable(&self.path, &error))?;
        if bytes.len() as u64 != size {
            return Err(ImageError::archive(&place, "it ends inside a file"));
        }
        Ok(bytes)
    }

    /// Opens a member; `None` if it is missing, or if the archive is compressed and did not keep it.
    pub(super) fn open_member(&self, name: &str) -> Result<Option<BlobStream<'_>>, ImageError> {
        let member = self
            .real_name(name)
            .and_then(|name| self.members.get(&name));
        let Some(Member::File {
            offset,
            size,
            content,
        }) = member
        else {
            return Ok(None);
        };
        if let Some(content) = content {
            return Ok(Some(Box::new(content.as_slice())));
        }
        let stream = self.plain.as_ref().map(|file| -> BlobStream<'_> {
            Box::new(MemberRange {
                file,
                offset: *offset,
                left: *size,
            })
        });
        Ok(stream)
    }

    /// The member that a name means, through links.
    pub(super) fn real_name(&self, name: &str) -> Option<String> {
        let mut name = clean_path(&self.place, name.as_bytes(), &self.limits).ok()?;
        for _ in 0..MAX_LINKS {
            match self.members.get(&name)? {
                Member::File { .. } => return Some(name),
                Member::Link(target) => name.clone_from(target),
            }
        }
        None
    }

    /// Passes over a compressed archive and calls `visit` with each member's name and content, until it
    /// returns false.
    pub(super) fn visit_members(
        &self,
        visit: &mut dyn FnMut(&str, &mut (dyn Read + Send)) -> Result<bool, ImageError>,
    ) -> Result<(), ImageError> {
        let budget = Budget::new(&self.limits);
        let mut tar = self.compressed_tar(open_regular(&self.path)?, &budget);
        while let Some(entry) = tar.next_entry()? {
            let Some(name) = self.member_name(&entry)? else {
                continue;
            };
            if entry.kind != EntryKind::File {
                continue;
            }
            let mut content = MemberContent { tar: &mut tar };
            if !visit(&name, &mut content)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn compressed_tar<'a>(
        &self,
        file: File,
        budget: &'a Budget<'a>,
    ) -> TarReader<InflatedStream<'a>> {
        let expected = ExpectedBlob {
            place: self.place.clone(),
            digest: None,
            size: None,
            limit: self.limits.blob_bytes,
        };
        let blob = VerifiedReader::new(Box::new(file), expected, budget);
        let stream = InflatedStream::unhashed(blob, budget);
        TarReader::new(stream, self.place.clone(), self.limits.header_bytes)
    }

    fn list_plain(&mut self, stream: &mut FileStream<'_>) -> Result<(), ImageError> {
        let header_limit = self.limits.header_bytes;
        let mut tar = TarReader::new(stream, self.place.clone(), header_limit);
        while let Some(entry) = tar.next_entry()? {
            let offset = tar.stream().position;
            self.add_member(&entry, offset, None)?;
        }
        Ok(())
    }

    fn list_compressed(&mut self, file: File) -> Result<(), ImageError> {
        let limits = self.limits.clone();
        let budget = Budget::new(&limits);
        let mut tar = self.compressed_tar(file, &budget);
        let mut kept_bytes = 0;
        while let Some(entry) = tar.next_entry()? {
            let mut content = None;
            let is_small = entry.size <= limits.configuration_bytes as u64;
            if entry.kind == EntryKind::File && is_small {
                content = read_json(&mut tar, limits.configuration_bytes)?;
                kept_bytes += content.as_ref().map_or(0, Vec::len);
                if kept_bytes > MAX_KEPT_BYTES {
                    let limit = MAX_KEPT_BYTES as u64;
                    return Err(ImageError::limit(&self.place, limit, "bytes of JSON"));
                }
            }
            self.add_member(&entry, 0, content)?;
        }
        Ok(())
    }

    /// The name of a member; `None` for what is no file of the archive.
    fn member_name(&self, entry: &TarEntry) -> Result<Option<String>, ImageError> {
        match read_entry_path(&self.place, &entry.name, &self.limits)? {
            EntryPath::Entry(name) => Ok(Some(name)),
            _ => Ok(None),
        }
    }

    fn add_member(
        &mut self,
        entry: &TarEntry,
        offset: u64,
        content: Option<Vec<u8>>,
    ) -> Result<(), ImageError> {
        let Some(name) = self.member_name(entry)? else {
            return Ok(());
        };
        let member = match entry.kind {
            EntryKind::File if entry.is_plain => Member::File {
                offset,
                size: entry.size,
                content,
            },
            EntryKind::File => {
                return Err(ImageError::archive(
                    &self.place,
                    format!("{name} is sparse"),
                ));
            }
            // Old Docker stores a layer that several images have once.
            EntryKind::Symlink => Member::Link(self.link_target(&name, &entry.link)?),
            EntryKind::HardLink => {
                Member::Link(clean_path(&self.place, &entry.link, &self.limits)?)
            }
            EntryKind::Directory | EntryKind::Other => return Ok(()),
        };
        self.members.insert(name, member);
        if self.members.len() > self.limits.archive_members {
            let limit = self.limits.archive_members as u64;
            return Err(ImageError::limit(
                &self.place,
                limit,
                "members of an archive",
            ));
        }
        Ok(())
    }

    fn link_target(&self, name: &str, link: &[u8]) -> Result<String, ImageError> {
        let folder = split_path(name).0;
        let link = String::from_utf8_lossy(link);
        let path = join_path(folder, &link);
        clean_path(&self.place, path.as_bytes(), &self.limits)
    }
}

/// Reads a file that begins like JSON; another one is left.
fn read_json<S: ByteStream>(
    tar: &mut TarReader<S>,
    limit: usize,
) -> Result<Option<Vec<u8>>, ImageError> {
    let mut content = Vec::new();
    tar.read_content(1, &mut content)?;
    if !matches!(content.as_slice(), b"{" | b"[") {
        return Ok(None);
    }
    tar.read_content(limit, &mut content)?;
    Ok(Some(content))
}

fn is_compressed(file: &File, path: &Path) -> Result<bool, ImageError> {
    let mut head = [0; 4];
    let count = file
        .read_at(&mut head, 0)
        .map_err(|error| ImageError::unreadable(path, &error))?;
    let head = head.get(..count).unwrap_or_default();
    Ok(head.starts_with(&[0x1f, 0x8b]) || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]))
}

/// A file of which content is skipped without reading it.
struct FileStream<'a> {
    file: &'a File,
    path: &'a Path,
    size: u64,
    /// Where the next byte is that was not taken.
    position: u64,
    buffer: Vec<u8>,
    start: usize,
}

impl<'a> FileStream<'a> {
    fn new(file: &'a File, path: &'a Path, size: u64) -> Self {
        Self {
            file,
            path,
            size,
            position: 0,
            buffer: Vec::new(),
            start: 0,
        }
    }
}

impl ByteStream for &mut FileStream<'_> {
    fn chunk(&mut self) -> Result<&[u8], ImageError> {
        if self.start >= self.buffer.len() {
            self.start = 0;
            self.buffer.resize(4096, 0);
            let count = self
                .file
                .read_at(&mut self.buffer, self.position)
                .map_err(|error| ImageError::unreadable(self.path, &error))?;
            self.buffer.truncate(count);
        }
        Ok(self.buffer.get(self.start..).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.position += bytes as u64;
    }

    fn skip(&mut self, bytes: u64) -> Result<u64, ImageError> {
        let skipped = bytes.min(self.size.saturating_sub(self.position));
        self.position += skipped;
        let start = self.start as u64 + skipped;
        self.start = usize::try_from(start).unwrap_or(usize::MAX);
        Ok(skipped)
    }
}

/// A part of a file.
struct MemberRange<'a> {
    file: &'a File,
    offset: u64,
    left: u64,
}

impl Read for MemberRange<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(into.len(), |left| left.min(into.len()));
        let Some(into) = into.get_mut(..wanted).filter(|into| !into.is_empty()) else {
            return Ok(0);
        };
        let count = self.file.read_at(into, self.offset)?;
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// The content of the present member of a compressed archive.
struct MemberContent<'a, S> {
    tar: &'a mut TarReader<S>,
}

impl<S: ByteStream> Read for MemberContent<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut bytes = Vec::new();
        self.tar
            .read_content(into.len(), &mut bytes)
            .map_err(io::Error::other)?;
        let (Some(into), count) = (into.get_mut(..bytes.len()), bytes.len()) else {
            return Ok(0);
        };
        into.copy_from_slice(&bytes);
        Ok(count)
    }
}
