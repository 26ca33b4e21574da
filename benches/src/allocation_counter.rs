//! A global allocator that counts the allocations of this process with an atomic counter and leaves
//! the rest to the system allocator. It does not record sizes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering},
};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the system allocator unchanged; only a counter is added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Returns the number of allocations and reallocations that `work` makes.
pub fn count_allocations<T>(work: impl FnOnce() -> T) -> u64 {
    let before = COUNT.load(Ordering::Relaxed);
    // The result is dropped after the count is read.
    let result = work();
    let after = COUNT.load(Ordering::Relaxed);
    drop(result);
    after - before
}
