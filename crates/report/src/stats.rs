//! The few statistics that the report prints: proportions and means with 95 % intervals, and quantiles.
//!
//! Nothing here knows what is counted. Invariants: values that are not finite are left out and never reach a result;
//! where there is too little to say something, the answer is `None`, not a number that looks like one.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};

/// Where a two-sided 95 % interval ends.
const UPPER: f64 = 0.975;
/// That quantile of the standard normal distribution: half width of the interval.
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

/// The 0.975 quantile of Student's distribution with `freedom` ≥ 1 degrees.
fn student_quantile(freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64).map_or(f64::NAN, |t| t.inverse_cdf(UPPER))
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

/// How much of the variance of repeated measurements is between the things measured: the intraclass correlation of the one-way
/// random-effects model, ICC(1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Icc {
    /// (MSB − MSW) / (MSB + (n₀ − 1)·MSW): 1 where all measurements of a thing agree, 0 where things differ no more than chance
    /// makes them, below it where they differ less.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Estimated standard deviation between things, measured without noise; 0 where the estimate is negative.
    pub between: f64,
    /// Standard deviation of one measurement around its thing's mean.
    pub within: f64,
    /// Things with a measurement.
    pub groups: usize,
    /// Measurements.
    pub values: usize,
}

impl Icc {
    /// Of groups of measurements, one a thing; groups may differ in size. n₀ = (N − Σnᵢ²/N)/(k − 1), and the interval is that
    /// of Shrout and Fleiss ("Intraclass correlations: uses in assessing rater reliability", Psychological Bulletin 86, 1979),
    /// exact for equal groups. `None` for fewer than two groups, for no group with two values, and where no two values differ.
    pub fn of(groups: &[&[f64]]) -> Option<Icc> {
        let finite = |group: &&[f64]| group.iter().copied().filter(|value| value.is_finite()).collect::<Vec<f64>>();
        let groups: Vec<Vec<f64>> = groups.iter().map(finite).filter(|group| !group.is_empty()).collect();
        let (k, n) = (groups.len(), groups.iter().map(Vec::len).sum::<usize>());
        if k < 2 || n <= k {
            return None;
        }
        let centre = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let all = groups.iter().flatten().sum::<f64>() / n as f64;
        let (mut between, mut within, mut sizes) = (0.0, 0.0, 0.0);
        for group in &groups {
            let own = centre(group);
            between += group.len() as f64 * (own - all).powi(2);
            within += group.iter().map(|value| (value - own).powi(2)).sum::<f64>();
            sizes += (group.len() as f64).powi(2);
        }
        let (msb, msw) = (between / (k - 1) as f64, within / (n - k) as f64);
        let n0 = (n as f64 - sizes / n as f64) / (k - 1) as f64;
        let whole = msb + (n0 - 1.0) * msw;
        if whole <= 0.0 {
            return None;
        }
        let ends = |f: f64| if f.is_finite() { (f - 1.0) / (f + n0 - 1.0) } else { 1.0 };
        let f = msb / msw;
        Some(Icc {
            value: (msb - msw) / whole,
            low: ends(f / f_quantile(k - 1, n - k)),
            high: ends(f * f_quantile(n - k, k - 1)),
            between: ((msb - msw) / n0).max(0.0).sqrt(),
            within: msw.sqrt(),
            groups: k,
            values: n,
        })
    }
}

/// The 0.975 quantile of the F distribution with these degrees of freedom, at least one each.
fn f_quantile(above: usize, below: usize) -> f64 {
    FisherSnedecor::new(above as f64, below as f64).map_or(f64::NAN, |f| f.inverse_cdf(UPPER))
}

/// A correlation with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Correlation {
    /// Between −1 and 1.
    pub value: f64,
    /// Lower end of the interval; `None` for fewer than four pairs.
    pub low: Option<f64>,
    /// Upper end of the interval; `None` for fewer than four pairs.
    pub high: Option<f64>,
}

/// Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank. The interval is Fisher's, tanh(atanh r ±
/// z·√((1 + r²/2)/(n − 3))), with the variance of Bonett and Wright ("Sample size requirements for estimating Pearson, Kendall and
/// Spearman correlations", Psychometrika 65, 2000). `None` for fewer than two pairs or where one side is all the same.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let (x, y) = (ranks(x), ranks(y));
    let n = x.len().min(y.len());
    if n < 2 {
        return None;
    }
    let centre = (n as f64 + 1.0) / 2.0;
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - centre) * (b - centre)).sum::<f64>();
    let (xx, yy) = (sum(&x, &x), sum(&y, &y));
    if xx <= 0.0 || yy <= 0.0 {
        return None;
    }
    let value = (sum(&x, &y) / (xx * yy).sqrt()).clamp(-1.0, 1.0);
    let half = (n > 3).then(|| Z_95 * ((1.0 + value * value / 2.0) / (n as f64 - 3.0)).sqrt());
    let end = |sign: f64| half.map(|half| libm::tanh(libm::atanh(value) + sign * half));
    Some(Correlation { value, low: end(-1.0), high: end(1.0) })
}

