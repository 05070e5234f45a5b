//! Buffers that are used again: a training step needs the same sizes as the one before.
//!
//! A fresh buffer costs its page faults, which is as much as a kernel's pass over it. Freed buffers wait in a pool, by size, up
//! to a limit; their old contents are initialised memory, so handing them out is safe. Small ones are left to the allocator.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, Shape};
use burn_std::{AllocationController, AllocationProperty, Bytes};
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::sync::Mutex;

/// Smaller buffers are not worth a lock, in floats.
const SMALLEST: usize = 16 * 1024;
/// Idle floats that are kept at most.
const IDLE: usize = 24 << 20;

#[derive(Default)]
struct Pool {
    free: BTreeMap<usize, Vec<Vec<f32>>>,
    idle: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: BTreeMap::new(), idle: 0 });

/// `n` floats of any value, for a kernel that writes each of them.
pub(in super::super) fn buffer(n: usize) -> Vec<f32> {
    if n >= SMALLEST
        && let Ok(mut pool) = POOL.lock()
        && let Some(found) = pool.free.get_mut(&n).and_then(Vec::pop)
    {
        pool.idle -= n;
        return found;
    }
    vec![0.0; n]
}

/// Gives a buffer back.
pub(super) fn recycle(v: Vec<f32>) {
    let n = v.len();
    if n >= SMALLEST
        && let Ok(mut pool) = POOL.lock()
        && pool.idle + n <= IDLE
    {
        pool.idle += n;
        pool.free.entry(n).or_default().push(v);
    }
}

/// Forgets what is idle: the next network has other sizes.
pub(in super::super) fn clear() {
    if let Ok(mut pool) = POOL.lock() {
        *pool = Pool::default();
    }
}

/// A tensor's memory, which returns to the pool when the tensor is dropped.
struct Pooled(Vec<f32>);

impl Drop for Pooled {
    fn drop(&mut self) {
        recycle(std::mem::take(&mut self.0));
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
    let bytes = values.len() * size_of::<f32>();
    // SAFETY: the controller's memory is `bytes` long and initialised, and stays where it is while the controller lives.
    #[allow(unsafe_code, reason = "the only constructor of memory that comes back to a pool")]
    let bytes = unsafe { Bytes::from_controller(Box::new(Pooled(values)), bytes) };
    FlexTensor::new(bytes, layout, DType::F32)
}
