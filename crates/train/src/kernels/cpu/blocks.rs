//! The program's allocator: large blocks share a few address ranges and are used again, small ones are mimalloc's.
//!
//! A training step takes and frees the same few hundred large blocks, in these kernels and in the tensor library. The C library
//! gives such a block back to the system when it is freed, so that its pages are paid for again when it is next wanted (up to two
//! fifths of a step), or it keeps blocks of all sizes between one another, and the process grows by a fifth and more. Here blocks
//! lie side by side in ranges of a gibibyte, whose pages are large ones where the system has them. A block takes the smallest gap
//! that holds it; gaps that meet become one. Pages stay the program's when what lies in them is freed, as long as all its pages
//! are hardly more than the most that was ever in use at once.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Smaller blocks are mimalloc's, in bytes. What this module takes for its own lists must be smaller too.
const SMALLEST: usize = 128 << 10;
/// Blocks are rounded up and aligned to this.
const UNIT: usize = 4096;
/// In these pages memory is taken from the system and given back.
const PAGE: usize = 2 << 20;
/// An address range; one block may have a larger one.
const RANGE: usize = 1 << 30;
/// Pages may always take this much together.
const FLOOR: usize = 16 << 20;
/// Beyond the most that was in use, the part of it that pages may take.
const GAPS: usize = 16;

#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: Blocks = Blocks;

struct Blocks;

/// Addresses from the system, and which of their pages were written to.
struct Range {
    start: usize,
    pages: usize,
    used: Vec<u64>,
}

impl Range {
    fn is_used(&self, page: usize) -> bool {
        self.used.get(page / 64).is_some_and(|word| word >> (page % 64) & 1 == 1)
    }

    /// Whether the page was not so before.
    fn set_used(&mut self, page: usize, used: bool) -> bool {
        let Some(word) = self.used.get_mut(page / 64) else { return false };
        let before = *word >> (page % 64) & 1 == 1;
        *word = *word & !(1 << (page % 64)) | u64::from(used) << (page % 64);
        before != used
    }
}

/// Ranges, and what is free in them.
struct Arena {
    /// By address.
    ranges: Vec<Range>,
    /// Gaps, no two side by side in one range: address → bytes, and (bytes, address).
    gaps: BTreeMap<usize, usize>,
    by_size: BTreeSet<(usize, usize)>,
    /// Bytes in use, the most that were in use at once, and bytes of pages that were written to.
    live: usize,
    peak: usize,
    held: usize,
}

/// A block.
struct Block {
    start: usize,
    /// Nobody has written to it: it is zero.
    fresh: bool,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena::NEW);

fn arena() -> MutexGuard<'static, Arena> {
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of the block for a layout; `None` where it is the system's.
fn rounded(layout: &Layout) -> Option<usize> {
    if layout.size() < SMALLEST || layout.align() > UNIT {
        return None;
    }
    layout.size().checked_next_multiple_of(UNIT)
}

impl Arena {
    const NEW: Arena =
        Arena { ranges: Vec::new(), gaps: BTreeMap::new(), by_size: BTreeSet::new(), live: 0, peak: 0, held: 0 };

    fn take(&mut self, size: usize) -> Option<Block> {
        let fits = |by_size: &BTreeSet<(usize, usize)>| by_size.range((size, 0)..).next().copied();
        let (gap, start) = match fits(&self.by_size) {
            Some(found) => found,
            None => {
                self.grow(size)?;
                fits(&self.by_size)?
            }
        };
        self.remove_gap(start, gap);
        self.add_gap(start + size, gap - size);
        Some(Block { start, fresh: self.begin(start, size) })
    }

    fn give(&mut self, start: usize, size: usize) {
        self.live -= size;
        let (mut start, mut size) = (start, size);
        if let Some((&before, &bytes)) = self.gaps.range(..start).next_back()
            && before + bytes == start
            && !self.ranges.iter().any(|r| r.start == start)
        {
            self.remove_gap(before, bytes);
            (start, size) = (before, size + bytes);
        }
        let end = start + size;
        if let Some(&bytes) = self.gaps.get(&end)
            && !self.ranges.iter().any(|r| r.start == end)
        {
            self.remove_gap(end, bytes);
            size += bytes;
        }
        self.add_gap(start, size);
    }

