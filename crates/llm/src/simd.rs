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

/// A block of eight-bit numbers.
pub(crate) type Block = [i8; 32];

/// Inner products of one row of quantised blocks with `R` others: `Σ_b w_scale[b] · x_scale[b] · Σ_i w[b][i] · x[b][i]`.
/// No number is −128. The result of a row is the same for every `R`.
#[inline]
pub(crate) fn block_products<const R: usize>(w: (&[Block], &[f32]), x: [(&[Block], &[f32]); R]) -> [f32; R] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: both features were just found.
        #[allow(unsafe_code)]
        return unsafe { block_products_avx2(w, x) };
    }
    x.map(|x| block_product_portable(w, x))
}

fn block_product_portable(w: (&[Block], &[f32]), x: (&[Block], &[f32])) -> f32 {
    let mut sum = 0.0;
    for (((w, x), ws), xs) in w.0.iter().zip(x.0).zip(w.1).zip(x.1) {
        let dot: i32 = w.iter().zip(x).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        sum += dot as f32 * (ws * xs);
    }
    sum
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn block_products_avx2<const R: usize>(w: (&[Block], &[f32]), x: [(&[Block], &[f32]); R]) -> [f32; R] {
    use std::arch::x86_64::*;
    let load = |block: &Block| {
        // SAFETY: a block is 32 bytes, and the load needs no alignment.
        #[allow(unsafe_code)]
        unsafe {
            _mm256_loadu_si256(block.as_ptr().cast())
        }
    };
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_ps(); R];
    let n = w.0.len();
    let x = x.map(|(blocks, scales)| (&blocks[..n], &scales[..n]));
    for (b, (block, w_scale)) in w.0.iter().zip(w.1).enumerate() {
        let weights = load(block);
        // The instruction multiplies unsigned by signed numbers: the weight's sign goes over to the other side. Two products
        // of at most 127 · 127 fit sixteen bits.
        let magnitudes = _mm256_sign_epi8(weights, weights);
        for r in 0..R {
            let signed = _mm256_sign_epi8(load(&x[r].0[b]), weights);
            let pairs = _mm256_maddubs_epi16(magnitudes, signed);
            let dots = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, ones));
            sums[r] = _mm256_fmadd_ps(dots, _mm256_set1_ps(w_scale * x[r].1[b]), sums[r]);
        }
    }
    sums.map(|sum| {
        let half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
        let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
        _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps::<1>(quarter, quarter)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_products_agree_with_the_portable_ones() {
        let blocks = |k: i32| -> Vec<Block> {
            (0..7).map(|b| std::array::from_fn(|i| ((b * 31 + i as i32 * k) % 255 - 127) as i8)).collect()
        };
        let scales: Vec<f32> = (0..7).map(|b| 0.01 + b as f32 * 0.003).collect();
        let (w, x, y) = (blocks(17), blocks(29), blocks(5));
        let found = block_products((&w, &scales), [(&x, &scales), (&y, &scales)]);
        for (found, x) in found.into_iter().zip([&x, &y]) {
            let expected = block_product_portable((&w, &scales), (x, &scales));
            assert!((found - expected).abs() <= expected.abs() * 1e-5 + 1e-3, "{found} {expected}");
            assert_eq!(block_products((&w, &scales), [(x, &scales)]), [found]);
        }
    }
}
