//! One layer in one pass: the tar is inflated, hashed and read at once; what the inspector wants is kept
//! while it is looked at, and all else is skipped where it passes by.

use super::{
    budget::Budget,
    byte_stream::ByteStream,
    digest::BlobDigest,
    entry_path::{EntryPath, bad_path, clean_path, read_entry_path, readable},
    error::ImageError,
    hard_links::{HardLinks, KeptFile},
    inflated_stream::InflatedStream,
    inspector::{FileEntry, Inspection, Inspector, Interest},
    layer_content::{Found, LayerContent, LayerNode},
    tar::{EntryKind, TarEntry, TarReader},
    verified_reader::VerifiedReader,
};

/// A layer after the first pass.
pub(super) struct FirstPass<F> {
    pub(super) content: LayerContent<F>,
    /// Hard links whose content passed by before it was known that they are wanted: the number of the
    /// file, and that of the link.
    pub(super) missed: Vec<(usize, usize)>,
}

/// Reads a layer. Its diff id must be `expected`, where that is known.
pub(super) fn read_layer<I: Inspector>(
    blob: VerifiedReader<'_>,
    expected: Option<BlobDigest>,
    inspector: &I,
    budget: &Budget<'_>,
) -> Result<FirstPass<I::Facts>, ImageError> {
    let mut pass = LayerPass::new(blob.place().to_owned(), inspector, budget);
    let stream = InflatedStream::hashed(blob, budget);
    let mut tar = TarReader::new(stream, pass.place.clone(), budget.limits.header_bytes);
    let result = pass.read_entries(&mut tar);
    let stream = end_of_tar(result, tar)?;
    pass.content.size = stream.size;
    pass.content.diff_id = check_diff_id(&pass.place, stream.digest, expected)?;
    let missed = pass.links.missed;
    Ok(FirstPass {
        content: pass.content,
        missed,
    })
}

/// Reads a layer again, for the hard links that were missed.
pub(super) fn read_missed_links<I: Inspector>(
    blob: VerifiedReader<'_>,
    pass: &mut FirstPass<I::Facts>,
    inspector: &I,
    budget: &Budget<'_>,
) -> Result<(), ImageError> {
    let content = std::mem::replace(&mut pass.content, LayerContent::new());
    let mut again = LayerPass::new(blob.place().to_owned(), inspector, budget);
    let (diff_id, size) = (content.diff_id, content.size);
    again.content = content;
    pass.missed.sort_unstable();
    let stream = InflatedStream::hashed(blob, budget);
    let mut tar = TarReader::new(stream, again.place.clone(), budget.limits.header_bytes);
    let result = again.read_links(&mut tar, &pass.missed);
    let stream = end_of_tar(result, tar)?;
    check_diff_id(&again.place, stream.digest, Some(diff_id))?;
    again.content.size = size;
    pass.content = again.content;
    pass.missed.clear();
    Ok(())
}

struct EndOfTar {
    digest: Option<BlobDigest>,
    size: u64,
}

/// Reads what follows the tar, so that the blob is verified. An error of the blob is a better reason
/// than what its damage did to the tar.
fn end_of_tar(
    result: Result<(), ImageError>,
    mut tar: TarReader<InflatedStream<'_>>,
) -> Result<EndOfTar, ImageError> {
    if let Err(error) = result {
        let is_damage = matches!(
            error,
            ImageError::Archive { .. } | ImageError::BadPath { .. }
        );
        let failure = is_damage.then(|| tar.stream().blob_failure()).flatten();
        return Err(failure.unwrap_or(error));
    }
    let mut stream = tar.into_stream();
    while stream.skip(u64::MAX)? > 0 {}
    let size = stream.count();
    let digest = stream.finish()?;
    Ok(EndOfTar { digest, size })
}

