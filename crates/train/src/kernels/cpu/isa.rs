//! The instruction sets that kernels are written for, chosen at run time.

#![allow(unsafe_code, reason = "code that is compiled for instructions which the machine was asked for")]

use std::sync::OnceLock;

/// The instructions that the kernels use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Isa {
    /// The best that this machine has.
    pub(super) fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            {
                let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                let byte_and_word = is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl");
                if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") && byte_and_word
                {
                    return Isa::Avx512;
                }
                if avx2 {
                    return Isa::Avx2;
                }
            }
            Isa::Portable
        })
    }

    /// Rows of a register tile.
    pub(super) fn rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => 8,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => 6,
            Isa::Portable => 4,
        }
    }

    /// Columns of a register tile: packed weights come in panels of so many.
    pub(super) fn columns(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => 32,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => 16,
            Isa::Portable => 8,
        }
    }

    /// `n` rounded up to whole panels.
    pub(super) fn padded(self, n: usize) -> usize {
        n.next_multiple_of(self.columns())
    }

    /// Runs a loop that is compiled for the instruction set: the compiler's own vectors are then as wide as the machine's.
    ///
    /// `f` and what it calls must be `#[inline(always)]`: a function of its own would be compiled for the baseline. It is
    /// called through `FnMut` for the same reason: a closure that is called once by value goes through a shim, which is a
    /// function of its own.
    #[inline(always)]
    pub(super) fn vectorised<R>(self, mut f: impl FnMut() -> R) -> R {
        match self {
            // SAFETY: an instruction set is only named where it was detected.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512(&mut f) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2(&mut f) },
            Isa::Portable => f(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<R>(f: &mut impl FnMut() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<R>(f: &mut impl FnMut() -> R) -> R {
    f()
}