    /// Makes a block longer where it lies, if there is room behind it.
    fn extend(&mut self, start: usize, old: usize, new: usize) -> bool {
        let end = start + old;
        let room = self.gaps.get(&end).copied().unwrap_or(0);
        if room < new - old || self.ranges.iter().any(|r| r.start == end) {
            return false;
        }
        self.remove_gap(end, room);
        self.add_gap(start + new, room - (new - old));
        self.begin(end, new - old);
        true
    }

    /// Counts bytes that come into use; whether none of their pages was written to before.
    fn begin(&mut self, start: usize, size: usize) -> bool {
        self.live += size;
        self.peak = self.peak.max(self.live);
        let Some(range) = self.ranges.iter_mut().rfind(|r| r.start <= start) else { return false };
        let pages = (start - range.start) / PAGE..=(start + size - 1 - range.start) / PAGE;
        let (mut all, mut new) = (0, 0);
        for page in pages {
            all += 1;
            new += usize::from(range.set_used(page, true));
        }
        self.held += new * PAGE;
        if new > 0 {
            self.release((self.peak + self.peak / GAPS).max(FLOOR));
        }
        new == all
    }

    fn add_gap(&mut self, start: usize, size: usize) {
        if size > 0 {
            self.gaps.insert(start, size);
            self.by_size.insert((size, start));
        }
    }

    fn remove_gap(&mut self, start: usize, size: usize) {
        self.gaps.remove(&start);
        self.by_size.remove(&(size, start));
    }

    /// A new range that holds `size` bytes.
    fn grow(&mut self, size: usize) -> Option<()> {
        let least = size.checked_next_multiple_of(PAGE)?;
        let (start, bytes) = match system::reserve(least.max(RANGE)) {
            Some(start) => (start, least.max(RANGE)),
            // Address space may be limited.
            None => (system::reserve(least)?, least),
        };
        let pages = bytes / PAGE;
        let at = self.ranges.partition_point(|r| r.start < start);
        self.ranges.insert(at, Range { start, pages, used: vec![0; pages.div_ceil(64)] });
        self.add_gap(start, bytes);
        Some(())
    }

    /// Gives pages that lie in gaps back until no more than `limit` bytes are held, those at high addresses first: what is in
    /// use gathers at low ones.
    fn release(&mut self, limit: usize) {
        if self.held <= limit {
            return;
        }
        for (&gap, &bytes) in self.gaps.iter().rev() {
            let Some(range) = self.ranges.iter_mut().rfind(|r| r.start <= gap) else { continue };
            let first = (gap - range.start).div_ceil(PAGE);
            let end = ((gap + bytes - range.start) / PAGE).min(range.pages);
            for page in (first..end).rev() {
                if !range.is_used(page) {
                    continue;
                }
                if !system::forget(range.start + page * PAGE, PAGE) {
                    return;
                }
                range.set_used(page, false);
                self.held -= PAGE;
                if self.held <= limit {
                    return;
                }
            }
        }
    }
}

/// `n` floats of any value, for a kernel that writes each of them.
pub(super) fn buffer(n: usize) -> Vec<f32> {
    let Some(size) = Layout::array::<f32>(n).ok().and_then(|layout| rounded(&layout)).filter(|_| cfg!(unix)) else {
        return vec![0.0; n];
    };
    let Some(block) = arena().take(size) else { return vec![0.0; n] };
    // SAFETY: the block is one that the program's allocator gives for this layout, and takes back for it. Its memory is
    // initialised: zeros from the system, or what somebody wrote; every bit pattern is a float.
    #[allow(unsafe_code, reason = "memory whose values do not matter need not be cleared")]
    unsafe {
        Vec::from_raw_parts(system::pointer(block.start).cast(), n, n)
    }
}

/// Forgets what was: the next network has other sizes.
pub(in crate::kernels) fn clear() {
    let mut arena = arena();
    arena.peak = arena.live;
    arena.release(0);
}

