//! The program's allocator: large blocks are used again, small ones are the system's.
//!
//! A training step takes and frees the same few hundred large blocks, in these kernels and in the tensor library. The C library
//! gives such a block back to the system when it is freed, so that its pages are paid for again when it is next wanted (up to two
//! fifths of a step), or it keeps blocks of all sizes between one another, and the process grows by a fifth and more. Here a
//! freed block waits in the list of its size class, eight classes to a power of two. What waits and what is in use together stay
//! below the most that was ever in use, or below a floor; what is too much goes back to the system.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Smaller blocks are the system's, in bytes.
const SMALLEST: usize = 128 << 10;
/// Size classes; a larger block is the system's too (64 GiB).
const CLASSES: usize = 8 * 19;
/// Blocks may always take this much together, in bytes.
const FLOOR: usize = 16 << 20;
/// What every block of a class is aligned to: a page.
const ALIGN: usize = 4096;

#[global_allocator]
static ALLOCATOR: Blocks = Blocks;

struct Blocks;

/// The class of blocks for a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Class(usize);

impl Class {
    /// `None` where the block is the system's.
    fn of(layout: &Layout) -> Option<Class> {
        let size = layout.size();
        if size < SMALLEST || layout.align() > ALIGN {
            return None;
        }
        // Sizes from 2ᵉ to 2ᵉ⁺¹ in eight steps, rounded up.
        let rounded = size.checked_next_multiple_of(1 << (size.ilog2() - 3))?;
        let octave = rounded.ilog2();
        let class = 8 * (octave - SMALLEST.ilog2()) as usize + ((rounded >> (octave - 3)) & 7);
        (class < CLASSES).then_some(Class(class))
    }

    /// Bytes of a block.
    fn size(self) -> usize {
        (8 + self.0 % 8) << (SMALLEST.ilog2() as usize - 3 + self.0 / 8)
    }
}

/// The beginning of a block that waits.
struct Waiting {
    next: Option<NonNull<Waiting>>,
}

struct Cache {
    waiting: [Option<NonNull<Waiting>>; CLASSES],
    /// Bytes that wait.
    idle: usize,
    /// Bytes that owners want.
    live: usize,
    /// The most that they wanted at once.
    peak: usize,
}

// SAFETY: a block that waits belongs to the cache alone, whichever thread freed it.
#[allow(unsafe_code, reason = "blocks that wait are known by their addresses")]
unsafe impl Send for Cache {}

static CACHE: Mutex<Cache> = Mutex::new(Cache::NEW);