fn check_diff_id(
    place: &str,
    found: Option<BlobDigest>,
    expected: Option<BlobDigest>,
) -> Result<BlobDigest, ImageError> {
    let found = found.unwrap_or_else(|| BlobDigest::of(b""));
    match expected {
        Some(expected) if expected != found => Err(ImageError::WrongDiffId {
            place: place.to_owned(),
            expected,
            found,
        }),
        _ => Ok(found),
    }
}

/// The content of the present file.
pub(super) trait ContentSource {
    /// Appends up to `limit` more bytes.
    fn read_content(&mut self, limit: usize, into: &mut Vec<u8>) -> Result<(), ImageError>;
}

impl<S: ByteStream> ContentSource for TarReader<S> {
    fn read_content(&mut self, limit: usize, into: &mut Vec<u8>) -> Result<(), ImageError> {
        TarReader::read_content(self, limit, into)
    }
}

/// Looks at the files of a layer or folder, and gathers what is found.
pub(super) struct LayerPass<'a, I: Inspector> {
    place: String,
    inspector: &'a I,
    budget: &'a Budget<'a>,
    pub(super) content: LayerContent<I::Facts>,
    links: HardLinks,
    /// The content of the present file.
    buffer: Vec<u8>,
}

/// The outcome of looking at a content of which there may be only a part.
enum Looked {
    Found(Found),
    NeedsWhole,
}

impl<'a, I: Inspector> LayerPass<'a, I> {
    pub(super) fn new(place: String, inspector: &'a I, budget: &'a Budget<'a>) -> Self {
        Self {
            place,
            inspector,
            budget,
            content: LayerContent::new(),
            links: HardLinks::new(budget.limits.kept_bytes),
            buffer: Vec::new(),
        }
    }

    fn read_entries<S: ByteStream>(&mut self, tar: &mut TarReader<S>) -> Result<(), ImageError> {
        let limit = self.budget.limits.layer_entries;
        let mut count = 0;
        while let Some(entry) = tar.next_entry()? {
            self.budget.add_entry(&self.place)?;
            count += 1;
            if count > limit {
                return Err(ImageError::limit(&self.place, limit, "entries in a layer"));
            }
            match read_entry_path(&self.place, &entry.name, self.budget.limits)? {
                EntryPath::Ignored => {}
                EntryPath::Root => self.check_root(&entry)?,
                EntryPath::Whiteout(path) => self.content.push(&path, LayerNode::Whiteout),
                EntryPath::Opaque(path) => self.content.push(&path, LayerNode::Opaque),
                EntryPath::Entry(path) => self.read_entry(&path, &entry, tar)?,
            }
        }
        Ok(())
    }

    fn check_root(&self, entry: &TarEntry) -> Result<(), ImageError> {
        if entry.kind == EntryKind::Directory {
            return Ok(());
        }
        let reason = "is the root of the image, and is no folder";
        Err(bad_path(&self.place, &entry.name, reason))
    }

    fn read_entry<S: ByteStream>(
        &mut self,
        path: &str,
        entry: &TarEntry,
        tar: &mut TarReader<S>,
    ) -> Result<(), ImageError> {
        let node = match entry.kind {
            EntryKind::Directory => LayerNode::Directory,
            EntryKind::Other => LayerNode::Other,
            EntryKind::Symlink => LayerNode::Symlink {
                target: self.symlink_target(&entry.link)?,
            },
            EntryKind::HardLink => self.read_hard_link(path, entry)?,
            EntryKind::File => {
                let file = FileEntry {
                    path,
                    size: entry.size,
                    mode: entry.mode,
                };
                self.read_file(&file, tar)?
            }
        };
        let target = match &node {
            LayerNode::Symlink { target } | LayerNode::HardLink { target, .. } => target.len(),
            _ => 0,
        };
        self.budget.add_path(&self.place, path.len() + target)?;
        self.links
            .add_entry(path, &node, self.content.entry_count());
        self.content.push(path, node);
        Ok(())
    }

