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

/// Rows of the other side that share each load of a weight.
pub(crate) const SHARING: usize = 4;

/// Sixteen numbers, as two vectors. An inner product is made of one partial sum for each, so that many additions do not wait for
/// each other; their order is the same for any number of rows and on every processor.
type Lanes = [[f32; 8]; 2];

fn lanes(x: &[f32]) -> (&[Lanes], &[f32]) {
    let (whole, rest) = x.split_at(x.len() - x.len() % 16);
    (whole.as_chunks::<8>().0.as_chunks::<2>().0, rest)
}

fn rest_product(w: &[f32], x: &[f32]) -> f32 {
    w.iter().zip(x).map(|(a, b)| a * b).sum()
}

/// The inner product of two rows of the same length.
pub(crate) fn row_product(w: &[f32], x: &[f32]) -> f32 {
    let ((w, w_rest), (x, x_rest)) = (lanes(w), lanes(x));
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the feature was just found.
        #[allow(unsafe_code)]
        return unsafe { avx2::row_product(w, x) } + rest_product(w_rest, x_rest);
    }
    row_product_portable(w, x) + rest_product(w_rest, x_rest)
}

/// Inner products of `w` with several rows of the same length; each as [`row_product`] gives it.
pub(crate) fn row_products(w: &[f32], x: [&[f32]; SHARING]) -> [f32; SHARING] {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        let (whole, rest) = lanes(w);
        let parts = x.map(lanes);
        // SAFETY: the feature was just found.
        #[allow(unsafe_code)]
        let mut products = unsafe { avx2::row_products(whole, parts.map(|p| p.0)) };
        products.iter_mut().zip(parts).for_each(|(p, (_, x))| *p += rest_product(rest, x));
        return products;
    }
    x.map(|x| row_product(w, x))
}

fn row_product_portable(w: &[Lanes], x: &[Lanes]) -> f32 {
    let mut sums = [0.0f32; 16];
    for (w, x) in w.iter().zip(x) {
        for ((s, w), x) in sums.iter_mut().zip(w.as_flattened()).zip(x.as_flattened()) {
            *s += w * x;
        }
    }
    for width in [8, 4, 2, 1] {
        for l in 0..width {
            sums[l] += sums[l + width];
        }
    }
    sums[0]
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

/// A block of eight-bit numbers.
pub(crate) type Block = [i8; 32];

/// A row of blocks, each with its scale.
pub(crate) type Blocks<'a> = (&'a [Block], &'a [f32]);

/// The inner product of two rows of blocks: `Σ_b w_scale[b] · x_scale[b] · Σ_i w[b][i] · x[b][i]`. No number is −128.
pub(crate) fn block_product(w: Blocks<'_>, x: Blocks<'_>) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the feature was just found.
        #[allow(unsafe_code)]
        return unsafe { avx2::block_product(w, x) };
    }
    block_product_portable(w, x)
}

/// Inner products of `w` with several rows of blocks; each as [`block_product`] gives it.
pub(crate) fn block_products(w: Blocks<'_>, x: [Blocks<'_>; SHARING]) -> [f32; SHARING] {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the feature was just found.
        #[allow(unsafe_code)]
        return unsafe { avx2::block_products(w, x) };
    }
    x.map(|x| block_product_portable(w, x))
}

fn block_product_portable(w: Blocks<'_>, x: Blocks<'_>) -> f32 {
    let mut sum = 0.0;
    for (((w, x), ws), xs) in w.0.iter().zip(x.0).zip(w.1).zip(x.1) {
        let dot: i32 = w.iter().zip(x).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        sum += dot as f32 * (ws * xs);
    }
    sum
}

