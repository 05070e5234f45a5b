//! Choosing vector instructions at run time.
//!
//! Loops are plain Rust. A loop handed to [`vectorised`] is compiled twice, for the oldest processor and for one
//! with AVX2 and FMA, and the better one that this processor has runs. Its closure must be `#[inline(always)]`,
//! with everything it calls: a function of its own would be compiled for the oldest processor only.
//! On other architectures the baseline has vector instructions already.

/// Runs `f`, compiled for the best instruction set of this processor.
#[inline(always)]
pub(crate) fn vectorised<R>(mut f: impl FnMut() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: both features were just found.
        #[allow(unsafe_code)]
        return unsafe { with_avx2(f) };
    }
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<R>(mut f: impl FnMut() -> R) -> R {
    f()
}
