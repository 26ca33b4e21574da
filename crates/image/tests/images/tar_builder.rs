//! Writes tars: any bytes in any field.

use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

/// A tar that grows.
#[derive(Default, Clone)]
pub(super) struct TarBuilder(Vec<u8>);

impl TarBuilder {
    pub(super) fn add(&mut self, name: &str, kind: u8, link: &str, content: &[u8]) -> &mut Self {
        self.add_sized(name, kind, link, content.len() as u64, content)
    }

    /// An entry that states another size than its content has.
    pub(super) fn add_sized(
        &mut self,
        name: &str,
        kind: u8,
        link: &str,
        size: u64,
        content: &[u8],
    ) -> &mut Self {
        self.0.extend_from_slice(&header(name, kind, link, size));
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(super) fn file(&mut self, name: &str, content: &str) -> &mut Self {
        self.add(name, b'0', "", content.as_bytes())
    }

    pub(super) fn build(&self) -> Vec<u8> {
        let mut tar = self.0.clone();
        tar.resize(tar.len() + 1024, 0);
        tar
    }
}

/// A layer from lines: `a/` a folder, `a=x` a file, `a->x` a symbolic link, `a=>x` a hard link,
/// `|a` a FIFO. Removals have their own names.
pub(super) fn layer(lines: &[&str]) -> Vec<u8> {
    let mut tar = TarBuilder::default();
    for line in lines {
        if let Some((name, target)) = line.split_once("->") {
            tar.add(name, b'2', target, b"");
        } else if let Some((name, target)) = line.split_once("=>") {
            tar.add(name, b'1', target, b"");
        } else if let Some((name, content)) = line.split_once('=') {
            tar.file(name, content);
        } else if let Some(name) = line.strip_prefix('|') {
            tar.add(name, b'6', "", b"");
        } else if line.ends_with('/') {
            tar.add(line, b'5', "", b"");
        } else {
            tar.file(line, "");
        }
    }
    tar.build()
}

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn header(name: &str, kind: u8, link: &str, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |start: usize, bytes: &[u8]| {
        block[start..start + bytes.len()].copy_from_slice(bytes);
    };
    put(0, name.as_bytes());
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"14544000000\0        ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
