//! Logs on full disks, for blocked readers, and in rotated files.

use super::*;
use std::{
    fs,
    sync::{Mutex, mpsc},
};

const LONG: Duration = Duration::from_secs(60);

/// A disk with limited room, which writes as many bytes as fit.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Default)]
struct DiskState {
    content: Vec<u8>,
    free_bytes: usize,
}

impl Disk {
    fn set_free_bytes(&self, bytes: usize) {
        self.0.lock().unwrap().free_bytes = bytes;
    }

    fn content(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().content.clone()).unwrap()
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        let count = bytes.len().min(disk.free_bytes);
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.free_bytes -= count;
        disk.content.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn report_dropped(count: u64) -> Option<Vec<u8>> {
    Some(format!("{count} lost\n").into())
}

/// A full disk drops lines, and joins none to the next one.
#[test]
fn partial_line_is_ended_before_the_next() {
    let (disk, dropped) = (Disk::default(), Counter::default());
    let output = LogOutput::stream(disk.clone());
    let log = LogWriter::new(output, dropped.clone(), report_dropped);
    let write = |line: &str| {
        log.write(line.into());
        log.flush(LONG);
    };
    disk.set_free_bytes(9);
    ["one\n", "longer\n", "three\n"].into_iter().for_each(write);
    disk.set_free_bytes(100);
    ["four\n", "five\n"].into_iter().for_each(write);
    assert_eq!(disk.content(), "one\nlonge\nfour\n2 lost\nfive\n");
    assert_eq!(dropped.get(), 2);
}

/// A reader that blocks until a channel is closed.
struct BlockedReader(mpsc::Receiver<()>, Disk);

impl Write for BlockedReader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_for_a_blocked_reader_are_dropped_and_reported() {
    let (hold, held) = mpsc::channel();
    let (disk, dropped) = (Disk::default(), Counter::default());
    disk.set_free_bytes(usize::MAX);
    let output = LogOutput::stream(BlockedReader(held, disk.clone()));
    let log = LogWriter::new(output, dropped.clone(), report_dropped);
    let line = [b"x".repeat(1 << 20), b"\n".to_vec()].concat();
    for _ in 0..40 {
        log.write(line.clone());
    }
    assert_eq!(dropped.get(), 25, "15 of 16 MiB and a little");
    log.flush(Duration::from_millis(1));
    drop(hold);
    log.flush(LONG);
    assert!(disk.content().contains("\n25 lost\n"));
}

#[test]
fn rotated_file_is_reopened_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let (path, rotated) = (folder.path().join("log"), folder.path().join("log.1"));
    fs::write(&path, "half").unwrap();
    let output = LogOutput::file(&path).unwrap();
    let log = LogWriter::new(output, Counter::default(), |_| None);
    let write = |line: &str| {
        log.write(line.into());
        log.flush(LONG);
    };
    write("one\n");
    fs::rename(&path, &rotated).unwrap();
    write("two\n");
    log.reopen();
    write("three\n");
    assert_eq!(fs::read_to_string(&rotated).unwrap(), "half\none\ntwo\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    // A path that cannot be opened leaves the open file in use.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    log.reopen();
    write("four\n");
    fs::remove_dir(&path).unwrap();
    write("five\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "five\n");
}
