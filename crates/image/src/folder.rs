//! The files of a folder, as an image of one layer that no layer wrote: a root file system that is
//! unpacked, or a project.
//!
//! Symbolic links are not followed out of the folder, and FIFOs and devices are not opened. Under `/` the
//! file systems of the kernel are left out.

use super::{
    budget::Budget,
    entry_path::{join_path, readable},
    error::ImageError,
    inspector::{FileEntry, Inspector, Interest},
    layer_content::LayerNode,
    layer_pass::{ContentSource, LayerPass},
    limits::ImageLimits,
    regular_file::open_regular_no_link,
    squash::squash_folder,
    squashed_files::SquashedFiles,
};
use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{FileTypeExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

/// What is left out of `/`.
const KERNEL_FOLDERS: &[&str] = &["dev", "proc", "sys"];

/// Reads a folder.
pub fn read_folder<I: Inspector>(
    folder: &Path,
    inspector: &I,
    limits: &ImageLimits,
) -> Result<SquashedFiles<I::Facts>, ImageError> {
    let budget = Budget::new(limits);
    let place = folder.display().to_string();
    let mut walk = FolderWalk {
        pass: LayerPass::new(place.clone(), inspector, &budget),
        inspector,
        budget: &budget,
        place,
        is_root: fs::canonicalize(folder).is_ok_and(|path| path == Path::new("/")),
        unread: Vec::new(),
    };
    // The folder itself must be readable; folders in it are reported where they are not.
    list(folder).map_err(|error| ImageError::unreadable(folder, &error))?;
    walk.read(folder)?;
    let unread = walk.unread;
    let mut files = squash_folder(walk.pass.content, limits)?;
    files.unread.extend(unread);
    Ok(files)
}

struct FolderWalk<'a, I: Inspector> {
    pass: LayerPass<'a, I>,
    inspector: &'a I,
    budget: &'a Budget<'a>,
    place: String,
    is_root: bool,
    unread: Vec<(String, String)>,
}

impl<I: Inspector> FolderWalk<'_, I> {
    fn read(&mut self, folder: &Path) -> Result<(), ImageError> {
        let mut pending = vec![(folder.to_owned(), String::new(), 0)];
        while let Some((folder, path, depth)) = pending.pop() {
            self.budget.check_time(&self.place)?;
            if depth > self.budget.limits.path_depth {
                let limit = self.budget.limits.path_depth as u64;
                return Err(ImageError::limit(&self.place, limit, "names in a path"));
            }
            match list(&folder) {
                Ok(entries) => {
                    for (entry, name) in entries {
                        if self.is_root && depth == 0 && KERNEL_FOLDERS.contains(&name.as_str()) {
                            continue;
                        }
                        let entry_path = join_path(&path, &name);
                        if self.read_entry(&entry, &entry_path)? {
                            pending.push((entry, entry_path, depth + 1));
                        }
                    }
                }
                Err(error) => self.unread.push((path, error.to_string())),
            }
        }
        Ok(())
    }

    /// Reads an entry; true for a folder.
    fn read_entry(&mut self, entry: &Path, path: &str) -> Result<bool, ImageError> {
        self.budget.add_entry(&self.place)?;
        self.budget.add_path(&self.place, path.len())?;
        let metadata = match fs::symlink_metadata(entry) {
            Ok(metadata) => metadata,
            // It was removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => {
                self.unread.push((path.to_owned(), error.to_string()));
                return Ok(false);
            }
        };
        let kind = metadata.file_type();
        let node = if kind.is_dir() {
            LayerNode::Directory
        } else if kind.is_symlink() {
            let target = fs::read_link(entry).unwrap_or_default();
            let target = readable(target.as_os_str().as_bytes());
            LayerNode::Symlink {
                target: target.into(),
            }
        } else if kind.is_fifo() || kind.is_socket() || !kind.is_file() {
            LayerNode::Other
        } else {
            self.read_file(entry, path, &metadata)?
        };
        self.pass.content.push(path, node);
        Ok(kind.is_dir())
    }

    fn read_file(
        &mut self,
        file: &Path,
        path: &str,
        metadata: &Metadata,
    ) -> Result<LayerNode, ImageError> {
        let mut entry = FileEntry {
            path,
            size: metadata.len(),
            mode: metadata.permissions().mode() & 0o7777,
        };
        let mut source = OpenedFile {
            file: None,
            path: file,
        };
        if self.inspector.interest(&entry) != Interest::Skip {
            match open_regular_no_link(file) {
                Ok(opened) => {
                    // The file may have grown since.
                    entry.size = opened
                        .metadata()
                        .map_or(entry.size, |metadata| metadata.len());
                    source.file = Some(opened);
                }
                Err(error) => return Ok(self.unread_file(&entry, &error)),
            }
        }
        match self.pass.read_file(&entry, &mut source) {
            Err(error @ ImageError::Unreadable { .. }) => Ok(self.unread_file(&entry, &error)),
            result => result,
        }
    }

    fn unread_file(&mut self, entry: &FileEntry<'_>, error: &ImageError) -> LayerNode {
        let reason = match error {
            ImageError::Unreadable { reason, .. } => format!("it cannot be read: {reason}"),
            error => error.to_string(),
        };
        LayerNode::File {
            size: entry.size,
            mode: entry.mode,
            found: self.pass.unread(reason),
        }
    }
}

/// What is in a folder, sorted by name.
fn list(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = readable(entry.file_name().as_bytes());
        entries.push((entry.path(), name));
    }
    entries.sort();
    Ok(entries)
}

struct OpenedFile<'a> {
    file: Option<File>,
    path: &'a Path,
}

impl ContentSource for OpenedFile<'_> {
    fn read_content(&mut self, limit: usize, into: &mut Vec<u8>) -> Result<(), ImageError> {
        if let Some(file) = &mut self.file {
            file.take(limit as u64)
                .read_to_end(into)
                .map_err(|error| ImageError::unreadable(self.path, &error))?;
        }
        Ok(())
    }
}
