//! Vectors of floats, as wide as the instruction set has them.
//!
//! Functions on them are `#[inline(always)]` and generic; one copy is compiled for each instruction set (`micro`, `winograd`).

#![allow(unsafe_code, reason = "vector instructions")]

use super::isa::Isa;

/// Lanes of the widest vector.
pub(super) const MOST_LANES: usize = 16;

/// A vector of floats. Every function requires that the machine has the instructions of the type.
pub(super) trait Vector: Copy {
    const LANES: usize;
    /// One float that is computed with as each of the vector's is.
    type Single: Vector;
    unsafe fn splat(v: f32) -> Self;
    unsafe fn load(p: *const f32) -> Self;
    unsafe fn store(self, p: *mut f32);
    /// `a·b + self`.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    unsafe fn add(self, a: Self) -> Self;
    unsafe fn sub(self, a: Self) -> Self;
    unsafe fn mul(self, a: Self) -> Self;
}

/// A loop on vectors.
pub(super) trait Work {
    /// # Safety
    /// The machine has the instructions of `V`. Implementations are `#[inline(always)]`.
    unsafe fn run<V: Vector>(self);
}

impl Isa {
    /// Runs a loop on the vectors of the instruction set.
    #[inline(always)]
    pub(super) fn run(self, work: impl Work) {
        // SAFETY: an instruction set is only named where it was detected.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => x86::avx512(work),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => x86::avx2(work),
                Isa::Portable => work.run::<Four>(),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Fused, Vector, Work};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) unsafe fn avx512(work: impl Work) {
        // SAFETY: handed on to the caller.
        unsafe { work.run::<__m512>() }
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(work: impl Work) {
        // SAFETY: handed on to the caller.
        unsafe { work.run::<__m256>() }
    }

    impl Vector for __m256 {
        const LANES: usize = 8;
        type Single = Fused;
        #[inline(always)]
        unsafe fn splat(v: f32) -> Self {
            unsafe { _mm256_set1_ps(v) }
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { _mm256_loadu_ps(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm256_storeu_ps(p, self) }
        }
        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            unsafe { _mm256_fmadd_ps(a, b, self) }
        }
        #[inline(always)]
        unsafe fn add(self, a: Self) -> Self {
            unsafe { _mm256_add_ps(self, a) }
        }
        #[inline(always)]
        unsafe fn sub(self, a: Self) -> Self {
            unsafe { _mm256_sub_ps(self, a) }
        }
        #[inline(always)]
        unsafe fn mul(self, a: Self) -> Self {
            unsafe { _mm256_mul_ps(self, a) }
        }
    }

    impl Vector for __m512 {
        const LANES: usize = 16;
        type Single = Fused;
        #[inline(always)]
        unsafe fn splat(v: f32) -> Self {
            unsafe { _mm512_set1_ps(v) }
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { _mm512_loadu_ps(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm512_storeu_ps(p, self) }
        }
        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            unsafe { _mm512_fmadd_ps(a, b, self) }
        }
        #[inline(always)]
        unsafe fn add(self, a: Self) -> Self {
            unsafe { _mm512_add_ps(self, a) }
        }
        #[inline(always)]
        unsafe fn sub(self, a: Self) -> Self {
            unsafe { _mm512_sub_ps(self, a) }
        }
        #[inline(always)]
        unsafe fn mul(self, a: Self) -> Self {
            unsafe { _mm512_mul_ps(self, a) }
        }
    }
}

/// Four floats: what every machine's compiler turns into one register.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Four([f32; 4]);

impl Vector for Four {
    const LANES: usize = 4;
    type Single = Plain;
    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        Four([v; 4])
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        unsafe { p.cast::<Four>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        unsafe { p.cast::<Four>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        Four(std::array::from_fn(|i| self.0[i] + a.0[i] * b.0[i]))
    }
    #[inline(always)]
    unsafe fn add(self, a: Self) -> Self {
        Four(std::array::from_fn(|i| self.0[i] + a.0[i]))
    }
    #[inline(always)]
    unsafe fn sub(self, a: Self) -> Self {
        Four(std::array::from_fn(|i| self.0[i] - a.0[i]))
    }
    #[inline(always)]
    unsafe fn mul(self, a: Self) -> Self {
        Four(std::array::from_fn(|i| self.0[i] * a.0[i]))
    }
}

/// A float whose product and sum are rounded once.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Fused(f32);

/// A float whose product and sum are rounded each.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Plain(f32);

macro_rules! single {
    ($t:ident, |$sum:ident, $a:ident, $b:ident| $product:expr) => {
        impl Vector for $t {
            const LANES: usize = 1;
            type Single = $t;
            #[inline(always)]
            unsafe fn splat(v: f32) -> Self {
                $t(v)
            }
            #[inline(always)]
            unsafe fn load(p: *const f32) -> Self {
                unsafe { $t(*p) }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut f32) {
                unsafe { *p = self.0 }
            }
            #[inline(always)]
            unsafe fn add_product(self, a: Self, b: Self) -> Self {
                let ($sum, $a, $b) = (self.0, a.0, b.0);
                $t($product)
            }
            #[inline(always)]
            unsafe fn add(self, a: Self) -> Self {
                $t(self.0 + a.0)
            }
            #[inline(always)]
            unsafe fn sub(self, a: Self) -> Self {
                $t(self.0 - a.0)
            }
            #[inline(always)]
            unsafe fn mul(self, a: Self) -> Self {
                $t(self.0 * a.0)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
single!(Fused, |sum, a, b| a.mul_add(b, sum));
single!(Plain, |sum, a, b| a * b + sum);