/// The rank of each value, from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let same = order[from..].iter().take_while(|&&at| values[at] == values[order[from]]).count().max(1);
        for &at in &order[from..from + same] {
            ranks[at] = from as f64 + (same as f64 + 1.0) / 2.0;
        }
        from += same;
    }
    ranks
}

/// Kendall's tau-b: (concordant − discordant) / √((pairs − ties in x)(pairs − ties in y)) (M. G. Kendall, "The treatment of ties in
/// ranking problems", Biometrika 33, 1945). `None` where one side is all the same.
pub fn kendall(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len().min(y.len());
    let (mut score, mut in_x, mut in_y) = (0_i64, 0_u64, 0_u64);
    for i in 0..n {
        for j in 0..i {
            let (a, b) = (x[i].total_cmp(&x[j]) as i64, y[i].total_cmp(&y[j]) as i64);
            score += a * b;
            in_x += u64::from(a != 0);
            in_y += u64::from(b != 0);
        }
    }
    (in_x > 0 && in_y > 0).then(|| score as f64 / (in_x as f64 * in_y as f64).sqrt())
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

    #[test]
    fn the_intraclass_correlation_is_the_published_one() {
        // Six targets, four judges: the example of Shrout and Fleiss, 1979; ICC(1,1) = 0.17, interval -0.133 to 0.723.
        let ratings: [&[f64]; 6] = [
            &[9.0, 2.0, 5.0, 8.0],
            &[6.0, 1.0, 3.0, 2.0],
            &[8.0, 4.0, 6.0, 8.0],
            &[7.0, 1.0, 2.0, 6.0],
            &[10.0, 5.0, 6.0, 9.0],
            &[6.0, 2.0, 4.0, 7.0],
        ];
        let found = Icc::of(&ratings).unwrap();
        near(found.value, 0.1657, 5e-5);
        near(found.low, -0.133, 1e-3);
        near(found.high, 0.723, 1e-3);
        assert_eq!((found.groups, found.values), (6, 24));
    }

    #[test]
    fn the_intraclass_correlation_knows_its_ends() {
        let same = Icc::of(&[&[1.0, 1.0], &[2.0, 2.0], &[4.0, 4.0]]).unwrap();
        assert_eq!((same.value, same.low, same.high, same.within), (1.0, 1.0, 1.0, 0.0));
        let noise = Icc::of(&[&[1.0, 3.0], &[3.0, 1.0], &[1.0, 3.0]]).unwrap();
        assert!(noise.value < 0.0 && noise.between == 0.0 && noise.low <= noise.value && noise.value <= noise.high);
        assert_eq!(Icc::of(&[&[1.0, 2.0]]), None, "one thing");
        assert_eq!(Icc::of(&[&[1.0], &[2.0]]), None, "no thing twice");
        assert_eq!(Icc::of(&[&[1.0, 1.0], &[1.0, 1.0]]), None, "nothing differs");
        let unequal = Icc::of(&[&[1.0, 1.1, f64::NAN], &[2.0], &[3.0, 3.1, 2.9]]).unwrap();
        assert_eq!((unequal.groups, unequal.values), (3, 6));
        assert!(unequal.value > 0.95);
    }

    #[test]
    fn quantiles_of_f_are_those_of_the_tables() {
        for (above, below, expected) in
            [(1, 1, 647.789), (5, 18, 3.3820), (18, 5, 6.3619), (2, 10, 5.4564), (10, 30, 2.5112), (120, 120, 1.4327)]
        {
            near(f_quantile(above, below) / expected, 1.0, 2e-4);
        }
    }

    #[test]
    fn rank_correlations_share_ties() {
        let (up, down) = ([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0]);
        assert_eq!((spearman(&up, &up).unwrap().value, kendall(&up, &up)), (1.0, Some(1.0)));
        assert_eq!((spearman(&up, &down).unwrap().value, kendall(&up, &down)), (-1.0, Some(-1.0)));
        // By hand: ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4; one pair tied of six.
        let (x, y) = ([1.0, 2.0, 2.0, 3.0], [10.0, 30.0, 20.0, 40.0]);
        near(spearman(&x, &y).unwrap().value, 4.5 / (4.5_f64 * 5.0).sqrt(), 1e-12);
        near(kendall(&x, &y).unwrap(), 5.0 / 30_f64.sqrt(), 1e-12);
        assert_eq!((spearman(&[1.0, 1.0], &[1.0, 2.0]), kendall(&[1.0, 1.0], &[1.0, 2.0])), (None, None));
        assert_eq!((spearman(&[], &[]), kendall(&[], &[])), (None, None));
        let wide = spearman(&x, &y).unwrap();
        assert!(wide.low.unwrap() < wide.value && wide.value < wide.high.unwrap() && wide.high.unwrap() <= 1.0);
        assert_eq!(spearman(&up[..3], &up[..3]).unwrap().low, None);
    }
}