/// Inner products by explicit vectors. Loads are conversions of arrays, not the instructions' own functions, which check their
/// pointer each time in a build with debug assertions; and rows are walked side by side, not indexed, for the same reason.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Block, Blocks, Lanes, SHARING};
    use std::arch::x86_64::*;

    #[inline(always)]
    fn floats(x: &[f32; 8]) -> __m256 {
        // SAFETY: both are eight floats without any invalid pattern.
        #[allow(unsafe_code)]
        unsafe {
            std::mem::transmute(*x)
        }
    }

    #[inline(always)]
    fn bytes(x: &Block) -> __m256i {
        // SAFETY: both are 32 bytes without any invalid pattern.
        #[allow(unsafe_code)]
        unsafe {
            std::mem::transmute(*x)
        }
    }

    /// The sum of eight numbers.
    #[target_feature(enable = "avx2,fma")]
    fn sum(x: __m256) -> f32 {
        let half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
        _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps::<1>(quarter, quarter)))
    }

    /// `sums + w · x`, rounded twice as in the portable form.
    #[target_feature(enable = "avx2,fma")]
    fn add(sums: [__m256; 2], w: [__m256; 2], x: &Lanes) -> [__m256; 2] {
        let [a, b] = [_mm256_mul_ps(w[0], floats(&x[0])), _mm256_mul_ps(w[1], floats(&x[1]))];
        [_mm256_add_ps(sums[0], a), _mm256_add_ps(sums[1], b)]
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn row_product(w: &[Lanes], x: &[Lanes]) -> f32 {
        let mut sums = [_mm256_setzero_ps(); 2];
        for (w, x) in w.iter().zip(x) {
            sums = add(sums, [floats(&w[0]), floats(&w[1])], x);
        }
        sum(_mm256_add_ps(sums[0], sums[1]))
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn row_products(w: &[Lanes], x: [&[Lanes]; SHARING]) -> [f32; SHARING] {
        let zero = [_mm256_setzero_ps(); 2];
        let (mut p, mut q, mut r, mut s) = (zero, zero, zero, zero);
        let [a, b, c, d] = x;
        for ((((w, a), b), c), d) in w.iter().zip(a).zip(b).zip(c).zip(d) {
            let w = [floats(&w[0]), floats(&w[1])];
            (p, q, r, s) = (add(p, w, a), add(q, w, b), add(r, w, c), add(s, w, d));
        }
        let total = |sums: [__m256; 2]| sum(_mm256_add_ps(sums[0], sums[1]));
        [total(p), total(q), total(r), total(s)]
    }

    /// A block of weights without signs and as it is.
    #[target_feature(enable = "avx2,fma")]
    fn weights(w: &Block) -> [__m256i; 2] {
        let w = bytes(w);
        [_mm256_sign_epi8(w, w), w]
    }

    /// `sums + scale · w · x`.
    #[target_feature(enable = "avx2,fma")]
    fn add_block(sums: __m256, [magnitudes, w]: [__m256i; 2], x: &Block, scale: f32) -> __m256 {
        // The instruction multiplies unsigned by signed numbers: the weight's sign goes over to the other side. Two products
        // of at most 127 · 127 fit sixteen bits.
        let pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(bytes(x), w));
        let dots = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        _mm256_fmadd_ps(dots, _mm256_set1_ps(scale), sums)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn block_product(w: Blocks<'_>, x: Blocks<'_>) -> f32 {
        let mut sums = _mm256_setzero_ps();
        for (((w, ws), x), xs) in w.0.iter().zip(w.1).zip(x.0).zip(x.1) {
            sums = add_block(sums, weights(w), x, ws * xs);
        }
        sum(sums)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn block_products(w: Blocks<'_>, x: [Blocks<'_>; SHARING]) -> [f32; SHARING] {
        let zero = _mm256_setzero_ps();
        let (mut p, mut q, mut r, mut s) = (zero, zero, zero, zero);
        let [a, b, c, d] = x.map(|(blocks, scales)| blocks.iter().zip(scales));
        for (((((w, ws), a), b), c), d) in w.0.iter().zip(w.1).zip(a).zip(b).zip(c).zip(d) {
            let w = weights(w);
            p = add_block(p, w, a.0, ws * a.1);
            q = add_block(q, w, b.0, ws * b.1);
            r = add_block(r, w, c.0, ws * c.1);
            s = add_block(s, w, d.0, ws * d.1);
        }
        [sum(p), sum(q), sum(r), sum(s)]
    }
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
        let (w, x) = (blocks(17), [29, 5, 11, 3].map(blocks));
        let x = x.each_ref().map(|x| (x.as_slice(), scales.as_slice()));
        let found = block_products((&w, &scales), x);
        for (found, x) in found.into_iter().zip(x) {
            let expected = block_product_portable((&w, &scales), x);
            assert!((found - expected).abs() <= expected.abs() * 1e-5 + 1e-3, "{found} {expected}");
            assert_eq!(block_product((&w, &scales), x), found);
        }
    }

    #[test]
    fn row_products_are_the_portable_ones_bit_for_bit() {
        for n in [0, 5, 16, 40, 192, 203] {
            let row = |k: usize| -> Vec<f32> { (0..n).map(|i| ((i * k % 101) as f32 - 50.0) / 37.0).collect() };
            let (w, x) = (row(17), [29, 5, 11, 3].map(row));
            let found = row_products(&w, x.each_ref().map(Vec::as_slice));
            for (found, x) in found.into_iter().zip(&x) {
                let ((ww, wr), (xx, xr)) = (lanes(&w), lanes(x));
                let expected = row_product_portable(ww, xx) + rest_product(wr, xr);
                let exact: f64 = w.iter().zip(x).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!((f64::from(found) - exact).abs() < 1e-3, "{found} {exact}");
                assert_eq!((found, row_product(&w, x)), (expected, expected));
            }
        }
    }
}
