//! The heap of a process that forks: what was allocated before a fork is never written to by it.
//!
//! A fork shares its parent's memory until either writes to it, and each first write to a page
//! costs a fault and a copy. An ordinary allocator keeps its free blocks among the used ones, so a
//! child's first thousand allocations and frees would touch a thousand inherited pages. Here a
//! child starts a new *generation*: it allocates from fresh memory only, and what it frees of its
//! inheritance is simply left. In the kernel itself, which has threads and does not fork, this is
//! the system's heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ops::Range;
use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

/// Address space set aside: more than the memory limit of any process, and costs nothing.
const REGION_BYTES: usize = 64 << 30;

/// What is made usable at a time: a huge page of this architecture.
const STEP_BYTES: usize = 2 << 20;

/// Larger blocks are the system's: it gives them back when they are freed.
const BLOCK_BYTES_MAX: usize = 128 << 10;

/// Every block is aligned to this; what wants more is the system's.
const ALIGN: usize = 16;

/// Up to here classes are `ALIGN` apart, above there are four to a doubling.
const LINEAR_BYTES: usize = 128;
const LINEAR_CLASSES: usize = LINEAR_BYTES / ALIGN;
const CLASSES: usize = LINEAR_CLASSES + 4 * 10;

/// A child has so much of its fresh memory given at a time, which costs a fifth of as many faults.
/// What an idle process does not use of it is lost.
const GIVEN_BYTES: usize = 32 << 10;

/// The allocator of the binary.
pub struct Heap {
    state: UnsafeCell<State>,
    // Whether this process is one that forks. Set once, before its first allocation matters.
    forks: AtomicBool,
}

struct State {
    region: usize,
    // Below: inherited, not to be written to.
    generation: usize,
    next: usize,
    usable: usize,
    // Up to here a child's pages are there before it writes to them.
    given: usize,
    free: [*mut Free; CLASSES],
}

struct Free {
    next: *mut Free,
}

// SAFETY: `state` is used only where `forks` is set, and such a process has one thread.
unsafe impl Sync for Heap {}

impl Heap {
    /// The system's heap, until `prepare`.
    pub const fn new() -> Self {
        Self {
            state: UnsafeCell::new(State {
                region: 0,
                generation: 0,
                next: 0,
                usable: 0,
                given: usize::MAX,
                free: [null_mut(); CLASSES],
            }),
            forks: AtomicBool::new(false),
        }
    }

