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
pub(crate) type Rounded = [(Block, f32)];

/// Rows of a [`Panel`].
pub(crate) const PANEL: usize = 8;

/// A block of each of [`PANEL`] rows: four numbers of every row, then the next four; and the rows' scales.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
pub(crate) struct Panel {
    pub(crate) values: [[[i8; 4]; PANEL]; 8],
    pub(crate) scales: [f32; PANEL],
}

/// Inner products of the rows of a panel with other rows: `Σ_b w_scale[b] · x_scale[b] · Σ_i w[b][i] · x[b][i]`. Those of a row
/// do not depend on the others. No number is −128.
pub(crate) fn panel_products<const N: usize>(w: &[Panel], x: [&Rounded; N]) -> [[f32; PANEL]; N] {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the features were just found.
        #[allow(unsafe_code)]
        unsafe {
            return if std::arch::is_x86_feature_detected!("avxvnni") {
                avx2::panel_products_vnni(w, x)
            } else {
                avx2::panel_products(w, x)
            };
        }
    }
    panel_products_portable(w, x)
}

fn panel_products_portable<const N: usize>(w: &[Panel], x: [&Rounded; N]) -> [[f32; PANEL]; N] {
    x.map(|x| {
        let mut sums = [0.0f32; PANEL];
        for (w, (x, scale)) in w.iter().zip(x) {
            let mut dots = [0i32; PANEL];
            for (w, x) in w.values.iter().zip(x.as_chunks::<4>().0) {
                for (dot, w) in dots.iter_mut().zip(w) {
                    *dot += w.iter().zip(x).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>();
                }
            }
            for ((sum, dot), w) in sums.iter_mut().zip(dots).zip(&w.scales) {
                *sum += dot as f32 * (w * scale);
            }
        }
        sums
    })
}

/// Inner products by explicit vectors. Loads are conversions of arrays, not the instructions' own functions, which check their
/// pointer each time in a build with debug assertions; and rows are walked side by side, not indexed, for the same reason.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Lanes, PANEL, Panel, Rounded, SHARING};
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
    fn bytes(x: &[[i8; 4]; PANEL]) -> __m256i {
        // SAFETY: both are 32 bytes without any invalid pattern.
        #[allow(unsafe_code)]
        unsafe {
            std::mem::transmute(*x)
        }
    }

    #[inline(always)]
    fn array(x: __m256) -> [f32; PANEL] {
        // SAFETY: both are eight floats without any invalid pattern.
        #[allow(unsafe_code)]
        unsafe {
            std::mem::transmute(x)
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

    /// `panel_products`, by what adds the products of four numbers each, unsigned by signed, to sums.
    macro_rules! panel_products {
        ($name:ident, $features:literal, $add:ident) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name<const N: usize>(w: &[Panel], x: [&Rounded; N]) -> [[f32; PANEL]; N] {
                let mut sums = [_mm256_setzero_ps(); N];
                for (b, w) in w.iter().enumerate() {
                    // Two sums, so that additions do not wait for each other.
                    let mut dots = [[_mm256_setzero_si256(); 2]; N];
                    for (k, values) in w.values.iter().enumerate() {
                        let values = bytes(values);
                        // The instruction multiplies unsigned by signed numbers: the weight's sign goes over to the other side.
                        let magnitudes = _mm256_sign_epi8(values, values);
                        for (dots, x) in dots.iter_mut().zip(x) {
                            let four = _mm256_set1_epi32(i32::from_ne_bytes(
                                x[b].0.as_chunks::<4>().0[k].map(i8::cast_unsigned),
                            ));
                            dots[k % 2] = $add(dots[k % 2], magnitudes, _mm256_sign_epi8(four, values));
                        }
                    }
                    for ((sum, [even, odd]), x) in sums.iter_mut().zip(dots).zip(x) {
                        let dot = _mm256_cvtepi32_ps(_mm256_add_epi32(even, odd));
                        let scale = _mm256_mul_ps(floats(&w.scales), _mm256_set1_ps(x[b].1));
                        *sum = _mm256_fmadd_ps(dot, scale, *sum);
                    }
                }
                sums.map(array)
            }
        };
    }

    /// Two products of at most 127 · 127 fit sixteen bits.
    #[target_feature(enable = "avx2,fma")]
    fn add_fours(sums: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
        _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned, signed), _mm256_set1_epi16(1)))
    }

    #[target_feature(enable = "avx2,fma,avxvnni")]
    fn add_fours_vnni(sums: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
        _mm256_dpbusd_avx_epi32(sums, unsigned, signed)
    }

    panel_products!(panel_products, "avx2,fma", add_fours);
    panel_products!(panel_products_vnni, "avx2,fma,avxvnni", add_fours_vnni);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panel_products_agree_with_the_portable_ones() {
        let number = |i: usize| ((i * 37) % 255) as i32 - 127;
        let panels: Vec<Panel> = (0..7)
            .map(|b| Panel {
                values: std::array::from_fn(|k| {
                    std::array::from_fn(|r| std::array::from_fn(|i| number(b * 991 + k * 31 + r * 7 + i) as i8))
                }),
                scales: std::array::from_fn(|r| 0.01 + b as f32 * 0.003 + r as f32 * 0.001),
            })
            .collect();
        let row = |step: usize| -> Vec<(Block, f32)> {
            (0..7)
                .map(|b| (std::array::from_fn(|i| number(b * 17 + i * step) as i8), 0.02 + b as f32 * 0.005))
                .collect()
        };
        let rows = [29, 5, 11, 3].map(row);
        let x = rows.each_ref().map(Vec::as_slice);
        let found = panel_products(&panels, x);
        let expected = panel_products_portable(&panels, x);
        for (found, expected) in found.as_flattened().iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() <= expected.abs() * 1e-5 + 1e-3, "{found} {expected}");
        }
        for (found, x) in found.into_iter().zip(x) {
            assert_eq!(panel_products(&panels, [x]), [found]);
        }
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: the features were just found.
            #[allow(unsafe_code)]
            let plain = unsafe { avx2::panel_products(&panels, x) };
            assert_eq!(plain, found, "the same bits on every processor with these vectors");
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