    fn symlink_target(&self, link: &[u8]) -> Result<Box<str>, ImageError> {
        let limit = self.budget.limits.path_bytes;
        if link.len() > limit {
            return Err(ImageError::limit(
                &self.place,
                limit as u64,
                "bytes in a path",
            ));
        }
        Ok(readable(link).into_boxed_str())
    }

    /// Looks at a file as far as it is wanted.
    pub(super) fn read_file(
        &mut self,
        file: &FileEntry<'_>,
        source: &mut dyn ContentSource,
    ) -> Result<LayerNode, ImageError> {
        let found = match self.inspector.interest(file) {
            Interest::Skip => Found::Skipped,
            Interest::Head(length) => self.read_content(file, Some(length), source)?,
            Interest::Whole => self.read_content(file, None, source)?,
        };
        Ok(LayerNode::File {
            size: file.size,
            mode: file.mode,
            found,
        })
    }

    /// Reads a content, or as much of it as is needed, and looks at it.
    fn read_content(
        &mut self,
        file: &FileEntry<'_>,
        head: Option<usize>,
        source: &mut dyn ContentSource,
    ) -> Result<Found, ImageError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let limit = self.budget.limits.file_bytes;
        let mut found = Looked::NeedsWhole;
        if let Some(length) = head {
            self.budget.add_inspected(&self.place, length.min(limit))?;
            source.read_content(length.min(limit), &mut buffer)?;
            let is_whole = buffer.len() as u64 == file.size;
            found = self.look(file, &buffer, is_whole);
        }
        if matches!(found, Looked::NeedsWhole) && file.size <= limit as u64 {
            let rest = limit - buffer.len().min(limit);
            source.read_content(rest, &mut buffer)?;
            self.budget.add_inspected(&self.place, buffer.len())?;
            found = self.look(file, &buffer, true);
        }
        let found = match found {
            Looked::Found(found) => found,
            Looked::NeedsWhole => self.too_large(),
        };
        let kept = KeptFile {
            is_whole: buffer.len() as u64 == file.size,
            content: buffer,
        };
        self.buffer = self.links.keep(self.content.entry_count(), kept);
        Ok(found)
    }

    fn too_large(&mut self) -> Found {
        let limit = self.budget.limits.file_bytes;
        self.unread(format!("the file is larger than {limit} bytes"))
    }

    fn look(&mut self, file: &FileEntry<'_>, content: &[u8], is_whole: bool) -> Looked {
        match self.inspector.inspect(file, content, is_whole) {
            Inspection::Nothing => Looked::Found(Found::Nothing),
            Inspection::Facts(facts) => {
                let index = u32::try_from(self.content.facts.len()).unwrap_or(u32::MAX);
                self.content.facts.push(facts);
                Looked::Found(Found::Facts(index))
            }
            Inspection::Unreadable(reason) => Looked::Found(self.unread(reason)),
            Inspection::NeedsWhole if !is_whole => Looked::NeedsWhole,
            Inspection::NeedsWhole => {
                let reason = "more than the whole file is needed to understand it";
                Looked::Found(self.unread(reason.to_owned()))
            }
        }
    }

    pub(super) fn unread(&mut self, reason: String) -> Found {
        let index = u32::try_from(self.content.reasons.len()).unwrap_or(u32::MAX);
        self.content.reasons.push(reason);
        Found::Unread(index)
    }

    fn read_hard_link(&mut self, path: &str, entry: &TarEntry) -> Result<LayerNode, ImageError> {
        let target = clean_path(&self.place, &entry.link, self.budget.limits)?;
        let Some(index) = self.links.file(&target, &self.content) else {
            return Ok(self.link_to_lower_layer(path, entry, target));
        };
        let Some(LayerNode::File { size, mode, found }) = self.content.nodes.get(index) else {
            return Ok(self.link_to_lower_layer(path, entry, target));
        };
        let (size, mode, found) = (*size, *mode, *found);
        let link = FileEntry { path, size, mode };
        let interest = self.inspector.interest(&link);
        let found = if interest == Interest::Skip {
            Found::Skipped
        } else if self.is_alike(index, &link) {
            found
        } else {
            self.look_at_kept(index, &link, interest)
        };
        Ok(LayerNode::HardLink {
            target: target.into(),
            size,
            mode,
            found: Some(found),
            is_wanted: interest != Interest::Skip,
        })
    }

    fn link_to_lower_layer(&self, path: &str, entry: &TarEntry, target: String) -> LayerNode {
        let link = FileEntry {
            path,
            size: 0,
            mode: entry.mode,
        };
        LayerNode::HardLink {
            target: target.into(),
            size: 0,
            mode: 0,
            found: None,
            is_wanted: self.inspector.interest(&link) != Interest::Skip,
        }
    }

    /// Whether a file was looked at in a way that holds for a link to it.
    fn is_alike(&self, index: usize, link: &FileEntry<'_>) -> bool {
        let file = FileEntry {
            path: self.content.paths.get(index),
            ..*link
        };
        self.inspector.interest(&file) != Interest::Skip && self.inspector.is_alike(&file, link)
    }

    /// Looks at the content of a file that was read before, under its second name.
    fn look_at_kept(&mut self, index: usize, link: &FileEntry<'_>, interest: Interest) -> Found {
        let kept = self.links.take(index, link.size);
        let found = kept.as_ref().map_or(Looked::NeedsWhole, |kept| {
            let is_enough = match interest {
                Interest::Head(length) => kept.content.len() >= length,
                _ => false,
            };
            if is_enough || kept.is_whole {
                self.look(link, &kept.content, kept.is_whole)
            } else {
                Looked::NeedsWhole
            }
        });
        if let Some(kept) = kept {
            self.links.keep(index, kept);
        }
        match found {
            Looked::Found(found) => found,
            Looked::NeedsWhole if link.size > self.budget.limits.file_bytes as u64 => {
                self.too_large()
            }
            Looked::NeedsWhole => {
                self.links.missed.push((index, self.content.entry_count()));
                Found::Nothing
            }
        }
    }

    /// Looks at the content of the files whose links were missed.
    fn read_links<S: ByteStream>(
        &mut self,
        tar: &mut TarReader<S>,
        missed: &[(usize, usize)],
    ) -> Result<(), ImageError> {
        let mut missed = missed.iter().peekable();
        let mut number = 0;
        while let Some(entry) = tar.next_entry()? {
            self.budget.check_time(&self.place)?;
            let is_counted = matches!(
                read_entry_path(&self.place, &entry.name, self.budget.limits)?,
                EntryPath::Entry(_) | EntryPath::Whiteout(_) | EntryPath::Opaque(_)
            );
            if !is_counted {
                continue;
            }
            let links: Vec<usize> = std::iter::from_fn(|| {
                let link = missed.next_if(|(file, _)| *file == number)?;
                Some(link.1)
            })
            .collect();
            if !links.is_empty() {
                self.buffer.clear();
                tar.read_content(self.budget.limits.file_bytes, &mut self.buffer)?;
                self.budget.add_inspected(&self.place, self.buffer.len())?;
                self.look_at_links(&entry, &links);
            }
            number += 1;
        }
        Ok(())
    }

    fn look_at_links(&mut self, entry: &TarEntry, links: &[usize]) {
        let buffer = std::mem::take(&mut self.buffer);
        for link in links {
            let path = self.content.paths.get(*link).to_owned();
            let file = FileEntry {
                path: &path,
                size: entry.size,
                mode: entry.mode,
            };
            let looked = match self.look(&file, &buffer, true) {
                Looked::Found(looked) => looked,
                Looked::NeedsWhole => Found::Nothing,
            };
            if let Some(LayerNode::HardLink { found, .. }) = self.content.nodes.get_mut(*link) {
                *found = Some(looked);
            }
        }
        self.buffer = buffer;
    }
}
