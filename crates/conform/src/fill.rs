//! The fill formula: values of state tensors and images that two implementations agree on to the last bit.
//!
//! `u(t, i)` is a hash of a tensor's number and an element's, in [-1, 1); every product and every sum is rounded once to f32.

use serde::{Deserialize, Serialize};

/// The number that stands for the images where state tensors have theirs.
const IMAGE: u32 = 1_000_000;

/// A mixing function on 32 bits (multiply and shift, wrapping).
pub fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^ (h >> 16)
}

/// The number of element `i` of tensor `t`, in [-1, 1).
pub fn u(t: u32, i: u32) -> f32 {
    let h = mix(i.wrapping_add(0x9e37_79b9u32.wrapping_mul(t.wrapping_add(1))));
    (h >> 8) as f32 * (1.0 / 8_388_608.0) - 1.0
}

/// How a tensor is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Integers, truth values and empty tensors: as constructed.
    Skip,
    /// A running mean.
    RMean,
    /// A running variance.
    RVar,
    /// Any other buffer of floats: as constructed.
    Keep,
    /// A parameter of at least two dimensions.
    W,
    /// A one-dimensional parameter called `weight`.
    One,
    /// Another one-dimensional parameter.
    Zero,
    /// A parameter without dimensions.
    Scal,
}

impl Kind {
    /// The values of tensor number `t` of a shape, row-major; `None` where the tensor stays as constructed.
    pub fn values(self, t: u32, shape: &[usize]) -> Option<Vec<f32>> {
        let n: usize = shape.iter().product();
        let n = u32::try_from(n).ok()?;
        let scaled = |scale: f32| Some((0..n).map(|i| scale * u(t, i)).collect());
        let around = |centre: f32, scale: f32| Some((0..n).map(|i| centre + scale * u(t, i)).collect());
        match self {
            Kind::Skip | Kind::Keep => None,
            Kind::RMean | Kind::Zero => scaled(0.1),
            Kind::RVar | Kind::One => around(1.0, 0.25),
            Kind::Scal => around(0.5, 0.25),
            Kind::W => {
                let fan = f64::from(n) / *shape.first().filter(|&&d| d > 0)? as f64;
                scaled((6.0 / fan).sqrt().min(1.0) as f32)
            }
        }
    }
}

/// `n` values of images, row-major: noise on a slow triangle.
pub fn images(n: usize) -> Vec<f32> {
    (0..n as u32)
        .map(|i| {
            let triangle = ((i / 16 % 128) as f32 - 64.0).abs() / 32.0 - 1.0;
            0.5 * u(IMAGE, i) + 0.5 * triangle
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed with eight decimals: equal where the printed digits are.
    fn assert_prints(found: &[f32], expected: &[&str]) {
        let printed: Vec<String> = found.iter().map(|v| format!("{v:.8}")).collect();
        assert_eq!(printed, expected);
    }

    #[test]
    fn the_hash_gives_the_published_numbers() {
        assert_eq!(mix(1), 1_753_845_952);
        assert_eq!(mix(0xdead_beef), 3_861_431_939);
        assert_prints(&[0, 1, 2, 3].map(|i| u(0, i)), &["-0.98446977", "0.24463916", "-0.94045091", "-0.87855399"]);
        assert_prints(&[u(7, 1_000_003)], &["-0.69286191"]);
    }

    #[test]
    fn images_are_the_published_ones() {
        let x = images(2 * 3 * 32 * 32);
        assert_prints(&x[..4], &["0.82003969", "0.68372458", "0.91308779", "0.34941864"]);
        assert_prints(&x[3072..3073], &["-0.36286068"]);
    }

    #[test]
    fn each_kind_gives_the_published_values() {
        assert_prints(&Kind::One.values(3, &[3]).unwrap(), &["0.96024799", "0.91998279", "0.98455656"]);
        let w = Kind::W.values(4, &[2, 3, 3, 3]).unwrap();
        assert_prints(&w[..3], &["-0.45115295", "0.40616682", "0.09440827"]);
        assert_prints(&Kind::Zero.values(5, &[3]).unwrap(), &["-0.02605902", "0.08053370", "0.06301842"]);
    }

    #[test]
    fn what_stays_as_constructed_has_no_values() {
        assert_eq!(Kind::Skip.values(0, &[2]), None);
        assert_eq!(Kind::Keep.values(0, &[2, 2]), None);
        assert_eq!(Kind::Scal.values(0, &[]).map(|v| v.len()), Some(1));
        // A small fan: the scale is at most 1.
        let w = Kind::W.values(1, &[5, 2]).unwrap();
        assert_eq!(w, (0..10).map(|i| u(1, i)).collect::<Vec<_>>());
    }
}
