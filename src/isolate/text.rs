//! The binary's own code on huge pages, made once in the zygote and shared by all its forks.
//!
//! Code is mapped from a file, and a fork does not inherit what its parent has looked up of such a
//! mapping: every process would take some hundred page faults to find the engine again. A copy in
//! anonymous huge pages is inherited whole, for a few entries, and spares the processor's tables of
//! addresses too.

use std::fs;
use std::ptr::{self, null_mut};

/// The size of a huge page of this architecture.
const HUGE_BYTES: usize = 2 << 20;

/// Moves the code there. Where the system does not allow that, it stays where it is.
pub fn move_to_huge_pages() {
    let Some((start, end)) = whole_pages(code()) else {
        return;
    };
    let bytes = end - start;
    // SAFETY: a new mapping that nothing else knows of, with room to align in.
    let room = unsafe {
        libc::mmap(
            null_mut(),
            bytes + HUGE_BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if room == libc::MAP_FAILED {
        return;
    }
    let copy = (room as usize).next_multiple_of(HUGE_BYTES);
    // SAFETY: `copy` has `bytes` bytes within `room`, and `start..end` is mapped and readable. The
    // mapping that takes the place of the code has the same bytes and is executable before it gets
    // there, in one step, so the code that runs here goes on running.
    unsafe {
        libc::madvise(copy as *mut _, bytes, libc::MADV_HUGEPAGE);
        ptr::copy_nonoverlapping(start as *const u8, copy as *mut u8, bytes);
        let access = libc::PROT_READ | libc::PROT_EXEC;
        if libc::mprotect(copy as *mut _, bytes, access) == 0 {
            let how = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            libc::mremap(
                copy as *mut _,
                bytes,
                bytes,
                how,
                start as *mut libc::c_void,
            );
        }
        // What is left of the room, or all of it.
        libc::munmap(room, bytes + HUGE_BYTES);
    }
}

// The mapping that this function is in.
fn code() -> Option<(usize, usize)> {
    let here = code as fn() -> _ as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        ((start..end).contains(&here) && rest.starts_with("r-xp")).then_some((start, end))
    })
}

// Of a range, what huge pages can cover.
fn whole_pages(range: Option<(usize, usize)>) -> Option<(usize, usize)> {
    let (start, end) = range?;
    let start = start.next_multiple_of(HUGE_BYTES);
    let end = end / HUGE_BYTES * HUGE_BYTES;
    (start < end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_huge_pages_are_moved() {
        let page = HUGE_BYTES;
        assert_eq!(whole_pages(Some((1, 3 * page - 1))), Some((page, 2 * page)));
        assert_eq!(whole_pages(Some((page, 2 * page))), Some((page, 2 * page)));
        assert_eq!(whole_pages(Some((1, page + 1))), None);
        assert_eq!(whole_pages(None), None);
    }

    #[test]
    fn code_is_found_in_the_memory_of_the_process() {
        let (start, end) = code().expect("Linux has maps");
        assert!((start..end).contains(&(whole_pages as fn(_) -> _ as usize)));
    }
}
