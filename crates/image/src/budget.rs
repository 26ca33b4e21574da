//! What an image has taken so far, shared by the threads that read its layers.

use super::{error::ImageError, limits::ImageLimits};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Instant,
};

/// The counters of one image, with its limits.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    pub(super) limits: &'a ImageLimits,
    started: Instant,
    inflated_bytes: AtomicU64,
    inspected_bytes: AtomicU64,
    path_bytes: AtomicU64,
    entries: AtomicU64,
    is_cancelled: AtomicBool,
}

impl<'a> Budget<'a> {
    /// A budget of which nothing is spent. The time begins now.
    pub(super) fn new(limits: &'a ImageLimits) -> Self {
        Self {
            limits,
            started: Instant::now(),
            inflated_bytes: AtomicU64::new(0),
            inspected_bytes: AtomicU64::new(0),
            path_bytes: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            is_cancelled: AtomicBool::new(false),
        }
    }

    /// Ends the work of all threads on the image soon.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether reading may go on.
    pub(super) fn check_time(&self, place: &str) -> Result<(), ImageError> {
        if self.is_cancelled.load(Ordering::Relaxed) {
            return Err(ImageError::Cancelled {
                place: place.to_owned(),
            });
        }
        if self.started.elapsed() > self.limits.time {
            return Err(ImageError::TimedOut {
                place: place.to_owned(),
                seconds: self.limits.time.as_secs(),
            });
        }
        Ok(())
    }

    pub(super) fn add_inflated(&self, place: &str, bytes: usize) -> Result<(), ImageError> {
        let limit = self.limits.image_bytes;
        add(&self.inflated_bytes, bytes as u64, limit)
            .ok_or_else(|| ImageError::limit(place, limit, "bytes in an image"))
    }

    pub(super) fn add_inspected(&self, place: &str, bytes: usize) -> Result<(), ImageError> {
        self.check_time(place)?;
        let limit = self.limits.inspected_bytes;
        add(&self.inspected_bytes, bytes as u64, limit)
            .ok_or_else(|| ImageError::limit(place, limit, "bytes of inspected files"))
    }

    pub(super) fn add_path(&self, place: &str, bytes: usize) -> Result<(), ImageError> {
        let limit = self.limits.paths_bytes;
        add(&self.path_bytes, bytes as u64, limit)
            .ok_or_else(|| ImageError::limit(place, limit, "bytes of all paths"))
    }

    pub(super) fn add_entry(&self, place: &str) -> Result<(), ImageError> {
        let limit = self.limits.image_entries;
        add(&self.entries, 1, limit)
            .ok_or_else(|| ImageError::limit(place, limit, "entries in an image"))
    }
}

fn add(counter: &AtomicU64, count: u64, limit: u64) -> Option<()> {
    let before = counter.fetch_add(count, Ordering::Relaxed);
    (before.saturating_add(count) <= limit).then_some(())
}