    /// From now on allocates as a process that forks. Where the system does not give the address
    /// space, the heap stays the system's.
    pub fn prepare(&self) {
        // SAFETY: a private anonymous mapping that nothing else knows of.
        let region = unsafe {
            libc::mmap(
                null_mut(),
                REGION_BYTES,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if region == libc::MAP_FAILED {
            return;
        }
        // SAFETY: the process has one thread, and nobody else holds a reference.
        let state = unsafe { &mut *self.state.get() };
        // So that what is made usable can be huge pages.
        state.region = (region as usize).next_multiple_of(STEP_BYTES);
        state.generation = state.region;
        state.next = state.region;
        state.usable = state.region;
        self.forks.store(true, Ordering::Relaxed);
    }

    /// Called in the child of a fork: what there is now is its inheritance.
    pub fn begin_generation(&self) {
        if self.forks.load(Ordering::Relaxed) {
            // SAFETY: as in `prepare`.
            let state = unsafe { &mut *self.state.get() };
            // What is left of the last huge page stays unused: a write there would copy.
            state.next = state.usable;
            state.generation = state.next;
            state.given = state.next;
            state.free = [null_mut(); CLASSES];
        }
    }

    /// In a child that goes on to fork: what it has copied of its inheritance, and what it has
    /// added, become huge pages again. Where the system cannot do it, pages stay small.
    pub fn gather(&self) {
        if self.forks.load(Ordering::Relaxed) {
            // SAFETY: as in `prepare`; the range is ours, and the advice changes no content.
            unsafe {
                let state = &*self.state.get();
                let bytes = state.usable - state.region;
                libc::madvise(state.region as *mut _, bytes, libc::MADV_COLLAPSE);
            }
        }
    }

    /// Where the inheritance is.
    pub fn inherited(&self) -> Range<usize> {
        // SAFETY: as in `prepare`.
        let state = unsafe { &*self.state.get() };
        state.region..state.generation
    }

    fn takes(&self, layout: Layout) -> bool {
        self.forks.load(Ordering::Relaxed)
            && layout.size() <= BLOCK_BYTES_MAX
            && layout.align() <= ALIGN
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        let class = class_of(size);
        let head = self.free[class];
        if !head.is_null() {
            // SAFETY: blocks in the list are free and of this generation; each holds its next.
            self.free[class] = unsafe { (*head).next };
            return head.cast();
        }
        let end = self.next + bytes_of(class);
        if end > self.usable && !self.grow(end) {
            return null_mut();
        }
        if end > self.given {
            self.give(end);
        }
        let block = self.next;
        self.next = end;
        block as *mut u8
    }

    fn free(&mut self, block: *mut u8, size: usize) {
        if (block as usize) < self.generation {
            return;
        }
        let class = class_of(size);
        let free: *mut Free = block.cast();
        // SAFETY: the block is ours, no longer used, at least 16 bytes, and aligned for a pointer.
        unsafe { (*free).next = self.free[class] };
        self.free[class] = free;
    }

    #[cold]
    fn give(&mut self, end: usize) {
        let bytes = (end - self.given).next_multiple_of(GIVEN_BYTES);
        let bytes = bytes.min(self.usable - self.given);
        // SAFETY: the pages are usable. Where the system cannot do it, each comes by a fault.
        unsafe { libc::madvise(self.given as *mut _, bytes, libc::MADV_POPULATE_WRITE) };
        self.given += bytes;
    }

    #[cold]
    fn grow(&mut self, end: usize) -> bool {
        let bytes = (end - self.usable).next_multiple_of(STEP_BYTES);
        if self.usable + bytes > self.region + REGION_BYTES - STEP_BYTES {
            return false;
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the pages are within the region and nobody uses them yet. Fails at the memory
        // limit.
        let made = unsafe { libc::mprotect(self.usable as *mut _, bytes, access) };
        if made != 0 {
            return false;
        }
        if self.given == usize::MAX {
            // What all forks inherit: a few entries to copy in place of thousands. A fork that
            // writes to such a page copies 4 KiB of it, as of any other.
            // SAFETY: as above. Where the system has none, pages are small.
            unsafe { libc::madvise(self.usable as *mut _, bytes, libc::MADV_HUGEPAGE) };
        }
        self.usable += bytes;
        true
    }
}

// SAFETY: blocks are disjoint, as large as asked, and aligned to 16; where they are the system's,
// the system is asked for all of them. Which of the two a block is shows in its address.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.takes(layout) {
            // SAFETY: one thread, and no reference outlives the call.
            unsafe { (*self.state.get()).alloc(layout.size()) }
        } else {
            // SAFETY: the caller's promises are the system's conditions.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.takes(layout) {
            // SAFETY: as in `alloc`; the block is as long as what is written.
            unsafe {
                let block = self.alloc(layout);
                if !block.is_null() {
                    ptr::write_bytes(block, 0, layout.size());
                }
                block
            }
        } else {
            // SAFETY: the caller's promises are the system's conditions. It gives pages that are
            // zero without being written.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.takes(layout) && self.holds(block) {
            // SAFETY: as in `alloc`.
            unsafe { (*self.state.get()).free(block, layout.size()) }
        } else {
            // SAFETY: it was the system's, by its address or by its layout.
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else {
            return null_mut();
        };
        let ours = self.takes(layout) && self.holds(block);
        if !ours && !self.takes(wanted) {
            // SAFETY: the system's block, and the caller's promises.
            return unsafe { System.realloc(block, layout, size) };
        }
        if ours && self.takes(wanted) && class_of(size) == class_of(layout.size()) {
            return block;
        }
        // SAFETY: both blocks are as long as what is copied, and they are not the same.
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

impl Heap {
    fn holds(&self, block: *mut u8) -> bool {
        // SAFETY: as in `alloc`.
        let state = unsafe { &*self.state.get() };
        (state.region..state.usable).contains(&(block as usize))
    }
}

fn class_of(size: usize) -> usize {
    if size <= LINEAR_BYTES {
        return size.saturating_sub(1) / ALIGN;
    }
    // The doubling, and which quarter of it: 160, 192, 224, 256, 320, ...
    let top = usize::BITS - 1 - (size - 1).leading_zeros();
    let quarter = ((size - 1) >> (top - 2)) & 3;
    LINEAR_CLASSES + 4 * (top as usize - 7) + quarter
}

fn bytes_of(class: usize) -> usize {
    if class < LINEAR_CLASSES {
        return (class + 1) * ALIGN;
    }
    let above = class - LINEAR_CLASSES;
    let doubling = 1 << (above / 4 + 7);
    doubling + (above % 4 + 1) * (doubling / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_BYTES: usize = 4096;

    #[test]
    fn a_class_holds_what_it_is_for_and_is_the_smallest_that_does() {
        for size in 1..=BLOCK_BYTES_MAX {
            let class = class_of(size);
            assert!(class < CLASSES, "{size}");
            assert!(bytes_of(class) >= size, "{size}");
            assert!(class == 0 || bytes_of(class - 1) < size, "{size}");
            assert_eq!(bytes_of(class) % ALIGN, 0, "{size}");
        }
    }

    #[test]
    fn a_new_generation_reuses_nothing_of_the_old_one() {
        let heap = Heap::new();
        heap.prepare();
        let layout = Layout::from_size_align(100, 8).expect("a layout");
        // SAFETY: each block is freed once, with its layout.
        unsafe {
            let first = heap.alloc(layout);
            heap.dealloc(first, layout);
            assert_eq!(heap.alloc(layout), first, "a freed block is used again");
            heap.begin_generation();
            heap.dealloc(first, layout);
            let second = heap.alloc(layout);
            assert!(second as usize >= first as usize + 100);
            assert_ne!(second as usize / PAGE_BYTES, first as usize / PAGE_BYTES);
            let kept = heap.realloc(first, layout, 5000);
            assert!(
                kept as usize > second as usize,
                "an inherited block is moved when it grows"
            );
        }
    }
}
