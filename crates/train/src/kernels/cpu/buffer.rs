//! Buffers that are used again: a training step needs the same sizes as the one before.
//!
//! A fresh buffer costs its page faults, and one that the allocator kept (`blocks`) a pass that clears it: as much as a kernel's
//! own pass. Freed buffers wait in a pool, by size; their old contents are initialised memory, so handing them out as they are is
//! safe. Small ones are left to the allocator. What waits
//! hardly raises the peak: tensors and idle buffers together stay within a sixteenth of what tensors alone once took, or below a
//! floor.

use super::blocks;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, Shape};
use burn_std::{AllocationController, AllocationProperty, Bytes};
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// Smaller buffers are not worth a lock, in floats.
const SMALLEST: usize = 16 * 1024;
/// Tensors and idle buffers may always take this much together, in floats.
const FLOOR: usize = 4 << 20;

#[derive(Default)]
struct Pool {
    free: BTreeMap<usize, Vec<Vec<f32>>>,
    idle: usize,
    /// Floats of the tensors and of the working memory that live.
    live: usize,
    /// The most that lived at once.
    peak: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: BTreeMap::new(), idle: 0, live: 0, peak: 0 });

impl Pool {
    /// How many floats are too many, were there `n` more.
    fn excess(&self, n: usize) -> usize {
        (self.live + self.idle + n).saturating_sub((self.peak + self.peak / 16).max(FLOOR))
    }

    fn begin(&mut self, n: usize) {
        self.live += n;
        self.peak = self.peak.max(self.live);
    }

    fn take(&mut self, n: usize) -> Option<Vec<f32>> {
        let found = self.free.get_mut(&n).and_then(Vec::pop)?;
        self.idle -= n;
        Some(found)
    }

    fn keep(&mut self, v: Vec<f32>) {
        if self.excess(v.len()) == 0 {
            self.idle += v.len();
            self.free.entry(v.len()).or_default().push(v);
        }
    }

    /// Forgets idle buffers until a new one of `n` floats fits: the smallest that is enough, or the largest.
    fn make_room(&mut self, n: usize) {
        loop {
            let excess = self.excess(n);
            let enough = self.free.range(excess..).next().or(self.free.last_key_value());
            let Some(size) = enough.map(|(size, _)| *size).filter(|_| excess > 0) else { return };
            let waiting = self.free.get_mut(&size).map_or(0, |all| {
                self.idle -= all.pop().map_or(0, |v| v.len());
                all.len()
            });
            if waiting == 0 {
                self.free.remove(&size);
            }
        }
    }
}

/// `n` floats of any value, for a kernel that writes each of them.
pub(in super::super) fn buffer(n: usize) -> Vec<f32> {
    if n >= SMALLEST
        && let Ok(mut pool) = POOL.lock()
    {
        if let Some(found) = pool.take(n) {
            return found;
        }
        pool.make_room(n);
    }
    vec![0.0; n]
}

/// Working memory of a kernel: zeros at first. It returns to the pool.
#[derive(Default)]
pub(super) struct Scratch(Vec<f32>);

/// `n` zeros.
pub(super) fn scratch(n: usize) -> Scratch {
    let mut found = None;
    if n >= SMALLEST
        && let Ok(mut pool) = POOL.lock()
    {
        found = pool.take(n);
        if found.is_none() {
            pool.make_room(n);
        }
        pool.begin(n);
    }
    // What was used before is cleared; what is new is zero already.
    let reused = found.map(|mut v| {
        v.fill(0.0);
        v
    });
    Scratch(reused.unwrap_or_else(|| vec![0.0; n]))
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

impl AsRef<[f32]> for Scratch {
    fn as_ref(&self) -> &[f32] {
        self
    }
}

impl AsMut<[f32]> for Scratch {
    fn as_mut(&mut self) -> &mut [f32] {
        self
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.len() >= SMALLEST {
            end(std::mem::take(&mut self.0));
        }
    }
}

/// Forgets what is idle: the next network has other sizes.
pub(in super::super) fn clear() {
    if let Ok(mut pool) = POOL.lock() {
        *pool = Pool { live: pool.live, peak: pool.live, ..Pool::default() };
    }
    blocks::clear();
}

/// A tensor's memory, which returns to the pool when the tensor is dropped.
struct Pooled(Vec<f32>);

impl Drop for Pooled {
    fn drop(&mut self) {
        end(std::mem::take(&mut self.0));
    }
}

/// A tensor or working memory is no longer needed.
fn end(values: Vec<f32>) {
    if let Ok(mut pool) = POOL.lock() {
        pool.live -= values.len();
        pool.keep(values);
    }
}

impl AllocationController for Pooled {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Native
    }

    #[allow(unsafe_code, reason = "the library's interface of memory that is not its own")]
    unsafe fn memory_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let bytes = self.0.len() * size_of::<f32>();
        // SAFETY: the floats are initialised and borrowed exclusively for as long as the result; every byte pattern is a
        // float, and the caller promises to write initialised bytes only.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), bytes) }
    }

    #[allow(unsafe_code, reason = "the library's interface of memory that is not its own")]
    fn memory(&self) -> &[MaybeUninit<u8>] {
        let bytes = self.0.len() * size_of::<f32>();
        // SAFETY: the floats are initialised and borrowed for as long as the result.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), bytes) }
    }
}

/// A contiguous tensor of these values.
pub(super) fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape));
    if values.len() < SMALLEST {
        return FlexTensor::new(Bytes::from_elems(values), layout, DType::F32);
    }
    if let Ok(mut pool) = POOL.lock() {
        pool.begin(values.len());
    }
    let bytes = values.len() * size_of::<f32>();
    // SAFETY: the controller's memory is `bytes` long and initialised, and stays where it is while the controller lives.
    #[allow(unsafe_code, reason = "the only constructor of memory that comes back to a pool")]
    let bytes = unsafe { Bytes::from_controller(Box::new(Pooled(values)), bytes) };
    FlexTensor::new(bytes, layout, DType::F32)
}

#[cfg(test)]
mod tests {
    use super::{FLOOR, Pool};

    #[test]
    fn idle_buffers_hardly_raise_the_peak() {
        let mut pool = Pool { live: 17 * FLOOR, peak: 16 * FLOOR, ..Pool::default() };
        pool.keep(vec![0.0; 1]);
        assert!(pool.free.is_empty(), "there is no room beyond the peak and its sixteenth");
        pool.live = 15 * FLOOR;
        pool.keep(vec![0.0; FLOOR]);
        pool.keep(vec![0.0; FLOOR / 2]);
        pool.keep(vec![0.0; FLOOR / 2]);
        assert_eq!((pool.idle, pool.free.len()), (2 * FLOOR, 2));
        pool.make_room(FLOOR / 4);
        assert_eq!(pool.idle, 3 * FLOOR / 2, "the smallest that is enough makes room");
        pool.make_room(FLOOR);
        assert_eq!(pool.idle, FLOOR);
        assert!(pool.take(FLOOR / 4).is_none());
        assert_eq!(pool.take(FLOOR).or_else(|| pool.take(FLOOR / 2)).map(|v| v.len()), Some(FLOOR));
        pool.make_room(100 * FLOOR);
        assert_eq!((pool.idle, pool.free.len()), (0, 0), "what cannot fit forgets all");
    }
}