fn cache() -> MutexGuard<'static, Cache> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cache {
    const NEW: Cache = Cache { waiting: [None; CLASSES], idle: 0, live: 0, peak: 0 };

    /// How many bytes are too many.
    fn excess(&self) -> usize {
        (self.live + self.idle).saturating_sub(self.peak.max(FLOOR))
    }

    #[allow(unsafe_code, reason = "a block that waits holds the address of the next")]
    fn take(&mut self, class: Class) -> Option<NonNull<Waiting>> {
        let block = self.waiting[class.0]?;
        // SAFETY: `put` wrote it, and a block in a list is nobody else's.
        self.waiting[class.0] = unsafe { block.read() }.next;
        self.idle -= class.size();
        Some(block)
    }

    #[allow(unsafe_code, reason = "a block that waits holds the address of the next")]
    fn put(&mut self, class: Class, block: NonNull<Waiting>) {
        // SAFETY: a block of a class is large enough and aligned, and its owner has freed it.
        unsafe { block.write(Waiting { next: self.waiting[class.0] }) };
        self.waiting[class.0] = Some(block);
        self.idle += class.size();
    }

    /// A block for its new owner, who wants `size` bytes of it, and whether it was used before.
    fn begin(&mut self, class: Class, size: usize) -> Option<(NonNull<Waiting>, bool)> {
        let found = self.take(class);
        self.live += size;
        self.peak = self.peak.max(self.live);
        if let Some(block) = found {
            return Some((block, true));
        }
        self.give_back();
        let fresh = system::take(class.size());
        if fresh.is_none() {
            self.live -= size;
        }
        Some((fresh?, false))
    }

    /// A block from its last owner, who wanted `size` bytes of it.
    fn end(&mut self, class: Class, size: usize, block: NonNull<Waiting>) {
        self.live -= size;
        self.put(class, block);
        if self.excess() > 0 {
            self.take(class);
            system::give(block, class.size());
        }
    }

    /// An owner wants other bytes of the same block.
    fn resize(&mut self, old: usize, new: usize) {
        self.live = self.live - old + new;
        self.peak = self.peak.max(self.live);
    }

    fn clear(&mut self) {
        for class in (0..CLASSES).map(Class) {
            while let Some(block) = self.take(class) {
                system::give(block, class.size());
            }
        }
        self.peak = self.live;
    }

    /// Gives blocks back until none are too many: the smallest that is enough, or the largest.
    fn give_back(&mut self) {
        while let excess @ 1.. = self.excess() {
            let mut some = (0..CLASSES).map(Class).filter(|c| self.waiting[c.0].is_some());
            let Some(class) = some.clone().find(|c| c.size() >= excess).or_else(|| some.next_back()) else { return };
            let Some(block) = self.take(class) else { return };
            system::give(block, class.size());
        }
    }
}

/// Forgets what waits: the next network has other sizes.
pub(super) fn clear() {
    cache().clear();
}

// SAFETY: a block of a class is as large as the layout or larger, aligned to a page, and has one owner at a time; every other
// block is the system allocator's. Both are told apart by the layout alone, which is the same when a block is freed.
#[allow(unsafe_code, reason = "the interface of allocators")]
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match Class::of(&layout) {
            Some(class) => cache().begin(class, layout.size()).map_or(null_mut(), |(block, _)| block.as_ptr().cast()),
            // SAFETY: the caller's promises are passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(class) = Class::of(&layout) else {
            // SAFETY: the caller's promises are passed on.
            return unsafe { System.alloc_zeroed(layout) };
        };
        let Some((block, used)) = cache().begin(class, layout.size()) else { return null_mut() };
        let block: *mut u8 = block.as_ptr().cast();
        if used {
            // SAFETY: the block is as large as the layout and belongs to this call.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match (Class::of(&layout), NonNull::new(block.cast())) {
            (Some(class), Some(block)) => cache().end(class, layout.size(), block),
            // SAFETY: the caller's promises are passed on.
            _ => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size, rounded up to the alignment, does not overflow.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (Class::of(&layout), Class::of(&new)) {
            // SAFETY: the caller's promises are passed on.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (Some(old), Some(new)) if old == new => {
                cache().resize(layout.size(), size);
                block
            }
            _ => {
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
    }
}

/// Whole pages from the system, zero at first.
#[cfg(unix)]
mod system {
    use super::Waiting;
    use std::ptr::{NonNull, null_mut};

    #[allow(unsafe_code, reason = "a call of the system")]
    pub(super) fn take(size: usize) -> Option<NonNull<Waiting>> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new pages at an address of the system's choice touch nobody's memory.
        let pages = unsafe { libc::mmap(null_mut(), size, access, kind, -1, 0) };
        if pages == libc::MAP_FAILED { None } else { NonNull::new(pages.cast()) }
    }

    #[allow(unsafe_code, reason = "a call of the system")]
    pub(super) fn give(block: NonNull<Waiting>, size: usize) {
        // SAFETY: the pages came from `take` with this size, and nobody uses them any more.
        unsafe { libc::munmap(block.as_ptr().cast(), size) };
    }
}

/// Whole pages from the system's allocator, zero at first.
#[cfg(not(unix))]
mod system {
    use super::{ALIGN, Waiting};
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::ptr::NonNull;

