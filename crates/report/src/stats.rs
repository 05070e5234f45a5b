//! The few statistics that the report prints: proportions and means with 95 % intervals, and quantiles.
//!
//! Nothing here knows what is counted. Invariants: values that are not finite are left out and never reach a result;
//! where there is too little to say something, the answer is `None`, not a number that looks like one.

use serde::Serialize;

/// The 0.975 quantile of the standard normal distribution: half width of a two-sided 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;

/// So many of so many, with the Wilson score interval of the proportion behind it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// How many have the property.
    pub count: u64,
    /// Out of how many.
    pub total: u64,
    /// `count / total`; `None` out of nothing.
    pub share: Option<f64>,
    /// Lower end of the 95 % interval.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval.
    pub high: Option<f64>,
}

impl Share {
    /// The share and its interval. A `count` over `total` is taken for `total`.
    pub fn of(count: u64, total: u64) -> Share {
        let count = count.min(total);
        let interval = wilson(count, total);
        Share {
            count,
            total,
            share: (total > 0).then(|| count as f64 / total as f64),
            low: interval.map(|interval| interval.0),
            high: interval.map(|interval| interval.1),
        }
    }
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// Values that went into it.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Lower end of the interval; `None` for a single value.
    pub low: Option<f64>,
    /// Upper end of the interval; `None` for a single value.
    pub high: Option<f64>,
}

/// The Wilson score interval of a proportion, at 95 %:
///
/// (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n) with p = count/total, n = total
///
/// (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927). Unlike the
/// textbook interval it stays within 0–1 and is honest at 0 and at 1. `None` out of nothing.
pub fn wilson(count: u64, total: u64) -> Option<(f64, f64)> {
    if total == 0 {
        return None;
    }
    let n = total as f64;
    let p = count.min(total) as f64 / n;
    let z2 = Z_95 * Z_95;
    let centre = p + z2 / (2.0 * n);
    let half = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    Some((((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)))
}

/// The mean of the finite values, and Student's 95 % interval x̄ ± t₀.₉₇₅(n − 1)·s/√n, where s² is the sample variance
/// with n − 1 below (Student, "The probable error of a mean", Biometrika 6, 1908). `None` without a finite value.
///
/// The interval takes the values for independent draws around one mean; candidates of one cycle come from one model,
/// so it speaks of that model's candidates, not of other runs.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<Mean> {
    let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let half = (values.len() > 1).then(|| {
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        student_quantile(values.len() - 1) * (variance / n).sqrt()
    });
    Some(Mean { count: values.len(), mean, low: half.map(|half| mean - half), high: half.map(|half| mean + half) })
}

/// The 0.975 quantile of Student's distribution with `freedom` ≥ 1 degrees, by bisection on its distribution function.
fn student_quantile(freedom: usize) -> f64 {
    if freedom > 400 {
        // First term of the Cornish–Fisher expansion (Abramowitz and Stegun 26.7.5); its error is below 1e-5 here.
        return Z_95 + (Z_95.powi(3) + Z_95) / (4.0 * freedom as f64);
    }
    let (mut low, mut high) = (0.0, 16.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if student_two_sided(middle, freedom) < 0.95 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// P(|T| < t) for whole degrees of freedom: the finite sums 26.7.3 and 26.7.4 of Abramowitz and Stegun, "Handbook of
/// Mathematical Functions", in θ = atan(t/√freedom).
fn student_two_sided(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let mut sum = 0.0;
    if freedom.is_multiple_of(2) {
        let mut term = 1.0;
        for k in (2..=freedom).step_by(2) {
            sum += term;
            term *= cosine * cosine * (k - 1) as f64 / k as f64;
        }
        sine * sum
    } else {
        let mut term = cosine;
        for k in (3..=freedom).step_by(2) {
            sum += term;
            term *= cosine * cosine * (k - 1) as f64 / k as f64;
        }
        (angle + sine * sum) * std::f64::consts::FRAC_2_PI
    }
}

/// The `q`-quantile (0–1) of ascending values, linear between neighbours (type 7 of Hyndman and Fan, "Sample quantiles
/// in statistical packages", 1996). `None` of nothing.
pub fn quantile(ascending: &[f64], q: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(ascending[below] + (ascending[above] - ascending[below]) * (at - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() < tolerance, "{a} is not {b}");
    }

    #[test]
    fn wilson_gives_the_published_intervals() {
        // 81 of 263: the example of Newcombe, Statistics in Medicine 17, 1998 (method 3).
        let (low, high) = wilson(81, 263).unwrap();
        near(low, 0.2553, 5e-5);
        near(high, 0.3662, 5e-5);
        // 0 of 20 and 1 of 29 of the same paper.
        let (low, high) = wilson(0, 20).unwrap();
        near(low, 0.0, 1e-12);
        near(high, 0.1611, 5e-5);
        let (low, high) = wilson(1, 29).unwrap();
        near(low, 0.0061, 5e-5);
        near(high, 0.1718, 5e-5);
    }

    #[test]
    fn wilson_is_symmetric_and_knows_nothing_of_nothing() {
        assert_eq!(wilson(0, 0), None);
        for (count, total) in [(0, 1), (1, 1), (3, 7), (50, 100)] {
            let (low, high) = wilson(count, total).unwrap();
            let (other_low, other_high) = wilson(total - count, total).unwrap();
            near(low, 1.0 - other_high, 1e-12);
            near(high, 1.0 - other_low, 1e-12);
            assert!(0.0 <= low && low < high && high <= 1.0);
        }
        assert_eq!(Share::of(0, 0).share, None);
    }

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        for (freedom, expected) in [
            (1, 12.7062),
            (2, 4.3027),
            (3, 3.1824),
            (4, 2.7764),
            (5, 2.5706),
            (9, 2.2622),
            (10, 2.2281),
            (30, 2.0423),
            (100, 1.9840),
        ] {
            near(student_quantile(freedom), expected, 5e-5);
        }
        near(student_quantile(1000), 1.9623, 5e-5);
        near(student_quantile(400), student_quantile(401), 1e-4);
    }

    #[test]
    fn a_mean_leaves_out_what_is_not_a_number() {
        let found = mean([1.0, f64::NAN, 2.0, 3.0, f64::INFINITY]).unwrap();
        assert_eq!((found.count, found.mean), (3, 2.0));
        near(found.high.unwrap() - 2.0, 4.3027 / 3f64.sqrt(), 1e-4);
        near(2.0 - found.low.unwrap(), 4.3027 / 3f64.sqrt(), 1e-4);
        assert_eq!(mean([f64::NAN]), None);
        let single = mean([0.25]).unwrap();
        assert_eq!((single.mean, single.low), (0.25, None));
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!(quantile(&values, 1.0), Some(8.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