// SAFETY: a block of the arena is as large as the layout or larger, aligned to a unit, and has one owner at a time; every other
// block is the system allocator's. Both are told apart by the layout alone, which is the same when a block is freed.
#[allow(unsafe_code, reason = "the interface of allocators")]
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match rounded(&layout) {
            Some(size) => arena().take(size).map_or(null_mut(), |block| system::pointer(block.start)),
            // SAFETY: the caller's promises are passed on.
            None => unsafe { MiMalloc.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(size) = rounded(&layout) else {
            // SAFETY: the caller's promises are passed on.
            return unsafe { MiMalloc.alloc_zeroed(layout) };
        };
        let Some(block) = arena().take(size) else { return null_mut() };
        let start = system::pointer(block.start);
        if !block.fresh {
            // SAFETY: the block is as large as the layout and belongs to this call.
            unsafe { start.write_bytes(0, layout.size()) };
        }
        start
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match (rounded(&layout), NonNull::new(block)) {
            (Some(size), Some(block)) => arena().give(block.addr().get(), size),
            // SAFETY: the caller's promises are passed on.
            _ => unsafe { MiMalloc.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size, rounded up to the alignment, does not overflow.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (rounded(&layout), rounded(&new)) {
            // SAFETY: the caller's promises are passed on.
            (None, None) => return unsafe { MiMalloc.realloc(block, layout, size) },
            (Some(old), Some(new)) if new == old => return block,
            (Some(old), Some(new)) if new < old => {
                arena().give(block.addr() + new, old - new);
                return block;
            }
            (Some(old), Some(new)) if arena().extend(block.addr(), old, new) => return block,
            _ => {}
        }
        // SAFETY: the caller owns the old block, which holds `layout.size()` bytes; the new one is another.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// Address ranges of the system.
#[cfg(unix)]
mod system {
    use super::PAGE;
    use std::ptr::{null_mut, with_exposed_provenance_mut};

    const ACCESS: libc::c_int = libc::PROT_READ | libc::PROT_WRITE;
    const KIND: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;

    /// Addresses that are zero and take no memory until they are written to, from a page's beginning on.
    #[allow(unsafe_code, reason = "calls of the system")]
    pub(super) fn reserve(size: usize) -> Option<usize> {
        let whole = size.checked_add(PAGE)?;
        // SAFETY: new pages at an address of the system's choice touch nobody's memory.
        let found = unsafe { libc::mmap(null_mut(), whole, ACCESS, KIND, -1, 0) };
        if found == libc::MAP_FAILED {
            return None;
        }
        let start = found.expose_provenance().next_multiple_of(PAGE);
        #[cfg(target_os = "linux")]
        // SAFETY: advice changes no contents. Whether it is taken makes no difference to anybody but the clock.
        unsafe {
            libc::madvise(pointer(start).cast(), size, libc::MADV_HUGEPAGE);
        }
        Some(start)
    }

    /// Takes the memory from addresses that were reserved: they are zero again. Whether the system did so.
    #[allow(unsafe_code, reason = "a call of the system")]
    pub(super) fn forget(start: usize, size: usize) -> bool {
        // SAFETY: the addresses lie in a range of `reserve`, in a gap, where nobody has a block. New pages in their place are zero.
        let found = unsafe { libc::mmap(pointer(start).cast(), size, ACCESS, KIND | libc::MAP_FIXED, -1, 0) };
        #[cfg(target_os = "linux")]
        // SAFETY: as above.
        unsafe {
            libc::madvise(found, size, libc::MADV_HUGEPAGE);
        }
        found != libc::MAP_FAILED
    }

    /// The pointer to an address of a range.
    pub(super) fn pointer(address: usize) -> *mut u8 {
        with_exposed_provenance_mut(address)
    }
}

/// There are no ranges, and this allocator is not the program's.
#[cfg(not(unix))]
mod system {
    pub(super) fn reserve(_: usize) -> Option<usize> {
        None
    }

    pub(super) fn forget(_: usize, _: usize) -> bool {
        false
    }

    pub(super) fn pointer(address: usize) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(address)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn start(arena: &mut Arena, size: usize) -> usize {
        arena.take(size).unwrap().start
    }

    /// What must always hold.
    fn check(arena: &Arena, blocks: &BTreeMap<usize, usize>) {
        assert_eq!(arena.live, blocks.values().sum::<usize>());
        assert_eq!(arena.gaps.len(), arena.by_size.len());
        let all: BTreeMap<usize, usize> = arena.gaps.iter().chain(blocks).map(|(a, b)| (*a, *b)).collect();
        assert_eq!(all.len(), arena.gaps.len() + blocks.len());
        let reserved: usize = arena.ranges.iter().map(|r| r.pages * PAGE).sum();
        assert_eq!(all.values().sum::<usize>(), reserved, "blocks and gaps fill the ranges");
        assert!(all.iter().zip(all.iter().skip(1)).all(|((a, n), (b, _))| a + n <= *b), "nothing overlaps");
        let used = |r: &Range| (0..r.pages).filter(|&p| r.is_used(p)).count() * PAGE;
        assert_eq!(arena.held, arena.ranges.iter().map(used).sum::<usize>());
    }

    #[test]
    fn a_gap_that_fits_is_taken_before_a_larger_one_and_gaps_that_meet_are_one() {
        let mut arena = Arena::NEW;
        let blocks: Vec<usize> = [4, 1, 2, 1, 8].map(|n| start(&mut arena, n * MIB)).to_vec();
        arena.give(blocks[0], 4 * MIB);
        arena.give(blocks[2], 2 * MIB);
        assert_eq!(start(&mut arena, 2 * MIB), blocks[2]);
        assert_eq!(start(&mut arena, 3 * MIB), blocks[0]);
        arena.give(blocks[1], MIB);
        assert_eq!(start(&mut arena, 2 * MIB), blocks[0] + 3 * MIB, "what is left of the first, and the second");
        assert!(arena.extend(blocks[4], 8 * MIB, 9 * MIB));
        assert!(!arena.extend(blocks[3], MIB, 2 * MIB));
    }

    #[test]
    fn pages_are_kept_up_to_the_most_that_was_in_use() {
        let mut arena = Arena::NEW;
        let first: Vec<usize> = (0..64).map(|_| start(&mut arena, 4 * MIB)).collect();
        assert_eq!(arena.held, 256 * MIB);
        first.iter().for_each(|b| arena.give(*b, 4 * MIB));
        assert_eq!((arena.live, arena.held), (0, 256 * MIB));
        let again = arena.take(250 * MIB).unwrap();
        assert!(!again.fresh);
        assert_eq!(arena.held, 256 * MIB, "the same pages");
        // A gap of two pages at the beginning, and blocks behind: they need pages of their own, and the gap's go.
        let behind = start(&mut arena, 16 * MIB);
        arena.give(again.start, 250 * MIB);
        let large = arena.take(300 * MIB).unwrap();
        assert!(large.fresh, "behind the last");
        assert!(arena.held <= (316 + 316 / GAPS) * MIB + PAGE, "{} MiB", arena.held / MIB);
        arena.give(large.start, 300 * MIB);
        arena.give(behind, 16 * MIB);
        arena.peak = 0;
        arena.release(0);
        assert_eq!(arena.held, 0);
        assert!(arena.take(MIB).unwrap().fresh);
    }

    #[test]
    fn blocks_of_all_sizes_come_and_go() {
        let mut arena = Arena::NEW;
        let mut draws = archsmith_ir::Seed::from_u64(3).draws();
        let mut blocks: BTreeMap<usize, usize> = BTreeMap::new();
        for _ in 0..4000 {
            let size = ((SMALLEST as f64 * (draws.unit() * 6.0).exp2()) as usize).next_multiple_of(UNIT);
            if blocks.len() < 100 && draws.unit() < 0.55 {
                let block = start(&mut arena, size);
                blocks.insert(block, size);
            } else if let Some((&block, &size)) = blocks.iter().nth((draws.unit() * blocks.len() as f64) as usize) {
                let longer = size + (1 << 16);
                if draws.unit() < 0.2 && arena.extend(block, size, longer) {
                    blocks.insert(block, longer);
                } else {
                    blocks.remove(&block);
                    arena.give(block, size);
                }
            }
        }
        check(&arena, &blocks);
        assert!(arena.held <= (arena.peak + arena.peak / 4).max(FLOOR), "{} of {}", arena.held, arena.peak);
        blocks.iter().for_each(|(block, size)| arena.give(*block, *size));
        check(&arena, &BTreeMap::new());
        assert_eq!(arena.gaps.len(), arena.ranges.len());
    }

    #[test]
    fn blocks_move_and_keep_what_they_hold() {
        let mut v: Vec<u64> = Vec::new();
        for i in 0..1_000_000 {
            v.push(i);
        }
        v.truncate(100_000);
        v.shrink_to_fit();
        assert!(v.iter().copied().eq(0..100_000));
        v.truncate(1000);
        v.shrink_to_fit();
        assert!(v.iter().copied().eq(0..1000));
        let dirty = vec![7u8; 3 << 20];
        drop(dirty);
        assert!(vec![0u8; 3 << 20].iter().all(|b| *b == 0), "zeroed although it was used before");
    }
}