    #[allow(unsafe_code, reason = "a call of the system's allocator")]
    pub(super) fn take(size: usize) -> Option<NonNull<Waiting>> {
        let layout = Layout::from_size_align(size, ALIGN).ok()?;
        // SAFETY: no class has blocks without bytes.
        NonNull::new(unsafe { System.alloc_zeroed(layout) }.cast())
    }

    #[allow(unsafe_code, reason = "a call of the system's allocator")]
    pub(super) fn give(block: NonNull<Waiting>, size: usize) {
        if let Ok(layout) = Layout::from_size_align(size, ALIGN) {
            // SAFETY: the block came from `take` with this layout, and nobody uses it any more.
            unsafe { System.dealloc(block.as_ptr().cast(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(size: usize) -> Option<Class> {
        Class::of(&Layout::from_size_align(size, 8).unwrap())
    }

    #[test]
    fn a_class_holds_its_sizes_and_wastes_at_most_an_eighth() {
        assert_eq!((class(SMALLEST - 1), class(SMALLEST)), (None, Some(Class(0))));
        for place in 0..CLASSES {
            let size = Class(place).size();
            assert_eq!(size % ALIGN, 0, "whole pages");
            assert_eq!(class(size), Some(Class(place)), "{size}");
            let next = (place + 1 < CLASSES).then_some(Class(place + 1));
            assert_eq!(class(size + 1), next, "one more than {size}");
            if let Some(next) = next {
                assert!(next.size() - size <= size / 8, "{size}");
            }
        }
        assert_eq!(class(isize::MAX as usize - 4095), None);
        assert_eq!(Class::of(&Layout::from_size_align(SMALLEST, 2 * ALIGN).unwrap()), None);
    }

    #[test]
    fn what_waits_does_not_raise_the_peak() {
        let mut cache = Cache::NEW;
        let sizes = [1, 4, 16].map(|n: usize| n << 20);
        let [one, four, sixteen] = sizes.map(|n| class(n).unwrap());
        let first: Vec<_> = (0..64).map(|_| cache.begin(four, sizes[1]).unwrap()).collect();
        assert!(first.iter().all(|(_, used)| !used));
        for (block, _) in first {
            cache.end(four, sizes[1], block);
        }
        assert_eq!((cache.live, cache.idle), (0, 256 << 20), "all wait: the peak has room for them");
        let (again, used) = cache.begin(four, sizes[1]).unwrap();
        assert!(used);
        let larger: Vec<_> = (0..4).map(|_| cache.begin(sixteen, sizes[2]).unwrap().0).collect();
        assert_eq!((cache.live, cache.idle), (68 << 20, 188 << 20), "blocks that wait make room");
        let small: Vec<_> = (0..15).map(|_| cache.begin(one, sizes[0]).unwrap().0).collect();
        assert_eq!((cache.live, cache.idle), (83 << 20, 172 << 20));
        larger.into_iter().for_each(|block| cache.end(sixteen, sizes[2], block));
        small.into_iter().for_each(|block| cache.end(one, sizes[0], block));
        cache.end(four, sizes[1], again);
        assert_eq!(cache.live, 0);
        cache.peak = 0;
        cache.give_back();
        assert!(0 < cache.idle && cache.idle <= FLOOR, "only the floor is left: {}", cache.idle);
        cache.clear();
        assert_eq!((cache.idle, cache.peak), (0, 0));
    }

    #[test]
    fn blocks_move_and_keep_what_they_hold() {
        let mut v: Vec<u64> = Vec::new();
        for i in 0..1_000_000 {
            v.push(i);
        }
        v.truncate(1000);
        v.shrink_to_fit();
        assert!(v.iter().copied().eq(0..1000));
        let dirty = vec![7u8; 3 << 20];
        drop(dirty);
        assert!(vec![0u8; 3 << 20].iter().all(|b| *b == 0), "zeroed although it was used before");
    }
}
